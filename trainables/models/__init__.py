"""Encoders: loading, saving, checking and caching them, the head for masked words, layer fusion."""
