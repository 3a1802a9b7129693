"""A ranking for people: plain text for a terminal or a pipe, Markdown, and LaTeX for a paper."""

import re
from collections.abc import Iterator, Sequence

from analysis.tables import ranking_sentences, screen, standings
from analysis.tables.grid import LATEX_ESCAPES, escape_tildes
from analysis.tables.wide_table import TextField, TextRow, TwoLineHeading, lay_out_blocks
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.ranking import Ranking
from spaces.chain import NONE

MAX_MISSING_LINES = 12  # lines of what is missing; the other formats have it all


def as_text(found: Ranking, width: int) -> str:
    """The report as plain text of `width` characters; columns that do not fit side by side follow in another block."""
    heads, ranks = standings.build_headings(found), standings.build_rows(found)
    parts = [
        _wrap_lines(ranking_sentences.describe_scores(found), width),
        _wrap_lines(ranking_sentences.write_answer(found), width),
        _wrap_lines([_title_standings(found)], width),
        *lay_out_blocks(heads, ranks, width, {0}),
        _wrap_lines([_title_matrix(found)], width),
        *lay_out_blocks(_build_headings(found), list(_build_rows(found)), width, {0, len(found.intermediates)}),
        *(
            _wrap_lines(each, width)
            for each in (
                ranking_sentences.describe_order(found),
                _list_missing(found),
                ranking_sentences.explain_marks(found),
            )
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def as_markdown(found: Ranking) -> str:
    """The report in Markdown, each estimate in one cell."""
    parts = [
        _format_bullets(ranking_sentences.describe_scores(found)),
        _format_bullets(ranking_sentences.write_answer(found)),
        f"{_title_standings(found)}:",
        _format_markdown_table(standings.build_headings(found), standings.build_rows(found)),
        f"{_title_matrix(found)}:",
        _format_markdown_table(_build_headings(found), list(_build_rows(found))),
        *(
            _format_bullets(each)
            for each in (
                ranking_sentences.describe_order(found),
                _list_missing(found),
                ranking_sentences.explain_marks(found),
            )
        ),
    ]
    return escape_tildes("\n\n".join(part for part in parts if part))


def as_latex(found: Ranking) -> str:
    """Both tables in LaTeX (booktabs), with what was read and how to read them as comments."""
    comments = [
        f"% {line.replace(ranking_sentences.NO_BREAK_SPACE, ' ')}"
        for line in (*ranking_sentences.describe_scores(found), *ranking_sentences.explain_marks(found))
    ]
    tables = [
        _format_latex_table(standings.build_headings(found), standings.build_rows(found), {0}),
        _format_latex_table(_build_headings(found), list(_build_rows(found)), {0, len(found.intermediates)}),
    ]
    return "\n".join([*comments, "% needs \\usepackage{booktabs}", *tables])


def _title_standings(found: Ranking) -> str:
    return f"Ranking by the {MEAN_ALL} over {len(found.transfer.targets)} targets, gain over `{NONE}` in points"


def _title_matrix(found: Ranking) -> str:
    spread = ", below each the standard deviation over seeds" if ranking_sentences.has_spread(found) else ""
    return f"Gain over `{NONE}` in points by {found.by}{spread}"


def _build_headings(found: Ranking) -> list[TwoLineHeading]:
    means = [("", "mean") if one.name == MEAN_ALL else ("without", "retrieval") for one in found.mean_columns]
    return [*(("", column.name) for column in found.columns if not column.is_mean), *means]


def _build_rows(found: Ranking) -> Iterator[TextRow]:
    ranked = found.contests[MEAN_ALL].order
    for name in found.intermediates:
        place = str(ranked.index(name) + 1) if name in ranked else "-"
        fields = tuple(
            standings.format_gain(found.gains[name, column.name], over_targets=len(column.targets) > 1)
            for column in found.columns
        )
        yield TextRow(f"{place:>2} {name}", "(control)" if name in found.loaded_scores.controls else "", fields)
    for name in (NONE, *found.transfer.floors):
        fields = tuple(
            standings.format_estimate(found.reference_scores[name, column.name], over_targets=len(column.targets) > 1)
            for column in found.columns
        )
        yield TextRow(f"   {name}", "(score)" if name == NONE else "(floor)", fields)


def _format_markdown_table(titles: Sequence[TwoLineHeading], rows: Sequence[TextRow]) -> str:
    heads = [" ".join(title).strip() for title in titles]
    lines = [["", *heads], ["---", *("---:" for _ in heads)]]
    lines += [[f"{row.name} {row.remark}".strip(), *map(_format_inline, row.fields)] for row in rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _format_latex_table(titles: Sequence[TwoLineHeading], rows: Sequence[TextRow], rules: set[int]) -> str:
    heads = [" ".join(title).strip() for title in titles]
    lines = [["", *heads], *([f"{row.name} {row.remark}".strip(), *map(_format_inline, row.fields)] for row in rows)]
    body = [r"\toprule"]
    for place, line in enumerate(lines):
        body.append(" & ".join(map(_escape_latex, line)) + r" \\")
        if place in rules and place < len(lines) - 1:
            body.append(r"\midrule")
    return "\n".join([rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", *body, r"\bottomrule", r"\end{tabular}"])


def _format_inline(field: TextField) -> str:
    return f"{field.number}{field.marks} {field.below}".strip()


def _escape_latex(text: str) -> str:
    special = {**LATEX_ESCAPES, "~": r"$\sim$", "±": r"$\pm$", "†": r"$\dagger$"}
    text = "".join(special.get(letter, letter) for letter in text)
    text = re.sub(r"\*+", lambda stars: f"$^{{{stars[0]}}}$", text)
    return re.sub(r"(?<![\w.$-])-(?=\d)", "$-$", text)


def _list_missing(found: Ranking) -> list[str]:
    lines = ranking_sentences.list_missing(found)
    if len(lines) > MAX_MISSING_LINES:
        lines = [*lines[:MAX_MISSING_LINES], f"and {len(lines) - MAX_MISSING_LINES} more: --format json has them all"]
    return ["Not complete:", *lines] if lines else []


def _wrap_lines(lines: list[str], width: int) -> str:
    return screen.wrap_lines(lines, width).replace(ranking_sentences.NO_BREAK_SPACE, " ")


def _format_bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines).replace(ranking_sentences.NO_BREAK_SPACE, " ")
