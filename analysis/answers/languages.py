"""The printed answer of languages.py: gains by evaluation language."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from analysis.questions.evenness import MEASURES, Evenness, unknown_languages
from analysis.scores.choose import ENGLISH
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.statistics.moments import EPSILON
from analysis.tables.answer import Answer
from analysis.tables.grid import Column, Field, Grid, Number
from analysis.tables.over_seeds import of_estimate, over_seeds
from analysis.tables.source import read_from
from analysis.transfer.columns import BY
from spaces.chain import NONE

QUESTION = "Which languages gain, and how even are the scores?"
GROUPS = tuple(name for name in BY if name != "target")


def answer(even: Evenness) -> Answer:
    """What is printed."""
    per_target = (_baseline(even), _gaps(even)) if len(even.measured) > 1 else ()
    return Answer(
        question=QUESTION,
        answer=(_gap_said(even), _gains_said(even)),
        read=read_from(even.found.read),
        tables=tuple(table for table in (_transfer(even), _by_group(even), *per_target) if table.rows),
        notes=(*_how_to_read(even), *_missing(even)),
    )


def _gap_said(even: Evenness) -> str:
    gaps = over_seeds(even.over("gap", even.measured)[0]) if even.measured else Number(value=None)
    if gaps.value is None:
        return "Transfer gap: no seed of the baseline has every target in English and in the other languages."
    between = "" if gaps.low is None else f" ({LEVEL:.0%} interval {gaps.low:.1f} to {gaps.high:.1f})"
    changes = even.change("gap", even.measured)
    known = {name: over_seeds(changes[even.found.chains.index(name)]) for name in even.found.intermediates}
    narrower = [name for name, one in known.items() if one.high is not None and one.high < -EPSILON]
    wider = [name for name, one in known.items() if one.low is not None and one.low > EPSILON]
    said = f"With `{NONE}` the other languages score {gaps.value:.1f} points below English{between}, {_over(even)}."
    if not any(one.low is not None for one in known.values()):
        return f"{said} Whether an intermediate task changes that cannot be told with fewer than {FEWEST} seeds."
    judged = sum(one.low is not None for one in known.values())
    return (
        f"{said} Beyond its interval the gap is narrower with {_listed(narrower)} and wider with {_listed(wider)}; of "
        f"{judged} tasks {judged * (1 - LEVEL):.1f} would be by chance alone."
    )


def _gains_said(even: Evenness) -> str:
    means = {group: one.value for group, values in even.beside.items() if (one := over_seeds(values)).value is not None}
    foreign = {group: value for group, value in means.items() if group != ENGLISH}
    if len(foreign) < 2:
        return f"Gains by {even.by}: fewer than two have a seed with every task and target, so none can be compared."
    best, least = max(foreign, key=lambda name: foreign[name]), min(foreign, key=lambda name: foreign[name])
    english = f"; {ENGLISH} {means[ENGLISH]:+.1f}" if ENGLISH in means else ""
    return (
        f"Beside all languages other than {ENGLISH} on the same targets, by {even.by}, {best} gains most "
        f"({foreign[best]:+.1f} points, mean over the intermediate tasks) and {least} least ({foreign[least]:+.1f})"
        f"{english}."
    )


def _transfer(even: Evenness) -> Grid:
    heads = (
        Column(ENGLISH, "points"),
        Column("others", "points"),
        Column("gap", "points", interval=True),
        Column(f"gap less that of {NONE}", "difference", interval=True),
        Column("worst language", "points"),
        Column("worst quarter", "points"),
        Column("spread (sd)", "points"),
    )
    rows = []
    for row, chain in enumerate(even.found.chains if even.measured else ()):
        there = even.there(chain)
        if chain in even.found.floors and there < len(even.measured):
            continue  # the commonest label is no floor of every target
        missing = f"{there}/{len(even.measured)}"
        english, others, gap, worst, quarter, spread = (
            over_seeds(even.over(measure, even.measured)[row], missing) for measure in MEASURES
        )
        change = None if chain == NONE else over_seeds(even.change("gap", even.measured)[row], missing)
        rows.append((_named(even, chain), english, others, gap, change, worst, quarter, spread))
    return Grid(f"From English to the others, {_over(even)}", (Column("chain"), *heads), tuple(rows))


def _by_group(even: Evenness) -> Grid:
    tasks = even.found.intermediates
    heads = [
        Column(even.by),
        Column("targets", "count"),
        Column("gain beside others", "difference"),
        Column(f"score of {NONE}", "points"),
    ]
    rows: list[tuple[Field, ...]] = []
    for group, targets in even.targets.items():
        gains = (of_estimate(even.gains[name, group]) for name in tasks)
        title = group if even.by == "language" or group == ENGLISH else f"{group} ({' '.join(even.groups[group])})"
        rows.append(
            (title, len(targets), over_seeds(even.beside[group]), of_estimate(even.scores[NONE, group]), *gains)
        )
    columns = (*heads, *(Column(_named(even, name), "difference") for name in tasks))
    return Grid(f"Gain over {NONE} by {even.by}, in points", columns, tuple(rows))


def _baseline(even: Evenness) -> Grid:
    columns = (
        Column("target"),
        Column(ENGLISH, "points"),
        Column("others", "points"),
        Column("gap", "points", interval=True),
        Column("worst language", "points", interval=True),
        Column("which"),
        Column("worst quarter", "points"),
        Column("spread (sd)", "points"),
    )
    rows = []
    for target in even.found.targets:
        english, others, gap, worst, quarter, spread = (
            over_seeds(even.over(measure, (target,))[0]) for measure in MEASURES
        )
        rows.append((target, english, others, gap, worst, even.worst.get((NONE, target), ""), quarter, spread))
    return Grid(f"The baseline {NONE} by target", columns, tuple(rows))


def _gaps(even: Evenness) -> Grid:
    changes = {target: even.change("gap", (target,)) for target in even.measured}
    rows: list[tuple[Field, ...]] = []
    for name in even.found.intermediates:
        place = even.found.chains.index(name)
        rows.append((_named(even, name), *(over_seeds(change[place]) for change in changes.values())))
    columns = (Column("chain"), *(Column(target, "difference") for target in changes))
    return Grid(f"Transfer gap less that of {NONE}, by target (below 0: narrower)", columns, tuple(rows))


def _how_to_read(even: Evenness) -> tuple[str, ...]:
    lines = [
        f"Gap: {ENGLISH} less the mean of the others. It also narrows where English falls: read it with the gains.",
        "Worst language, worst quarter and spread are over the languages other than English of one target, then "
        "averaged over targets. The worst of noisy scores lies below the worst true one.",
        f"Groups are scored on different targets, so their gains do not compare. Gain beside others does: the group's "
        f"less that of all languages other than {ENGLISH} on the same targets, mean over tasks that are no controls.",
        f"Intervals: {LEVEL:.0%}, Student's t over seeds, with {FEWEST} or more. * The interval excludes 0, as "
        f"{1 - LEVEL:.0%} of them do by chance alone. "
        "~ Seeds, languages or targets are missing that others have.",
    ]
    if even.by != "language":
        lines.append(
            f"{ENGLISH} stands apart: no group holds it. A group is the mean over its languages of a target, "
            "then over targets."
        )
    return tuple(lines)


def _missing(even: Evenness) -> tuple[str, ...]:
    found = even.found
    lines = []
    without = [target for target in found.targets if target not in even.measured]
    if without and len(even.measured) > 1:
        lines.append(
            f"Not in the gap: {', '.join(without)}, which {'have' if len(without) > 1 else 'has'} no {ENGLISH}."
        )
    if strange := unknown_languages(even):
        lines.append(f"Of unknown {even.by}, since no table of the benchmark has them: {', '.join(strange)}.")
    ends = Counter(hole.status for hole in found.holes.values())
    if ends:
        said = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        lines.append(f"Cells (chain x target x seed) without a score: {said}; rank.py lists them.")
    there = np.isfinite(found.scores).any(axis=2)
    whole = (np.isfinite(found.scores) | ~found.asked[None, :, :, None]).all(axis=2)
    if short := int((there & ~whole).sum()):
        lines.append(f"Cells that lack languages which others have, and so are in no gap, worst or spread: {short}.")
    return tuple(lines)


def _tasks(even: Evenness) -> list[str]:
    return [name for name in even.found.intermediates if name not in even.found.read.controls]


def _named(even: Evenness, chain: str) -> str:
    if chain in even.found.floors:
        return f"{chain} (floor)"
    return f"{chain} (control)" if chain in even.found.read.controls else chain


def _over(even: Evenness) -> str:
    if len(even.measured) == 1:
        return f"on {even.measured[0]}"
    return f"mean over the {len(even.measured)} targets that have {ENGLISH}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "no task"
