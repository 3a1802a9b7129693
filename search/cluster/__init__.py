"""Ray's nodes: start or join them, check them, watch them."""
