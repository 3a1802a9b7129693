"""Retrieval without training: sentence embeddings, nearest neighbours, mining, ranking."""
