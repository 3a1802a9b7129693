"""The printed answer of alignment.py: what training does to the alignment of languages."""

import numpy as np

from analysis.questions.alignment import ACROSS_LANGUAGES, ACROSS_TASKS, FROM_START, AlignmentFindings, AlignmentRise
from analysis.questions.alignment_values import CONTROLS, PRIMARY_MEASURE, Alignment
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.significance import ALPHA
from analysis.tables import alignment as tables
from analysis.tables.answer import Answer
from analysis.tables.numbers import format_p
from analysis.tables.source import describe_source, pluralise
from analysis.transfer.array import Transfer
from spaces.probe_columns import PROBES_FILE

QUESTION = "Does intermediate training align languages, and does alignment explain transfer?"
PERMUTATION_SEED = 0  # of the orders that are drawn where there are too many to try them all


def build_answer(read: Transfer, found: Alignment, tested: AlignmentFindings, *, with_layers: bool = False) -> Answer:
    """What is printed; with `layers` every layer too."""
    return Answer(
        question=QUESTION,
        sentences=(_describe_rise(found, tested), _describe_relations(found, tested), _write_verdict(found, tested)),
        source_lines=describe_source(read.loaded_scores),
        tables=(
            tables.build_measure_table(found, tested),
            tables.build_chain_table(found, tested),
            tables.build_relation_table(tested),
            tables.build_best_layer_table(found),
            *([tables.build_layer_table(found)] if with_layers else []),
        ),
        notes=(*_explain_tables(found), *_list_missing(read, found)),
    )


def has_risen(tested: AlignmentFindings) -> bool:
    """Whether alignment rose, and more than in every control that is there."""
    return all(_is_shown(by_measure[PRIMARY_MEASURE]) for by_measure in tested.rises.values())


def _is_shown(one: AlignmentRise, way: int = 1) -> bool:
    return one.p is not None and one.mean is not None and one.p < ALPHA and way * one.mean > 0


def _describe_rise(found: Alignment, tested: AlignmentFindings) -> str:
    start = float(found.at_start[0].mean())
    parts = [
        f"{PRIMARY_MEASURE} is {start:.1f} at the start and changes by {_format_rise(tested.rises[FROM_START][PRIMARY_MEASURE])}"
    ]
    parts += [
        f"against the control {name} by {_format_rise(tested.rises[name][PRIMARY_MEASURE])}" for name in found.controls
    ]
    absent = [name for name in CONTROLS if name not in found.controls]
    told = f" (no control {' or '.join(absent)} is here)" if absent else ""
    if has_risen(tested):
        said = "Alignment rises" + (f", more than in {' and '.join(found.controls)}" if found.controls else "")
    elif _is_shown(tested.rises[FROM_START][PRIMARY_MEASURE]):
        said = "Alignment rises, but is not shown to rise more than in the controls"
    elif _is_shown(tested.rises[FROM_START][PRIMARY_MEASURE], -1):
        said = "Alignment does not rise but falls"
    else:
        said = "Alignment is not shown to rise"
    return f"{said}: by the mean over layers, languages and {pluralise(len(found.task_indices), 'task')}, {'; '.join(parts)}{told}."


def _format_rise(one: AlignmentRise) -> str:
    if one.mean is None:
        return "an unknown amount (no seed has all tasks)"
    if one.interval is None or one.p is None:
        return f"{one.mean:+.1f} points ({pluralise(one.seeds, 'seed')} give no interval)"
    low, high = one.interval
    return f"{one.mean:+.1f} points ({CONFIDENCE_LEVEL:.0%} interval {low:+.1f} to {high:+.1f}, {format_p(one.p)})"


def _describe_relations(found: Alignment, tested: AlignmentFindings) -> str:
    parts = [f"across {name} {_format_relation(tested, name)}" for name in (ACROSS_TASKS, ACROSS_LANGUAGES)]
    return f"The rise beside the gain, Spearman's correlation: {'; '.join(parts)}."


def _format_relation(tested: AlignmentFindings, name: str) -> str:
    one, adjusted = tested.relations[name][PRIMARY_MEASURE], tested.adjusted_relations[name][PRIMARY_MEASURE]
    if one.correlation is None or one.p is None or adjusted is None:
        return f"cannot be told ({pluralise(one.units, 'unit')})"
    few = f"; {one.units} units give none below {one.min_p:.2f}" if one.min_p >= ALPHA else ""
    groups = f"mean of {pluralise(one.groups, 'group')} of {one.units} units"
    return f"{one.correlation:+.2f} ({groups}, {format_p(one.p)}, for two relations {format_p(adjusted)}{few})"


def _write_verdict(found: Alignment, tested: AlignmentFindings) -> str:
    found_in = [
        name
        for name in (ACROSS_TASKS, ACROSS_LANGUAGES)
        if (p := tested.adjusted_relations[name][PRIMARY_MEASURE]) is not None
        and p < ALPHA
        and (tested.relations[name][PRIMARY_MEASURE].correlation or 0) > 0
    ]
    if not found_in:
        return "Alignment is not shown to explain transfer: its rise goes with gain neither way."
    both = "both across intermediate tasks and across languages" if len(found_in) == 2 else f"across {found_in[0]} only"
    more = (
        "" if has_risen(tested) else " Where it is not shown to rise beyond the controls, it is no effect of the tasks."
    )
    return f"Where alignment rises more, gain is greater, {both}: alignment may explain part of transfer.{more}"


def _explain_tables(found: Alignment) -> tuple[str, ...]:
    before, after = found.anisotropy
    return (
        f"{PRIMARY_MEASURE}, mean over {pluralise(len(found.layers), 'layer')} and {pluralise(len(found.languages), 'language')}, "
        "decides, and was chosen before any change was seen; p (Holm) is adjusted for the two relations that decide, "
        f"and for the number of the other measures. A rise is shown where p is below {ALPHA:g} over the start and over "
        f"every control. Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over seeds, with {MIN_SEEDS} or more; changes are "
        "paired by seed.",
        "Points are shares times 100. Unaligned is what a measure would be without alignment: for retrieval what "
        "drawing a sentence finds, for CKA its value with one side shuffled; the cosine gap would be 0. The frozen tag "
        "probe is a linear map from English words to tags: its accuracy on another language's words, divided by that "
        "on English ones.",
        f"The mean cosine of sentences that do not translate each other goes from {before:.0f} to {after:.0f} points: "
        "the higher it is, the less a cosine says.",
        "Whether the rise goes with gain: units are intermediate tasks (groups: targets) or languages (groups: chains "
        "and targets). All groups are permuted together: what they share through their units is no new evidence. "
        "Targets that are retrieval are left out: they score alignment itself.",
        "Alignment alone need not transfer, and transfer need not come from it (mOthello, Hua et al. 2024). A relation "
        "across tasks is no proof either: tasks that align may help for another reason.",
    )


def _list_missing(read: Transfer, found: Alignment) -> tuple[str, ...]:
    lines = []
    holes = int((~np.isfinite(found.after_phase[0]).all(axis=(1, 2))).sum())
    if holes:
        lines.append(
            f"{pluralise(holes, 'intermediate run')} of {len(found.chains) * len(found.seeds)} left no {PROBES_FILE} or an "
            "undefined value: its seed is a hole in all means over tasks."
        )
    apart = [name for name in read.intermediates if name not in found.chains]
    if apart:
        lines.append(
            f"Without an intermediate stage that a target went on from, and so in no table: {', '.join(apart)}."
        )
    return tuple(lines)
