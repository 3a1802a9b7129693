"""The model that is taken away: of the chain that leads the ranking, at the seed that English dev prefers."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analysis.scores import choose
from analysis.statistics.interval import MIN_SEEDS
from analysis.tables.choice_sentences import describe_choice
from analysis.tables.ranking_sentences import describe_leader, list_rivals
from analysis.transfer.array import POINTS_PER_SHARE
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.ranking import Ranking
from spaces.errors import UsageError
from spaces.model_files import ENCODER_FOLDER, MODEL_FOLDER
from spaces.phase import has_phase
from spaces.table import describe_unknown

NOT_SHOWN = "No chain is shown to be better than no intermediate training: this is the best of them, perhaps by chance."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """The model that is taken away, and why it is that one.

    `stage` is the key of the stage that left it, `dev` the English dev score in points of each seed that was compared,
    the mean over `dev_targets`.
    """

    chain: str
    target: str | None = None  # whose fine-tuned model it is; None: the encoder of the chain's phase
    seed: int
    stage: str
    phase_rate: float | None  # learning rate of the intermediate phase; None without one
    target_rate: float | None = None  # of the fine-tuning on the target
    dev: Mapping[int, float]
    dev_targets: tuple[str, ...]
    verdict: tuple[str, ...]  # sentences on the chain

    @property
    def folder(self) -> str:
        """The folder in the stage's folder that holds it."""
        return ENCODER_FOLDER if self.target is None else MODEL_FOLDER

    @property
    def noun(self) -> str:
        """What it is, in a few words."""
        return "encoder" if self.target is None else f"fine-tuned model of {self.target}"

    @property
    def seed_reason(self) -> str:
        """A sentence on why it is this seed."""
        if not self.dev:
            return f"Seed {self.seed}: the lowest, as no target has an English dev score."
        count = len(self.dev_targets)
        over = f"over {count} trained targets" if count > 1 else f"on {self.dev_targets[0]}"
        others = ", ".join(f"seed {seed} {dev:.1f}" for seed, dev in self.dev.items() if seed != self.seed)
        beside = f" ({self.dev[self.seed]:.1f}; {others})" if others else f" ({self.dev[self.seed]:.1f})"
        return f"Seed {self.seed}: the best English dev score of its chain, {over}{beside}."


def choose_encoder(ranking: Ranking) -> ChosenModel:
    """Return the encoder of the chain with the best mean over all targets, as in rank.py.

    Of its seeds the one counts whose trained targets have the best mean English dev score: test scores must not choose.
    Raise UsageError if no chain leads, or the leader has no phase of its own.
    """
    chain = ranking.contests[MEAN_ALL].leader
    if chain is None:
        raise UsageError(describe_leader(ranking, MEAN_ALL))
    if not has_phase(chain):
        raise UsageError(
            f"{chain} leads, which has no intermediate phase: its encoder is {ranking.loaded_scores.model} itself. "
            "Give --target for a fine-tuned model."
        )
    runs = _list_runs(ranking, chain).drop_nulls("parent")
    if runs.is_empty():
        raise UsageError(f"{chain} leads, but no finished run of a target says which encoder it started from.")
    dev = _compute_dev(runs)
    seed = _choose_seed(runs, dev)
    parent = str(runs.filter(seed=seed)["parent"][0])
    sentences = (describe_leader(ranking, MEAN_ALL), list_rivals(ranking.contests[MEAN_ALL]))
    is_shown = ranking.gains[chain, MEAN_ALL].is_gain
    return ChosenModel(
        chain=chain,
        seed=seed,
        stage=parent,
        phase_rate=_find_phase_rate(ranking, parent),
        dev=dev,
        dev_targets=tuple(dict.fromkeys(runs.drop_nulls("dev")["target"])),
        verdict=tuple(filter(None, (*sentences, None if is_shown else NOT_SHOWN))),
    )


def choose_target_model(ranking: Ranking, target: str) -> ChosenModel:
    """Return the fine-tuned model of a target after the best chain for it, as in rank.py; none may be the best.

    Of its seeds the one with the best English dev score counts. Raise UsageError for a target that is unknown, is
    scored by retrieval, or has no finished run.
    """
    if target not in ranking.transfer.targets:
        raise UsageError(f"--target: {describe_unknown('target', target, ranking.transfer.targets)}")
    choice = next((each for each in ranking.target_choices.choices if target in each.targets), None)
    if choice is None:
        raise UsageError(f"--target {target}: no intermediate task has a gain on it.")
    chain = choice.task or ranking.baseline
    runs = _list_runs(ranking, chain).filter(target=target)
    if runs.is_empty():
        raise UsageError(f"--target {target}: {chain} is the best for it, but has no finished run of it.")
    if runs["learning_rate"].null_count():
        raise UsageError(f"--target {target}: retrieval has no fine-tuned model. Take the encoder, without --target.")
    dev = _compute_dev(runs)
    run = runs.row(by_predicate=pl.col("seed") == _choose_seed(runs, dev), named=True)
    remark = f" (no verdict: it takes {MIN_SEEDS} seeds)" if choice.task and choice.rivals is None else ""
    return ChosenModel(
        chain=chain,
        target=target,
        seed=run["seed"],
        stage=run["stage"],
        phase_rate=_find_phase_rate(ranking, run["parent"]),
        target_rate=run["learning_rate"],
        dev=dev,
        dev_targets=(target,),
        verdict=(f"Best task by target{remark}: {describe_choice(choice, len(ranking.transfer.targets))}",),
    )


def _list_runs(ranking: Ranking, chain: str) -> pl.DataFrame:
    """Return the runs of a chain that count, with the key of the stage whose encoder each started from, `parent`."""
    rows = ranking.transfer.loaded_scores.target_rows
    parents = dict(rows.select(pl.col("stage", "parent").cast(pl.String)).unique().iter_rows())
    runs = choose.select_winners(ranking.transfer.runs).filter(intermediate=chain)
    return runs.with_columns(parent=pl.col("stage").cast(pl.String).replace_strict(parents, return_dtype=pl.String))


def _compute_dev(runs: pl.DataFrame) -> dict[int, float]:
    """Return the mean English dev score, in points, of each seed that has the most targets: others do not compare."""
    means = runs.drop_nulls("dev").group_by("seed").agg(targets=pl.len(), dev=pl.col("dev").mean() * POINTS_PER_SHARE)
    most = means.filter(pl.col("targets") == pl.col("targets").max()).sort("seed")
    return dict(most.select("seed", "dev").iter_rows())


def _choose_seed(runs: pl.DataFrame, dev: Mapping[int, float]) -> int:
    """Return the seed with the best dev score, of equal ones the lowest; without any score the lowest of all."""
    return max(dev, key=lambda seed: (dev[seed], -seed)) if dev else min(runs["seed"].to_list())


def _find_phase_rate(ranking: Ranking, parent: str | None) -> float | None:
    """Return the learning rate of the intermediate stage with this key; None for any other."""
    if parent is None:
        return None
    rates = ranking.loaded_scores.intermediate_rows.filter(stage=parent)["learning_rate"].drop_nulls()
    return rates[0] if len(rates) else None
