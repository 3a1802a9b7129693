"""Storage of results: a folder or object storage, behind one small interface (base)."""
