"""The state of a sweep's stages: finished, running, ready. Plain Python, without Ray."""
