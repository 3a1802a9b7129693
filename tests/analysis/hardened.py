"""Sweeps of `--space adversarial` in which the truth is known: scores are drawn, and effects of methods added."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analysis.scores.load import load
from analysis.transfer.array import Transfer, transfer
from spaces.adversarial_variants import adversarial, targets
from spaces.benchmark import BENCHMARKS

MINIATURE = BENCHMARKS["miniature"]
CHAINS = ("none", *adversarial(MINIATURE))
TARGETS = targets(MINIATURE)
Planted = Mapping[tuple[str, str], float]  # chain, target -> points that it scores more


def empty(run_of: type, write_sweep: Callable[..., Path], folder: Path, seeds: int, chains: Any = CHAINS) -> Transfer:
    """The axes of such a sweep: every score is 0.5."""
    runs = [
        run_of(
            intermediate=chain,
            seed=seed,
            test={target: dict.fromkeys(MINIATURE.targets[target].languages[:4], 0.5) for target in TARGETS},
        )
        for chain in chains
        for seed in range(seeds)
    ]
    return transfer(load([write_sweep(folder, runs)]))


def world(rng: np.random.Generator, axes: Transfer, planted: Planted | None = None, sd: float = 2.0) -> Transfer:
    """The sweep with other scores: by seed a part that all chains share, one of the chain, one of its own."""
    chains, scored, languages, seeds = axes.scores.shape
    common = rng.normal(0, sd, (1, scored, languages, seeds))
    own = rng.normal(0, sd, (chains, 1, 1, seeds)) / 2 + rng.normal(0, sd, (chains, scored, 1, seeds)) / 2
    scores = 60 + common + own + rng.normal(0, sd / 2, (chains, scored, languages, seeds))
    for (chain, target), points in (planted or {}).items():
        scores[axes.chains.index(chain), axes.targets.index(target)] += points
    return dataclasses.replace(axes, scores=np.where(np.isfinite(axes.scores), scores, np.nan))
