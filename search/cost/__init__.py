"""What a plan costs before it runs: stages, steps, compute and disk."""
