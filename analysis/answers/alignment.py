"""The answer of alignment.py: what intermediate training does to the alignment of languages."""

import numpy as np

from analysis.questions.alignment import ACROSS_LANGUAGES, ACROSS_TASKS, FROM_START, AlignmentFindings, AlignmentRise
from analysis.questions.alignment_values import CONTROLS, PRIMARY_MEASURE, Alignment
from analysis.questions.step_share import measure_step_share
from analysis.statistics.detectable import find_detectable_correlation
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.significance import ALPHA
from analysis.tables import alignment as tables
from analysis.tables.answer import Answer
from analysis.tables.detectable import describe_detectable
from analysis.tables.numbers import format_p
from analysis.tables.source import describe_source, list_names, pluralise
from analysis.transfer.array import Transfer
from spaces.detectable_effect import detectable_from_interval
from spaces.probe_columns import PROBES_FILE
from spaces.step_share import describe_step_share

QUESTION = "Does intermediate training align languages, and does alignment explain transfer?"


def build_answer(
    transfer: Transfer, alignment: Alignment, findings: AlignmentFindings, *, with_layers: bool = False
) -> Answer:
    """Return the answer; `with_layers` adds a table of every layer."""
    return Answer(
        question=QUESTION,
        sentences=(
            _describe_rise(alignment, findings),
            _describe_relations(findings),
            _write_verdict(findings),
            _describe_size(transfer, alignment, findings),
            *_describe_sentences(alignment),
        ),
        source_lines=describe_source(transfer.loaded_scores),
        tables=(
            tables.build_measure_table(alignment, findings),
            tables.build_chain_table(alignment, findings),
            tables.build_relation_table(findings),
            tables.build_best_layer_table(alignment),
            *([tables.build_layer_table(alignment)] if with_layers else []),
        ),
        notes=(*_explain_tables(alignment), *_list_missing(transfer, alignment)),
    )


def has_risen(findings: AlignmentFindings) -> bool:
    """Return True if alignment rose, and more than in every control that was trained."""
    return all(_is_significant(by_measure[PRIMARY_MEASURE]) for by_measure in findings.rises.values())


def _is_significant(rise: AlignmentRise, sign: int = 1) -> bool:
    return rise.p is not None and rise.mean is not None and rise.p < ALPHA and sign * rise.mean > 0


def _describe_rise(alignment: Alignment, findings: AlignmentFindings) -> str:
    rises = {name: by_measure[PRIMARY_MEASURE] for name, by_measure in findings.rises.items()}
    if has_risen(findings):
        controls = f" more than in the controls {' and '.join(alignment.controls)}" if alignment.controls else ""
        verdict = f"Alignment rises{controls}"
    elif _is_significant(rises[FROM_START]):
        verdict = "Alignment rises, but it is not shown to rise more than in the controls"
    elif _is_significant(rises[FROM_START], -1):
        verdict = "Alignment falls"
    else:
        verdict = "Alignment is not shown to rise"
    start = float(alignment.at_start[0].mean())
    parts = [f"{PRIMARY_MEASURE} starts at {start:.1f} and changes by {_format_rise(rises[FROM_START])}"]
    parts += [f"compared with the control {name} by {_format_rise(rises[name])}" for name in alignment.controls]
    missing_controls = [name for name in CONTROLS if name not in alignment.controls]
    note = f" (not in this sweep: the control {' or '.join(missing_controls)})" if missing_controls else ""
    tasks = pluralise(len(alignment.task_indices), "task")
    return f"{verdict}. Mean over layers, languages and {tasks}: {'; '.join(parts)}{note}."


def _format_rise(rise: AlignmentRise) -> str:
    if rise.mean is None:
        return "an unknown amount (no seed has all tasks)"
    if rise.interval is None or rise.p is None:
        return f"{rise.mean:+.1f} points ({pluralise(rise.seeds, 'seed')}, too few for an interval)"
    low, high = rise.interval
    return f"{rise.mean:+.1f} points ({CONFIDENCE_LEVEL:.0%} interval {low:+.1f} to {high:+.1f}, {format_p(rise.p)})"


def _describe_relations(findings: AlignmentFindings) -> str:
    parts = [f"across {name} {_format_relation(findings, name)}" for name in (ACROSS_TASKS, ACROSS_LANGUAGES)]
    return f"Spearman's correlation of rise and gain: {'; '.join(parts)}."


def _format_relation(findings: AlignmentFindings, name: str) -> str:
    association = findings.relations[name][PRIMARY_MEASURE]
    adjusted = findings.adjusted_relations[name][PRIMARY_MEASURE]
    if association.correlation is None or association.p is None or adjusted is None:
        return f"unknown (only {pluralise(association.units, 'unit')})"
    least = association.min_p
    few = f"; {association.units} units cannot give a p below {least:.2f}" if least >= ALPHA else ""
    groups = f"mean of {pluralise(association.groups, 'group')} of {association.units} units"
    p = f"{format_p(association.p)}, adjusted for two relations {format_p(adjusted)}"
    return f"{association.correlation:+.2f} ({groups}, {p}{few})"


def _write_verdict(findings: AlignmentFindings) -> str:
    shown = []
    for name in (ACROSS_TASKS, ACROSS_LANGUAGES):
        p, relation = findings.adjusted_relations[name][PRIMARY_MEASURE], findings.relations[name][PRIMARY_MEASURE]
        if p is not None and p < ALPHA and (relation.correlation or 0) > 0:
            shown.append(name)
    if not shown:
        return (
            "Alignment is not shown to explain transfer: a larger rise goes with a larger gain neither across "
            "intermediate tasks nor across languages."
        )
    where = f"across {shown[0]} only" if len(shown) == 1 else f"both across {shown[0]} and across {shown[1]}"
    caution = "" if has_risen(findings) else " But alignment is not shown to rise because of the tasks."
    return f"A larger rise goes with a larger gain, {where}: alignment may explain part of transfer.{caution}"


def _describe_size(transfer: Transfer, alignment: Alignment, findings: AlignmentFindings) -> str:
    """Return the rise and the relations that could have been found, and the share of the phases in their chains."""
    rises = [by_measure[PRIMARY_MEASURE] for by_measure in findings.rises.values()]
    sizes = [detectable_from_interval(*each.interval, each.seeds - 1) for each in rises if each.interval is not None]
    needed = max(sizes) if len(sizes) == len(rises) else None  # it must show over the start and over every control
    tasks = [alignment.chains[index] for index in alignment.task_indices]
    basis = f"{pluralise(len(tasks), 'task')}, {pluralise(rises[0].seeds, 'seed')}"
    relations = {
        f"across {name}": find_detectable_correlation(findings.relations[name][PRIMARY_MEASURE].permuted, 2)
        for name in (ACROSS_TASKS, ACROSS_LANGUAGES)
    }
    units = f"{len(tasks)} tasks and {pluralise(len(alignment.languages), 'language')}, two relations tested"
    texts = [
        describe_detectable({"of alignment": needed}, basis),
        describe_detectable(relations, units, "of rank correlation"),
        describe_step_share(measure_step_share(transfer, tasks)),
    ]
    return " ".join(texts)


def _describe_sentences(alignment: Alignment) -> tuple[str, ...]:
    """Warn where alignment was measured on sentences that a target scores."""
    if alignment.target_sentences is None:
        return (
            "Alignment was measured by a former version, on a target's own sentences: the target's score and its "
            "alignment share their noise.",
        )
    if alignment.target_sentences:
        names = list_names(alignment.target_sentences)
        return (f"Alignment was measured on a target's own sentences ({names}): its score shares their noise.",)
    return ()


def _explain_tables(alignment: Alignment) -> tuple[str, ...]:
    before, after = alignment.anisotropy
    scope = f"{pluralise(len(alignment.layers), 'layer')} and {pluralise(len(alignment.languages), 'language')}"
    return (
        f"{PRIMARY_MEASURE}, mean over {scope}, decides; it was chosen before any change was seen. p (Holm) is "
        "adjusted for the two relations that decide, and for the number of the other measures. A rise is shown where "
        f"p is below {ALPHA:g} over the start and over every control. Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t "
        f"over {MIN_SEEDS} or more seeds; changes are paired by seed.",
        "Points are shares times 100. Column unaligned: the value of a measure without alignment. For retrieval that "
        "is chance, for CKA its value with one side shuffled; for the cosine gap it is 0. The frozen tag probe is a "
        "linear map from English words to tags: its accuracy on another language's words, divided by that on English "
        "words.",
        f"The mean cosine of sentences that are not translations of each other goes from {before:.0f} to {after:.0f} "
        "points. The higher it is, the less a cosine says.",
        "Correlation of rise and gain: units are intermediate tasks (groups: targets) or languages (groups: chains and "
        "targets). All groups are permuted together, because groups that share units are no independent evidence. "
        "Retrieval targets are left out, because they score alignment itself.",
        "Alignment alone need not transfer, and transfer need not come from it (mOthello, Hua et al. 2024). A relation "
        "across tasks is no proof either: tasks that align may help for another reason.",
    )


def _list_missing(transfer: Transfer, alignment: Alignment) -> tuple[str, ...]:
    lines = []
    if holes := int((~np.isfinite(alignment.after_phase[0]).all(axis=(1, 2))).sum()):
        runs = f"{pluralise(holes, 'intermediate run')} of {len(alignment.chains) * len(alignment.seeds)}"
        lines.append(f"{runs} left no {PROBES_FILE} or an undefined value: their seeds are in no mean over tasks.")
    if excluded := [name for name in transfer.intermediates if name not in alignment.chains]:
        lines.append(f"In no table, because no target starts from an intermediate stage: {list_names(excluded)}.")
    return tuple(lines)
