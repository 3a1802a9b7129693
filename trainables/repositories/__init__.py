"""Repositories of the hub, each at one commit for a whole sweep: what they hold, and their files."""
