"""The example file of real scores: every script answers from it, and its card says what it is."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from analysis import alignment, languages, matrix, published, rank, report, similarity
from analysis.scores.archive import read_archive
from tests.analysis.sweep_files import Capture
from tests.paths import ROOT

FILE = ROOT / "examples" / "laptop-scores.parquet"
CARD = FILE.with_suffix(".md").read_text(encoding="utf-8")
MOST_BYTES = 2_000_000


def printed(capsys: Capture, main: Callable[[list[str]], int], *arguments: object) -> str:
    assert main([*map(str, arguments)]) == 0
    return str(capsys.readouterr().out)


def test_the_file_is_small_and_the_card_says_what_made_it() -> None:
    records = read_archive(FILE).records
    assert FILE.stat().st_size <= MOST_BYTES
    for record in records:
        assert record["spec"]["start"]["fingerprint"] in CARD and record["commit"] in CARD
        named = [f"{package} {version}" for package, version in record["versions"].items()]
        assert [name for name in named if name not in CARD] == []
        assert [each for each in record["spec"]["data"].values() if each not in CARD] == []
    assert str(Path.home()) not in json.dumps(records) and "/tmp" not in json.dumps(records)


def test_gains_are_those_of_a_plain_computation(capsys: Capture) -> None:
    rows = pl.read_parquet(FILE).filter(pl.col("official"), split="test", target="xnli", status="finished")
    scores = rows.group_by("intermediate", "seed").agg(pl.col("value").mean())  # one metric, one rate
    pairs = scores.join(scores.filter(intermediate="none"), on="seed", suffix="_none").filter(intermediate="mnli")
    gains = {
        str(seed): 100 * (value - none) for seed, value, none in pairs.select("seed", "value", "value_none").rows()
    }
    estimates = json.loads(printed(capsys, rank.main, FILE, "--format", "json"))["estimates"]
    (found,) = (
        each
        for each in estimates
        if (each["intermediate"], each["column"], each["quantity"]) == ("mnli", "xnli", "gain")
    )
    assert len(gains) > 1 and found["values"] == pytest.approx(gains, abs=1e-9)


def test_a_task_was_learnt_and_the_control_was_not(capsys: Capture) -> None:
    document = json.loads(printed(capsys, rank.main, FILE, "--format", "json"))
    phases = {each["phase"]: each for each in document["phases"] if each["task"] is None}
    assert phases["squad"]["learnt"] and phases["mnli"]["above_trivial"] > 10
    assert not phases["random"]["learnt"] and abs(phases["random"]["above_trivial"]) < 5
    assert document["read"]["limited"] and "random" in document["controls"]


@pytest.mark.parametrize(
    ("main", "says"),
    [
        (rank.main, "benchmark xtreme, model e5"),
        (languages.main, "the other languages score"),
        (similarity.main, "TaskEmb"),
        (alignment.main, "alignment"),
        (published.main, "xnli"),
    ],
    ids=["rank", "languages", "similarity", "alignment", "published"],
)
def test_scripts_answer_from_it(main: Callable[[list[str]], int], says: str, capsys: Capture) -> None:
    assert says in printed(capsys, main, FILE)


def test_the_report_and_the_matrix_are_drawn_from_it(tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "report.html"
    printed(capsys, report.main, FILE, "-o", page)
    assert page.stat().st_size > 100_000 and "mnli+qqp~x2" in page.read_text(encoding="utf-8")
    assert "xnli" in printed(capsys, matrix.main, FILE)
