"""From flags to a request. Everything is checked before Ray starts and before anything is written."""
