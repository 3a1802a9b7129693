"""Durations, times and sizes as people read them."""


def format_duration(seconds: float) -> str:
    """Return a duration in its natural unit.

    >>> format_duration(45), format_duration(180), format_duration(9000)
    ('45 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def format_time(timestamp: str) -> str:
    """Return an ISO 8601 time in UTC for people.

    >>> format_time("2025-01-31T12:00:00+00:00")
    '2025-01-31 12:00:00 UTC'
    """
    return timestamp.replace("T", " ").replace("+00:00", " UTC")


def format_bytes(number: int) -> str:
    """Return a size in bytes with three digits and a decimal unit.

    >>> format_bytes(999), format_bytes(1_234_567)
    ('999 B', '1.23 MB')
    """
    value, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"
