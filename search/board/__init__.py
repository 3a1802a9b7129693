"""Which stages are finished, running or may start. Plain Python, without Ray."""
