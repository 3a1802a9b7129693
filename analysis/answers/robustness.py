"""The answer of robustness.py: methods of the intermediate phase outside the training distribution."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from analysis.questions import methods
from analysis.questions.method_arms import BASES, MIXED_KINDS, ComparisonBasis
from analysis.questions.methods import OUTCOMES, PRIMARY_OUTCOMES, MethodComparison, MethodEffect
from analysis.questions.step_share import measure_step_share
from analysis.statistics.detectable import find_detectable_mean
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.moments import EPSILON
from analysis.statistics.significance import smallest_gain_in_sd
from analysis.tables import robustness as tables
from analysis.tables.answer import Answer
from analysis.tables.detectable import describe_detectable
from analysis.tables.grid import GridNumber
from analysis.tables.numbers import format_interval, summarise_seeds
from analysis.tables.robustness import BASIS_NAMES
from analysis.tables.source import describe_holes, describe_source, list_names, pluralise
from spaces.method import METHODS
from spaces.step_share import describe_step_share

QUESTION = "Does adversarial training of the intermediate phase help robustness out of domain?"


def build_answer(comparison: MethodComparison) -> Answer:
    """Return the answer: out of domain, drops on shifted inputs, and single methods."""
    basis = choose_basis(comparison)
    bases = tuple(reversed(BASES))
    return Answer(
        question=QUESTION,
        sentences=(
            write_verdict(comparison, basis),
            _describe_size(comparison, basis),
            *_describe_equal_steps(comparison, basis),
            *_describe_drops(comparison, basis),
            _describe_single_methods(comparison, basis),
            *_warn_unequal_compute(basis),
        ),
        source_lines=describe_source(comparison.transfer.loaded_scores),
        tables=(
            *(tables.build_effect_table(comparison, each) for each in bases),
            *(
                tables.build_mean_table(comparison, each, "method", lambda effect: str(effect.arm.method))
                for each in bases
            ),
            *(
                tables.build_mean_table(comparison, each, "kind of task", lambda effect: effect.arm.kind)
                for each in bases
            ),
            tables.build_suitability_table(comparison),
        ),
        notes=(*_explain_tables(comparison), *_list_missing(comparison)),
    )


def choose_basis(comparison: MethodComparison) -> ComparisonBasis:
    """Return the basis of the verdict: equal compute, where the sweep has it."""
    return "compute" if any(comparison.select_effects("compute", outcome) for outcome in PRIMARY_OUTCOMES) else "steps"


def write_verdict(comparison: MethodComparison, basis: ComparisonBasis) -> str:
    """Return the verdict out of domain: one test of the mean over all methods and tasks."""
    effects = comparison.select_effects(basis, "out of domain")
    mean = _average(effects)
    if mean.value is None:
        return (
            "No answer out of domain: no method and plain chain of the same task have a target out of domain at the "
            "same seed."
        )
    pairs = f"{pluralise(len(effects), 'pair')} of method and task"
    numbers = f"{mean.value:+.1f} points{format_interval(mean)}, mean over {pairs}"
    if mean.low is None or mean.high is None:
        return (
            f"Methods change the score out of domain, at {BASIS_NAMES[basis]}: {numbers}. With fewer than {MIN_SEEDS} "
            "seeds this may be chance."
        )
    verdict = "help" if mean.low > EPSILON else "hurt" if mean.high < -EPSILON else "are not shown to help or to hurt"
    return f"Methods {verdict} out of domain, at {BASIS_NAMES[basis]}: {numbers}."


def _describe_size(comparison: MethodComparison, basis: ComparisonBasis) -> str:
    """Return what the verdict could have found, and the share of the methods' steps in their chains."""
    effects = comparison.select_effects(basis, "out of domain")
    values = methods.average_effects(effects)
    pairs, seeds = pluralise(len(effects), "pair"), pluralise(int(np.isfinite(values).sum()), "seed")
    detectable = describe_detectable({"out of domain": find_detectable_mean(values)}, f"{pairs}, {seeds}")
    share = measure_step_share(comparison.transfer, [arm.name for arm in comparison.method_arms])
    return f"{detectable} {describe_step_share(share)}"


def _average(effects: Sequence[MethodEffect]) -> GridNumber:
    return summarise_seeds(methods.average_effects(effects)) if effects else GridNumber(value=None)


def _describe_equal_steps(comparison: MethodComparison, basis: ComparisonBasis) -> tuple[str, ...]:
    """Return the same mean at equal steps: at equal compute a method may win only because it trains for fewer steps."""
    mean = _average(comparison.select_effects("steps", "out of domain"))
    if basis == "steps" or mean.value is None:
        return ()
    return (f"At equal steps, where plain training costs less: {mean.value:+.1f} points{format_interval(mean)}.",)


def _describe_drops(comparison: MethodComparison, basis: ComparisonBasis) -> tuple[str, ...]:
    means = {
        "where two languages are mixed": _average(comparison.select_effects(basis, "mixed drop")),
        "on perturbed inputs": _average(comparison.select_effects(basis, "perturbed drop")),
    }
    parts = [
        f"{mean.value:+.1f} points {scope}{format_interval(mean)}{_judge_drop(mean)}"
        for scope, mean in means.items()
        if mean.value is not None
    ]
    return (f"Change of the drop from the clean target: {'; '.join(parts)}.",) if parts else ()


def _judge_drop(mean: GridNumber) -> str:
    if mean.low is None or mean.high is None:
        return ""
    if mean.high < -EPSILON:
        return ", less is lost"
    return ", more is lost" if mean.low > EPSILON else ", may be chance"


def _describe_single_methods(comparison: MethodComparison, basis: ComparisonBasis) -> str:
    """Return what is significant after Holm's correction, and what this design can show at all."""
    effects = chain.from_iterable(comparison.select_effects(basis, outcome) for outcome in PRIMARY_OUTCOMES)
    tested = [effect for effect in effects if np.isfinite(effect.holm)]
    if not tested:
        return f"Single methods cannot be tested: no comparison has {MIN_SEEDS} seeds."
    seeds = len(comparison.transfer.seeds)
    need = smallest_gain_in_sd(seeds, len(tested))
    design = f"With {pluralise(seeds, 'seed')} a comparison must exceed {need:.1f} standard deviations over seeds."
    significant = sorted((effect for effect in tested if effect.is_significant), key=lambda effect: effect.holm)
    if not significant:
        return f"Single methods: none of {len(tested)} comparisons is significant after Holm's correction. {design}"
    details = "; ".join(
        f"{effect.arm.method} on {effect.arm.tasks}, {effect.outcome} {np.nanmean(effect.values):+.1f}"
        for effect in significant
    )
    return (
        f"Single methods: {len(significant)} of {len(tested)} comparisons are significant after Holm's correction "
        f"({details}). {design}"
    )


def _warn_unequal_compute(basis: ComparisonBasis) -> tuple[str, ...]:
    if basis == "compute":
        return ()
    return (
        "This is NOT at equal compute: no plain chain makes as many passes as a method, so a gain may come from more "
        "compute. Add chains such as `mnli~x2`.",
    )


def _explain_tables(comparison: MethodComparison) -> tuple[str, ...]:
    measured = "measured"
    if not comparison.has_measured_passes:
        measured = "by the table of methods, in units of the task's own recipe"
    lines = [
        "Every number is a method's score less that of plain training of the same tasks, at the same target, language "
        "and seed; the mean over languages, then over targets, then over seeds.",
        "Equal steps: against the plain chain with as many steps. Equal compute: against the plain chain with as many "
        f"passes, or the next more ({measured}; a plain step is one pass).",
        "In domain: targets of the same kind as the intermediate task, such as the one trained on its own data set. "
        f"Out of domain: all others. In domain of {_describe_domains(comparison)}.",
        "Drop: the clean target's score less the shifted target's. For two mixed languages the clean score is the mean "
        "over both. Below 0: less is lost than with plain training. A drop also shrinks where the clean score falls: "
        "read it with the columns beside it.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over {MIN_SEEDS} or more seeds. * The interval excludes 0, "
        f"as {1 - CONFIDENCE_LEVEL:.0%} do by chance. (Holm): it also does after Holm's correction over all methods, "
        f"tasks and outcomes of the question ({', '.join(PRIMARY_OUTCOMES)}) on the same basis. ~ Seeds are missing.",
        "Works: the sweep has a score of it. That says nothing about a gain.",
    ]
    for name in tables.methods_of(comparison):
        lines += [f"{name} on {kind}: {reason}" for kind, reason in METHODS[name].unsuited_kinds.items()]
    return tuple(lines)


def _describe_domains(comparison: MethodComparison) -> str:
    parts = []
    for kind in dict.fromkeys(arm.kind for arm in comparison.method_arms):
        targets = ", ".join(comparison.targets_by_outcome[kind]["in domain"]) or "none"
        parts.append(f"{'mixes of several kinds' if kind == MIXED_KINDS else kind}: {targets}")
    return "; ".join(parts)


def _list_missing(comparison: MethodComparison) -> tuple[str, ...]:
    lines = []
    for basis, unit in zip(BASES, ("steps", "passes"), strict=True):
        effects = (comparison.get_effect(arm.name, basis, OUTCOMES[0]) for arm in comparison.method_arms)
        if unpaired := [effect.arm.name for effect in effects if effect.plain_chain is None]:
            lines.append(f"Without a plain chain of as many {unit}: {list_names(unpaired)}.")
    names = [arm.name for arm in comparison.arms]
    holes = [hole.status for (name, _, _), hole in comparison.transfer.holes.items() if name in names]
    lines += describe_holes(holes, " of these chains")
    judged = {name for kind in comparison.targets_by_outcome.values() for targets in kind.values() for name in targets}
    if unknown := [name for name in comparison.transfer.targets if name not in judged]:
        lines.append(f"In no column, because no table has them: {list_names(unknown)}.")
    return tuple(lines)
