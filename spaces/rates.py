"""The learning rates of a stratum: their order, and those of methods that need others than plain training.

A sweep has one axis of rates, for plain training. A method whose steps are of another size has a factor in its row.
"""

from dataclasses import replace

from spaces.method import METHODS
from spaces.space import Range


def scale_rates(rates: tuple[float, ...] | Range, method: str | None) -> tuple[float, ...] | Range:
    """Return the learning rates of a method (None: plain training) where those of plain training are `rates`."""
    factor = 1.0 if method is None else METHODS[method].rate_factor
    if factor == 1.0:
        return rates
    if isinstance(rates, Range):
        return replace(rates, low=_multiply(rates.low, factor), high=_multiply(rates.high, factor))
    return tuple(_multiply(rate, factor) for rate in rates)


def _multiply(rate: float, factor: float) -> float:
    """Return a product without the last digits, which rounding leaves: rates are part of keys, and are shown."""
    return float(f"{rate * factor:.12g}")


def sort_middle_first(rates: tuple[float, ...]) -> tuple[float, ...]:
    """Return the rates with the middle one, the best most often, first: ASHA never stops the first arm of a rung."""
    ascending = sorted(rates)
    middle = (len(ascending) - 1) / 2
    return tuple(sorted(ascending, key=lambda rate: (abs(ascending.index(rate) - middle), rate)))
