"""Worlds in which it is known whether alignment rises, and whether its rise goes with gain."""

from dataclasses import dataclass

import numpy as np

from analysis.questions.alignment_values import MEASURES, Alignment

CHAINS = ("anli", "mnli", "qqp", "squad", "ccg", "random", "mlm")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Standard deviations and means in points."""

    rise: float = 0.0  # mean rise of tasks over the controls
    tasks: float = 2.0  # how far tasks differ in rise, and in gain
    slope: float = 0.0  # points of gain per point of rise, over tasks and over languages
    noise: float = 1.0  # over seeds


def world(draw: np.random.Generator, truth: Truth, seeds: int = 3) -> Alignment:
    """One sweep: 5 tasks with both controls, 3 targets, 4 layers, 5 languages.

    A seed moves all layers and languages of a chain together, and each by itself. The gains of tasks and languages are
    drawn independently of their alignment, except for `slope`.
    """
    measures, chains, layers, languages, targets = len(MEASURES), len(CHAINS), 4, 5, 3
    start = draw.normal(40, 5, (measures, layers, languages))
    control = np.array([name in ("random", "mlm") for name in CHAINS])
    level = np.where(control, 0.0, truth.rise + truth.tasks * draw.normal(size=chains))
    by_language = truth.tasks * draw.normal(size=(1, languages)) + truth.tasks / 2 * draw.normal(
        size=(chains, languages)
    )
    by_language -= by_language.mean(axis=1, keepdims=True)
    rise = level[:, None] + by_language  # [chains, languages]
    seeds_of = truth.noise * draw.normal(size=(measures, chains, 1, 1, seeds))
    noise = truth.noise * draw.normal(size=(measures, chains, layers, languages, seeds))
    phase = start[:, None, ..., None] + rise[None, :, None, :, None] + seeds_of + noise
    ends = np.repeat(np.concatenate([start[:, None, ..., None].repeat(seeds, -1), phase], 1)[:, :, None], targets, 2)
    ends = ends + truth.noise * draw.normal(size=ends.shape)
    worth = truth.tasks * (draw.normal(size=(chains, 1, 1)) + draw.normal(size=(1, 1, languages)))
    gains = truth.slope * rise[:, None] + worth * (truth.slope == 0) + draw.normal(size=(chains, targets, languages))
    return Alignment(
        chains=CHAINS,
        controls=("random", "mlm"),
        targets=("xnli", "udpos", "xquad"),
        layers=(0, 1, 2, 3),
        languages=("a", "b", "c", "d", "e"),
        seeds=tuple(range(seeds)),
        at_start=start,
        unaligned=np.zeros_like(start),
        after_phase=phase,
        after_target=ends,
        anisotropy=(50.0, 50.0),
        gains=gains,
    )
