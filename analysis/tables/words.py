"""What is said around the transfer matrix, a sentence a line: what was read, the order, the holes, how to read."""

from collections.abc import Mapping

from analysis.ranking import Matrix
from analysis.statistics.interval import FEWEST, LEVEL
from spaces.benchmark import BENCHMARKS, NONE

TIE = "\u00a0"  # a blank at which no line is broken


def head(found: Matrix) -> list[str]:
    """What was read: where from, benchmark, model, seeds, and how much of it is there."""
    read = found.read
    lines = [
        f"{read.source}: benchmark {read.benchmark or 'not stated'}, model {read.model or 'not stated'}, "
        + numbered("seed", read.seeds)
        + (f", {read.stages[0]} of {read.stages[1]} stages done" if read.stages else "")
    ]
    if read.benchmark is not None and read.benchmark in BENCHMARKS:
        lines.append(BENCHMARKS[read.benchmark].note)
    if read.limited:
        lines.append("Limited: training or test examples were cut. These are no scores to publish.")
    lines += read.notes
    lines.append(f"{sum(found.cells.values())} cells (intermediate x target x seed): {_counts(found.cells)}.")
    lines.append(f"{sum(found.runs.values())} runs (learning rates of cells): {_counts(found.runs)}.")
    return lines


def order(found: Matrix) -> list[str]:
    """The intermediates by each mean, and what is to be said of the controls."""
    lines = []
    for group, members in found.groups.items():
        ranked = found.order(group)
        items = []
        for place, name in enumerate(ranked, 1):
            one = found.gains[name, group]
            items.append(TIE.join((str(place), name, f"{one.mean:+.1f}{'~' if one.partial else ''}")))
        means = ", ".join(items) or "no seed has every target"
        lines.append(f"Order by the {group} ({len(members)} targets): {means}.")
        left = [name for name in found.intermediates if name not in ranked]
        if left and ranked:
            counts = ", ".join(f"{name} ({found.gains[name, group].parts})" for name in left)
            lines.append(f"Not in it, since no seed has all {len(members)} targets (but at most): {counts}.")
    for control in (name for name in found.intermediates if name in found.read.controls):
        row = {target: found.gains[control, target] for target in (*found.targets, *found.groups)}
        above = [target for target, one in row.items() if one.beyond and (one.mean or 0) > 0]
        if not any(one.interval for one in row.values()):
            lines.append(f"Control {control}: without intervals it cannot be judged.")
        elif above:
            lines.append(
                f"Control {control}: GAINS beyond its interval, which a control should not: {', '.join(above)}."
            )
        else:
            lines.append(f"Control {control}: no gain beyond its interval, as it should be.")
    return lines


def missing(found: Matrix) -> list[str]:
    """Every cell that lacks seeds or languages, the baseline's first: a gain that lacks only that is not repeated.

    Chains that go on from a degenerate intermediate run are in the means, and are named here.
    """
    lines = [
        f"{name}, seed {seed}: its chain starts from a degenerate intermediate run" + (f" ({reason})" if reason else "")
        for name, seed, reason in found.doubtful
    ]
    baseless = {(target, hole.seed) for target in found.targets for hole in found.levels[NONE, target].holes}
    for (name, target), one in [*found.levels.items(), *found.gains.items()]:
        if target in found.groups:
            continue
        seeds: dict[str, list[int]] = {}
        for hole in one.holes:
            if hole.status != "unpaired" or (target, hole.seed) not in baseless:
                what = hole.status + (f" ({hole.reason})" if hole.reason else "")
                seeds.setdefault(what, []).append(hole.seed)
        parts = [f"seed {', '.join(map(str, each))} {what}" for what, each in seeds.items()]
        if one.seeds and one.parts < one.of_parts:
            parts.append(f"{one.parts} of {one.of_parts} languages")
        if parts:
            lines.append(f"{name} -> {target}: {'; '.join(parts)}")
    return lines


def legend(found: Matrix) -> list[str]:
    """How to read the marks."""
    cells = [one for (_, target), one in found.gains.items() if target not in found.groups]
    tested = sum(one.interval is not None for one in cells)
    lines = [
        f"Gain: points above `{NONE}` at the same target, language and seed; the mean over languages, then over seeds."
    ]
    if tested:
        lines.append(
            f"* The {LEVEL:.0%} interval over seeds (Student's t) excludes 0; of {tested} such cells about "
            f"{tested * (1 - LEVEL):.0f} would by chance alone."
        )
    if tested < len(cells):
        lines.append(f"{'Some cells have no' if tested else 'There is no'} interval: it takes {FEWEST} seeds.")
    if any(one.mean is not None and one.partial for one in (*found.gains.values(), *found.levels.values())):
        lines.append("~ Partial: seeds, languages or targets are missing that others have.")
    lines.append(
        "The run with the best English dev score stands for a cell. Stopped, degenerate and failed runs are in no "
        "mean. Neighbours in the order need not differ."
    )
    return lines


def numbered(noun: str, items: tuple[int, ...]) -> str:
    """`3 seeds (0, 1, 2)`."""
    return f"{len(items)} {noun}{'s' * (len(items) != 1)} ({', '.join(map(str, items))})"


def spread(found: Matrix) -> bool:
    """True if any gain has a standard deviation over seeds."""
    return any(one.sd is not None for one in found.gains.values())


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "none"
