"""Names of tasks and targets as files from anywhere may have them, in every format and script that prints tables."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from analysis import axes, languages, matrix, rank, report, robustness, selection, similarity
from analysis.scores.load import load
from analysis.scores.plain_names import show_hidden
from analysis.tables.escapes import escape_formula, escape_latex, escape_markdown, escape_markdown_line
from spaces.errors import UsageError
from tests.analysis.sweep_files import Capture, write_file

HOSTILE = (
    *("a|b", "*bold*", "_em_", "__init__", "<b>x</b>", "</script><script>alert(1)</script>", "a & b", "&amp;", "#head"),
    *(
        "$x^2$",
        "100%",
        r"back\slash",
        r"\\",
        "`code`",
        "a`b",
        "~~struck~~",
        "[link](javascript:x)",
        "[red]x[/red]",
        "[/]",
    ),
    *(
        "=1+1",
        "+cmd",
        "-2",
        "@sum",
        "'quote",
        '"double"',
        "a,b",
        "a;b",
        "--dash",
        "{brace}",
        "^hat",
        "!image",
        "> quote",
    ),
    *(
        "new\nline",
        "tab\tstop",
        "bell\x07",
        "\x1b[31mred\x1b[0m",
        "nul\x00",
        "right\u202eleft",
        "mark\u200f",
        "line\u2028end",
    ),
    *(
        "1. one",
        "- dash",
        "| --- |",
        "ünïcode",
        "名前",
        "עברית",
        "datum['x']",
        "${x}",
        "{{ x }}",
        "__proto__",
    ),
)
SHOWN = {name: show_hidden(name) for name in HOSTILE}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
MARKUP = st.text("`*_~|<>&#$[]()\\!-+=:;1. ax\"'{}^%@", min_size=1, max_size=20)
SCRIPTS = (axes.main, languages.main, robustness.main, selection.main, similarity.main)
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hostile names as tasks on two targets, and as targets of two tasks."""
    rows = [
        (task, target, seed, "en", "accuracy", 0.5 + 0.001 * place + 0.01 * seed * (place % 3))
        for place, (task, target) in enumerate(
            [
                *((task, target) for task in ("none", *HOSTILE) for target in ("t", HOSTILE[0])),
                *((task, target) for task in ("none", HOSTILE[0]) for target in HOSTILE[1:]),
            ]
        )
        for seed in range(3)
    ]
    return write_file(tmp_path_factory.mktemp("hostile"), rows)


def run(capsys: Capture, main: Callable[[list[str]], int], *argv: object) -> str:
    assert main([*map(str, argv)]) == 0
    out, err = capsys.readouterr()
    for text in (out, err):
        assert not {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")} - {"\n"}
    return out


def read_markdown_rows(text: str) -> list[list[str]]:
    """The cells of all tables as a reader sees them; no cell may hold an element of its own."""
    rows: list[list[str]] = []
    tokens = PARSER.parse(text)
    assert not [token for token in tokens if token.type in ("html_block", "heading_open", "blockquote_open", "fence")]
    cell = False
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        cell = token.type in ("td_open", "th_open") or (cell and token.type == "inline")
        if token.type == "inline" and token.children is not None:
            kinds = {child.type for child in token.children}
            assert kinds <= {"text", "code_inline", "text_special", "softbreak"}, token.content
            if cell:
                rows[-1].append("".join(child.content for child in token.children))
    return rows


def test_every_name_is_in_the_markdown_as_it_is(scores: Path, capsys: Capture) -> None:
    rows = read_markdown_rows(run(capsys, rank.main, scores, "--format", "markdown"))
    names = {re.sub(r"^(\d+|-) ", "", row[0]) for row in rows}
    assert {" ".join(name.split()) for name in SHOWN.values()} <= {" ".join(name.split()) for name in names}
    heading = next(row for row in rows if "t" in row)
    assert {" ".join(name.split()) for name in SHOWN.values()} <= {" ".join(name.split()) for name in heading}
    assert len({len(row) for row in rows}) == 3  # the ranking, the matrix and other comparisons


def test_every_row_of_the_latex_has_the_same_cells(scores: Path, capsys: Capture) -> None:
    text = run(capsys, rank.main, scores, "--format", "latex")
    lines = [line for line in text.splitlines() if line.endswith(r" \\")]
    cells = [len(re.split(r"(?<!\\)&", line)) for line in lines]
    assert len(set(cells)) == 3
    body = "\n".join(lines)
    assert not re.search(r"(?<!\\)[#%_]", body) and body.count("{") == body.count("}")
    for line in text.splitlines():
        assert line.startswith(("%", "\\")) or line in lines


def test_csv_and_json_give_every_name_back(scores: Path, capsys: Capture) -> None:
    rows = csv.DictReader(io.StringIO(run(capsys, rank.main, scores, "--format", "csv")))
    names = {row["intermediate"] for row in rows}
    assert {escape_formula(name) for name in SHOWN.values()} <= names
    assert not [name for name in names if name[:1] in "=+-@"]
    document = json.loads(run(capsys, rank.main, scores, "--format", "json"))
    assert {*SHOWN.values()} <= {row["intermediate"] for row in document["estimates"]}


@pytest.mark.parametrize("argv", [(), ("--summary",)])
def test_the_terminal_shows_every_name_on_one_line(scores: Path, capsys: Capture, argv: tuple[str, ...]) -> None:
    out = run(capsys, rank.main, scores, *argv)
    if not argv:
        assert all(any(name.strip() in line for line in out.splitlines()) for name in SHOWN.values())


def test_the_heat_map_reads_no_name_as_markup(scores: Path, capsys: Capture) -> None:
    out = run(capsys, matrix.main, scores)
    assert all(name.strip() in out for name in SHOWN.values())


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json"])
@pytest.mark.parametrize("main", SCRIPTS, ids=lambda main: main.__module__)
def test_question_scripts_print_or_refuse_in_one_line(
    scores: Path, capsys: Capture, main: Callable[[list[str]], int], form: str
) -> None:
    code = main([str(scores), "--format", form])
    out, err = capsys.readouterr()
    for text in (out, err):
        assert not {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")} - {"\n"}
    assert code == 0 or err.count("\n") == 1
    if code == 0 and form == "markdown":
        read_markdown_rows(out)


class Page(HTMLParser):
    """The elements and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.texts: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1

    def handle_data(self, data: str) -> None:
        self.texts.add(data.strip())


def test_a_page_shows_every_name_as_text(scores: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "page.html"
    run(capsys, report.main, scores, "-o", out)
    page = Page()
    page.feed(out.read_text())
    assert page.tags["script"] == 3 and "b" not in page.tags
    assert {name.strip() for name in SHOWN.values()} <= page.texts


def test_a_picture_is_whole_and_shows_every_name(scores: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "matrix.svg"
    run(capsys, matrix.main, scores, "-o", out)
    texts = {"".join(element.itertext()) for element in ElementTree.parse(out).iter() if element.tag.endswith("text")}
    assert {" ".join(name.split()) for name in SHOWN.values()} <= {" ".join(text.split()) for text in texts}


@given(text=TEXT | MARKUP)
@example(text=">0")  # a number, but a quotation
def test_any_name_is_text_in_markdown(text: str) -> None:
    name = " ".join(show_hidden(text).split())
    if name:
        table = f"| {escape_markdown(name)} | x |\n| --- | --- |\n| {escape_markdown(name)} | x |"
        assert [row[0] for row in read_markdown_rows(table)] == [name, name]
        tokens = PARSER.parse(escape_markdown_line(name))
        assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]


@given(text=TEXT | MARKUP)
def test_any_name_is_text_in_latex_and_no_formula_in_csv(text: str) -> None:
    escaped = escape_latex(show_hidden(text))
    plain = re.sub(r"\\(text\w+\{\}|[&%$#_{}])|\{\}", "", escaped)
    assert not set(plain) & set("&%$#_{}~^\\<>|") and escaped[:1] not in ("[", "*")
    assert escape_formula(text)[:1] not in ("=", "+", "@", "\t", "\r") or len(text) == 1


@given(text=TEXT)
def test_what_no_table_shows_becomes_an_escape(text: str) -> None:
    shown = show_hidden(text)
    assert not [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")]
    assert shown == text or "\\" in shown


def test_escapes_are_said_and_never_make_one_name_of_two(tmp_path: Path) -> None:
    rows = [(task, "t", 0, "en", "accuracy", 0.5) for task in ("none", "a\nb")]
    scores = load([write_file(tmp_path, rows)])
    assert scores.intermediates == (r"a\nb",)
    assert any(r"written as escapes: a\nb." in note for note in scores.notes)
    with pytest.raises(UsageError, match="two names of column intermediate look alike"):
        load([write_file(tmp_path, [*rows, (r"a\nb", "t", 0, "en", "accuracy", 0.5)])])
