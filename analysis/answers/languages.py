"""The answer of languages.py: gains by evaluation language, and the gap from English to the others."""

import numpy as np

from analysis.questions.evenness import MEASURES, Evenness, list_unknown_languages
from analysis.statistics.association import measure_association
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.moments import EPSILON
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow
from analysis.tables.numbers import format_interval, format_p, number_from_estimate, summarise_seeds
from analysis.tables.reference_sentences import label_reference
from analysis.tables.source import describe_holes, describe_source, label_chain, list_names
from analysis.transfer.columns import GROUP_BY
from spaces.chain import NONE
from spaces.language import ENGLISH
from spaces.pretraining_sizes import CC100_GIB, is_pretrained_on_cc100

QUESTION = "Which languages gain, and how even are the scores?"
LANGUAGE_GROUPINGS = tuple(name for name in GROUP_BY if name not in ("target", "group"))
MIN_SIZED_LANGUAGES = 5  # fewer cannot give a p below 0.05 by permutation


def build_answer(evenness: Evenness) -> Answer:
    """Return the answer: the transfer gap with its changes, and which languages gain."""
    per_target = (_build_baseline_table(evenness), _build_gap_table(evenness))
    return Answer(
        question=QUESTION,
        sentences=tuple(filter(None, (_describe_gap(evenness), _describe_gains(evenness), _describe_size(evenness)))),
        source_lines=describe_source(evenness.transfer.loaded_scores),
        tables=(
            _build_transfer_table(evenness),
            _build_group_table(evenness),
            *(per_target if len(evenness.measured_targets) > 1 else ()),
        ),
        notes=(*_explain_tables(evenness), *_list_missing(evenness)),
    )


def _describe_gap(evenness: Evenness) -> str:
    targets = evenness.measured_targets
    gap = summarise_seeds(evenness.average_over_targets("gap", targets)[0]) if targets else GridNumber(value=None)
    if gap.value is None:
        return "Transfer gap: no seed of the baseline has every target in English and in the other languages."
    changes = evenness.compute_change("gap", targets)[1:]
    by_task = dict(zip(evenness.transfer.intermediates, map(summarise_seeds, changes), strict=False))
    tested = {name: (change.low, change.high) for name, change in by_task.items() if change.low is not None}
    narrower = [name for name, (_, high) in tested.items() if high is not None and high < -EPSILON]
    wider = [name for name, (low, _) in tested.items() if low is not None and low > EPSILON]
    start = (
        f"With `{NONE}` the other languages score {gap.value:z.1f} points below English{format_interval(gap, '')}, "
        f"{_describe_scope(evenness)}."
    )
    if not tested:
        return f"{start} It takes {MIN_SEEDS} seeds to test whether an intermediate task changes this gap."
    by_chance = len(tested) * (1 - CONFIDENCE_LEVEL)
    if not narrower and not wider:
        return f"{start} None of {len(tested)} tasks is shown to change this gap."
    return (
        f"{start} By its {CONFIDENCE_LEVEL:.0%} interval the gap is narrower with {list_names(narrower) or 'no task'} "
        f"and wider with {list_names(wider) or 'no task'} (by chance alone with {by_chance:.1f} of {len(tested)} "
        "tasks)."
    )


def _describe_gains(evenness: Evenness) -> str:
    numbers = {group: summarise_seeds(values) for group, values in evenness.relative_gains.items()}
    means = {group: number.value for group, number in numbers.items() if number.value is not None}
    foreign = {group: value for group, value in means.items() if group != ENGLISH}
    if len(foreign) < 2:
        return f"Gains by {evenness.by} cannot be compared: fewer than two have a seed with every task and target."
    best, least = max(foreign, key=lambda name: foreign[name]), min(foreign, key=lambda name: foreign[name])
    english = f"; {ENGLISH} {means[ENGLISH]:+z.1f}" if ENGLISH in means else ""
    return (
        f"Gains by {evenness.by}, compared with all languages other than {ENGLISH} on the same targets (mean over the "
        f"intermediate tasks): most in {best} ({foreign[best]:+z.1f} points), least in {least} ({foreign[least]:+z.1f})"
        f"{english}."
    )


def _describe_size(evenness: Evenness) -> str | None:
    """Return the rank correlation of gain with the languages' text in CC-100; None for groups or too few languages."""
    values = {name: summarise_seeds(gain).value for name, gain in evenness.relative_gains.items()}
    gains = {name: gain for name, gain in values.items() if name in CC100_GIB and name != ENGLISH and gain is not None}
    if evenness.by != "language" or len(gains) < MIN_SIZED_LANGUAGES:
        return None
    sizes = [CC100_GIB[name] for name in gains]
    found = measure_association([sizes], [list(gains.values())], np.random.default_rng(0))
    if found.correlation is None or found.p is None:
        return None
    model = evenness.transfer.loaded_scores.model
    caution = "" if is_pretrained_on_cc100(model) else f" ({model or 'the encoder'} is not known to have read it)"
    return (
        f"Spearman's correlation of that gain with a language's text in CC-100{caution}: {found.correlation:+.2f} over "
        f"{found.units} languages ({format_p(found.p)})."
    )


def _build_transfer_table(evenness: Evenness) -> Grid:
    columns = (
        GridColumn("chain"),
        GridColumn(ENGLISH, "points"),
        GridColumn("others", "points"),
        GridColumn("gap", "points", interval=True),
        GridColumn(f"gap less that of {NONE}", "difference", interval=True),
        GridColumn("worst language", "points"),
        GridColumn("worst quarter", "points"),
        GridColumn("spread (sd)", "points"),
    )
    rows = []
    targets = evenness.measured_targets
    for row, chain in enumerate(evenness.transfer.chains if targets else ()):
        complete = evenness.count_complete_targets(chain)
        if chain in evenness.transfer.references and complete < len(targets):
            continue  # the majority label is no floor of some targets, and some have no rows for a ceiling
        missing = f"{complete}/{len(targets)}"
        english, zero_shot, gap, worst, quarter, spread = (
            summarise_seeds(evenness.average_over_targets(measure, targets)[row], missing) for measure in MEASURES
        )
        change = None if chain == NONE else summarise_seeds(evenness.compute_change("gap", targets)[row], missing)
        rows.append((_label(evenness, chain), english, zero_shot, gap, change, worst, quarter, spread))
    return Grid(f"From English to the others, {_describe_scope(evenness)}", columns, tuple(rows))


def _build_group_table(evenness: Evenness) -> Grid:
    tasks = evenness.transfer.intermediates
    columns = (
        GridColumn(evenness.by),
        GridColumn("targets", "count"),
        GridColumn("gain beside others", "difference"),
        GridColumn(f"score of {NONE}", "points"),
        *(GridColumn(_label(evenness, name), "difference") for name in tasks),
    )
    rows: list[GridRow] = []
    for group, targets in evenness.targets_by_group.items():
        is_language = evenness.by == "language" or group == ENGLISH
        title = group if is_language else f"{group} ({' '.join(evenness.groups[group])})"
        estimates = (evenness.scores[NONE, group], *(evenness.gains[name, group] for name in tasks))
        relative_gain = summarise_seeds(evenness.relative_gains[group])
        rows.append((title, len(targets), relative_gain, *map(number_from_estimate, estimates)))
    return Grid(f"Gain over {NONE} by {evenness.by}, in points", columns, tuple(rows))


def _build_baseline_table(evenness: Evenness) -> Grid:
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
    rows: list[GridRow] = []
    for target in evenness.transfer.targets:
        *scores, quarter, spread = (
            summarise_seeds(evenness.average_over_targets(measure, (target,))[0]) for measure in MEASURES
        )
        rows.append((target, *scores, evenness.worst_languages.get((NONE, target), ""), quarter, spread))
    return Grid(f"The baseline {NONE} by target", columns, tuple(rows))


def _build_gap_table(evenness: Evenness) -> Grid:
    changes = {target: evenness.compute_change("gap", (target,)) for target in evenness.measured_targets}
    rows: list[GridRow] = []
    for name in evenness.transfer.intermediates:
        row = evenness.transfer.chains.index(name)
        rows.append((_label(evenness, name), *(summarise_seeds(change[row]) for change in changes.values())))
    columns = (GridColumn("chain"), *(GridColumn(target, "difference") for target in changes))
    return Grid(f"Transfer gap less that of {NONE}, by target (below 0: narrower)", columns, tuple(rows))


def _explain_tables(evenness: Evenness) -> tuple[str, ...]:
    lines = [
        f"Gap: {ENGLISH} less the mean of the others. It also narrows where English falls: read it with the gains.",
        "Worst language, worst quarter and spread are over a target's languages other than English, then averaged over "
        "targets. The worst of noisy scores lies below the worst true score.",
        "Groups are scored on different targets, so their gains cannot be compared. Gain beside others can: it is "
        f"the group's gain less that of all languages other than {ENGLISH} on the same targets, mean over tasks that "
        "are no controls.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over {MIN_SEEDS} or more seeds. * The interval excludes 0, as "
        f"{1 - CONFIDENCE_LEVEL:.0%} do by chance. ~ Seeds, languages or targets are missing that others have.",
    ]
    if evenness.by != "language":
        lines.append(
            f"{ENGLISH} is in no group. A group is the mean over its languages of a target, then over targets."
        )
    return tuple(lines)


def _list_missing(evenness: Evenness) -> tuple[str, ...]:
    transfer, measured = evenness.transfer, evenness.measured_targets
    lines = []
    without = [target for target in transfer.targets if target not in measured]
    if without and len(measured) > 1:
        lines.append(f"Not in the gap, because there is no {ENGLISH}: {list_names(without)}.")
    if unknown := list_unknown_languages(evenness):
        lines.append(f"Of unknown {evenness.by}, because no table of the benchmark has them: {list_names(unknown)}.")
    lines += describe_holes(hole.status for hole in transfer.holes.values())
    has_score = np.isfinite(transfer.scores)
    is_complete = (has_score | ~transfer.scored_mask[None, :, :, None]).all(axis=2)
    if incomplete := int((has_score.any(axis=2) & ~is_complete).sum()):
        lines.append(f"Cells that lack a language that others have, so in no gap, worst or spread: {incomplete}.")
    return tuple(lines)


def _label(evenness: Evenness, chain: str) -> str:
    transfer = evenness.transfer
    if chain in transfer.references:
        return f"{chain} ({label_reference(transfer, chain)})"
    return label_chain(transfer.loaded_scores, chain)


def _describe_scope(evenness: Evenness) -> str:
    if len(evenness.measured_targets) == 1:
        return f"on {evenness.measured_targets[0]}"
    return f"mean over the {len(evenness.measured_targets)} targets that have {ENGLISH}"
