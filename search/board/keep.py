"""What a sweep leaves on disk of the stages that have ended, so that disk use stays bounded while it runs."""

from typing import Literal

from search.board.arms import StratumState
from search.board.store import Store

KeepPolicy = Literal["none", "winners", "all"]  # encoders


def drop_unneeded_files(state: StratumState, store: Store, keep: KeepPolicy) -> None:
    """Remove what a settled stratum needs no more: checkpoints, losers' encoders, its winner's once no child waits."""
    for arm in state.arms:
        if arm.outcome is None:
            continue
        store.drop_checkpoint(arm.stage.key)
        if keep != "all" and arm is not state.winner:
            store.drop_encoder(arm.stage.key)
    if keep == "none" and state.winner is not None and all(child.is_settled for child in state.children):
        store.drop_encoder(state.winner.stage.key)
