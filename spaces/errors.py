"""The one exception that stands for bad input: a clear line for the user, exit code 2."""


class UsageError(ValueError):
    """What the user asked for cannot be done. The message gives the rule, the value and what to do."""
