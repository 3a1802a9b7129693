"""From flags to a request: everything is checked before Ray starts and before anything is written."""
