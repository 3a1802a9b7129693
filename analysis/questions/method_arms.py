"""The chains of a sweep that train by a method, and the plain chains to compare them with.

A method changes a training step (`spaces/method.py`), and most cost several passes where a plain step costs one. So
`mnli~freelb` is compared with `mnli`, which takes as many steps, and with `mnli~x2`, which makes as many passes. Where
no plain chain makes exactly as many, the next longer one is taken: a gain over it is not due to more compute.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from analysis.questions.chains import tasks_of
from analysis.transfer.array import Transfer
from spaces.chain import Chain, parse_chain
from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.task import Task

ComparisonBasis = Literal["steps", "compute"]
BASES: tuple[ComparisonBasis, ...] = get_args(ComparisonBasis)
# Passes of a plain chain per pass of the method between which their compute counts as equal.
MIN_PASS_RATIO, MAX_PASS_RATIO = 0.95, 1.5
MIXED_KINDS = "several"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodArm:
    """A chain that can be compared: its intermediate tasks, its method, and the cost of training it."""

    name: str
    tasks: str  # as the chain names them, with the sampler of a mix
    kind: str  # of the tasks; MIXED_KINDS for a mix of several
    method: str | None  # None: plain
    times: int
    passes: float  # the cost of the phase in plain steps: measured, or in units of the tasks' own recipe


def build_arms(transfer: Transfer) -> tuple[tuple[MethodArm, ...], bool]:
    """Return the chains that can be compared, and whether their numbers of passes are measured."""
    tasks = tasks_of(transfer)
    chains = [chain for name in transfer.intermediates if (chain := _read_comparable_chain(transfer, name)) is not None]
    measured = _read_measured_passes(transfer, chains)
    arms = tuple(
        MethodArm(
            name=chain.name,
            tasks="+".join(map(str, chain.ingredients)) + (f"~{chain.sampler}" if chain.sampler else ""),
            kind=_kind_of(chain, tasks),
            method=chain.method,
            times=chain.step_multiplier,
            passes=measured.get(chain.name)
            or chain.step_multiplier * (METHODS[chain.method].passes if chain.method else 1.0),
        )
        for chain in chains
    )
    return arms, bool(measured)


def _read_comparable_chain(transfer: Transfer, name: str) -> Chain | None:
    """Return the chain, or None for a control, no phase, or a chain that changes the target's own training."""
    try:
        chain = parse_chain(name)
    except UsageError:  # a foreign file may name its chains freely
        return None
    controlled = {name, *chain.tasks} & transfer.loaded_scores.controls
    return None if controlled or not chain.ingredients or chain.target_method else chain


def _kind_of(chain: Chain, tasks: Mapping[str, Task]) -> str:
    kinds = {tasks[task].kind if task in tasks else "unknown" for task in chain.tasks}
    return MIXED_KINDS if len(kinds) > 1 or chain.is_multitask else kinds.pop()


def _read_measured_passes(transfer: Transfer, chains: Sequence[Chain]) -> dict[str, float]:
    """Return the passes by chain if every chain recorded its own, else nothing."""
    rows = transfer.loaded_scores.intermediate_rows
    if "passes" not in rows.columns:
        return {}
    complete = pl.col("status").is_in(["finished", "degenerate"])  # they took all their steps
    finished = rows.filter(complete, pl.col("passes").is_not_null())
    passes = dict(finished.group_by("intermediate").agg(pl.col("passes").max()).iter_rows())
    return {chain.name: passes[chain.name] for chain in chains} if all(each.name in passes for each in chains) else {}


def find_plain_arm(arms: Sequence[MethodArm], arm: MethodArm, basis: ComparisonBasis) -> MethodArm | None:
    """Return the plain chain of the same tasks with equal steps, or with as many passes or the next more; or None."""
    plain_arms = [plain for plain in arms if plain.method is None and plain.tasks == arm.tasks]
    if basis == "steps":
        return next((plain for plain in plain_arms if plain.times == arm.times), None)
    similar = [plain for plain in plain_arms if MIN_PASS_RATIO <= plain.passes / arm.passes <= MAX_PASS_RATIO]
    return min(similar, key=lambda plain: plain.passes, default=None)
