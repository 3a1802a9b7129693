"""The whole ranking for people: plain text for a terminal or a pipe, Markdown, and LaTeX for a paper."""

import re
from collections.abc import Iterator, Sequence

from analysis.tables import (
    failures,
    fairness_sentences,
    group_gains,
    new_samples,
    other_comparisons,
    phases,
    ranking_legend,
    ranking_sentences,
    same_data_table,
    standings,
)
from analysis.tables.escapes import LATEX_ESCAPES, escape_markdown, escape_markdown_line
from analysis.tables.group_gains import TablePart, name_heading
from analysis.tables.reference_sentences import label_reference
from analysis.tables.screen import wrap_lines
from analysis.tables.source import pluralise
from analysis.tables.wide_table import TextRow, TwoLineHeading, lay_out_blocks
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.ranking import Ranking

MAX_MISSING_LINES = 12  # the other formats list everything that is missing


def as_text(ranking: Ranking, width: int) -> str:
    """Return plain text of `width` characters; columns that do not fit side by side follow in another block."""
    parts = [wrap_lines(lines, width) for lines in _write_introduction(ranking)]
    for title, headings, rows, rules in (*_build_tables(ranking), *failures.build_tables(ranking)):
        parts += [wrap_lines([title], width), *lay_out_blocks(headings, rows, width, rules)]
    parts += [wrap_lines(lines, width) for lines in _write_notes(ranking)]
    return "\n\n".join(filter(None, parts))


def as_markdown(ranking: Ranking) -> str:
    """Return Markdown with each estimate in one cell."""
    parts = [_format_bullets(lines) for lines in _write_introduction(ranking)]
    for title, headings, rows, _ in (*_build_tables(ranking), *failures.build_tables(ranking)):
        parts += [f"{escape_markdown_line(title)}:", _format_markdown_table(headings, rows)]
    parts += [_format_bullets(lines) for lines in _write_notes(ranking)]
    return "\n\n".join(filter(None, parts))


def as_latex(ranking: Ranking) -> str:
    """Return both tables in LaTeX (booktabs), with the sources and the legend as comments."""
    comments = (*ranking_sentences.describe_scores(ranking), *ranking_legend.explain_marks(ranking))
    tables = [_format_latex_table(headings, rows, rules) for _, headings, rows, rules in _build_tables(ranking)]
    return "\n".join([*(f"% {line}" for line in comments), "% needs \\usepackage{booktabs}", *tables])


def _write_introduction(ranking: Ranking) -> tuple[list[str], ...]:
    return ranking_sentences.describe_scores(ranking), ranking_sentences.write_answer(ranking)


def _write_notes(ranking: Ranking) -> tuple[list[str], ...]:
    missing = ranking_sentences.list_missing(ranking)
    if len(missing) > MAX_MISSING_LINES:
        more = f"and {len(missing) - MAX_MISSING_LINES} more: --format json lists them all"
        missing = [*missing[:MAX_MISSING_LINES], more]
    return (
        ranking_sentences.describe_order(ranking),
        ["Not complete:", *missing] if missing else [],
        phases.describe_phases(ranking),
        [*new_samples.describe_new_samples(ranking), *fairness_sentences.describe_fairness(ranking)],
        [*failures.describe_changes(ranking), *failures.describe_rates(ranking), *failures.list_counted(ranking)],
        [*ranking_legend.explain_marks(ranking), *fairness_sentences.explain_fairness(ranking)],
    )


def _build_tables(ranking: Ranking) -> tuple[TablePart, ...]:
    over = f"{MEAN_ALL} over {pluralise(len(ranking.mean_columns[0].targets), 'target')}"
    has_spread = any(each.sd is not None for each in ranking.gains.values())
    spread = ", below each the standard deviation over seeds" if has_spread else ""
    hidden = f". {hidden[:-1]}" if (hidden := standings.describe_hidden(ranking)) else ""
    title = f"Ranking by the {over}, gain over `{ranking.baseline}` in points{hidden}"
    unit = "group of targets" if ranking.by == "group" else ranking.by
    matrix_title = f"Gain over `{ranking.baseline}` in points by {unit}{spread}{hidden}"
    without = tuple(
        (
            same_data_table.describe_table(ranking, each),
            same_data_table.build_headings(each),
            list(same_data_table.build_rows(ranking, each)),
            {0},
        )
        for each in ranking.without_same_data[:1]
    )
    return (
        (title, standings.build_headings(ranking), standings.build_rows(ranking), {0}),
        *other_comparisons.build_tables(ranking),
        *without,
        *group_gains.build_tables(ranking),
        (matrix_title, _build_headings(ranking), list(_build_rows(ranking)), {0, len(ranking.shown)}),
        *new_samples.build_tables(ranking),
        *phases.build_tables(ranking),
    )


def _build_headings(ranking: Ranking) -> list[TwoLineHeading]:
    means = [standings.head_mean(column.name, "mean") for column in ranking.mean_columns]
    return [*(name_heading(column) for column in ranking.columns if column not in ranking.mean_columns), *means]


def _build_rows(ranking: Ranking) -> Iterator[TextRow]:
    columns = [(column.name, len(column.targets) > 1) for column in ranking.columns]
    for label, remark, name in standings.name_rows(ranking):
        yield TextRow(label, remark, tuple(standings.format_cell(ranking, name, column) for column in ranking.columns))
    for name in (ranking.baseline, *ranking.transfer.references):
        scores = ((ranking.reference_scores[name, column], over_targets) for column, over_targets in columns)
        fields = tuple(standings.format_estimate(score, over_targets=over) for score, over in scores)
        yield TextRow(f"   {name}", f"({label_reference(ranking.transfer, name)})", fields)


def _format_cells(titles: Sequence[TwoLineHeading], rows: Sequence[TextRow]) -> list[list[str]]:
    """Return headings and rows with one text per cell."""
    lines = [["", *(" ".join(title).strip() for title in titles)]]
    for row in rows:
        fields = (f"{field.number}{field.marks} {field.below}".strip() for field in row.fields)
        lines.append([f"{row.name} {row.remark}".strip(), *fields])
    return lines


def _format_markdown_table(titles: Sequence[TwoLineHeading], rows: Sequence[TextRow]) -> str:
    heading, *lines = _format_cells(titles, rows)
    escaped = [[*map(escape_markdown, heading)], ["---", *("---:" for _ in titles)]]
    # The stars of a number are marks; the sign of a partial one would strike text out.
    escaped += [[escape_markdown(name), *(field.replace("~", r"\~") for field in fields)] for name, *fields in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _format_latex_table(titles: Sequence[TwoLineHeading], rows: Sequence[TextRow], rules: set[int]) -> str:
    lines = _format_cells(titles, rows)
    body = [r"\toprule"]
    for number, line in enumerate(lines):
        body.append(" & ".join(map(_escape_latex, line)) + r" \\")
        if number in rules and number < len(lines) - 1:
            body.append(r"\midrule")
    return "\n".join([rf"\begin{{tabular}}{{l{'r' * len(titles)}}}", *body, r"\bottomrule", r"\end{tabular}"])


def _escape_latex(text: str) -> str:
    escapes = {**LATEX_ESCAPES, "~": r"$\sim$", "±": r"$\pm$", "†": r"$\dagger$", "‡": r"$\ddagger$"}
    text = "".join(escapes.get(letter, letter) for letter in text)
    text = text.replace("--", "-{}-")
    text = re.sub(r"\*+", lambda stars: f"$^{{{stars[0]}}}$", text)
    return re.sub(r"(?<![\w.$-])-(?=\d)", "$-$", text)


def _format_bullets(lines: list[str]) -> str:
    return "\n".join(f"- {escape_markdown_line(line)}" for line in lines)
