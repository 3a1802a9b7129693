"""An oracle beside English dev: the choice of learning rate and intermediate task by dev sets in the target languages.

Zero-shot transfer may not see them. What they would have given says how much is lost by a judge that reads English
only (Keung et al. 2020: English dev and target-language scores often disagree). The weights of each run stay those of
the tenth with the best English dev.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from analysis.questions.chains import list_candidates
from analysis.scores.choose import Metrics, average_metrics, list_metrics, resolve_official_metrics, select_contenders
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.chain import NONE
from spaces.language import ENGLISH

CRITERIA = ("dev", "target_dev")  # English dev, and the mean dev over the languages other than English


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOracle:
    """The two choices for one target.

    `gains` are the points, in the mean over the languages other than English, of the run that target-language dev
    chooses above that of English dev: one per seed of the transfer, NaN where they cannot be compared. A task is the
    one with the best mean over the seeds, each at its best rate.
    """

    target: str
    gains: Array
    english_task: str
    oracle_task: str

    @property
    def changes_task(self) -> bool:
        """True if another intermediate task is the best."""
        return self.english_task != self.oracle_task


def judge_target_dev(transfer: Transfer) -> tuple[TargetOracle, ...]:
    """Return the two choices for each target with dev scores in other languages, in the order of the targets.

    The options at a seed are all finished runs of the baseline and of the intermediate tasks that are no controls, if
    none of their languages is missing. A target without two options at any seed is left out.
    """
    candidates = (NONE, *list_candidates(transfer))
    options = _collect_options(transfer).filter(pl.col("intermediate").is_in(candidates))
    oracles = []
    for target in transfer.targets:
        runs = options.filter(target=target)
        gains = np.array([_compare(runs.filter(seed=seed)) for seed in transfer.seeds], np.float64)
        if np.isfinite(gains).any():
            english, oracle = (_choose_task(runs, candidates, criterion) for criterion in CRITERIA)
            oracles.append(TargetOracle(target=target, gains=gains, english_task=english, oracle_task=oracle))
    return tuple(oracles)


def _collect_options(transfer: Transfer) -> pl.DataFrame:
    """Return the finished runs with `dev`, `target_dev` and `zero_shot`, in points; each is complete."""
    rows = select_contenders(transfer.loaded_scores).filter(status="finished")
    rows = rows.filter(pl.col("language") != ENGLISH)
    dev_metrics = resolve_official_metrics(list_metrics(rows), "dev", transfer.metrics)
    target_dev = _average_languages(rows.filter(split="dev"), dev_metrics, "target_dev")
    zero_shot = _average_languages(rows.filter(split="test"), transfer.metrics, "zero_shot")
    runs = transfer.runs.filter(status="finished").select(
        "run", "intermediate", "target", "seed", "learning_rate", "dev"
    )
    options = runs.join(target_dev, on="run").join(zero_shot, on="run")
    options = options.drop_nulls(["dev", "target_dev", "zero_shot"])
    points = [pl.col(name) * POINTS_PER_SHARE for name in (*CRITERIA, "zero_shot")]
    return options.with_columns(points).sort("intermediate", "learning_rate", nulls_last=True)


def _average_languages(rows: pl.DataFrame, metrics: Metrics, name: str) -> pl.DataFrame:
    """Return `run` and its mean over languages, for the runs that lack no language that others of their target have."""
    by_language = average_metrics(rows, metrics, ["run", "target", "language"]).drop_nulls("score")
    wanted = by_language.group_by("target").agg(wanted=pl.col("language").n_unique())
    means = by_language.group_by("run", "target").agg(pl.col("score").mean().alias(name), there=pl.len())
    return means.join(wanted, on="target").filter(pl.col("there") == pl.col("wanted")).select("run", name)


def _compare(runs: pl.DataFrame) -> float:
    """Return the points that the choice by target-language dev is above that by English dev; NaN without a choice."""
    if runs.height < 2:
        return np.nan
    english, oracle = (runs["zero_shot"][int(runs[criterion].arg_max() or 0)] for criterion in CRITERIA)
    return float(oracle - english)


def _choose_task(runs: pl.DataFrame, candidates: Sequence[str], criterion: str) -> str:
    """Return the candidate with the best mean over the seeds that all candidates with a run have; else over its own."""
    best: Mapping[tuple[str, int], float] = {
        (name, seed): value
        for name, seed, value in runs.group_by("intermediate", "seed").agg(pl.col(criterion).max()).iter_rows()
    }
    names = [name for name in candidates if any(name == each for each, _ in best)]
    seeds = sorted({seed for _, seed in best})
    common = [seed for seed in seeds if all((name, seed) in best for name in names)]
    values: dict[str, list[float]] = {name: [] for name in names}
    for name, seed in product(names, common or seeds):
        if (name, seed) in best:
            values[name].append(best[name, seed])
    return max(names, key=lambda name: float(np.mean(values[name])))
