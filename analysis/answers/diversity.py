"""The answer of diversity.py: whether diverse mixes make transfer more robust."""

from collections.abc import Mapping

from analysis.questions import mix_contrasts
from analysis.questions.mix_contrasts import LOWER_IS_BETTER, ONE_MORE_KIND, MixContrast, MixMeasure
from analysis.questions.step_share import measure_step_share
from analysis.questions.task_mixes import MixComparison
from analysis.statistics.detectable import find_detectable_effect
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.significance import ALPHA
from analysis.tables.answer import Answer
from analysis.tables.detectable import describe_detectable
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow
from analysis.tables.numbers import format_difference, format_p, number_from_effect, summarise_seeds
from analysis.tables.source import describe_source, group_by_reason, list_names, pluralise
from spaces.chain import NONE
from spaces.step_share import describe_step_share

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
VERDICT_MEASURES: tuple[MixMeasure, ...] = ("quarter", "spread", "others")  # numbers of a verdict


def build_answer(comparison: MixComparison) -> Answer:
    """Return the answer: a warning about size, a verdict on diversity and one on size, and the samplers."""
    sentences = (
        comparison.budget_warning,
        _write_verdict(comparison, ONE_MORE_KIND, "More diverse mixes", "one more kind at equal size"),
        _write_verdict(
            comparison, mix_contrasts.TWICE_AS_MANY_TASKS, "Larger mixes", "twice as many tasks at equal kinds"
        ),
        _describe_size(comparison),
        _describe_distinct_mixes(comparison),
        _describe_samplers(comparison),
    )
    return Answer(
        question=QUESTION,
        sentences=tuple(filter(None, sentences)),
        source_lines=describe_source(comparison.evenness.transfer.loaded_scores),
        tables=(
            _build_contrast_table(comparison),
            _build_target_table(comparison),
            _build_mix_table(comparison),
            _build_sampler_table(comparison),
        ),
        notes=(*_explain_tables(), *_list_missing(comparison)),
    )


def _write_verdict(comparison: MixComparison, contrast: str, subject: str, change: str) -> str:
    """Return the verdict on one contrast, and what it changes in points."""
    contrasts, p = comparison.contrasts[contrast], comparison.adjust_p_values(contrast)
    effects = ", ".join(
        f"{HEADINGS[name]} {_format_contrast(each)}"
        for name in VERDICT_MEASURES
        if (each := contrasts[name]) is not None
    )
    if not effects:
        return f"{subject}: no answer. These mixes cannot separate {change} from the effects of single tasks."
    significant = [name for name in p if p[name] < ALPHA]
    if not p:
        verdict = f"{subject}: a test takes {MIN_SEEDS} seeds and more mixes, so the changes may be chance"
    elif not significant:
        least = format_p(min(p.values()))
        verdict = f"{subject} are not shown to be more or less robust (smallest {least} after Holm's correction)"
    else:
        groups: dict[str, list[str]] = {"more": [], "less": []}
        for name in significant:
            each = contrasts[name]
            is_better = each is not None and (each.effect.value < 0) == (name in LOWER_IS_BETTER)
            groups["more" if is_better else "less"].append(HEADINGS[name])
        parts = [f"{word} robust by {list_names(names)}" for word, names in groups.items() if names]
        largest = format_p(max(p[name] for name in significant))
        verdict = f"{subject} are {' but '.join(parts)} ({largest} after Holm's correction)"
        if not set(significant) & set(LOWER_IS_BETTER):
            verdict += ", but not shown to be more or less even: the mean moves in the same way"
    return f"{verdict}. Change by {change}, in points: {effects}."


def _describe_distinct_mixes(comparison: MixComparison) -> str | None:
    """Return the effect of one more kind without the mixes of near-duplicates; None if there are none."""
    if not comparison.repetitive_mixes:
        return None
    known = ((name, comparison.distinct_contrasts.get(name)) for name in VERDICT_MEASURES)
    effects = [f"{HEADINGS[name]} {_format_contrast(each)}" for name, each in known if each is not None]
    result = (
        f"in points: {', '.join(effects)}" if effects else "it cannot be separated from the effects of single tasks"
    )
    return (
        f"Some mixes hold near-duplicates, tasks with much the same rows ({list_names(comparison.repetitive_mixes)}). "
        f"One more kind at equal size without these mixes, {result}."
    )


def _describe_size(comparison: MixComparison) -> str:
    """Return what the two verdicts could have found, and the share of the mixes' steps in their chains."""
    effects = {}
    for contrast, change in ((ONE_MORE_KIND, "one more kind"), (mix_contrasts.TWICE_AS_MANY_TASKS, "twice the tasks")):
        tests = len(comparison.adjust_p_values(contrast))
        measured = comparison.contrasts[contrast].get("quarter")
        detectable = find_detectable_effect(measured.effect if measured else None, tests)
        effects[f"in the {HEADINGS['quarter']} by {change}"] = detectable
    mixes = pluralise(len(comparison.mixes) - len(comparison.incomplete_mixes), "mix", "mixes")
    seeds = pluralise(len(comparison.evenness.transfer.seeds) - len(comparison.dropped_seeds), "seed")
    share = measure_step_share(comparison.evenness.transfer, [mix.chain for mix in comparison.mixes])
    return f"{describe_detectable(effects, f'{mixes}, {seeds}')} {describe_step_share(share)}"


def _format_contrast(contrast: MixContrast) -> str:
    return format_difference(number_from_effect(contrast.effect))


def _describe_samplers(comparison: MixComparison) -> str | None:
    """Return how other samplers do beside the default one."""
    if not comparison.sampler_changes:
        return None
    changes = (
        f"{chain} {format_difference(summarise_seeds(line['quarter']))}"
        for chain, line in comparison.sampler_changes.items()
    )
    return (
        f"Other samplers on the same tasks, {HEADINGS['quarter']} less that of {comparison.default_sampler}, "
        f"in points: {list_names(changes)}."
    )


def _build_contrast_table(comparison: MixComparison) -> Grid:
    names = list(comparison.changes)
    rows: list[GridRow] = [
        (contrast, *(_number_from_contrast(line[name]) for name in names), _format_least_p(comparison, contrast))
        for contrast, line in comparison.contrasts.items()
    ]
    columns = [GridColumn(HEADINGS[name], "difference", interval=True) for name in names]
    headings = (GridColumn("contrast"), *columns, GridColumn("least after Holm"))
    return Grid(f"What moves the gain over {NONE}, in points", headings, tuple(rows))


def _format_least_p(comparison: MixComparison, contrast: str) -> str:
    p_values = comparison.adjust_p_values(contrast)
    least = min(p_values, key=p_values.__getitem__, default=None)
    return f"{format_p(p_values[least])} ({HEADINGS[least]})" if least else "-"


def _build_target_table(comparison: MixComparison) -> Grid:
    names = [name for name in comparison.changes if name not in mix_contrasts.MEASURES_OVER_TARGETS]
    rows: list[GridRow] = [
        (target, *(_number_from_contrast(line[name]) if name in line else None for name in names))
        for target, line in comparison.contrasts_by_target.items()
    ]
    columns = [GridColumn(HEADINGS[name], "difference") for name in names]
    return Grid(f"{ONE_MORE_KIND.capitalize()}, by target", (GridColumn("target"), *columns), tuple(rows))


def _number_from_contrast(contrast: MixContrast | None) -> GridNumber:
    return number_from_effect(contrast.effect if contrast else None)


def _build_mix_table(comparison: MixComparison) -> Grid:
    rows: list[GridRow] = []
    for row, mix in enumerate(comparison.mixes):
        kinds = GridNumber(value=mix.effective_kinds)
        changes = (summarise_seeds(values[row]) for values in comparison.changes.values())
        pairs = ", ".join(mix.near_duplicates) or "-"
        rows.append((mix.chain, len(mix.tasks), len(set(mix.kinds)), kinds, pairs, *changes))
    columns = (
        GridColumn("tasks", "count"),
        GridColumn("kinds", "count"),
        GridColumn("effective kinds", "points"),
        GridColumn("near-duplicates"),
    )
    measures = (GridColumn(HEADINGS[name], "difference") for name in comparison.changes)
    return Grid(f"The mixes: change over {NONE}, in points", (GridColumn("chain"), *columns, *measures), tuple(rows))


def _build_sampler_table(comparison: MixComparison) -> Grid:
    rows: list[GridRow] = [
        (chain, *(summarise_seeds(values) for values in line.values()))
        for chain, line in comparison.sampler_changes.items()
    ]
    columns = (GridColumn(HEADINGS[name], "difference", interval=True) for name in comparison.changes)
    title = f"Other samplers beside {comparison.default_sampler}, the same tasks"
    return Grid(title, (GridColumn("chain"), *columns), tuple(rows))


def _explain_tables() -> tuple[str, ...]:
    chance = f"{1 - CONFIDENCE_LEVEL:.0%}"
    return (
        "All measures are over a target's languages other than English, then averaged over targets. Worst language "
        "and worst quarter also rise where all languages do: read them beside the mean. Lower is better for spread, "
        "gap and losing targets; the gap also narrows where English falls.",
        "Kinds: the effective number, the exponential of the entropy of the shares of the kinds in the mix. All "
        "tasks of a mix count alike, whatever the sampler gave them.",
        "The model: the mean of one number per task over the tasks of the mix, one number per size, and a slope per "
        "kind. So neither a good task that is in many diverse mixes nor the size of a mix looks like an effect of "
        "diversity. If half the steps on a task give more than half its gain, that is an effect of size.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, over new mixes and new seeds (least squares, each mix with a variance of "
        f"its own), with {MIN_SEEDS} or more seeds. * in a table without intervals: the interval excludes 0, as "
        f"{chance} do by chance. Single mixes and samplers: Student's t over seeds.",
        f"p for one more kind: the larger of two, from the interval and from {mix_contrasts.LABELLINGS} random "
        "permutations of the kinds among the tasks. Then Holm's correction over "
        f"{len(mix_contrasts.ROBUSTNESS_MEASURES)} measures of robustness.",
    )


def _list_missing(comparison: MixComparison) -> tuple[str, ...]:
    lines = []
    if comparison.left_out:
        lines.append(f"Not compared as mixes: {group_by_reason(comparison.left_out)}.")
    if incomplete := comparison.incomplete_mixes:
        lines.append(
            f"In no contrast, because they lack a seed, target or language that others have: {list_names(incomplete)}."
        )
    if seeds := comparison.dropped_seeds:
        lines.append(f"In no contrast, because too many mixes lack them: seeds {', '.join(map(str, seeds))}.")
    return tuple(lines)
