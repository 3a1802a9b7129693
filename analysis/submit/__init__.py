"""The files of an XTREME submission."""
