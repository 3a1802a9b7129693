"""Ray's nodes: starting or joining them, checking them, watching them."""
