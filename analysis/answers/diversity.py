"""The printed answer of diversity.py: whether diverse mixes make transfer more robust."""

from collections.abc import Mapping, Sequence

from analysis.questions.task_mixes import (
    LABELLINGS,
    LOWER_IS_BETTER,
    MEASURES_OVER_TARGETS,
    ONE_MORE_KIND,
    ROBUSTNESS_MEASURES,
    TWICE_AS_MANY_TASKS,
    MixComparison,
    MixContrast,
    MixMeasure,
)
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.significance import ALPHA
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue, format_value
from analysis.tables.numbers import format_p, summarise_seeds
from analysis.tables.source import describe_source
from spaces.chain import DEFAULT_SAMPLER, NONE

QUESTION = "Does a more diverse intermediate mix make transfer more robust?"
HEADINGS: Mapping[MixMeasure, str] = {
    "others": "mean",
    "worst": "worst language",
    "quarter": "worst quarter",
    "spread": "spread (sd)",
    "gap": "gap to en",
    "lowest": "lowest gain of a target",
    "losing": "% of targets that lose",
}
VERDICT_MEASURES: tuple[MixMeasure, ...] = ("quarter", "spread", "others")  # what a verdict gives in numbers


def build_answer(mixed: MixComparison) -> Answer:
    """What is printed."""
    return Answer(
        question=QUESTION,
        sentences=tuple(filter(None, (mixed.budget_warning, *_write_verdicts(mixed), _describe_samplers(mixed)))),
        source_lines=describe_source(mixed.evenness.transfer.loaded_scores),
        tables=tuple(
            table
            for table in (
                _build_contrast_table(mixed),
                _build_target_table(mixed),
                _build_mix_table(mixed),
                _build_sampler_table(mixed),
            )
            if table.rows
        ),
        notes=(*_explain_tables(), *_list_missing(mixed)),
    )


def _write_verdicts(mixed: MixComparison) -> tuple[str, str]:
    return (
        _write_contrast_verdict(
            mixed, ONE_MORE_KIND, "More diverse mixes", "At equal size, one more kind of task in the mix moves"
        ),
        _write_contrast_verdict(
            mixed, TWICE_AS_MANY_TASKS, "Larger mixes", "At equal kinds, twice as many tasks in the mix move"
        ),
    )


def _write_contrast_verdict(mixed: MixComparison, contrast: str, who: str, how: str) -> str:
    """The verdict of one contrast: what it moves, and whether that is more than chance."""
    line, p = mixed.contrasts[contrast], mixed.adjust_p_values(contrast)
    moved = ", ".join(
        f"the {HEADINGS[name]} by {_format_contrast(one)}"
        for name in VERDICT_MEASURES
        if (one := line[name]) is not None
    )
    if not moved:
        return f"{who}: nothing here tells what they do apart from what their tasks or the other axis do."
    sure = [name for name in p if p[name] < ALPHA]
    better = [name for name in sure if (one := line[name]) and (one.effect.value < 0) == (name in LOWER_IS_BETTER)]
    worse = [name for name in sure if name not in better]
    if not p:
        verdict = f"Whether that is more than chance cannot be told from fewer than {MIN_SEEDS} seeds or so few mixes."
    elif not sure:
        verdict = f"{who} are not shown to be more or less robust (after Holm, the least {format_p(min(p.values()))})."
    else:
        parts = [
            f"{word} robust by {_join_headings(names)}" for word, names in (("more", better), ("less", worse)) if names
        ]
        verdict = f"{who} are {' but '.join(parts)} (after Holm, {format_p(max(p[name] for name in sure))})."
        if not set(sure) & set(LOWER_IS_BETTER):
            verdict += " They are not shown to be more or less even: that is how the mean moves too."
    return f"{how} {moved} points. {verdict}"


def _format_contrast(one: MixContrast) -> str:
    return format_value(_number_from_contrast(one), GridColumn("", "difference", interval=True))


def _join_headings(names: Sequence[MixMeasure]) -> str:
    return ", ".join(HEADINGS[name] for name in names)


def _describe_samplers(mixed: MixComparison) -> str | None:
    """How other samplers do beside the default one."""
    if not mixed.sampler_changes:
        return None
    numbers = {chain: summarise_seeds(line["quarter"]) for chain, line in mixed.sampler_changes.items()}
    said = (
        f"{chain} {format_value(one, GridColumn('', 'difference', interval=True))}" for chain, one in numbers.items()
    )
    return f"Samplers, {HEADINGS['quarter']} less that of {DEFAULT_SAMPLER}, of the same tasks: {', '.join(said)}."


def _build_contrast_table(mixed: MixComparison) -> Grid:
    names = list(mixed.changes)
    rows: list[tuple[GridValue, ...]] = [
        (contrast, *(_number_from_contrast(line[name]) for name in names), _format_least_p(mixed, contrast))
        for contrast, line in mixed.contrasts.items()
    ]
    heads = [GridColumn(HEADINGS[name], "difference", interval=True) for name in names]
    return Grid(
        f"What moves the gain over {NONE}, in points",
        (GridColumn("contrast"), *heads, GridColumn("least after Holm")),
        tuple(rows),
    )


def _format_least_p(mixed: MixComparison, contrast: str) -> str:
    known = {name: each for name, each in mixed.adjust_p_values(contrast).items() if each <= 1}
    if not known:
        return "-"
    least = min(known, key=lambda name: known[name])
    return f"{format_p(known[least])} ({HEADINGS[least]})"


def _build_target_table(mixed: MixComparison) -> Grid:
    names = [name for name in mixed.changes if name not in MEASURES_OVER_TARGETS]
    rows: list[tuple[GridValue, ...]] = [
        (target, *(_number_from_contrast(line[name]) if name in line else None for name in names))
        for target, line in mixed.contrasts_by_target.items()
    ]
    heads = [GridColumn(HEADINGS[name], "difference") for name in names]
    return Grid(f"{ONE_MORE_KIND.capitalize()}, by target", (GridColumn("target"), *heads), tuple(rows))


def _number_from_contrast(one: MixContrast | None) -> GridNumber:
    if one is None:
        return GridNumber(value=None, text="not apart")
    low, high = one.effect.interval or (None, None)
    return GridNumber(value=one.effect.value, low=low, high=high)


def _build_mix_table(mixed: MixComparison) -> Grid:
    rows: list[tuple[GridValue, ...]] = []
    for row, mix in enumerate(mixed.mixes):
        kinds = GridNumber(value=mix.effective_kinds)
        changes = (summarise_seeds(values[row]) for values in mixed.changes.values())
        rows.append((mix.chain, len(mix.tasks), len(set(mix.kinds)), kinds, *changes))
    heads = (GridColumn("tasks", "count"), GridColumn("kinds", "count"), GridColumn("effective kinds", "points"))
    measures = (GridColumn(HEADINGS[name], "difference") for name in mixed.changes)
    return Grid(f"The mixes: change over {NONE}, in points", (GridColumn("chain"), *heads, *measures), tuple(rows))


def _build_sampler_table(mixed: MixComparison) -> Grid:
    rows: list[tuple[GridValue, ...]] = [
        (chain, *(summarise_seeds(values) for values in line.values())) for chain, line in mixed.sampler_changes.items()
    ]
    heads = (GridColumn(HEADINGS[name], "difference", interval=True) for name in mixed.changes)
    return Grid(f"Other samplers beside {DEFAULT_SAMPLER}, the same tasks", (GridColumn("chain"), *heads), tuple(rows))


def _explain_tables() -> tuple[str, ...]:
    return (
        "All are over the languages other than English of a target, then averaged over targets. Worst language and "
        "worst quarter also rise where all languages do: read them beside the mean. Of spread, gap and losing targets "
        "less is better; the gap also narrows where English falls.",
        "Kinds: the effective number, the exponential of the entropy of the shares of the kinds in the mix. All tasks "
        "of a mix count alike, whatever the sampler gave them.",
        "The model: the mean of one number per task over the tasks of the mix, one number per size, and so much per "
        "kind. So a task that helps, and stands in more mixes of one sort, makes no effect of diversity; nor does "
        "size. That skills saturate (half the steps on a task give more than half its gain) is an effect of size.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, over new mixes and new seeds (least squares, each mix with a variance of its own), "
        f"with {MIN_SEEDS} or more seeds; * one in the tables without ends excludes 0, as {1 - CONFIDENCE_LEVEL:.0%} do by chance. "
        f"Of single mixes and samplers: Student's t over seeds.",
        f"p: for one more kind the larger of two, that of the interval, and the share of {LABELLINGS} deals of the "
        f"kinds to the tasks at random that say as much; then Holm over {len(ROBUSTNESS_MEASURES)} measures of robustness.",
    )


def _list_missing(mixed: MixComparison) -> tuple[str, ...]:
    lines = []
    if mixed.left_out:
        reasons: dict[str, list[str]] = {}
        for chain, why in mixed.left_out.items():
            reasons.setdefault(why, []).append(chain)
        said = "; ".join(f"{', '.join(names)} ({why})" for why, names in reasons.items())
        lines.append(f"Not compared as mixes: {said}.")
    if mixed.incomplete_mixes:
        lines.append(
            f"In no contrast, for they lack a seed, target or language that others have: {', '.join(mixed.incomplete_mixes)}."
        )
    if mixed.dropped_seeds:
        lines.append(f"Seeds that too many mixes lack are in no contrast: {', '.join(map(str, mixed.dropped_seeds))}.")
    return tuple(lines)
