"""The command line of the simulations: which parts to run, how many worlds, and a stream of random numbers for each."""

import argparse
from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np

Part = TypeVar("Part")


def parser(doc: str | None, parts: Mapping[str, object], *, worlds: int, of: str) -> argparse.ArgumentParser:
    """The flags of a script with this docstring; `worlds` is the default number of its simulated `of`."""
    about, _, rest = (doc or "").partition("\n")
    found = argparse.ArgumentParser(
        description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--part", choices=tuple(parts), action="append", help="only this part; may be repeated")
    found.add_argument("--worlds", type=int, default=worlds, help=f"simulated {of} of each line")
    found.add_argument("--seed", type=int, default=0)
    return found


def picked(given: argparse.Namespace, parts: Mapping[str, Part]) -> Iterator[tuple[Part, np.random.Generator]]:
    """The parts that were asked for, each with its own stream, so that parts do not depend on one another."""
    for name in given.part or parts:
        yield parts[name], np.random.default_rng([given.seed, list(parts).index(name)])
