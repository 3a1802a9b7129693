"""Tables of a thousand tasks or a hundred targets: what is shown is bounded, and what is not shown is said."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analysis import matrix, rank, report
from analysis.page import chart_style, charts
from analysis.questions import factors
from analysis.questions.factors import compare_axes
from analysis.statistics.ranks import average_ranks
from analysis.transfer import contest, uncertainty
from analysis.transfer.contest import RANKED_VALUES
from tests.analysis.sweep_files import Capture, printed, ranked, read_transfer, refused


def write_table(folder: Path, tasks: int, targets: int, seeds: int = 1) -> Path:
    rng = np.random.default_rng(7)
    names = ["none", *(f"model-{number}" for number in range(1, tasks))]
    level = (
        rng.normal(70, 5, (targets, 1)) + rng.normal(0, 2, (tasks, 1, 1)) + rng.normal(0, 2, (tasks, targets, seeds))
    )
    grid = {"intermediate": names, "target": [f"t{number}" for number in range(targets)], "seed": list(range(seeds))}
    frame = pl.DataFrame({"intermediate": grid["intermediate"]})
    for column in ("target", "seed"):
        frame = frame.join(pl.DataFrame({column: grid[column]}), how="cross")
    frame = frame.with_columns(language=pl.lit("en"), metric=pl.lit("accuracy"), value=pl.Series(level.ravel() / 100))
    frame.write_parquet(folder / "scores.parquet")
    return folder / "scores.parquet"


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("wide"), 120, 40)


def test_a_headline_names_at_most_eight_tasks(tmp_path: Path, capsys: Capture) -> None:
    out = printed(capsys, rank.main, write_table(tmp_path, 30, 2, seeds=3), "--draws", 100)
    (rivals,) = re.findall(r"Not distinguishable from [\w-]+: ([^.]*)\.", out)
    assert rivals.count("model-") == 8 and re.search(r" and \d+ more$", rivals)


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_top_shows_the_first_tasks_and_counts_the_others(wide: Path, capsys: Capture, form: str) -> None:
    assert rank.main([str(wide), "--top", "3", "--format", form]) == 0
    out = capsys.readouterr().out
    names = dict.fromkeys(re.findall(r"^[\s|]*(\d+) model-\d+", out, re.MULTILINE))
    assert [*names] == ["1", "2", "3"]
    assert form == "latex" or out.replace("\n  ", " ").count("The first 3 of 119 intermediate tasks are shown") == 2


@pytest.mark.parametrize("argv", [("--format", "csv"), ("--format", "json"), ("--summary",)])
def test_what_holds_every_task_is_not_cut(wide: Path, capsys: Capture, argv: tuple[str, ...]) -> None:
    assert "leave out --top" in refused(capsys, rank.main, wide, "--top", "3", *argv)


def test_the_heat_map_follows_in_blocks_and_is_never_cut(
    wide: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert matrix.main([str(wide), "--top", "2"]) == 0
    out = capsys.readouterr().out
    tables = out[out.index("Gain over") : out.index("The first 2")]
    assert max(map(len, tables.splitlines())) <= 100 and "…" not in out
    assert re.findall(r"\bt\d+\b", tables) == [f"t{name}" for name in sorted(map(str, range(40)))]
    assert len(re.findall(r"[+-]\d+\.\d", tables)) == 2 * 41
    assert "and 117 more are not." in out


def test_a_wide_heat_map_holds_marks_and_a_narrow_one_numbers() -> None:
    for columns, is_narrow in ((chart_style.MAX_WIDE_COLUMNS, False), (105, True)):
        spec = charts.draw_matrix(["a"], [f"t{number}" for number in range(columns)], 1.0)
        (text,) = [layer["encoding"]["text"]["field"] for layer in spec["layer"] if layer["mark"]["type"] == "text"]
        assert (text == "marks") == is_narrow
        assert (spec["width"] == {"step": chart_style.CELL_WIDTH}) == is_narrow
        assert ("autosize" in spec) != is_narrow


def test_a_page_of_a_large_table_is_bounded_and_says_what_it_lacks(
    wide: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MAX_CELLS", 500)
    out = tmp_path / "page.html"
    assert report.main([str(wide), "-o", str(out)]) == 0
    page = out.read_text()
    assert page.count("The first 12 of 119 intermediate tasks are shown, and 107 more are not.") >= 2
    assert "analysis/rank.py --format csv has all of them" in page and len(page) < 1_600_000
    assert f"({len(page.encode()) / 1e6:.1f} MB)" in capsys.readouterr().out


def test_no_draw_is_made_where_none_is_used(wide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncertainty, "draw_blocks", None)
    monkeypatch.setattr(uncertainty, "draw_student_blocks", None)
    contests = ranked(wide).contests
    assert all(not each.p_best and not each.letters for each in contests.values())


def test_fewer_draws_are_ranked_where_there_are_many_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[tuple[int, ...]] = []

    def count_draws(draws: np.ndarray) -> np.ndarray:
        counts.append(np.shape(draws))
        return average_ranks(draws)

    monkeypatch.setattr(contest, "average_ranks", count_draws)
    monkeypatch.setattr(contest, "RANKED_VALUES", 60_000)
    ranked(write_table(tmp_path, 21, 10, seeds=3))
    assert sum(shape[0] for shape in counts if len(shape) == 3) == 300 and RANKED_VALUES > 60_000


def test_importances_that_take_minutes_are_left_out(wide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "MAX_IMPORTANCE_SCORES", 9_000)  # 4,800 scores, and pooled again
    assert compare_axes(read_transfer(wide)).importances == {}
