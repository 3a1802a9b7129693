"""Encoders: loading, saving, heads for masked words, layer fusion."""
