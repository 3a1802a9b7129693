"""English dev of the intermediate phases beside the trivial answer: was the task learnt at all?

A gain says something about a task only if its phase learnt the task. So each phase is looked at in the runs that count:
the intermediate stages from which the chosen target runs started, at the tenth whose weights were handed on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from analysis.scores.choose import MAJORITY, select_winners
from analysis.statistics.dev_error import bound_variance, combine_variances, compute_seed_variance, is_above
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.chain import phase_of
from spaces.columns import MAJORITY_SUFFIX, MIX_SCORE, TASK_SCORE_SUFFIX
from spaces.language import ENGLISH

OFFICIAL = "official"  # the name of the mean of a phase's official metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseScore:
    """English dev of a phase, or of one task of a mix, in points. What the scores do not tell is None."""

    phase: str
    task: str | None  # of a mix; None: the phase as a whole, of a mix the mean over its tasks
    values: Mapping[int, float]  # by seed
    trivial: float | None  # the score of the trivial answer, mean over the same seeds
    examples: int | None  # of the dev set; of a mix as a whole those of all its tasks
    error: float | None  # standard error of `mean` that so many examples imply
    difference_error: float | None  # standard error of `difference`, over examples and seeds

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return sum(self.values.values()) / len(self.values)

    @property
    def difference(self) -> float | None:
        """The points above the trivial answer; None where that is not recorded."""
        return None if self.trivial is None else self.mean - self.trivial

    @property
    def is_learnt(self) -> bool | None:
        """True if the score is shown to be above the trivial answer; None where the scores do not tell."""
        if self.difference is None or self.difference_error is None:
            return None
        return is_above(self.difference, self.difference_error)


PhaseScores = Mapping[str, tuple[PhaseScore, ...]]  # by phase: the whole, then the tasks of a mix


@dataclass(frozen=True, slots=True)
class _DevScore:
    """One score of the chosen runs of a phase, as shares from 0 to 1."""

    values: Mapping[int, float]  # by seed
    trivial: float | None
    examples: int | None


@dataclass(frozen=True, slots=True)
class _PhaseRows:
    """The dev rows of the chosen runs of a phase, by metric; OFFICIAL is the mean of the official ones."""

    values: Mapping[str, Mapping[int, float]]  # metric -> seed -> share
    examples: Mapping[str, int | None]  # metric -> the fewest of any seed
    is_mix: bool  # judged by the mean over tasks

    @property
    def tasks(self) -> list[str]:
        """The tasks of a mix; none where the rows do not tell them apart."""
        names = (name for name in self.values if self.is_mix and name.endswith(TASK_SCORE_SUFFIX))
        return sorted(name.removesuffix(TASK_SCORE_SUFFIX) for name in names)

    def select_score(self, metric: str, trivial_metric: str, examples: int | None) -> _DevScore:
        """Return a score with that of the trivial answer, which must be recorded at each of its seeds."""
        values, trivial = self.values[metric], self.values.get(trivial_metric, {})
        is_recorded = trivial.keys() >= values.keys()
        mean = sum(trivial[seed] for seed in values) / len(values) if is_recorded else None
        return _DevScore(values, mean, examples)


def measure_phases(transfer: Transfer) -> PhaseScores:
    """Return the dev scores of the phases of the baseline and of all ranked chains, in the order of the chains."""
    kept = _collect_kept_rows(transfer)
    rows = {str(phase): _read_rows(part) for (phase,), part in kept.group_by("phase")}
    phases = dict.fromkeys(phase_of(name) for name in (transfer.baseline, *transfer.intermediates))
    return {phase: _score_phase(phase, rows) for phase in phases if phase in rows}


def _collect_kept_rows(transfer: Transfer) -> pl.DataFrame:
    """Return the dev rows of the chosen intermediate runs at the tenth whose weights were handed on, with `phase`.

    The row of the trivial answer names that tenth. Where there is none it is the best one; of equal ones the last.
    """
    dev = transfer.loaded_scores.intermediate_rows.filter(split="dev", language=ENGLISH)
    dev = dev.drop_nulls(["tenth", "value"]).join(_find_chosen_stages(transfer), on="stage")
    tenths = dev.filter("official").group_by("stage", "tenth").agg(score=pl.col("value").mean())
    best = tenths.sort("score", "tenth").group_by("stage").agg(pl.col("tenth").last())
    named = dev.filter(metric=MAJORITY).group_by("stage").agg(named=pl.col("tenth").max())
    kept = best.join(named, on="stage", how="left").select("stage", kept=pl.coalesce("named", "tenth"))
    return dev.join(kept, on="stage").filter(pl.col("tenth") == pl.col("kept"))


def find_winners(transfer: Transfer) -> pl.DataFrame:
    """Return the target runs that count, with `parent`, the stage that each started from, where there is one."""
    parents = transfer.loaded_scores.target_rows.select(pl.col("stage", "parent").cast(pl.String)).unique("stage")
    return select_winners(transfer.runs).join(parents, on="stage", how="left")


def _find_chosen_stages(transfer: Transfer) -> pl.DataFrame:
    """Return the stages that the chosen target runs started from: `stage` and `phase`."""
    chosen = find_winners(transfer).drop_nulls("parent")
    phases = {name: phase_of(name) for name in chosen["intermediate"].unique()}
    return chosen.select(stage="parent", phase=pl.col("intermediate").replace(phases)).unique("stage")


def _read_rows(rows: pl.DataFrame) -> _PhaseRows:
    metric = pl.when("official").then(pl.lit(OFFICIAL)).otherwise("metric")
    means = rows.group_by("seed", metric=metric).agg(pl.col("value").mean(), pl.col("examples").min()).sort("seed")
    values: dict[str, dict[int, float]] = {}
    for seed, name, value in means.select("seed", "metric", "value").iter_rows():
        values.setdefault(name, {})[seed] = value
    examples = dict(means.group_by("metric").agg(pl.col("examples").min()).iter_rows())
    return _PhaseRows(values, examples, is_mix=MIX_SCORE in rows["metric"])


def _score_phase(phase: str, rows: Mapping[str, _PhaseRows]) -> tuple[PhaseScore, ...]:
    """Return the score of a phase, then that of each task of a mix."""
    own = rows[phase]
    whole = own.select_score(OFFICIAL, MAJORITY, own.examples[OFFICIAL])
    tasks = {
        task: own.select_score(task + TASK_SCORE_SUFFIX, task + MAJORITY_SUFFIX, _count_examples(phase, task, rows))
        for task in own.tasks
    }
    parts = list(tasks.values()) if own.is_mix else [whole]
    return (
        _build_score(phase, None, whole, parts),
        *(_build_score(phase, task, score, [score]) for task, score in tasks.items()),
    )


def _count_examples(phase: str, task: str, rows: Mapping[str, _PhaseRows]) -> int | None:
    """Return the dev examples of a task of a mix.

    A row that counts those of the whole mix tells nothing about one task. Then a phase of the task alone does, because
    both read the same dev set.
    """
    own = rows[phase].examples
    count, total = own[task + TASK_SCORE_SUFFIX], own[OFFICIAL]
    if count is not None and total is not None and count < total:
        return count
    alone = rows.get(task)
    return alone.examples[OFFICIAL] if alone is not None and not alone.is_mix else None


def _build_score(phase: str, task: str | None, score: _DevScore, parts: Sequence[_DevScore]) -> PhaseScore:
    """Return a score in points; `parts` are the dev sets that it is a mean over."""
    own = _combine(parts, [sum(part.values.values()) / len(part.values) for part in parts])
    trivial = _combine(parts, [part.trivial for part in parts])
    spread = compute_seed_variance([*score.values.values()])
    whole = None if own is None or trivial is None else own + trivial + spread
    return PhaseScore(
        phase=phase,
        task=task,
        values={seed: value * POINTS_PER_SHARE for seed, value in score.values.items()},
        trivial=None if score.trivial is None else score.trivial * POINTS_PER_SHARE,
        examples=score.examples,
        error=None if own is None else math.sqrt(own) * POINTS_PER_SHARE,
        difference_error=None if whole is None else math.sqrt(whole) * POINTS_PER_SHARE,
    )


def _combine(parts: Sequence[_DevScore], shares: Sequence[float | None]) -> float | None:
    """Return the variance of a mean over dev sets with these scores; None where a score or a size is unknown.

    There are no parts where the rows do not tell the tasks of a mix apart.
    """
    variances: list[float] = []
    for part, share in zip(parts, shares, strict=True):
        if share is None or not part.examples:
            return None
        variances.append(bound_variance(share, part.examples))
    return combine_variances(variances) if variances else None
