"""Sweeps of `--space adversarial` with known effects: random scores to which effects of methods are added."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from analysis.scores.load import load
from analysis.transfer.array import Transfer, build_transfer
from spaces.benchmark import BENCHMARKS
from spaces.space_chains import list_adversarial_chains, list_adversarial_targets

MINIATURE = BENCHMARKS["miniature"]
CHAINS = ("none", *list_adversarial_chains(MINIATURE))
TARGETS = (*list_adversarial_targets(MINIATURE), "pawsx", "pawsx-mixed", "pawsx-perturbed")
Planted = Mapping[tuple[str, str], float]  # chain, target -> points that it scores more


def empty(folder: Path, seeds: int, chains: Sequence[str] = CHAINS) -> Transfer:
    """Return a sweep, read from a file, in which every score is 0.5, in four languages of each target."""
    names = [(target, language) for target in TARGETS for language in MINIATURE.targets[target].languages[:4]]
    cells = [(chain, seed, *name) for chain in chains for seed in range(seeds) for name in names]
    rows = pl.DataFrame(cells, schema=["intermediate", "seed", "target", "language"], orient="row")
    fixed = {"metric": "accuracy", "value": 0.5, "benchmark": MINIATURE.name}
    rows.with_columns(**{name: pl.lit(value) for name, value in fixed.items()}).write_parquet(folder / "scores.parquet")
    return build_transfer(load([folder / "scores.parquet"]))


def world(rng: np.random.Generator, axes: Transfer, planted: Planted | None = None, sd: float = 2.0) -> Transfer:
    """Return the sweep with random scores: a part that all chains share, a part of the chain, and noise, by seed."""
    chains, scored, languages, seeds = axes.scores.shape
    common = rng.normal(0, sd, (1, scored, languages, seeds))
    own = rng.normal(0, sd, (chains, 1, 1, seeds)) / 2 + rng.normal(0, sd, (chains, scored, 1, seeds)) / 2
    scores = 60 + common + own + rng.normal(0, sd / 2, (chains, scored, languages, seeds))
    for (chain, target), points in (planted or {}).items():
        scores[axes.chains.index(chain), axes.targets.index(target)] += points
    return dataclasses.replace(axes, scores=np.where(np.isfinite(axes.scores), scores, np.nan))
