"""Profiles: what depends on the sort of encoder and not on the task."""

from dataclasses import dataclass
from typing import Literal

from spaces import miniature
from spaces.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderProfile:
    """How heads sit on an encoder, which rates suit it, how batches are cut, which layer retrieval reads."""

    name: str
    learning_rates: tuple[float, ...]  # default axis, ascending
    pooling: Literal["first", "segments"] = "first"  # pair tasks: first token, or [u, v, |u-v|, u*v] of the segments
    # Batches that are sorted by length together, before they are cut; 1: not at all. For MNLI in batches of 32, 32 of
    # them leave 4 % padding instead of 56 %.
    bucket: int = 1
    retrieval_depth: float = 14 / 24  # share of the layers below the one that retrieval reads (XTREME: 14 of 24)


PROFILES = Table(
    "profile",
    (
        EncoderProfile(
            name="miniature", learning_rates=miniature.LEARNING_RATES, pooling="segments", retrieval_depth=1.0
        ),
        EncoderProfile(name="pretrained", learning_rates=(1e-5, 2e-5, 3e-5), bucket=32),
    ),
)
