"""Retrieval without training: sentence embeddings, neighbours, mining, ranking."""
