"""What a user takes away after a sweep: the model that is chosen, its folder, its card, and its upload."""
