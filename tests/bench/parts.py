"""The simulations: which parts to run, how many worlds, a stream of random numbers for each, and a line of a table."""

import argparse
from collections.abc import Callable, Mapping

import numpy as np


def run_parts(doc: str | None, parts: Mapping[str, Callable[..., None]], *, worlds: int, of: str, **more: int) -> None:
    """The command of a script with this docstring: run the parts that are asked for.

    `worlds` is the default number of simulated `of`; `more` are further numbers that every part takes. Each part has
    a stream of its own, so that parts do not depend on one another.
    """
    about, _, rest = (doc or "").partition("\n")
    flags = argparse.ArgumentParser(
        description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_argument("--part", choices=tuple(parts), action="append", help="only this part; may be repeated")
    flags.add_argument("--worlds", type=int, default=worlds, help=f"simulated {of} of each line")
    flags.add_argument("--seed", type=int, default=0)
    for name, number in more.items():
        flags.add_argument(f"--{name}", type=int, default=number, help=f"of each of the {of}")
    given = flags.parse_args()
    for name in given.part or parts:
        rng = np.random.default_rng([given.seed, list(parts).index(name)])
        parts[name](rng, given.worlds, *(getattr(given, each) for each in more))


def row(*cells: object, width: int = 11) -> None:
    print("  ".join(f"{cell:>{width}.3f}" if isinstance(cell, float) else f"{cell!s:>{width}}" for cell in cells))
