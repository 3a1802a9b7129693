"""Parsers of single flag values.

argparse calls those that raise ArgumentTypeError. The others are called once the benchmark is known, and raise
UsageError.
"""

import math
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Literal, TypeVar

from spaces.errors import UsageError
from spaces.space import Range

AUTO: Literal["auto"] = "auto"  # --gpus-per-trial: shares by measured memory, see search/driver/packing.py
MAX_TRIALS_PER_GPU = 4  # trials that such shares put on one GPU

Value = TypeVar("Value")


def parse_list(flag: str, text: str, parse_item: Callable[[str], Value]) -> tuple[Value, ...]:
    """Return the items of a comma-separated list. Raise UsageError, with the name of the flag, for an empty item."""
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise UsageError(f"--{flag} {text!r}: an item is empty. Give a list such as a,b.")
    return tuple(parse_item(item) for item in items)


def parse_seed(text: str) -> int:
    """Return a seed. Raise UsageError unless the text is a whole number from 0 up."""
    if not text.isdecimal():
        raise UsageError(f"--seeds: a seed is a whole number from 0 up, got {text!r}.")
    return int(text)


def parse_rates(text: str) -> tuple[float, ...] | Range:
    """Return the learning rates of a list `X,Y`, or the range that `LOW..HIGH` or `LOW..HIGH:DRAWS` names."""
    if ".." not in text:
        return parse_list("learning-rates", text, _parse_rate)
    low, _, rest = text.partition("..")
    high, _, draws = rest.partition(":")
    if draws and not draws.isdecimal():
        raise UsageError(f"--learning-rates {text!r}: the number of draws is a whole number, got {draws!r}.")
    return Range(_parse_rate(low), _parse_rate(high), *([int(draws)] if draws else []))


def _parse_rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise UsageError(f"--learning-rates: a learning rate is a number such as 1e-5, got {text!r}.") from None
    if not 0 < rate < math.inf:
        raise UsageError(f"--learning-rates: a learning rate is above 0, got {text}.")
    return rate


def parse_whole_number(text: str, least: int = 1) -> int:
    """Return a whole number from `least` up. Raise ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text) < least:
        raise ArgumentTypeError(f"a whole number from {least} up is needed, got {text!r}")
    return int(text)


def parse_non_negative_float(text: str) -> float:
    """Return a finite number from 0 up. Raise ArgumentTypeError for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise ArgumentTypeError(f"a number from 0 up is needed, got {text!r}")
    return number


def parse_gpus(text: str) -> float | Literal["auto"]:
    """Return a number from 0 up, or `auto`. Raise ArgumentTypeError for anything else."""
    return AUTO if text == AUTO else parse_non_negative_float(text)
