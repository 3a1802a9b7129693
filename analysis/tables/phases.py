"""English dev of the intermediate phases: a table, and sentences on the tasks that are not shown to be learnt."""

from collections.abc import Iterable
from typing import Any

from analysis.statistics.dev_error import LEAST_ERRORS
from analysis.tables.group_gains import TablePart
from analysis.tables.source import list_names, pluralise, role_of
from analysis.tables.standings import EMPTY_FIELD
from analysis.tables.wide_table import TextField, TextRow, TwoLineHeading
from analysis.transfer.other_baselines import is_sham
from analysis.transfer.phases import PhaseScore
from analysis.transfer.ranking import Ranking
from spaces.chain import phase_of

TITLE = "English dev of the intermediate phases"
VERDICTS = {True: "yes", False: "not shown", None: "-"}
HEADINGS: list[TwoLineHeading] = [
    ("English", "dev"),
    ("lowest to", "highest"),
    ("trivial", "answer"),
    ("above", "it"),
    ("", "learnt"),
    ("dev", "examples"),
]


def list_scores(ranking: Ranking, chains: Iterable[str]) -> list[PhaseScore]:
    """Return the scores of the phases of some chains, each phase once, with the tasks of a mix behind it."""
    phases = dict.fromkeys(phase_of(name) for name in chains)
    return [score for phase in phases for score in ranking.phases.get(phase, ())]


def build_tables(ranking: Ranking) -> tuple[TablePart, ...]:
    """Return the table of the phases of the shown tasks, or none where no phase has a dev score."""
    scores = list_scores(ranking, (ranking.baseline, *ranking.shown))
    if not scores:
        return ()
    rows = [TextRow(f"   {_label(score)}", _remark(ranking, score), _build_fields(score)) for score in scores]
    return ((f"{TITLE} in points, ± the standard error", HEADINGS, rows, {0}),)


def _label(score: PhaseScore) -> str:
    return score.phase if score.task is None else f"+ {score.task}"


def _remark(ranking: Ranking, score: PhaseScore) -> str:
    if score.task is not None:
        return f"(in {score.phase})"
    role = role_of(ranking.loaded_scores, score.phase)
    return f"({role})" if role else ""


def _build_fields(score: PhaseScore) -> tuple[TextField, ...]:
    values = score.values.values()
    span = f"{min(values):.1f} {max(values):.1f}" if len(values) > 1 else "-"
    return (
        TextField(f"{score.mean:.1f}", below=_format_error(score.error)),
        TextField(span, below=pluralise(len(values), "seed")),
        EMPTY_FIELD if score.trivial is None else TextField(f"{score.trivial:.1f}"),
        EMPTY_FIELD
        if score.difference is None
        else TextField(f"{score.difference:+.1f}", below=_format_error(score.difference_error)),
        TextField(VERDICTS[score.is_learnt]),
        EMPTY_FIELD if score.examples is None else TextField(f"{score.examples:,}"),
    )


def _format_error(error: float | None) -> str:
    return "" if error is None else f"±{error:.1f}"


def warn_of_unlearnt(ranking: Ranking) -> list[str]:
    """Return a sentence on the ranked tasks that are not shown to be learnt; none where all are, or nothing tells."""
    scores = [score for score in _list_judged(ranking) if score.is_learnt is False]
    if not scores:
        return []
    gains = "Its gain says little about the task" if len(scores) == 1 else "Their gains say little about these tasks"
    return [f"Not shown to be learnt by English dev: {_list_points(scores)}. {gains}."]


def _list_judged(ranking: Ranking) -> list[PhaseScore]:
    """Return the scores of candidates that have a verdict of their own: of a mix its tasks, not their mean."""
    scores = list_scores(ranking, (name for name in ranking.intermediates if not role_of(ranking.loaded_scores, name)))
    mixes = {score.phase for score in scores if score.task is not None}
    return [score for score in scores if score.task is not None or score.phase not in mixes]


def _list_points(scores: Iterable[PhaseScore]) -> str:
    """Return `squad (12.1, trivial answer 10.4 points), csqa in mnli+csqa (21.0, 20.0)`."""
    parts: list[str] = []
    for score in scores:
        words = ("", "") if parts else ("trivial answer ", " points")
        parts.append(f"{name_score(score)} ({score.mean:.1f}, {words[0]}{score.trivial:.1f}{words[1]})")
    return list_names(parts)


def name_score(score: PhaseScore) -> str:
    """Return `mnli`, or `squad in mnli+squad` for a task of a mix."""
    return score.phase if score.task is None else f"{score.task} in {score.phase}"


def describe_phases(ranking: Ranking) -> list[str]:
    """Return sentences on what was learnt, on controls, on phases that the scores do not tell about, and the rule."""
    judged = _list_judged(ranking)
    lines = warn_of_unlearnt(ranking)
    if judged and all(score.is_learnt for score in judged):
        lines = ["Every intermediate task was learnt, by English dev."]
    lines += _describe_controls(ranking)
    known = {score.is_learnt is not None for score in list_scores(ranking, ranking.intermediates)}
    if unknown := [name_score(score) for score in judged if score.is_learnt is None]:
        names = list_names(unknown) if True in known else "the intermediate tasks"
        lines.append(
            f"Whether {names} {'was' if True in known and len(unknown) == 1 else 'were'} learnt is not said: the "
            "scores do not hold the trivial answer on English dev, or the number of examples."
        )
    if True in known:
        lines.append(
            f"Learnt: English dev, mean over seeds, is above the trivial answer by more than {LEAST_ERRORS:g} "
            "standard errors, over dev examples and seeds."
        )
    return lines


def _describe_controls(ranking: Ranking) -> list[str]:
    """Return a sentence per control of random labels; a sham learns words, so nothing is expected of it."""
    lines = []
    for score in list_scores(ranking, ranking.intermediates):
        if role_of(ranking.loaded_scores, score.phase) != "control" or is_sham(score.phase) or score.task is not None:
            continue
        points = _list_points([score]) if score.trivial is not None else ""
        if score.is_learnt:
            lines.append(
                f"Control {points} is ABOVE the trivial answer on English dev. A control should not be; look for the "
                "reason before you trust the ranking."
            )
        elif score.is_learnt is False:
            lines.append(f"Control {points} is at chance on English dev, as it should be.")
    return lines


def build_document(ranking: Ranking) -> list[dict[str, Any]]:
    """Return the scores of all phases for JSON, in points; null where the scores do not tell."""
    return [
        {
            "phase": score.phase,
            "task": score.task,
            "mean": score.mean,
            "values": score.values,
            "trivial": score.trivial,
            "above_trivial": score.difference,
            "examples": score.examples,
            "error_by_examples": score.error,
            "error_of_above_trivial": score.difference_error,
            "learnt": score.is_learnt,
        }
        for score in list_scores(ranking, (ranking.baseline, *ranking.intermediates))
    ]
