"""Score files, and the rows of the runs that count in them."""
