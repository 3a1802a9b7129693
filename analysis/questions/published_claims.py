"""The claims of Phang et al. 2020, tested on the chains and targets of a sweep.

A claim is a difference in points at every seed. Its error is that over seeds (Student's t): tasks and targets are taken
as they are, and so are test items. p values are Holm's over the claims that are tested. Not to find a gain does not
show that there is none, so such a claim is never confirmed: the interval says which gain is excluded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from analysis.questions.claim_contrasts import ClaimContrast, build_contrast, find_seen_rows
from analysis.questions.published_comparison import COMPARABLE_BENCHMARKS
from analysis.statistics.interval import compute_intervals
from analysis.statistics.moments import compute_moments
from analysis.statistics.significance import ALPHA, adjust_p_values, compute_p_values
from analysis.transfer.array import Transfer
from spaces.published_claims import CLAIMS, PublishedClaim

ClaimVerdict = Literal["as published", "opposite", "not shown", "none shown", "not tested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """A claim, what it is measured on, and its p value; `reason` says why it is not tested."""

    claim: PublishedClaim
    reason: str | None = None
    contrast: ClaimContrast = field(default_factory=ClaimContrast)
    p: float | None = None
    p_holm: float | None = None  # over the claims that are tested

    @property
    def mean(self) -> float:
        """The mean difference over seeds, in points."""
        return float(compute_moments(self.contrast.difference).mean)

    @property
    def interval(self) -> tuple[float, float]:
        """Student's interval of the mean difference; NaN with too few seeds."""
        low, high = compute_intervals(self.contrast.widened)
        return float(low), float(high)

    @property
    def verdict(self) -> ClaimVerdict:
        """The verdict; `none shown` is that of a claim of no gain, or of no loss, which no test confirms."""
        direction = self.claim.direction
        if self.p_holm is None:
            return "not tested"
        if self.p_holm >= ALPHA:
            return "not shown" if direction == "above" else "none shown"
        is_opposite = self.mean > 0 if direction == "not above" else self.mean < 0
        return "opposite" if is_opposite else "as published"

    @property
    def excluded(self) -> float:
        """The gain of a claim of no gain, else the loss, in points, that the interval excludes; 0 excludes any."""
        low, high = self.interval
        return max(0.0, high if self.claim.direction == "not above" else -low)


def judge_claims(transfer: Transfer, claims: Mapping[str, PublishedClaim] = CLAIMS) -> tuple[ClaimResult, ...]:
    """Return a result for each claim; none is tested on the scores of a synthetic benchmark."""
    benchmark = transfer.loaded_scores.benchmark
    if benchmark is not None and benchmark not in COMPARABLE_BENCHMARKS:
        return tuple(ClaimResult(claim=claim, reason="a synthetic benchmark") for claim in claims.values())
    same_data = find_seen_rows(transfer)
    return _adjust_for_number(
        [_judge_contrast(claim, build_contrast(transfer, claim, same_data)) for claim in claims.values()]
    )


def _judge_contrast(claim: PublishedClaim, contrast: ClaimContrast | str) -> ClaimResult:
    if isinstance(contrast, str):
        return ClaimResult(claim=claim, reason=contrast)
    p = float(compute_p_values(contrast.widened))
    if np.isnan(p):
        return ClaimResult(claim=claim, reason="the same difference at every seed", contrast=contrast)
    return ClaimResult(claim=claim, contrast=contrast, p=p)


def _adjust_for_number(results: Sequence[ClaimResult]) -> tuple[ClaimResult, ...]:
    """Return the results with Holm's p values over those that have a p value."""
    adjusted = adjust_p_values([np.nan if each.p is None else each.p for each in results])
    return tuple(
        each if each.p is None else replace(each, p_holm=float(p)) for each, p in zip(results, adjusted, strict=True)
    )
