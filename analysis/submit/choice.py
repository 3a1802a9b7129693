"""The choice of the run that is submitted for each target, by English dev at one seed."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analysis.scores import choose
from analysis.scores.scores import Scores
from analysis.submit.files import OFFICIAL_TASKS
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.table import describe_unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedRun:
    """A finished run, with the key of its stage and the languages in which it was scored."""

    stage: str
    target: str
    intermediate: str
    seed: int
    learning_rate: float | None
    languages: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionChoice:
    """The runs by target; `explanation` says in printed lines how they were chosen."""

    runs: Mapping[str, SubmittedRun]
    seed: int
    chosen_intermediates: Mapping[str, str]  # target -> intermediate task chosen for it
    sweep_targets: frozenset[str]  # targets of the sweep
    explanation: tuple[str, ...]

    def explain_missing(self, target: str) -> str:
        """Return a sentence that says why there is no run of the target."""
        if target not in self.sweep_targets:
            return f"{target}: not a target of this sweep."
        return f"{target}: no finished run after {self.chosen_intermediates[target]}, seed {self.seed}."


def choose_runs(scores: Scores, *, intermediate: str | None, seed: int | None, per_target: bool) -> SubmissionChoice:
    """Choose a run for each target of XTREME that the sweep has, at `seed` or else at the lowest seed of all.

    If `intermediate` is None, take the one with the best mean English dev score over the trained targets, each at its
    best learning rate. An intermediate with finished runs for more targets comes first, because means over different
    targets are not comparable; equals are ordered by name. `per_target` chooses for each trained target by its own dev
    score instead; retrieval has none and takes the choice over all. A control is no candidate. Raise UsageError if the
    intermediate or seed is unknown, or no finished run can be chosen.
    """
    intermediates = tuple(dict.fromkeys((NONE, *scores.intermediates)))
    if intermediate is not None and intermediate not in intermediates:
        raise UsageError(f"--intermediate: {describe_unknown('intermediate', intermediate, intermediates)}")
    if seed is not None and seed not in scores.seeds:
        raise UsageError(f"--seed {seed}: the seeds of this sweep are {', '.join(map(str, scores.seeds))}.")
    seed = min(scores.common_seeds) if seed is None else seed
    targets = [task.target for task in OFFICIAL_TASKS if task.target in scores.targets]
    candidates = [name for name in intermediates if name not in scores.controls]

    rows = choose.select_contenders(scores).filter(pl.col("target").is_in(targets), seed=seed)
    metrics = choose.resolve_official_metrics(choose.list_metrics(rows), "dev", {})
    runs = choose.select_winners(choose.list_runs(rows, metrics))
    with_dev = runs.filter(pl.col("intermediate").is_in(candidates)).drop_nulls("dev")
    if intermediate is None:
        order = _order_by_dev(with_dev)
        if order.is_empty():
            what = f"no finished run of a trained target at seed {seed}"
            raise UsageError(f"{what}. Give --intermediate, or let the sweep go on.")
        intermediate = str(order["intermediate"][0])
        explanation = _explain_order(order, seed)
    else:
        explanation = [f"chosen by --intermediate: {intermediate}, at seed {seed}."]
    chosen = dict.fromkeys(targets, intermediate)
    if per_target:
        best = with_dev.sort("dev", "intermediate", descending=[True, False]).unique("target", maintain_order=True)
        chosen |= dict(best.select("target", "intermediate").iter_rows())
        explanation.append("chosen per target by its English dev score; retrieval has none and follows the mean.")
    submitted = {target: run for target, name in chosen.items() if (run := _find_run(rows, runs, target, name))}
    return SubmissionChoice(
        runs=submitted,
        seed=seed,
        chosen_intermediates=chosen,
        sweep_targets=frozenset(targets),
        explanation=tuple(explanation),
    )


def _order_by_dev(runs: pl.DataFrame) -> pl.DataFrame:
    """Return intermediates, best first, with their number of targets and mean English dev."""
    means = runs.group_by("intermediate").agg(targets=pl.len(), mean=pl.col("dev").mean())
    return means.sort("targets", "mean", "intermediate", descending=[True, True, False])


def _explain_order(order: pl.DataFrame, seed: int) -> list[str]:
    chosen, *others = [f"{name} {100 * mean:.1f} ({count} targets)" for name, count, mean in order.iter_rows()]
    lines = [f"chosen by mean English dev score at seed {seed}: {chosen}."]
    return [*lines, f"the others: {', '.join(others)}."] if others else lines


def _find_run(rows: pl.DataFrame, runs: pl.DataFrame, target: str, intermediate: str) -> SubmittedRun | None:
    """Return the run that counts in a cell, if it has one."""
    cell = runs.filter(target=target, intermediate=intermediate)
    if cell.is_empty():
        return None
    run = cell.row(0, named=True)
    test = rows.filter(run=run["run"], split="test")
    return SubmittedRun(
        stage=run["stage"],
        target=target,
        intermediate=intermediate,
        seed=run["seed"],
        learning_rate=run["learning_rate"],
        languages=frozenset(test["language"].drop_nulls()),
    )
