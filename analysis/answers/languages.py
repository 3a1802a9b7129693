"""The printed answer of languages.py: gains by evaluation language."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from analysis.questions.evenness import MEASURES, Evenness, list_unknown_languages
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.moments import EPSILON
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue
from analysis.tables.numbers import number_from_estimate, summarise_seeds
from analysis.tables.source import describe_source
from analysis.transfer.columns import GROUP_BY
from spaces.chain import NONE
from spaces.language import ENGLISH

QUESTION = "Which languages gain, and how even are the scores?"
LANGUAGE_GROUPINGS = tuple(name for name in GROUP_BY if name != "target")


def build_answer(even: Evenness) -> Answer:
    """What is printed."""
    per_target = (_build_baseline_table(even), _build_gap_table(even)) if len(even.measured_targets) > 1 else ()
    return Answer(
        question=QUESTION,
        sentences=(_describe_gap(even), _describe_gains(even)),
        source_lines=describe_source(even.transfer.loaded_scores),
        tables=tuple(
            table for table in (_build_transfer_table(even), _build_group_table(even), *per_target) if table.rows
        ),
        notes=(*_explain_tables(even), *_list_missing(even)),
    )


def _describe_gap(even: Evenness) -> str:
    gaps = (
        summarise_seeds(even.average_over_targets("gap", even.measured_targets)[0])
        if even.measured_targets
        else GridNumber(value=None)
    )
    if gaps.value is None:
        return "Transfer gap: no seed of the baseline has every target in English and in the other languages."
    between = "" if gaps.low is None else f" ({CONFIDENCE_LEVEL:.0%} interval {gaps.low:.1f} to {gaps.high:.1f})"
    changes = even.compute_change("gap", even.measured_targets)
    known = {name: summarise_seeds(changes[even.transfer.chains.index(name)]) for name in even.transfer.intermediates}
    narrower = [name for name, one in known.items() if one.high is not None and one.high < -EPSILON]
    wider = [name for name, one in known.items() if one.low is not None and one.low > EPSILON]
    said = f"With `{NONE}` the other languages score {gaps.value:.1f} points below English{between}, {_describe_scope(even)}."
    if not any(one.low is not None for one in known.values()):
        return f"{said} Whether an intermediate task changes that cannot be told with fewer than {MIN_SEEDS} seeds."
    judged = sum(one.low is not None for one in known.values())
    return (
        f"{said} Beyond its interval the gap is narrower with {_join_names(narrower)} and wider with {_join_names(wider)}; of "
        f"{judged} tasks {judged * (1 - CONFIDENCE_LEVEL):.1f} would be by chance alone."
    )


def _describe_gains(even: Evenness) -> str:
    means = {
        group: one.value
        for group, values in even.relative_gains.items()
        if (one := summarise_seeds(values)).value is not None
    }
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


def _build_transfer_table(even: Evenness) -> Grid:
    heads = (
        GridColumn(ENGLISH, "points"),
        GridColumn("others", "points"),
        GridColumn("gap", "points", interval=True),
        GridColumn(f"gap less that of {NONE}", "difference", interval=True),
        GridColumn("worst language", "points"),
        GridColumn("worst quarter", "points"),
        GridColumn("spread (sd)", "points"),
    )
    rows = []
    for row, chain in enumerate(even.transfer.chains if even.measured_targets else ()):
        there = even.count_complete_targets(chain)
        if chain in even.transfer.floors and there < len(even.measured_targets):
            continue  # the commonest label is no floor of every target
        missing = f"{there}/{len(even.measured_targets)}"
        english, others, gap, worst, quarter, spread = (
            summarise_seeds(even.average_over_targets(measure, even.measured_targets)[row], missing)
            for measure in MEASURES
        )
        change = (
            None if chain == NONE else summarise_seeds(even.compute_change("gap", even.measured_targets)[row], missing)
        )
        rows.append((_label_chain(even, chain), english, others, gap, change, worst, quarter, spread))
    return Grid(f"From English to the others, {_describe_scope(even)}", (GridColumn("chain"), *heads), tuple(rows))


def _build_group_table(even: Evenness) -> Grid:
    tasks = even.transfer.intermediates
    heads = [
        GridColumn(even.by),
        GridColumn("targets", "count"),
        GridColumn("gain beside others", "difference"),
        GridColumn(f"score of {NONE}", "points"),
    ]
    rows: list[tuple[GridValue, ...]] = []
    for group, targets in even.targets_by_group.items():
        gains = (number_from_estimate(even.gains[name, group]) for name in tasks)
        title = group if even.by == "language" or group == ENGLISH else f"{group} ({' '.join(even.groups[group])})"
        rows.append(
            (
                title,
                len(targets),
                summarise_seeds(even.relative_gains[group]),
                number_from_estimate(even.scores[NONE, group]),
                *gains,
            )
        )
    columns = (*heads, *(GridColumn(_label_chain(even, name), "difference") for name in tasks))
    return Grid(f"Gain over {NONE} by {even.by}, in points", columns, tuple(rows))


def _build_baseline_table(even: Evenness) -> Grid:
    columns = (
        GridColumn("target"),
        GridColumn(ENGLISH, "points"),
        GridColumn("others", "points"),
        GridColumn("gap", "points", interval=True),
        GridColumn("worst language", "points", interval=True),
        GridColumn("which"),
        GridColumn("worst quarter", "points"),
        GridColumn("spread (sd)", "points"),
    )
    rows = []
    for target in even.transfer.targets:
        english, others, gap, worst, quarter, spread = (
            summarise_seeds(even.average_over_targets(measure, (target,))[0]) for measure in MEASURES
        )
        rows.append(
            (target, english, others, gap, worst, even.worst_languages.get((NONE, target), ""), quarter, spread)
        )
    return Grid(f"The baseline {NONE} by target", columns, tuple(rows))


def _build_gap_table(even: Evenness) -> Grid:
    changes = {target: even.compute_change("gap", (target,)) for target in even.measured_targets}
    rows: list[tuple[GridValue, ...]] = []
    for name in even.transfer.intermediates:
        place = even.transfer.chains.index(name)
        rows.append((_label_chain(even, name), *(summarise_seeds(change[place]) for change in changes.values())))
    columns = (GridColumn("chain"), *(GridColumn(target, "difference") for target in changes))
    return Grid(f"Transfer gap less that of {NONE}, by target (below 0: narrower)", columns, tuple(rows))


def _explain_tables(even: Evenness) -> tuple[str, ...]:
    lines = [
        f"Gap: {ENGLISH} less the mean of the others. It also narrows where English falls: read it with the gains.",
        "Worst language, worst quarter and spread are over the languages other than English of one target, then "
        "averaged over targets. The worst of noisy scores lies below the worst true one.",
        f"Groups are scored on different targets, so their gains do not compare. Gain beside others does: the group's "
        f"less that of all languages other than {ENGLISH} on the same targets, mean over tasks that are no controls.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over seeds, with {MIN_SEEDS} or more. * The interval excludes 0, as "
        f"{1 - CONFIDENCE_LEVEL:.0%} of them do by chance alone. "
        "~ Seeds, languages or targets are missing that others have.",
    ]
    if even.by != "language":
        lines.append(
            f"{ENGLISH} stands apart: no group holds it. A group is the mean over its languages of a target, "
            "then over targets."
        )
    return tuple(lines)


def _list_missing(even: Evenness) -> tuple[str, ...]:
    found = even.transfer
    lines = []
    without = [target for target in found.targets if target not in even.measured_targets]
    if without and len(even.measured_targets) > 1:
        lines.append(
            f"Not in the gap: {', '.join(without)}, which {'have' if len(without) > 1 else 'has'} no {ENGLISH}."
        )
    if strange := list_unknown_languages(even):
        lines.append(f"Of unknown {even.by}, since no table of the benchmark has them: {', '.join(strange)}.")
    ends = Counter(hole.status for hole in found.holes.values())
    if ends:
        said = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        lines.append(f"Cells (chain x target x seed) without a score: {said}; rank.py lists them.")
    there = np.isfinite(found.scores).any(axis=2)
    whole = (np.isfinite(found.scores) | ~found.scored_mask[None, :, :, None]).all(axis=2)
    if short := int((there & ~whole).sum()):
        lines.append(f"Cells that lack languages which others have, and so are in no gap, worst or spread: {short}.")
    return tuple(lines)


def _tasks(even: Evenness) -> list[str]:
    return [name for name in even.transfer.intermediates if name not in even.transfer.loaded_scores.controls]


def _label_chain(even: Evenness, chain: str) -> str:
    if chain in even.transfer.floors:
        return f"{chain} (floor)"
    return f"{chain} (control)" if chain in even.transfer.loaded_scores.controls else chain


def _describe_scope(even: Evenness) -> str:
    if len(even.measured_targets) == 1:
        return f"on {even.measured_targets[0]}"
    return f"mean over the {len(even.measured_targets)} targets that have {ENGLISH}"


def _join_names(names: Sequence[str]) -> str:
    return ", ".join(names) or "no task"
