"""Does the analysis find what was planted in the miniature, and nothing where nothing was?

    python tests/bench/planted.py runs/full-miniature
    python tests/bench/planted.py runs/null

For each target: the mean gain of its partners (the intermediate tasks that share a skill with it), of the other
tasks that have every seed, and of the control, each with its interval over seeds; and how far partners lie above the
others, in which the baseline cancels. In a null world the same partners are looked at, though there they share nothing.

Then, with plain and with moderated errors: how many of the single partners are found after Holm's correction over the
table and by the false discovery rate, and what else is found to gain.
"""

import sys
from pathlib import Path
from typing import get_args

ROOT = Path(__file__).resolve().parents[2]
if not __package__:  # run as a script
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.scores.load import load
from analysis.statistics.gain_errors import ErrorKind
from analysis.statistics.interval import compute_intervals
from analysis.statistics.moments import Array, compute_moments
from analysis.statistics.significance import adjust_p_values, compute_p_values
from analysis.transfer.array import Transfer, build_transfer
from analysis.transfer.columns import TransferColumn, compute_column
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import rank_tasks
from spaces import miniature
from spaces.chain import MULTITASK


def blocks(found: Transfer) -> dict[str, dict[str, Array]]:
    """Mean gain at each seed, by target and block of tasks; NaN at a seed that lacks one of them."""
    table = {}
    for target in (name for name in found.targets if miniature.partners_of(name)):
        gains = compute_column(found, TransferColumn(name=target, targets=(target,)), found.gains).values
        rows = dict(zip(found.intermediates, gains, strict=True))
        partners = [name for name in miniature.partners_of(target) if name in rows]
        rest = [name for name in rows if name not in {*partners, *found.loaded_scores.controls, MULTITASK}]
        others = [name for name in rest if np.isfinite(rows[name]).all()]
        controls = [name for name in rows if name in found.loaded_scores.controls]
        row = {
            block: np.mean([rows[name] for name in names], axis=0)
            for block, names in (("partners", partners), ("others", others), ("control", controls))
            if names
        }
        if {"partners", "others"} <= row.keys():
            row["apart"] = row["partners"] - row["others"]
        table[f"{target} ({', '.join(partners)})"] = row
    return table


def describe_findings(transfer: Transfer, kind: ErrorKind) -> str:
    """Return how many planted partners are found to gain by both corrections, and what else is."""
    ranking = rank_tasks(transfer, np.random.default_rng(0), errors=kind)
    planted = [
        (partner, target)
        for target in transfer.targets
        for partner in miniature.partners_of(target)
        if partner in transfer.intermediates
    ]
    parts = []
    for name, is_found in (
        ("Holm", Estimate.is_significant.fget),
        ("false discovery rate", Estimate.is_discovery.fget),
    ):
        assert is_found is not None
        cells = [
            (task, target)
            for (task, target), each in ranking.gains.items()
            if target in transfer.targets and (each.mean or 0.0) > 0 and is_found(each)
        ]
        found = [cell for cell in planted if cell in cells]
        others = ", ".join(f"{task} on {target}" for task, target in cells if (task, target) not in planted)
        parts.append(f"{name} {len(found)} of {len(planted)} planted, others: {others or 'none'}")
    return f"{kind} errors: {'; '.join(parts)}"


def main(path: Path) -> None:
    """Print the blocks; p is adjusted for all of them together. Then what is found among single tasks."""
    transfer = build_transfer(load([path]))
    table = blocks(transfer)
    names = [(target, block) for target, row in table.items() for block in row]
    values = np.array([table[target][block] for target, block in names])
    mean, bounds = compute_moments(values).mean, compute_intervals(values)
    adjusted = adjust_p_values(compute_p_values(values))
    print(f"{'target (partners)':<32}{'block':<10}{'gain':>7}{'95 % interval':>18}{'Holm':>8}")
    for number, (target, block) in enumerate(names):
        low, high = bounds[number]
        print(f"{target:<32}{block:<10}{mean[number]:>+7.1f}{low:>+10.1f}{high:>+8.1f}{adjusted[number]:>8.3f}")
    print(*(describe_findings(transfer, kind) for kind in get_args(ErrorKind)), sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
