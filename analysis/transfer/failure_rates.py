"""How often the runs of a chain fail: a degenerate run is a failure, a finished one is none.

Avoiding failures is one of the known effects of an intermediate task (Phang et al. 2018), and means over finished runs
do not show it. Only runs that ended by themselves are counted. Runs that were stopped early are censored: nobody knows
how they would have ended, and as the bad ones are stopped first, failures are undercounted wherever runs are stopped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from analysis.statistics.interval import compute_wilson_interval
from analysis.transfer.array import Transfer
from spaces.chain import phase_of

ENDED = ("finished", "degenerate")


@dataclass(frozen=True, slots=True)
class FailureRate:
    """The failed runs among those that were trained to the end, or until their loss was no number."""

    failed: int
    ended: int

    @property
    def share(self) -> float | None:
        """The share that failed; None without a run."""
        return self.failed / self.ended if self.ended else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's interval of the share, of independent runs; None without a run."""
        return compute_wilson_interval(self.failed, self.ended) if self.ended else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRates:
    """The failure rates of target runs and, on their own, of intermediate runs.

    A run is one training at one learning rate. Targets that share their training are one run. Retrieval trains nothing
    and is not counted.
    """

    targets: Mapping[str, FailureRate]  # of target runs by chain: the baseline, then the intermediates
    phases: Mapping[str, FailureRate]  # of the intermediate runs of each chain's phase, if it has any
    together: FailureRate  # target runs of all intermediates but controls
    phases_together: FailureRate  # intermediate runs but those of controls, each once
    stopped: int  # target runs that were stopped early, and are not counted

    @property
    def any_failed(self) -> bool:
        """True if any run failed, of a target or of an intermediate task."""
        return any(rate.failed for rates in (self.targets, self.phases) for rate in rates.values())


def count_failure_rates(transfer: Transfer) -> FailureRates:
    """Return the failure rates of a transfer's runs, of all learning rates and seeds."""
    scores = transfer.loaded_scores
    runs = transfer.runs.filter(~pl.col("target").is_in(list(scores.retrieval_targets)))
    # Files have no keys of stages: each of their targets is a run of its own.
    key = pl.coalesce("stage", pl.format("run {}", "run"))
    trained = runs.select("intermediate", "status", key=key).unique(["intermediate", "key"])
    counts = _count(trained)
    phases = _count(scores.intermediate_rows.select("intermediate", "status", key="stage").unique())
    chains = {name: counts.get(name, FailureRate(0, 0)) for name in (transfer.baseline, *transfer.intermediates)}
    rivals = [name for name in transfer.intermediates if name not in scores.controls]
    return FailureRates(
        targets=chains,
        phases={name: phases[phase_of(name)] for name in transfer.intermediates if phase_of(name) in phases},
        together=_add_up(chains[name] for name in rivals),
        phases_together=_add_up(phases[name] for name in {phase_of(name) for name in rivals} & phases.keys()),
        stopped=trained.filter(pl.col("status") == "stopped", pl.col("intermediate").is_in(list(chains))).height,
    )


def _count(runs: pl.DataFrame) -> dict[str, FailureRate]:
    """Return the failure rate of each intermediate, from one row per run."""
    failed = (pl.col("status") == "degenerate").sum()
    ended = runs.filter(pl.col("status").is_in(ENDED)).group_by("intermediate").agg(failed=failed, ended=pl.len())
    return {str(name): FailureRate(int(failed), int(count)) for name, failed, count in ended.iter_rows()}


def _add_up(rates: Iterable[FailureRate]) -> FailureRate:
    listed = list(rates)
    return FailureRate(sum(rate.failed for rate in listed), sum(rate.ended for rate in listed))
