"""The cost of a plan before it runs: stages, steps, compute and disk."""
