import csv
import io
import json

import pytest

from analysis.tables import answer, grid
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, format_value

GRID = Grid(
    "Gains & losses",
    (
        GridColumn("task"),
        GridColumn("a heading of words", "difference", interval=True),
        GridColumn("share_of_it", "share"),
    ),
    (
        ("mnli|x", GridNumber(value=1.26, low=0.2, high=2.32, seeds=2, of_seeds=3), GridNumber(value=0.5)),
        ("none", None, GridNumber(value=None, text="stopped")),
        ("50% of it", GridNumber(value=-0.01), 1),
    ),
)
ANSWER = Answer(
    question="What?", sentences=("It is so.",), source_lines=("From here.",), tables=(GRID,), notes=("Read on.",)
)


@pytest.mark.parametrize(
    ("field", "column", "text"),
    [
        (None, GridColumn("x", "points"), "-"),
        ("word", GridColumn("x", "points"), "word"),
        (3, GridColumn("x", "count"), "3"),
        (GridNumber(value=54.36), GridColumn("x", "points"), "54.4"),
        (GridNumber(value=0.449), GridColumn("x", "share"), "45%"),
        (GridNumber(value=-0.04), GridColumn("x", "difference"), "0.0"),
        (GridNumber(value=-0.004), GridColumn("x", "correlation"), "0.00"),
        (GridNumber(value=2.0, low=1.0, high=3.0), GridColumn("x", "difference"), "+2.0*"),
        (GridNumber(value=2.0, low=-1.0, high=5.0), GridColumn("x", "difference"), "+2.0"),
        (GridNumber(value=2.0, low=1.0, high=3.0), GridColumn("x", "points"), "2.0"),
        (GridNumber(value=2.0, low=1.0, high=3.0), GridColumn("x", "points", interval=True), "2.0 [1.0, 3.0]"),
        (GridNumber(value=2.0, parts=3, of_parts=4), GridColumn("x", "points"), "2.0~"),
        (GridNumber(value=2.0, text="qfa"), GridColumn("x", "points"), "2.0 qfa"),
        (GridNumber(value=None, text="2/3"), GridColumn("x", "points"), "2/3"),
    ],
)
def test_how_a_field_is_written(field: grid.GridValue, column: GridColumn, text: str) -> None:
    assert format_value(field, column) == text


def test_a_terminal_sees_numbers_under_each_other() -> None:
    lines = grid.as_text(GRID, 80).splitlines()
    assert lines[3].startswith("mnli|x")
    ends = zip(lines[3:], ("50%", "stopped", "100%"), strict=True)
    assert len({line.rindex(end) + len(end) for line, end in ends}) == 1


def test_columns_that_do_not_fit_follow_below_with_the_names_of_the_rows() -> None:
    narrow = grid.as_text(GRID, 34)
    assert max(map(len, narrow.splitlines())) <= 34
    assert narrow.count("mnli|x") == 2
    assert narrow.count("Gains & losses") == 1


def test_markdown_escapes_what_would_end_a_field() -> None:
    lines = grid.as_markdown(GRID).splitlines()
    heads = ["| task | a heading of words | share_of_it |", "| --- | ---: | ---: |"]
    assert lines[2:5] == [*heads, r"| mnli\|x | +1.3 [+0.2, +2.3]\~ | 50% |"]


def test_markdown_strikes_nothing_out() -> None:
    sentence = "squad~freelb~x2 is better; add `mnli~x2`."
    said = Answer(question="", sentences=(sentence,), source_lines=(), tables=(GRID,), notes=())
    text = answer.as_markdown(said)
    assert r"squad\~freelb\~x2 is better; add `mnli~x2`." in text
    assert r"+2.3]\~" in text  # the mark of a partial mean


def test_latex_escapes_what_would_be_a_command() -> None:
    text = grid.as_latex(GRID)
    assert r"\caption{Gains \& losses}" in text
    assert r"share\_of\_it \\" in text
    assert r"50\% of it & 0.0 & 100\% \\" in text
    assert r"\textasciitilde{}" in text  # the mark of a partial mean
    assert text.count(r"\begin{") == text.count(r"\end{") == 2
    assert grid.escape_latex(r"a\b^c{}#$") == r"a\textbackslash{}b\textasciicircum{}c\{\}\#\$"


def test_programs_get_numbers_that_are_not_rounded() -> None:
    rows = list(csv.DictReader(io.StringIO(answer.as_csv(ANSWER))))
    records = json.loads(answer.as_json(ANSWER))["records"]
    assert [row["value"] for row in rows] == ["1.26", "0.5", "", "", "-0.01", "1"]
    assert [row["value"] for row in records] == [1.26, 0.5, None, None, -0.01, 1]
    cells = {"table": "Gains & losses", "row": "mnli|x", "low": "0.2", "seeds": "2", "of_seeds": "3"}
    assert rows[0] | cells == rows[0]
    assert rows[3]["text"] == "stopped"


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "json"])
def test_every_sentence_is_in_every_format(capsys: pytest.CaptureFixture[str], form: str) -> None:
    answer.print_answer(ANSWER, form)
    out = capsys.readouterr().out
    assert all(sentence in out for sentence in ("It is so.", "From here.", "Read on."))


def test_a_csv_has_its_sentences_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    answer.print_answer(ANSWER, "csv")
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["It is so.", "From here.", "Read on."]
    assert "It is so." not in captured.out


def test_a_row_has_a_field_under_every_column() -> None:
    with pytest.raises(ValueError, match="1 fields under 2 columns"):
        Grid("t", (GridColumn("a"), GridColumn("b")), (("x",),))
