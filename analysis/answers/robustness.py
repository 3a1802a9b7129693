"""The printed answer of robustness.py: robustness outside the training distribution."""

from collections import Counter

import numpy as np

from analysis.questions.methods import (
    ASKED,
    BASES,
    MIXED_KINDS,
    OUTCOMES,
    Basis,
    Methods,
    Outcome,
    mean_over,
)
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.statistics.moments import EPSILON
from analysis.statistics.significance import smallest_gain_in_sd
from analysis.tables.answer import Answer
from analysis.tables.grid import Number
from analysis.tables.methods import AT, effects, means, methods_of, suited
from analysis.tables.over_seeds import over_seeds
from analysis.tables.source import many, read_from
from spaces.method import METHODS

QUESTION = "Does adversarial training of the intermediate phase help robustness out of domain?"


def answer(found: Methods) -> Answer:
    """What is printed."""
    basis = headline(found)
    return Answer(
        question=QUESTION,
        answer=(
            verdict(found, basis),
            *_at_equal_steps(found, basis),
            *_shifted_said(found, basis),
            _single_said(found, basis),
            *_caution(found, basis),
        ),
        read=read_from(found.found.read),
        tables=tuple(
            table
            for table in (
                *(effects(found, basis) for basis in reversed(BASES)),
                *(means(found, basis, "method", lambda one: str(one.arm.method)) for basis in reversed(BASES)),
                *(means(found, basis, "kind of task", lambda one: one.arm.kind) for basis in reversed(BASES)),
                suited(found),
            )
            if table.rows
        ),
        notes=(*_how_to_read(found), *_missing(found)),
    )


def headline(found: Methods) -> Basis:
    """What the verdict is on: equal compute, where the sweep has it."""
    return "compute" if any(found.of("compute", outcome) for outcome in ASKED) else "steps"


def verdict(found: Methods, basis: Basis) -> str:
    """Out of domain, the mean over all methods and tasks: one test."""
    told = found.of(basis, "out of domain")
    mean = over_seeds(mean_over(told)) if told else Number(value=None)
    if mean.value is None:
        why = "no method has a plain chain beside it and a target out of domain at the same seeds"
        return f"Out of domain nothing can be told: {why}."
    said = f"{mean.value:+.1f} points{_between(mean)}, the mean over {many(len(told), 'pair')} of method and task"
    start = f"At {AT[basis]}, methods change the score on targets out of domain by {said}"
    if mean.low is None or mean.high is None:
        return f"{start}: with fewer than {FEWEST} seeds this may be chance."
    if mean.low > EPSILON:
        return f"They help: {start[0].lower()}{start[1:]}."
    if mean.high < -EPSILON:
        return f"They hurt: {start[0].lower()}{start[1:]}."
    return f"Not shown to help or to hurt: {start[0].lower()}{start[1:]}."


def _at_equal_steps(found: Methods, basis: Basis) -> tuple[str, ...]:
    """Longer plain training also specialises more: a method may win at equal compute by being shorter alone."""
    told = found.of("steps", "out of domain")
    mean = over_seeds(mean_over(told)) if told and basis != "steps" else Number(value=None)
    if mean.value is None:
        return ()
    return (f"At equal steps, where plain training costs less, the same is {mean.value:+.1f} points{_between(mean)}.",)


def _shifted_said(found: Methods, basis: Basis) -> tuple[str, ...]:
    parts = []
    where: dict[Outcome, str] = {"mixed drop": "where two languages are mixed", "perturbed drop": "on perturbed inputs"}
    for outcome, what in where.items():
        mean = over_seeds(mean_over(found.of(basis, outcome)))
        if mean.value is not None:
            parts.append(f"{what} by {mean.value:+.1f} points{_between(mean)}{_drop_said(mean)}")
    if not parts:
        return ()
    return ("The drop from the clean target changes " + "; ".join(parts) + ".",)


def _drop_said(mean: Number) -> str:
    if mean.low is None or mean.high is None:
        return ""
    if mean.high < -EPSILON:
        return ", so less is lost"
    return ", so more is lost" if mean.low > EPSILON else ", which may be chance"


def _single_said(found: Methods, basis: Basis) -> str:
    """What survives Holm's correction, and what this design can show at all."""
    tested = [one for outcome in ASKED for one in found.of(basis, outcome) if np.isfinite(one.adjusted)]
    if not tested:
        return f"Single methods: no comparison has {FEWEST} seeds, so none can be tested."
    certain = [one for one in tested if one.certain]
    need = smallest_gain_in_sd(len(found.found.seeds), len(tested))
    design = (
        f"with {many(len(found.found.seeds), 'seed')} one does if it exceeds {need:.1f} times its standard deviation "
        "over seeds"
    )
    if not certain:
        return f"Single methods: of {len(tested)} comparisons none survives Holm's correction; {design}."
    said = "; ".join(
        f"{one.arm.method} on {one.arm.tasks}, {one.outcome} {np.nanmean(one.values):+.1f}"
        for one in sorted(certain, key=lambda one: one.adjusted)
    )
    return f"Single methods: of {len(tested)} comparisons {len(certain)} survive Holm's correction ({said}); {design}."


def _caution(found: Methods, basis: Basis) -> tuple[str, ...]:
    if basis == "compute":
        return ()
    return (
        "This is NOT at equal compute: no plain chain makes as many passes as a method. A gain may be that of more "
        "compute alone; add chains such as `mnli~x2`.",
    )


def _how_to_read(found: Methods) -> tuple[str, ...]:
    told = "measured" if found.measured else "by the table of methods, in units of the task's own recipe"
    lines = [
        "Every number is a method's score less that of plain training of the same tasks, at the same target, "
        "language and seed; the mean over languages, then over targets, then over seeds.",
        "Equal steps: against the plain chain of as many steps. Equal compute: against the plain one of as many "
        f"passes, or of the next more ({told}; a plain step is one).",
        "In domain are targets of the same kind as the intermediate task (one trained on its own data set is among "
        "them), out of domain all others: " + _domains(found) + ".",
        "Drop: the clean target's score less the shifted one's; of two mixed languages the clean score is the mean "
        "over both. Below 0: less is lost than with plain training. A drop also shrinks where the clean score falls: "
        "read it with the columns beside it.",
        f"Intervals: {LEVEL:.0%}, Student's t over seeds, with {FEWEST} or more. * The interval excludes 0, as "
        f"{1 - LEVEL:.0%} of them do by chance alone. (Holm): so it does after Holm's correction for all methods, "
        f"tasks and what is asked ({', '.join(ASKED)}) on the same basis. ~ Seeds are missing.",
        "Works: the sweep has a score of it. It says nothing of a gain.",
    ]
    for name in methods_of(found):
        for kind, reason in METHODS[name].unsuited.items():
            lines.append(f"{name} on {kind}: {reason}")
    return tuple(lines)


def _domains(found: Methods) -> str:
    kinds = dict.fromkeys(arm.kind for arm in found.trained)
    said = []
    for kind in kinds:
        own = ", ".join(found.targets[kind]["in domain"]) or "none"
        said.append(f"{'mixes of several kinds' if kind == MIXED_KINDS else kind} {own}")
    return "in domain of " + "; ".join(said)


def _missing(found: Methods) -> tuple[str, ...]:
    lines = []
    absent: dict[str, list[str]] = {}
    for basis in BASES:
        alone = [arm.name for arm in found.trained if found.effect(arm.name, basis, OUTCOMES[0]).against is None]
        if alone:
            absent[basis] = alone
    if names := absent.get("steps"):
        lines.append(f"Without a plain chain of as many steps: {', '.join(names)}.")
    if names := absent.get("compute"):
        lines.append(f"Without a plain chain of as many passes: {', '.join(names)}.")
    names = [arm.name for arm in found.arms]
    ends = Counter(hole.status for (chain, _, _), hole in found.found.holes.items() if chain in names)
    if ends:
        said = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        lines.append(f"Cells (chain x target x seed) of these chains without a score: {said}; rank.py lists them.")
    told = {name for kind in found.targets.values() for names in kind.values() for name in names}
    if unknown := [name for name in found.found.targets if name not in told]:
        lines.append(f"In no column, since no table has them: {', '.join(unknown)}.")
    return tuple(lines)


def _between(mean: Number) -> str:
    return "" if mean.low is None else f" ({LEVEL:.0%} interval {mean.low:+.1f} to {mean.high:+.1f})"
