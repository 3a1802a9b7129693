"""The parts of `sweep.json`, the record of a sweep, that the search writes and both search and analysis read."""

from collections.abc import Mapping
from dataclasses import dataclass

SWEEP_FILE = "sweep.json"
SWEEP_VERSION = 1
READY_ENCODERS = "ready_encoders"  # in the specification: the folder or hub id of each, by its name in chains
START_FOLDER = "model_folder"  # in the specification: the path of `--model` if it is a folder; `model` is its own name


@dataclass(frozen=True, slots=True)
class DecidedChain:
    """A chain that a race gave no further seeds: the seeds it was given, and the sweep's number of seeds."""

    seeds: tuple[int, ...]
    of_seeds: int


def parse_chain_seeds(spec: Mapping[str, object]) -> dict[str, tuple[int, ...]]:
    """Return all seeds of the chains that have more than the others, such as `{"none": [0, 1, 2, 3, 4, 5]}`, by name.

    Raises ValueError for an entry `chain_seeds` of another form. Without it every chain has `seeds`.
    """
    entry = spec.get("chain_seeds", {})
    if not isinstance(entry, dict) or not all(isinstance(seeds, list) for seeds in entry.values()):
        raise ValueError(f"`chain_seeds` must map chains to lists of seeds, got {entry!r}")
    return {str(chain): tuple(seeds) for chain, seeds in entry.items()}


def parse_decided(decided: Mapping[str, Mapping[str, object]]) -> dict[str, DecidedChain]:
    """Return the chains of the entry `decided` by name, such as `{"shuffled": {"after": [0, 1, 2], "of": 8}}`.

    Raises ValueError for an entry of another form.
    """
    chains = {}
    try:
        for chain, entry in decided.items():
            seeds, of_seeds = entry["after"], entry["of"]
            if not isinstance(seeds, list) or not isinstance(of_seeds, int):
                raise ValueError(f"{chain}: a decided chain has a list `after` and a number `of`, got {entry}")
            chains[str(chain)] = DecidedChain(tuple(seeds), of_seeds)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"a decided chain has a list `after` and a number `of`: {error!r}") from error
    return chains
