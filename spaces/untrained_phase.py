"""Phases without training: merges, which average the encoders of other phases, and ready encoders.

All phases of a sweep start from the same encoder, so the mean of their weights is the start plus the mean of their
changes (Wortsman et al. 2022, Ilharco et al. 2023). A ready encoder asks another question: train one, or download one?
"""

from collections.abc import Mapping
from typing import Any

from spaces.chain import Chain, members_of

MERGED, READY = "merged", "ready"  # the one entry of the recipe of such a phase
NO_RATE = (None,)  # their axis of learning rates


def build_untrained_recipe(chain: Chain) -> dict[str, Any]:
    """Return the recipe of a phase without training: the names of its members, or that of its ready encoder.

    In a stage the members are the keys of the stages whose encoders are averaged.
    """
    return {MERGED: sorted(members_of(chain.phase))} if chain.members else {READY: chain.ready}


def is_merge(recipe: Mapping[str, Any] | None) -> bool:
    """Return True for the recipe of a merge."""
    return recipe is not None and MERGED in recipe


def is_ready(recipe: Mapping[str, Any] | None) -> bool:
    """Return True for the recipe of a ready encoder."""
    return recipe is not None and READY in recipe


def is_untrained(recipe: Mapping[str, Any] | None) -> bool:
    """Return True for the recipe of a phase without training."""
    return is_merge(recipe) or is_ready(recipe)
