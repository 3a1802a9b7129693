"""Estimates with their uncertainty, from one number per seed. Every module here knows numpy arrays only."""
