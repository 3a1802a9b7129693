"""Every run of a cell, not only the one that counts: its English dev by tenth, and its test scores.

Only runs of the same stratum are compared: same task, parent and seed, another learning rate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.questions.target_scores import average_english_dev
from analysis.scores.choose import average_metrics, select_contenders
from analysis.scores.tidy import ARM_COLUMNS, CELL_COLUMNS, decode_categories
from analysis.statistics.decisions import Decision
from analysis.statistics.moments import Array
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.language import ENGLISH
from spaces.stage import TENTHS

INTERMEDIATE_RUNS = "intermediate runs"  # the name of strata without a target


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

    def decide(self, criterion: Array, utility: Array) -> Decision:
        """Return the choice of a run by `criterion`, judged by `utility`; both are one number per run."""
        return Decision(
            target=self.target,
            seed=self.seed,
            group=self.intermediate,
            alternatives=tuple(f"{rate:g}" for rate in self.rates),
            criterion=criterion,
            utility=utility,
        )


def collect_strata(transfer: Transfer) -> tuple[ArmStratum, ...]:
    """Return all strata with learning rates, of intermediate stages first; raise UsageError for contradictions.

    Ceilings are left out: what English dev chooses for them is no zero-shot choice.
    """
    return (*_collect_intermediate_strata(transfer.loaded_scores.intermediate_rows), *_collect_target_strata(transfer))


def _collect_target_strata(transfer: Transfer) -> Iterator[ArmStratum]:
    rows = select_contenders(transfer.loaded_scores).filter(pl.col("learning_rate").is_not_null())
    rows = rows.filter(~pl.col("intermediate").cast(pl.String).is_in(transfer.loaded_scores.ceilings))
    curves = average_english_dev(transfer, rows, [*ARM_COLUMNS, "tenth"])
    foreign = rows.filter(pl.col("language") != ENGLISH, split="test")
    languages = average_metrics(foreign, transfer.metrics, [*ARM_COLUMNS, "language"]).drop_nulls("score")
    wanted = languages.group_by("target").agg(wanted=pl.col("language").n_unique())
    zero_shot = languages.group_by(ARM_COLUMNS).agg(others=pl.col("score").mean(), there=pl.len())
    zero_shot = zero_shot.join(wanted, on="target").filter(pl.col("there") == pl.col("wanted"))
    runs = decode_categories(rows.group_by(ARM_COLUMNS).agg(pl.col("status").first()))
    yield from _group_runs(runs.join(zero_shot, on=ARM_COLUMNS, how="left"), curves)


def _collect_intermediate_strata(rows: pl.DataFrame) -> Iterator[ArmStratum]:
    """Yield the strata of intermediate stages; their parent is the seed's pretrained encoder."""
    stages = rows.filter(pl.col("learning_rate").is_not_null()).with_columns(target=pl.lit(INTERMEDIATE_RUNS))
    dev = stages.filter(pl.col("official"), split="dev", language=ENGLISH)
    curves = dev.group_by(*ARM_COLUMNS, "tenth").agg(score=pl.col("value").mean())
    runs = stages.group_by(ARM_COLUMNS).agg(pl.col("status").first(), others=pl.lit(None, pl.Float64))
    yield from _group_runs(runs, curves)


def _group_runs(runs: pl.DataFrame, tenths: pl.DataFrame) -> Iterator[ArmStratum]:
    """Yield strata of `runs` (ARM_COLUMNS, `status`, `others`) and `tenths` (ARM_COLUMNS, `tenth`, share `score`)."""
    curves: dict[tuple[Any, ...], dict[int | None, float]] = {}
    for *arm, tenth, score in tenths.select(*ARM_COLUMNS, "tenth", "score").drop_nulls("score").iter_rows():
        curves.setdefault(tuple(arm), {})[tenth] = score
    for (intermediate, target, seed), arms in runs.sort(ARM_COLUMNS).group_by(CELL_COLUMNS, maintain_order=True):
        finished = arms.filter(status="finished")
        of_arms = [curves.get(arm, {}) for arm in finished.select(ARM_COLUMNS).iter_rows()]
        tenths_of_arms = [[curve.get(tenth) for tenth in range(1, TENTHS + 1)] for curve in of_arms]
        yield ArmStratum(
            intermediate=str(intermediate),
            target=str(target),
            seed=seed,
            rates=tuple(finished["learning_rate"]),
            dev=_to_points([max(curve.values(), default=None) for curve in of_arms]),
            zero_shot=_to_points(finished["others"].to_list()),
            curves=_to_points(tenths_of_arms).reshape(-1, TENTHS),
            censored=arms.height - finished.height,
        )


def _to_points(shares: Sequence[object]) -> Array:
    return np.array(shares, dtype=np.float64) * POINTS_PER_SHARE  # None is NaN
