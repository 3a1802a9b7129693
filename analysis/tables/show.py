"""A ranking for people: plain text for a terminal or a pipe, Markdown, and LaTeX for a paper."""

import re
from collections.abc import Iterator, Sequence

from analysis.tables import screen, standings, words
from analysis.tables.blocks import Field, Row, Title, blocks
from analysis.tables.grid import LATEX, unstruck
from analysis.transfer.columns import ALL
from analysis.transfer.ranking import Ranking
from spaces.chain import NONE

LISTED = 12  # lines of what is missing; the other formats have it all


def table(found: Ranking, width: int) -> str:
    """The report as plain text of `width` characters; columns that do not fit side by side follow in another block."""
    heads, ranks = standings.titles(found), standings.rows(found)
    parts = [
        _wrapped(words.head(found), width),
        _wrapped(words.answer(found), width),
        _wrapped([_standing_title(found)], width),
        *blocks(heads, ranks, width, {0}),
        _wrapped([_matrix_title(found)], width),
        *blocks(_titles(found), list(_rows(found)), width, {0, len(found.intermediates)}),
        *(_wrapped(each, width) for each in (words.order(found), _listed(found), words.legend(found))),
    ]
    return "\n\n".join(part for part in parts if part)


def markdown(found: Ranking) -> str:
    """The report in Markdown, each estimate in one cell."""
    parts = [
        _bullets(words.head(found)),
        _bullets(words.answer(found)),
        f"{_standing_title(found)}:",
        _grid(standings.titles(found), standings.rows(found)),
        f"{_matrix_title(found)}:",
        _grid(_titles(found), list(_rows(found))),
        *(_bullets(each) for each in (words.order(found), _listed(found), words.legend(found))),
    ]
    return unstruck("\n\n".join(part for part in parts if part))


def latex(found: Ranking) -> str:
    """Both tables in LaTeX (booktabs), with what was read and how to read them as comments."""
    comments = [f"% {line.replace(words.TIE, ' ')}" for line in (*words.head(found), *words.legend(found))]
    tables = [
        _tabular(standings.titles(found), standings.rows(found), {0}),
        _tabular(_titles(found), list(_rows(found)), {0, len(found.intermediates)}),
    ]
    return "\n".join([*comments, "% needs \\usepackage{booktabs}", *tables])


def _standing_title(found: Ranking) -> str:
    return f"Ranking by the {ALL} over {len(found.transfer.targets)} targets, gain over `{NONE}` in points"


def _matrix_title(found: Ranking) -> str:
    spread = ", below each the standard deviation over seeds" if words.spread(found) else ""
    return f"Gain over `{NONE}` in points by {found.by}{spread}"


def _titles(found: Ranking) -> list[Title]:
    means = [("", "mean") if one.name == ALL else ("without", "retrieval") for one in found.means]
    return [*(("", column.name) for column in found.columns if not column.mean), *means]


def _rows(found: Ranking) -> Iterator[Row]:
    ranked = found.contests[ALL].order
    for name in found.intermediates:
        place = str(ranked.index(name) + 1) if name in ranked else "-"
        fields = tuple(
            standings.gain(found.gains[name, column.name], over_targets=len(column.targets) > 1)
            for column in found.columns
        )
        yield Row(f"{place:>2} {name}", "(control)" if name in found.read.controls else "", fields)
    for name in (NONE, *found.transfer.floors):
        fields = tuple(
            standings.field(found.levels[name, column.name], over_targets=len(column.targets) > 1)
            for column in found.columns
        )
        yield Row(f"   {name}", "(score)" if name == NONE else "(floor)", fields)


def _grid(titles: Sequence[Title], rows: Sequence[Row]) -> str:
    heads = [" ".join(title).strip() for title in titles]
    lines = [["", *heads], ["---", *("---:" for _ in heads)]]
    lines += [[f"{row.name} {row.remark}".strip(), *map(_inline, row.fields)] for row in rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _tabular(titles: Sequence[Title], rows: Sequence[Row], rules: set[int]) -> str:
    heads = [" ".join(title).strip() for title in titles]
    lines = [["", *heads], *([f"{row.name} {row.remark}".strip(), *map(_inline, row.fields)] for row in rows)]
    body = [r"\toprule"]
    for place, line in enumerate(lines):
        body.append(" & ".join(map(_escaped, line)) + r" \\")
        if place in rules and place < len(lines) - 1:
            body.append(r"\midrule")
    return "\n".join([rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", *body, r"\bottomrule", r"\end{tabular}"])


def _inline(field: Field) -> str:
    return f"{field.number}{field.marks} {field.below}".strip()


def _escaped(text: str) -> str:
    special = {**LATEX, "~": r"$\sim$", "±": r"$\pm$", "†": r"$\dagger$"}
    text = "".join(special.get(letter, letter) for letter in text)
    text = re.sub(r"\*+", lambda stars: f"$^{{{stars[0]}}}$", text)
    return re.sub(r"(?<![\w.$-])-(?=\d)", "$-$", text)


def _listed(found: Ranking) -> list[str]:
    lines = words.missing(found)
    if len(lines) > LISTED:
        lines = [*lines[:LISTED], f"and {len(lines) - LISTED} more: --format json has them all"]
    return ["Not complete:", *lines] if lines else []


def _wrapped(lines: list[str], width: int) -> str:
    return screen.wrapped(lines, width).replace(words.TIE, " ")


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines).replace(words.TIE, " ")
