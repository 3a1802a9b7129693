"""Where results lie: a folder or object storage, behind one small interface (base)."""
