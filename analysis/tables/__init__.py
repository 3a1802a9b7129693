"""Estimates for a terminal, for Markdown and for programs."""
