"""The parts of `sweep.json`, a sweep's own file, that the search writes and both search and analysis read."""

from collections.abc import Mapping
from dataclasses import dataclass

SWEEP_FILE = "sweep.json"
SWEEP_VERSION = 1


@dataclass(frozen=True, slots=True)
class DecidedChain:
    """A chain that a race gave no further seeds: the seeds that it was given, and how many the sweep has."""

    seeds: tuple[int, ...]
    of_seeds: int


def parse_decided(decided: Mapping[str, Mapping[str, object]]) -> dict[str, DecidedChain]:
    """Return the chains under `decided` by name, such as `{"shuffled": {"after": [0, 1, 2], "of": 8}}`.

    Raises ValueError for anything else.
    """
    chains = {}
    try:
        for chain, entry in decided.items():
            seeds, of_seeds = entry["after"], entry["of"]
            if not isinstance(seeds, list) or not isinstance(of_seeds, int):
                raise ValueError(f"{chain}: {entry} has no list `after` and no number `of`")
            chains[str(chain)] = DecidedChain(tuple(seeds), of_seeds)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"a chain is decided by a list `after` and a number `of`: {error!r}") from error
    return chains
