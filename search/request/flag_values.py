"""Parsers of single flag values.

argparse calls those that raise ArgumentTypeError. The others are called once the benchmark is known, and raise
UsageError.
"""

import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

from spaces.errors import UsageError
from spaces.space import Range
from spaces.stage import TENTHS

AUTO: Literal["auto"] = "auto"  # --gpus-per-trial: shares by measured memory, see search/driver/packing.py
MAX_RANGE = 1000  # seeds of one `a..b`
MAX_TRIALS_PER_GPU = 4  # trials that such shares put on one GPU

Value = TypeVar("Value")


def parse_list(flag: str, text: str, parse_item: Callable[[str], Value]) -> tuple[Value, ...]:
    """Return the items of a comma-separated list. Raise UsageError, with the name of the flag, for an empty item."""
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise UsageError(f"--{flag} {text!r}: an item is empty. Give a list such as a,b.")
    return tuple(parse_item(item) for item in items)


def parse_seeds(text: str) -> tuple[tuple[int, ...], Mapping[str, tuple[int, ...]]]:
    """Return the seeds of all chains, and those of single chains by name, from `0..2,none=0..5`.

    A part is a seed, a range `a..b` with both ends, or either after `CHAIN=`; a chain may be named again. The seeds of
    all chains come first, since `none=0..2,5` could mean two things. Raise UsageError for anything else.
    """
    common: list[int] = []
    of_chain: dict[str, list[int]] = {}
    for part in parse_list("seeds", text, str):
        name, equals, seeds = (piece.strip() for piece in part.rpartition("="))
        if equals and not name:
            raise UsageError(f"--seeds {part!r}: a chain is missing before '='. Write CHAIN=0..5, such as none=0..5.")
        if not equals and of_chain:
            last = next(reversed(of_chain))
            raise UsageError(
                f"--seeds {text!r}: {part} after {last}=... could be of {last} or of all chains. Write {last}={part}, "
                "or the seeds of all chains first."
            )
        (of_chain.setdefault(name, []) if equals else common).extend(_parse_seed_range(seeds))
    for name, listed in (("all chains", common), *of_chain.items()):
        duplicates = sorted({seed for seed in listed if listed.count(seed) > 1})
        if duplicates:
            raise UsageError(f"--seeds {text!r} names {_list(duplicates)} more than once for {name}: give a seed once.")
    return tuple(common), {name: tuple(seeds) for name, seeds in of_chain.items()}


def _parse_seed_range(text: str) -> range:
    low, dots, high = text.partition("..")
    ends = [_parse_seed(low), _parse_seed(high) if dots else _parse_seed(low)]
    if ends[0] > ends[1]:
        raise UsageError(f"--seeds: the range {text} is empty. Write the lower end first: {high}..{low}.")
    if ends[1] - ends[0] >= MAX_RANGE:
        raise UsageError(f"--seeds: the range {text} has more than {MAX_RANGE} seeds.")
    return range(ends[0], ends[1] + 1)


def _parse_seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"--seeds: a seed is a whole number from 0 up, got {text!r}. A range is written 0..5.")
    return int(text)


def _list(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))


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


def parse_tenths(text: str) -> int:
    """Return a number of tenths, from 1 to 10; raise ArgumentTypeError for any other text."""
    tenths = parse_whole_number(text)
    if tenths > TENTHS:
        raise ArgumentTypeError(f"{text} is more than the {TENTHS} tenths of a training.")
    return tenths


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
