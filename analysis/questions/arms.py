"""Every run of a cell, not only the one that counts: its English dev by tenth, and its test scores.

Only runs of the same stratum are compared: same task, parent and seed, another learning rate.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores.choose import average_metrics, list_metrics, resolve_official_metrics, select_contenders
from analysis.scores.tidy import ARM_COLUMNS, decode_categories
from analysis.statistics.decisions import Decision
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.language import ENGLISH
from spaces.stage import TENTHS

INTERMEDIATE_RUNS = "intermediate runs"  # the name of strata without a target
TENTH_NUMBERS = range(1, TENTHS + 1)

ArmKey = tuple[str, str, int, float]  # intermediate, target, seed, learning rate


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmStratum:
    """The finished runs of one stratum in points, lowest learning rate first.

    `curves` is runs x tenths on English dev, NaN where a tenth left no score. `dev` is the best tenth of each run.
    `zero_shot` is the test mean over the languages other than English; NaN for a run that lacks a language that others
    of its target have, and in an intermediate stage, which has no test.
    """

    intermediate: str
    target: str  # or INTERMEDIATE_RUNS
    seed: int
    rates: tuple[float, ...]
    dev: Array
    zero_shot: Array
    curves: Array
    censored: int  # runs that ended in another way: stopped, degenerate, failed

    @property
    def names(self) -> tuple[str, ...]:
        """The learning rates as text."""
        return tuple(f"{rate:g}" for rate in self.rates)

    def decide(self, criterion: Array, utility: Array) -> Decision:
        """Return the choice of a run by `criterion`, judged by `utility`; both are one number per run."""
        group, names = self.intermediate, self.names
        return Decision(
            target=self.target, seed=self.seed, group=group, alternatives=names, criterion=criterion, utility=utility
        )


def collect_strata(transfer: Transfer) -> tuple[ArmStratum, ...]:
    """Return every stratum that has a run with a learning rate, those of intermediate stages first.

    Raises:
        UsageError: rows contradict each other, or it is not known which metrics count on English dev.
    """
    return (*_collect_intermediate_strata(transfer.loaded_scores.intermediate_rows), *_collect_target_strata(transfer))


def _collect_target_strata(transfer: Transfer) -> Iterator[ArmStratum]:
    rows = select_contenders(transfer.loaded_scores).filter(pl.col("learning_rate").is_not_null())
    dev = rows.filter(pl.col("split") == "dev", pl.col("language") == ENGLISH)
    curves = average_metrics(
        dev, resolve_official_metrics(list_metrics(rows), "dev", transfer.metrics), [*ARM_COLUMNS, "tenth"]
    )
    foreign = rows.filter(pl.col("split") == "test", pl.col("language") != ENGLISH)
    languages = average_metrics(foreign, transfer.metrics, [*ARM_COLUMNS, "language"]).drop_nulls("score")
    language_counts = languages.group_by("target").agg(wanted=pl.col("language").n_unique())
    zero_shot = (
        languages.group_by(ARM_COLUMNS)
        .agg(others=pl.col("score").mean(), there=pl.len())
        .join(language_counts, on="target")
        .filter(pl.col("there") == pl.col("wanted"))
    )
    runs = decode_categories(rows.group_by(ARM_COLUMNS).agg(pl.col("status").first()))
    runs = runs.join(zero_shot.select(*ARM_COLUMNS, "others"), on=ARM_COLUMNS, how="left")
    yield from _group_runs(runs, curves)


def _collect_intermediate_strata(rows: pl.DataFrame) -> Iterator[ArmStratum]:
    """Yield the strata of intermediate stages; their parent is the seed's pretrained encoder."""
    stages = rows.filter(pl.col("learning_rate").is_not_null())
    stages = stages.with_columns(target=pl.lit(INTERMEDIATE_RUNS))
    dev = stages.filter(pl.col("official"), pl.col("split") == "dev", pl.col("language") == ENGLISH)
    curves = dev.group_by(*ARM_COLUMNS, "tenth").agg(score=pl.col("value").mean())
    runs = stages.group_by(ARM_COLUMNS).agg(pl.col("status").first(), others=pl.lit(None, pl.Float64))
    yield from _group_runs(runs, curves)


def _group_runs(runs: pl.DataFrame, tenths: pl.DataFrame) -> Iterator[ArmStratum]:
    """Yield strata of `runs` (ARM_COLUMNS, `status`, `others`) and `tenths` (ARM_COLUMNS, `tenth`, share `score`)."""
    curves: dict[ArmKey, dict[int | None, float]] = {}
    for *arm, tenth, score in tenths.select(*ARM_COLUMNS, "tenth", "score").drop_nulls("score").iter_rows():
        intermediate, target, seed, rate = arm
        curves.setdefault((intermediate, target, seed, rate), {})[tenth] = score
    cells: dict[tuple[str, str, int], list[tuple[float, str, float | None]]] = {}
    for *cell, rate, status, zero_shot in runs.sort(ARM_COLUMNS).select(*ARM_COLUMNS, "status", "others").iter_rows():
        intermediate, target, seed = cell
        cells.setdefault((intermediate, target, seed), []).append((rate, status, zero_shot))
    for (intermediate, target, seed), arms in cells.items():
        finished = [(rate, zero_shot) for rate, status, zero_shot in arms if status == "finished"]
        finished_curves = [curves.get((intermediate, target, seed, rate), {}) for rate, _ in finished]
        yield ArmStratum(
            intermediate=intermediate,
            target=target,
            seed=seed,
            rates=tuple(rate for rate, _ in finished),
            dev=_to_points(max(curve.values(), default=None) for curve in finished_curves),
            zero_shot=_to_points(zero_shot for _, zero_shot in finished),
            curves=np.array(
                [_to_points(curve.get(tenth) for tenth in TENTH_NUMBERS) for curve in finished_curves]
            ).reshape(-1, TENTHS),
            censored=len(arms) - len(finished),
        )


def _to_points(shares: Iterable[float | None]) -> Array:
    return np.array([np.nan if share is None else share for share in shares], dtype=np.float64) * POINTS_PER_SHARE
