"""The share of the intermediate phases under question in the steps of their chains, from the steps in the scores."""

from collections.abc import Collection

import polars as pl

from analysis.transfer.array import Transfer
from spaces.chain import phase_of
from spaces.step_share import StepShare, average_steps


def measure_step_share(transfer: Transfer, chains: Collection[str]) -> StepShare | None:
    """Return the share in the chains named, over their finished runs on trained targets; None where it is unknown.

    All learning rates of a stage take equal steps, so it does not matter which of them counts. Retrieval trains
    nothing: its chains end with the phase, and are left out.
    """
    scores = transfer.loaded_scores
    complete = pl.col("status").is_in(["finished", "degenerate"])  # they took all their steps
    phases = (
        scores.intermediate_rows.lazy()
        .filter(complete)
        .group_by("intermediate", "seed")
        .agg(pl.col("steps").max())
        .drop_nulls("steps")
        .collect()
    )
    phase_steps = {(str(name), seed): steps for name, seed, steps in phases.iter_rows()}
    targets = (
        scores.rows.filter(
            pl.col("target").is_in(list(transfer.targets)),
            pl.col("intermediate").is_in(list(chains)),
            pl.col("steps") > 0,
            status="finished",
        )
        .group_by("intermediate", "target", "seed")
        .agg(pl.col("steps").max())
        .sort("intermediate", "target", "seed")
        .collect()
    )
    pairs = (
        (phase_steps[phase_of(str(chain)), seed], steps)
        for chain, _, seed, steps in targets.iter_rows()
        if (phase_of(str(chain)), seed) in phase_steps
    )
    return average_steps(pairs)
