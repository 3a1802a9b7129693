"""The model that is taken away: the chain that leads the ranking, at the seed that English dev prefers."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analysis.scores import choose
from analysis.tables.ranking_sentences import describe_leader, list_rivals
from analysis.transfer.array import POINTS_PER_SHARE
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.ranking import Ranking
from spaces.errors import UsageError
from spaces.phase import has_phase


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """The model that is taken away, and why it is that one.

    `stage` is the key of the stage that left it, `dev` the English dev score in points of each seed that was compared,
    the mean over `dev_targets`.
    """

    chain: str
    seed: int
    stage: str
    phase_rate: float | None  # learning rate of the intermediate phase
    dev: Mapping[int, float]
    dev_targets: tuple[str, ...]
    verdict: tuple[str, ...]  # sentences
    is_shown: bool  # the interval of its gain is above 0

    @property
    def label(self) -> str:
        """The model in a few words."""
        return f"the encoder after {self.chain}, seed {self.seed}"

    @property
    def seed_reason(self) -> str:
        """A sentence on why it is this seed."""
        if not self.dev:
            return f"Seed {self.seed}: the lowest, as no target has an English dev score."
        over = f"over {len(self.dev_targets)} trained targets" if len(self.dev_targets) > 1 else self.dev_targets[0]
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
            f"{chain} leads, which has no intermediate phase: its encoder is {ranking.loaded_scores.model} itself."
        )
    rows = ranking.transfer.loaded_scores.target_rows
    parents = dict(rows.select(pl.col("stage", "parent").cast(pl.String)).unique().iter_rows())
    runs = choose.select_winners(ranking.transfer.runs).filter(intermediate=chain)
    runs = runs.with_columns(parent=pl.col("stage").cast(pl.String).replace_strict(parents)).drop_nulls("parent")
    if runs.is_empty():
        raise UsageError(f"{chain} leads, but no finished run of a target says which encoder it started from.")
    dev = _compute_dev(runs)
    seed = max(dev, key=lambda each: (dev[each], -each)) if dev else int(runs["seed"].min())  # type: ignore[arg-type]
    stage = str(runs.filter(seed=seed)["parent"][0])
    rates = ranking.loaded_scores.intermediate_rows.filter(stage=stage)["learning_rate"].drop_nulls()
    return ChosenModel(
        chain=chain,
        seed=seed,
        stage=stage,
        phase_rate=rates[0] if len(rates) else None,
        dev=dev,
        dev_targets=tuple(dict.fromkeys(runs.drop_nulls("dev")["target"])),
        verdict=tuple(filter(None, (describe_leader(ranking, MEAN_ALL), list_rivals(ranking.contests[MEAN_ALL])))),
        is_shown=ranking.gains[chain, MEAN_ALL].is_gain,
    )


def _compute_dev(runs: pl.DataFrame) -> dict[int, float]:
    """Return the mean English dev score, in points, of each seed that has the most targets: others do not compare."""
    means = runs.drop_nulls("dev").group_by("seed").agg(targets=pl.len(), dev=pl.col("dev").mean() * POINTS_PER_SHARE)
    most = means.filter(pl.col("targets") == pl.col("targets").max()).sort("seed")
    return dict(most.select("seed", "dev").iter_rows())
