"""The differences by seed that a published claim is about, as far as these scores have its chains and targets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from analysis.questions.claim_chains import ComparedChains, find_compared_chains
from analysis.questions.target_scores import compute_complete_scores
from analysis.statistics.effects import find_complete_block
from analysis.statistics.interval import MIN_SEEDS
from analysis.statistics.moments import Array, compute_moments
from analysis.statistics.winner import select_winner
from analysis.transfer.array import Transfer
from analysis.transfer.same_data import SameDataCells, find_same_data
from spaces.benchmark import BENCHMARKS
from spaces.chain import NONE
from spaces.published_claims import ClaimChains, PublishedClaim
from spaces.same_data import shares_training_rows

XTREME = BENCHMARKS["xtreme"]
SAME_DATA = "trains on the targets' own rows"
INCOMPLETE = "lacks scores"
MISSING_CHAINS: Mapping[ClaimChains, str] = {
    "single tasks": "no single task in English",
    "sentence-pair tasks": "no sentence-pair task",
    "best tasks": "it takes one of them and another",
    "mixes": "no mix of tasks that are chains too",
    "tasks with masked words": "no chain with and without +mlm",
    "translated tasks": "no mnli@sw, say, beside mnli",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimContrast:
    """What a claim is measured on; `by_chain` [chains, seeds] has the difference of each chain, in points."""

    chains: tuple[str, ...] = ()
    opponents: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    other_targets: tuple[str, ...] = ()
    by_chain: Array = field(default_factory=lambda: np.zeros((0, 0)))
    is_chosen: bool = False  # the opponent is the best of several, as the other seeds choose it
    left_out: Mapping[str, str] = field(default_factory=dict)  # chain -> reason
    same_data_cells: int = 0  # cells of the chains that are left out of their means

    @property
    def difference(self) -> Array:
        """The mean over the chains [seeds]."""
        return np.asarray(self.by_chain.mean(axis=0)) if self.chains else np.zeros(0)

    @property
    def widened(self) -> Array:
        """The difference [seeds] for tests and intervals: further from its mean where other seeds choose the opponent.

        Such differences share the seeds that chose, so their spread is too small. The variance is multiplied by
        1 + n / (n - 1) for n seeds, as Nadeau and Bengio (2003) do for folds that share their training data.
        """
        difference, seeds = self.difference, len(self.difference)
        if not self.is_chosen or seeds < MIN_SEEDS:
            return difference
        mean = difference.mean()
        return np.asarray(mean + (difference - mean) * np.sqrt(1 + seeds / (seeds - 1)))

    @property
    def chains_above_zero(self) -> int:
        """The number of chains whose mean over seeds is above 0."""
        return int((compute_moments(self.by_chain).mean > 0).sum())


def build_contrast(transfer: Transfer, claim: PublishedClaim, same_data: SameDataCells) -> ClaimContrast | str:
    """Return what the claim is measured on, or why it cannot be.

    Gains over `none` in `same_data` cells are left out. Chains that are compared with one another
    keep them, as in the paper, so that all have the same targets.
    """
    known = [name for name, mask in zip(transfer.targets, transfer.scored_mask, strict=True) if mask.any()]
    for group in (*claim.target_groups, *([claim.other_targets] if claim.other_targets else [])):
        if not set(group).intersection(known):
            return f"no target {' or '.join(group)}"
    targets, others = (tuple(name for name in known if name in each) for each in (claim.targets, claim.other_targets))
    compared = find_compared_chains(transfer, claim)
    if not compared:
        return MISSING_CHAINS[claim.chains]
    seen = same_data if claim.opponent == "none" else frozenset()
    by_target = {target: _compute_gains(transfer, target) for target in (*targets, *others)}
    gains: dict[str, Array] = {}
    left_out: dict[str, str] = {}
    for chain in dict.fromkeys((*compared, *(each for opponents in compared.values() for each in opponents))):
        own, own_others = (tuple(t for t in each if (chain, t) not in seen) for each in (targets, others))
        if not own or (others and not own_others):
            left_out[chain] = SAME_DATA
            continue
        row = transfer.chains.index(chain)
        gains[chain] = np.mean([by_target[target][row] for target in own], axis=0)
        if others:
            gains[chain] = gains[chain] - np.mean([by_target[target][row] for target in own_others], axis=0)
    if not gains:
        return f"every chain {SAME_DATA}"
    rows, seeds = find_complete_block(list(gains.values()))
    if len(seeds) < MIN_SEEDS:
        return f"complete at {len(seeds)} seeds, and a test takes {MIN_SEEDS}"
    names = list(gains)
    left_out |= {name: INCOMPLETE for i, name in enumerate(names) if i not in rows}
    complete = {names[i]: gains[names[i]][seeds] for i in rows}
    differences, opponents = _subtract_opponents(claim, compared, complete)
    if not differences:
        return "its chains lack scores"
    return ClaimContrast(
        chains=tuple(differences),
        opponents=opponents,
        targets=targets,
        other_targets=others,
        by_chain=np.stack(list(differences.values())),
        is_chosen=claim.opponent == "the best single task",
        left_out=left_out,
        same_data_cells=sum((chain, t) in seen for chain in differences for t in (*targets, *others)),
    )


def find_seen_rows(transfer: Transfer) -> SameDataCells:
    """Return the same-data cells; scores that name no benchmark count as those of XTREME, as their targets do."""
    cells = find_same_data(transfer)
    if transfer.loaded_scores.benchmark is not None:
        return cells
    pairs = ((chain, target) for chain in transfer.chains for target in transfer.targets)
    return cells | {(chain, target) for chain, target in pairs if shares_training_rows(XTREME, chain, target)}


def _compute_gains(transfer: Transfer, target: str) -> Array:
    """Return the gains over `none` on a whole target [chains, seeds]; NaN where a language is missing."""
    scores = compute_complete_scores(transfer, target, transfer.scores)
    return np.asarray(scores - scores[transfer.chains.index(NONE)])


def _subtract_opponents(
    claim: PublishedClaim, compared: ComparedChains, gains: Mapping[str, Array]
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the gains of the claim's chains less those of their opponents, and the opponents that were used.

    The best of several is chosen on the other seeds: chosen on the same ones it would be too good.
    """
    differences: dict[str, Array] = {}
    used: dict[str, None] = {}
    for chain, opponents in compared.items():
        known = [name for name in opponents if name in gains]
        if chain not in gains or (opponents and not known):
            continue
        if claim.opponent == "the best single task":
            winner = select_winner([gains[name] for name in known])
            if winner is not None:  # as it is with MIN_SEEDS complete seeds
                used |= dict.fromkeys(known[arm] for _, arm, _ in winner.folds)
                differences[chain] = gains[chain] - np.array([value for _, _, value in winner.folds])
        else:
            used |= dict.fromkeys(known)
            against = np.mean([gains[name] for name in known], axis=0) if known else 0.0
            differences[chain] = gains[chain] - against
    return differences, tuple(used)
