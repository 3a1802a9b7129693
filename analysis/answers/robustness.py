"""The printed answer of robustness.py: robustness outside the training distribution."""

from collections import Counter

import numpy as np

from analysis.questions.methods import (
    BASES,
    MIXED_KINDS,
    OUTCOMES,
    PRIMARY_OUTCOMES,
    ComparisonBasis,
    MethodComparison,
    MethodOutcome,
    average_effects,
)
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.moments import EPSILON
from analysis.statistics.significance import smallest_gain_in_sd
from analysis.tables.answer import Answer
from analysis.tables.grid import GridNumber
from analysis.tables.numbers import summarise_seeds
from analysis.tables.robustness import (
    BASIS_NAMES,
    build_effect_table,
    build_mean_table,
    build_suitability_table,
    methods_of,
)
from analysis.tables.source import describe_source, pluralise
from spaces.method import METHODS

QUESTION = "Does adversarial training of the intermediate phase help robustness out of domain?"


def build_answer(found: MethodComparison) -> Answer:
    """What is printed."""
    basis = choose_basis(found)
    return Answer(
        question=QUESTION,
        sentences=(
            write_verdict(found, basis),
            *_describe_equal_steps(found, basis),
            *_describe_drops(found, basis),
            _describe_single_methods(found, basis),
            *_warn_unequal_compute(found, basis),
        ),
        source_lines=describe_source(found.transfer.loaded_scores),
        tables=tuple(
            table
            for table in (
                *(build_effect_table(found, basis) for basis in reversed(BASES)),
                *(
                    build_mean_table(found, basis, "method", lambda one: str(one.arm.method))
                    for basis in reversed(BASES)
                ),
                *(
                    build_mean_table(found, basis, "kind of task", lambda one: one.arm.kind)
                    for basis in reversed(BASES)
                ),
                build_suitability_table(found),
            )
            if table.rows
        ),
        notes=(*_explain_tables(found), *_list_missing(found)),
    )


def choose_basis(found: MethodComparison) -> ComparisonBasis:
    """What the verdict is on: equal compute, where the sweep has it."""
    return "compute" if any(found.select_effects("compute", outcome) for outcome in PRIMARY_OUTCOMES) else "steps"


def write_verdict(found: MethodComparison, basis: ComparisonBasis) -> str:
    """Out of domain, the mean over all methods and tasks: one test."""
    told = found.select_effects(basis, "out of domain")
    mean = summarise_seeds(average_effects(told)) if told else GridNumber(value=None)
    if mean.value is None:
        why = "no method has a plain chain beside it and a target out of domain at the same seeds"
        return f"Out of domain nothing can be told: {why}."
    said = f"{mean.value:+.1f} points{_format_interval(mean)}, the mean over {pluralise(len(told), 'pair')} of method and task"
    start = f"At {BASIS_NAMES[basis]}, methods change the score on targets out of domain by {said}"
    if mean.low is None or mean.high is None:
        return f"{start}: with fewer than {MIN_SEEDS} seeds this may be chance."
    if mean.low > EPSILON:
        return f"They help: {start[0].lower()}{start[1:]}."
    if mean.high < -EPSILON:
        return f"They hurt: {start[0].lower()}{start[1:]}."
    return f"Not shown to help or to hurt: {start[0].lower()}{start[1:]}."


def _describe_equal_steps(found: MethodComparison, basis: ComparisonBasis) -> tuple[str, ...]:
    """Longer plain training also specialises more: a method may win at equal compute by being shorter alone."""
    told = found.select_effects("steps", "out of domain")
    mean = summarise_seeds(average_effects(told)) if told and basis != "steps" else GridNumber(value=None)
    if mean.value is None:
        return ()
    return (
        f"At equal steps, where plain training costs less, the same is {mean.value:+.1f} points{_format_interval(mean)}.",
    )


def _describe_drops(found: MethodComparison, basis: ComparisonBasis) -> tuple[str, ...]:
    parts = []
    where: dict[MethodOutcome, str] = {
        "mixed drop": "where two languages are mixed",
        "perturbed drop": "on perturbed inputs",
    }
    for outcome, what in where.items():
        mean = summarise_seeds(average_effects(found.select_effects(basis, outcome)))
        if mean.value is not None:
            parts.append(f"{what} by {mean.value:+.1f} points{_format_interval(mean)}{_judge_drop(mean)}")
    if not parts:
        return ()
    return ("The drop from the clean target changes " + "; ".join(parts) + ".",)


def _judge_drop(mean: GridNumber) -> str:
    if mean.low is None or mean.high is None:
        return ""
    if mean.high < -EPSILON:
        return ", so less is lost"
    return ", so more is lost" if mean.low > EPSILON else ", which may be chance"


def _describe_single_methods(found: MethodComparison, basis: ComparisonBasis) -> str:
    """What survives Holm's correction, and what this design can show at all."""
    tested = [
        one for outcome in PRIMARY_OUTCOMES for one in found.select_effects(basis, outcome) if np.isfinite(one.holm)
    ]
    if not tested:
        return f"Single methods: no comparison has {MIN_SEEDS} seeds, so none can be tested."
    certain = [one for one in tested if one.is_significant]
    need = smallest_gain_in_sd(len(found.transfer.seeds), len(tested))
    design = (
        f"with {pluralise(len(found.transfer.seeds), 'seed')} one does if it exceeds {need:.1f} times its standard deviation "
        "over seeds"
    )
    if not certain:
        return f"Single methods: of {len(tested)} comparisons none survives Holm's correction; {design}."
    said = "; ".join(
        f"{one.arm.method} on {one.arm.tasks}, {one.outcome} {np.nanmean(one.values):+.1f}"
        for one in sorted(certain, key=lambda one: one.holm)
    )
    return f"Single methods: of {len(tested)} comparisons {len(certain)} survive Holm's correction ({said}); {design}."


def _warn_unequal_compute(found: MethodComparison, basis: ComparisonBasis) -> tuple[str, ...]:
    if basis == "compute":
        return ()
    return (
        "This is NOT at equal compute: no plain chain makes as many passes as a method. A gain may be that of more "
        "compute alone; add chains such as `mnli~x2`.",
    )


def _explain_tables(found: MethodComparison) -> tuple[str, ...]:
    told = "measured" if found.has_measured_passes else "by the table of methods, in units of the task's own recipe"
    lines = [
        "Every number is a method's score less that of plain training of the same tasks, at the same target, "
        "language and seed; the mean over languages, then over targets, then over seeds.",
        "Equal steps: against the plain chain of as many steps. Equal compute: against the plain one of as many "
        f"passes, or of the next more ({told}; a plain step is one).",
        "In domain are targets of the same kind as the intermediate task (one trained on its own data set is among "
        "them), out of domain all others: " + _describe_domains(found) + ".",
        "Drop: the clean target's score less the shifted one's; of two mixed languages the clean score is the mean "
        "over both. Below 0: less is lost than with plain training. A drop also shrinks where the clean score falls: "
        "read it with the columns beside it.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over seeds, with {MIN_SEEDS} or more. * The interval excludes 0, as "
        f"{1 - CONFIDENCE_LEVEL:.0%} of them do by chance alone. (Holm): so it does after Holm's correction for all methods, "
        f"tasks and what is asked ({', '.join(PRIMARY_OUTCOMES)}) on the same basis. ~ Seeds are missing.",
        "Works: the sweep has a score of it. It says nothing of a gain.",
    ]
    for name in methods_of(found):
        for kind, reason in METHODS[name].unsuited_kinds.items():
            lines.append(f"{name} on {kind}: {reason}")
    return tuple(lines)


def _describe_domains(found: MethodComparison) -> str:
    kinds = dict.fromkeys(arm.kind for arm in found.method_arms)
    said = []
    for kind in kinds:
        own = ", ".join(found.targets_by_outcome[kind]["in domain"]) or "none"
        said.append(f"{'mixes of several kinds' if kind == MIXED_KINDS else kind} {own}")
    return "in domain of " + "; ".join(said)


def _list_missing(found: MethodComparison) -> tuple[str, ...]:
    lines = []
    absent: dict[str, list[str]] = {}
    for basis in BASES:
        alone = [
            arm.name for arm in found.method_arms if found.get_effect(arm.name, basis, OUTCOMES[0]).plain_chain is None
        ]
        if alone:
            absent[basis] = alone
    if names := absent.get("steps"):
        lines.append(f"Without a plain chain of as many steps: {', '.join(names)}.")
    if names := absent.get("compute"):
        lines.append(f"Without a plain chain of as many passes: {', '.join(names)}.")
    names = [arm.name for arm in found.arms]
    ends = Counter(hole.status for (chain, _, _), hole in found.transfer.holes.items() if chain in names)
    if ends:
        said = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        lines.append(f"Cells (chain x target x seed) of these chains without a score: {said}; rank.py lists them.")
    told = {name for kind in found.targets_by_outcome.values() for names in kind.values() for name in names}
    if unknown := [name for name in found.transfer.targets if name not in told]:
        lines.append(f"In no column, since no table has them: {', '.join(unknown)}.")
    return tuple(lines)


def _format_interval(mean: GridNumber) -> str:
    return "" if mean.low is None else f" ({CONFIDENCE_LEVEL:.0%} interval {mean.low:+.1f} to {mean.high:+.1f})"
