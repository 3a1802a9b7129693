"""Examples, features (the input of encoders), and memory-mapped tables of features."""
