"""The answer of axes.py: which axis of the search moves the score."""

from analysis.questions.factors import FACTORS, POOLED, AxisComparison
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridRow
from analysis.tables.numbers import number_or_none
from analysis.tables.source import describe_source, format_counts, list_names
from analysis.transfer.array import Transfer
from spaces.chain import NONE

QUESTION = "Which axis of the search moves the score?"
MIN_SHARE = 0.005  # smaller shares are not named in the sentence


def build_answer(transfer: Transfer, comparison: AxisComparison) -> Answer:
    """Return the answer: task against seed, and the shares of the variance."""
    return Answer(
        question=QUESTION,
        sentences=(_write_verdict(comparison), _describe_shares(comparison)),
        source_lines=describe_source(transfer.loaded_scores),
        tables=(_build_spread_table(comparison), _build_share_table(comparison), _build_importance_table(comparison)),
        notes=(*_explain_tables(comparison), *_list_missing(comparison)),
    )


def _write_verdict(comparison: AxisComparison) -> str:
    """Return whether the choice of task moves the score more than the seed does."""
    task_moves_more = {
        target: spread.task_sd > spread.total_seed_sd
        for target, spread in comparison.spreads.items()
        if spread.task_sd is not None and spread.total_seed_sd is not None and spread.task_sd + spread.total_seed_sd > 0
    }
    if not task_moves_more:
        return (
            "It is unknown whether the choice of task moves the score more than the seed: no target has two tasks with "
            "the same two seeds and scores that differ."
        )
    less = [target for target, is_more in task_moves_more.items() if not is_more]
    targets = len(task_moves_more)
    exception = f"; the seed moves it more on {list_names(less)}" if 0 < len(less) < targets else ""
    count = f"{targets - len(less)} of {targets} targets"
    return f"The choice of task moves the score more than the seed on {count}{exception}."


def _describe_shares(comparison: AxisComparison) -> str:
    name = POOLED if POOLED in comparison.splits else next(iter(comparison.splits))
    split = comparison.splits[name]
    parts = sorted(((part.share, factor) for factor, part in split.parts.items()), reverse=True)
    shares = ", ".join(f"{_name_axis(factor)} {100 * share:.0f}%" for share, factor in parts if share >= MIN_SHARE)
    scope = "over all targets, each centred on its mean" if name == POOLED else f"on {name}"
    return (
        f"Shares of the variance of the scores, {scope}: {shares or 'no axis'}; interactions and noise "
        f"{100 * split.residual_share:.0f}%."
    )


def _build_spread_table(comparison: AxisComparison) -> Grid:
    spreads = ("sd over tasks", "sd over seeds, all", "common to tasks", "noise")
    columns = (
        *(GridColumn("target"), GridColumn("tasks", "count"), GridColumn("seeds", "count")),
        *(GridColumn(name, "points") for name in spreads),
        GridColumn("more by"),
    )
    rows: list[GridRow] = []
    for target, spread in comparison.spreads.items():
        task, seed = spread.task_sd, spread.total_seed_sd
        larger = "cannot be told"
        if task is not None and seed is not None:
            larger = "neither" if task == seed == 0 else "task" if task > seed else "seed"
        numbers = map(number_or_none, (task, seed, spread.seed_sd, spread.noise_sd))
        rows.append((target, spread.task_count, spread.seed_count, *numbers, larger))
    return Grid("The scores that count, mean over languages: how far task and seed move them", columns, tuple(rows))


def _build_share_table(comparison: AxisComparison) -> Grid:
    columns = (
        GridColumn("target"),
        GridColumn("scores", "count"),
        *(GridColumn(name, "share") for name in (*map(_name_axis, FACTORS), "shared", "interactions and noise")),
    )
    rows: list[GridRow] = []
    for name, split in comparison.splits.items():
        parts = (
            GridNumber(value=part.share, parts=part.levels) if (part := split.parts.get(factor)) else None
            for factor in FACTORS
        )
        rest = map(number_or_none, (split.shared_share, split.residual_share))
        rows.append((name, comparison.score_counts[name], *parts, *rest))
    return Grid("All finished runs in every language: shares of the variance", columns, tuple(rows))


def _build_importance_table(comparison: AxisComparison) -> Grid:
    columns = (GridColumn("target"), *(GridColumn(_name_axis(factor), "share") for factor in FACTORS))
    importances = comparison.importances.items()
    rows = tuple((name, *(number_or_none(shares.get(factor)) for factor in FACTORS)) for name, shares in importances)
    return Grid("The same scores: Optuna's importances (PED-ANOVA)", columns, rows)


def _explain_tables(comparison: AxisComparison) -> tuple[str, ...]:
    return (
        f"Tasks: {list_names(comparison.tasks)}. Controls and floors are in no table here, because nobody would choose "
        "them.",
        "Standard deviations are over new tasks and new seeds (method of moments, from the tasks that have every seed; "
        "a negative variance is 0). Another seed moves a score by what is common to all tasks and by the noise. It "
        f"moves a gain over `{NONE}`, which is paired, by the noise of two scores. From few seeds they are rough.",
        "Shares of the variance are main effects, each beyond all others. Shared is what several axes explain together "
        "and none alone (below 0 if they hide each other). If a task helps only some languages or targets, that is an "
        "interaction, not a main effect. An axis with more levels gets a larger share by chance.",
        "Optuna's importances answer another question: which axis decides whether a score is among the best tenth. "
        "They always add up to 100%."
        if comparison.importances
        else "Optuna's importances are left out: with so many scores they take minutes.",
    )


def _list_missing(comparison: AxisComparison) -> tuple[str, ...]:
    notes = []
    if constant := comparison.constant_targets:
        scope = ", nor in `pooled`" if POOLED in comparison.splits else ""
        notes.append(f"All scores are equal on {list_names(constant)}: no variance to split, so in no share{scope}.")
    if not comparison.missing_runs:
        return tuple(notes)
    return (
        *notes,
        f"Runs without a score, which are in no share: {format_counts(comparison.missing_runs)}. Early stopping "
        "removes the poor learning rates, judged on English dev. So the rate's share is too small and the others are "
        "too large. A sweep without early stopping shows the true shares.",
    )


def _name_axis(factor: str) -> str:
    return {"intermediate": "task", "learning_rate": "learning rate"}.get(factor, factor)
