"""From files to the rows of the runs that count."""
