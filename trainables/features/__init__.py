"""Examples, the features that encoders read, and memory-mapped tables of them."""
