"""Where rows lie, how they are read, and what is wrong with them."""
