"""Which run of a sweep is submitted for each target: English dev decides, at one seed."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analysis.scores.choose import (
    list_metrics,
    list_runs,
    resolve_official_metrics,
    select_contenders,
    select_run_rows,
    select_winners,
)
from analysis.scores.load import Scores
from analysis.submit.files import OFFICIAL_TASKS
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.table import describe_unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedRun:
    """A finished run: the key of its stage, and the languages in which it was scored."""

    stage: str
    target: str
    intermediate: str
    seed: int
    learning_rate: float | None
    languages: frozenset[str]

    @property
    def description(self) -> str:
        """The run in a few words."""
        return f"the run after {self.intermediate}, seed {self.seed} (stage {self.stage}),"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionChoice:
    """The runs by target, and how they were chosen, in lines for the screen."""

    runs: Mapping[str, SubmittedRun]
    seed: int
    chosen_intermediates: Mapping[str, str]  # target -> what was chosen for it
    sweep_targets: frozenset[str]  # targets of the sweep
    explanation: tuple[str, ...]

    def explain_missing(self, target: str) -> str:
        """Why there is no run of the target."""
        if target not in self.sweep_targets:
            return f"{target}: it is no target of this sweep."
        return f"{target}: no finished run after {self.chosen_intermediates[target]}, seed {self.seed}."


def choose_runs(read: Scores, *, intermediate: str | None, seed: int | None, per_target: bool) -> SubmissionChoice:
    """Choose a run for each target of XTREME that the sweep has; at `seed`, or else at the lowest of the sweep.

    Without a given `intermediate` it is the one with the best mean English dev score over the trained targets, each
    with its best learning rate. An intermediate with finished runs for more targets comes first, since means over
    different targets do not compare; equals go by name. `per_target` chooses for each trained target by its own dev
    score instead, and leaves retrieval, which has none, to the choice over all. A control is no candidate.

    Raises:
        UsageError: there is no such intermediate or seed, or nothing finished to choose from.
    """
    candidates = [name for name in dict.fromkeys((NONE, *read.intermediates)) if name not in read.controls]
    if intermediate is not None and intermediate not in (NONE, *read.intermediates):
        raise UsageError(
            f"--intermediate: {describe_unknown('intermediate', intermediate, (NONE, *read.intermediates))}"
        )
    if seed is not None and seed not in read.seeds:
        raise UsageError(f"--seed {seed}: the seeds of this sweep are {', '.join(map(str, read.seeds))}.")
    seed = min(read.seeds) if seed is None else seed
    targets = [task.target for task in OFFICIAL_TASKS if task.target in read.targets]

    rows = select_contenders(read).filter(pl.col("target").is_in(targets), pl.col("seed") == seed)
    runs = select_winners(list_runs(rows, resolve_official_metrics(list_metrics(rows), "dev", {})))
    judged = runs.filter(pl.col("intermediate").is_in(candidates)).drop_nulls("dev")
    told: list[str] = []
    if intermediate is None:
        order = _order_by_dev(judged)
        if order.is_empty():
            raise UsageError(f"no finished run of a trained target at seed {seed}: give --intermediate, or let it run.")
        intermediate = str(order["intermediate"][0])
        told = _explain_order(order, seed)
    else:
        told = [f"chosen by --intermediate: {intermediate}, at seed {seed}."]
    names = dict.fromkeys(targets, intermediate)
    if per_target:
        best = judged.sort("dev", "intermediate", descending=[True, False]).unique("target", maintain_order=True)
        names |= dict(best.select("target", "intermediate").iter_rows())
        told.append("chosen per target by its English dev score; retrieval, which has none, by the mean.")
    found = {target: _find_run(rows, runs, target, name) for target, name in names.items()}
    return SubmissionChoice(
        runs={target: run for target, run in found.items() if run is not None},
        seed=seed,
        chosen_intermediates=names,
        sweep_targets=frozenset(targets),
        explanation=tuple(told),
    )


def _order_by_dev(judged: pl.DataFrame) -> pl.DataFrame:
    """Intermediates, best first: number of targets, mean English dev."""
    means = judged.group_by("intermediate").agg(targets=pl.len(), mean=pl.col("dev").mean())
    return means.sort("targets", "mean", "intermediate", descending=[True, True, False])


def _explain_order(order: pl.DataFrame, seed: int) -> list[str]:
    chosen, *others = [f"{name} {100 * mean:.1f} ({count} targets)" for name, count, mean in order.iter_rows()]
    lines = [f"chosen by mean English dev score at seed {seed}: {chosen}."]
    return [*lines, f"the others: {', '.join(others)}."] if others else lines


def _find_run(rows: pl.DataFrame, runs: pl.DataFrame, target: str, intermediate: str) -> SubmittedRun | None:
    """The run that stands for a cell, if it has one."""
    cell = runs.filter(pl.col("target") == target, pl.col("intermediate") == intermediate)
    if cell.is_empty():
        return None
    run = cell.row(0, named=True)
    test = select_run_rows(rows, cell).filter(pl.col("split") == "test")
    return SubmittedRun(
        stage=run["stage"],
        target=target,
        intermediate=intermediate,
        seed=run["seed"],
        learning_rate=run["learning_rate"],
        languages=frozenset(test["language"].drop_nulls()),
    )
