"""What the page says, without a browser."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import altair as alt
import pytest

from analysis import rank
from analysis.page.exports import apply_light_colours
from analysis.page.render import read_asset
from analysis.report import main
from tests.analysis.sweep_files import Capture, refused, write_file

VOID = {"meta", "link", "br", "img", "input", "hr"}
EVIL = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Elements with their attributes, and the text outside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def read(file: Path) -> Reader:
    reader = Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    reader.close()
    return reader


def document(file: Path) -> Any:
    found = re.search(r'id="figures">(.*?)</script>', file.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])


def rows(table: Any) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def ranking_of(world: Path, capsys: Capture, *flags: str) -> Any:
    capsys.readouterr()
    assert rank.main([str(world), "--format", "json", *flags]) == 0
    return json.loads(capsys.readouterr().out)["estimates"]


def test_it_is_one_well_formed_file_that_loads_nothing(report: Path) -> None:
    page = read(report)
    assert page.open == []
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert {name for name, count in ids.items() if count > 1} == set()
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object")
        assert "src" not in attributes
        assert str(attributes.get("href", "#")).startswith("#")
        for name in ("aria-labelledby",):
            assert attributes.get(name, next(iter(ids))) in ids
    assert report.stat().st_size < 5_000_000


def test_sections_come_in_order_of_what_a_reader_asks(report: Path) -> None:
    names = [attributes["id"] for tag, attributes in read(report).elements if tag == "section"]
    assert names[:5] == ["answer", "warnings", "ranking", "matrix", "languages"]
    assert names[-3:] == ["protocol", "versions", "reading"]


@pytest.mark.parametrize("summary", [True, False])
def test_the_answer_is_that_of_rank_py_word_by_word(world: Path, report: Path, capsys: Capture, summary: bool) -> None:
    capsys.readouterr()
    assert rank.main([str(world), *(["--summary"] if summary else [])]) == 0
    terminal = " ".join(capsys.readouterr().out.split())
    text = " ".join(read(report).text.split()).replace("−", "-")
    headline = "Best by the mean over 4 targets: helps, +3.8 points (95% interval +3.2 to +4.3): better than no"
    sentences = [
        f"{headline} intermediate training.",
        "Best by the mean without retrieval over 3 targets: helps, +3.8 points",
        'Best task by target ("or": these seeds do not tell them apart):',
        "That helps is better than no intermediate training holds in",
    ]
    if not summary:
        sentences += [
            "Not distinguishable from helps: alike.",
            "The best of many looks better than it is. Gain on the seeds that chose helps: +3.8;",
            "is significant after Holm's correction if its gain exceeds",
            "95 finished, 1 missing.",
            "~ Partial: seeds, languages or targets are missing that others have.",
        ]
    for sentence in sentences:
        assert sentence in terminal, sentence
        assert sentence in text, sentence


def test_the_first_sentence_of_the_page_is_the_answer(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    first = re.search(r'<section id="answer".*?<p class="(\w+)">(.*?)</p>', page, re.DOTALL)
    assert first and first[1] == "answer"
    assert first[2].startswith("Best by the mean over 4 targets: helps, +3.8 points (95% interval")


def test_what_is_missing_is_counted_and_its_list_is_folded_away(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    start = page.index("<summary>Not complete (")
    folded = page[start : page.index("</details>", start)]
    assert "idle → xquad: seed 2 missing" in folded
    assert start < page.index('id="ranking"'), "a warning, before the ranking"


def test_warnings_name_what_is_missing_and_the_miniature(report: Path) -> None:
    text = " ".join(read(report).text.split())
    for sentence in (
        "nothing here is about natural language",
        "Only 4 seeds",
        "237 runs (one per cell and learning rate)",
        "No run that is degenerate (constant or at chance) is in any mean.",
        "95 finished, 1 missing. No score is filled in.",
        "idle → xquad: seed 2 missing",
        "Control random: no interval above 0, as it should be.",
    ):
        assert sentence in text


def test_numbers_are_those_of_rank_py(world: Path, report: Path, capsys: Capture) -> None:
    expected = {(r["intermediate"], r["column"]): r for r in ranking_of(world, capsys) if r["quantity"] == "gain"}
    cells = {(cell["intermediate"], cell["target"]): cell for cell in rows(document(report)["data"]["cells"])}
    assert set(cells) == set(expected)
    for key, cell in cells.items():
        for name, of in (("gain", "mean"), ("low", "low"), ("high", "high")):
            assert cell[name] == pytest.approx(expected[key][of], abs=1e-6)
        assert cell["seeds"] == f"{expected[key]['seeds']} of {expected[key]['of_seeds']}"
    hole = cells["idle", "xquad"]
    assert (hole["holes"], hole["seeds"]) == ("seed 2 missing", "3 of 4")
    assert hole["label"].endswith("~")


@pytest.mark.parametrize("level", ["language", "family"])
def test_languages_are_those_of_rank_py(world: Path, report: Path, capsys: Capture, level: str) -> None:
    expected = {
        (one["intermediate"], one["column"]): one["mean"]
        for one in ranking_of(world, capsys, "--by", level)
        if one["quantity"] == "gain" and not one["column"].startswith("mean")
    }
    shown = {
        (row["intermediate"], re.sub(r".*\((\w+)\)", r"\1", row["name"])): row["gain"]
        for row in rows(document(report)["data"]["languages"])
        if row["target"] == "all targets" and row["level"] == level
    }
    assert shown == pytest.approx(expected, abs=1e-6)


def test_curves_hold_every_trained_run_and_where_it_was_stopped(report: Path) -> None:
    runs = rows(document(report)["data"]["curves"])
    stopped = [run for run in runs if run["status"] == "stopped"]
    assert {len(run["scores"]) for run in stopped} == {3}
    assert {run["last"] for run in runs if run["status"] == "finished"} == {10}
    assert len(runs) == 237 - 24 + 20  # but those of retrieval, which trains nothing; and the intermediate runs


def test_every_figure_is_valid_vega_lite_and_has_words_and_data(report: Path) -> None:
    page = document(report)
    assert set(page["figures"]) >= {"ranking", "matrix", "languages", "curves", "cost"}
    for figure in page["figures"].values():
        alt.LayerChart.from_dict(figure["chart"])
        assert all(page["data"][name]["rows"] for name in figure["uses"])
    views = [attributes for _, attributes in read(report).elements if attributes.get("role") == "img"]
    assert len(views) == len(page["figures"])
    assert all(view["aria-label"] for view in views)


def test_text_of_data_is_text(tmp_path: Path) -> None:
    names = ("none", EVIL, "</title>&amp;")
    lines = [
        (name, target, seed, "en", "accuracy", 0.5 + 0.01 * place + 0.001 * seed)
        for place, name in enumerate(names)
        for target in (EVIL, "x\"'y")
        for seed in range(3)
    ]
    assert main([str(write_file(tmp_path, lines)), "-o", str(tmp_path / "page.html")]) == 0
    page = read(tmp_path / "page.html")
    assert page.open == []
    assert [tag for tag, _ in page.elements].count("script") == 3
    assert EVIL in page.text
    assert "</title>&amp;" in page.text
    assert EVIL in {cell["target"] for cell in rows(document(tmp_path / "page.html")["data"]["cells"])}


def test_few_seeds_are_no_answer(tmp_path: Path) -> None:
    lines = [(name, "xnli", 0, "en", "accuracy", 0.5) for name in ("none", "mnli")]
    assert main([str(write_file(tmp_path, lines)), "-o", str(tmp_path / "page.html")]) == 0
    text = " ".join(read(tmp_path / "page.html").text.split())
    assert "With 1 seed there is no interval (it takes 3): this may be chance." in text
    assert "no learning curves" in text
    assert "do not record what the intermediate runs cost" in text


def test_no_task_with_all_targets_is_said(tmp_path: Path) -> None:
    lines = [(name, target, 0, "en", "accuracy", 0.5) for name, target in (("none", "a"), ("none", "b"), ("mnli", "a"))]
    assert main([str(write_file(tmp_path, lines)), "-o", str(tmp_path / "page.html")]) == 0
    text = " ".join(read(tmp_path / "page.html").text.split())
    assert "No answer by the mean over 2 targets: no intermediate task has a gain on all 2 targets at any seed." in text
    assert set(document(tmp_path / "page.html")["figures"]) == {"matrix", "languages"}


def test_figures_are_written_as_files_on_white(world: Path, tmp_path: Path) -> None:
    assert main([str(world), "-o", str(tmp_path / "page.html"), "--figures", str(tmp_path / "figures")]) == 0
    drawn = document(tmp_path / "page.html")["figures"]
    assert {file.name for file in tmp_path.glob("figures/*")} == {f"{n}.{end}" for n in drawn for end in ("svg", "png")}
    for name in drawn:
        svg = (tmp_path / "figures" / f"{name}.svg").read_text()
        assert "var(" not in svg
        assert 'fill="#ffffff"' in svg
        assert (tmp_path / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_paper_has_the_light_colours() -> None:
    assert apply_light_colours('fill="var(--ground)"') == 'fill="#fcfcfa"'
    used = set(re.findall(r"var\((--[\w-]+)\)", read_asset("style.css")))
    defined = set(re.findall(r"(--[\w-]+):", read_asset("style.css")))
    assert used <= defined


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["nowhere"], "report.py: nowhere does not exist"),
        (["{world}", "-o", "{world}"], "report.py: {world} cannot be written: Is a directory"),
        (["{world}", "--metric", "xnli"], "report.py: --metric takes TARGET=NAME"),
    ],
)
def test_bad_use_gets_one_clear_line(world: Path, capsys: Capture, flags: list[str], said: str) -> None:
    error = refused(capsys, main, *(flag.format(world=world) for flag in flags))
    assert error.startswith(said.format(world=world))
