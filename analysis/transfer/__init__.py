"""The transfer matrix: the array of scores, its columns, and estimates with their uncertainty."""
