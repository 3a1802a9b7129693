"""From numbers per seed to estimates with their uncertainty."""
