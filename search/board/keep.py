"""What a sweep leaves on disk of the stages that have ended, so that disk use stays bounded while it runs."""

from typing import Literal

from search.board.arms import Group
from search.board.store import Store

Keep = Literal["none", "winners", "all"]  # encoders


def clean(group: Group, store: Store, keep: Keep) -> None:
    """Remove what a settled stratum needs no more: checkpoints, losers' encoders, its winner's once no child waits."""
    for arm in group.arms:
        if arm.outcome is None:
            continue
        store.drop_checkpoint(arm.stage.key)
        if keep != "all" and arm is not group.winner:
            store.drop_encoder(arm.stage.key)
    if keep == "none" and group.winner is not None and all(child.settled for child in group.children):
        store.drop_encoder(group.winner.stage.key)
