import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.rank import main
from analysis.tables import ranking_export, ranking_report, ranking_sentences
from analysis.tables.other_comparisons import list_other_comparisons
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED
from analysis.transfer.ranking import Ranking
from tests.analysis.sweep_files import Capture, Run, ranked, write_file, write_sweep
from tests.paths import ROOT

TARGETS = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc", "tatoeba")
TASKS = "none anli mnli qqp squad squad2 ccg cosmosqa hellaswag csqa multitask shuffled".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole sweep in shape: nine targets, eleven tasks with gains of -1 to +9 points, holes, floors, a control."""
    runs = []
    for place, task in enumerate((*TASKS, "random-encoder")):
        for column, target in enumerate(TARGETS):
            for seed in range(3):
                gain = 0 if task in ("none", "shuffled") else 0.01 * (place - 2)
                score = 0.2 if task == "random-encoder" else 0.5 + gain + 0.001 * seed * column * place
                kind, rate = ("retrieval", None) if target in ("bucc", "tatoeba") else ("target", 1e-3)
                ends = {("qqp", "panx", 1): "failed", ("ccg", "xnli", 2): "stopped"}
                status = ends.get((task, target, seed), "finished")
                if task == "squad" and target == "udpos":
                    status = "degenerate"
                test = {target: {"en": score} | ({} if (task, target) == ("csqa", "mlqa") else {"de": score})}
                more = {"kind": kind, "rate": rate, "status": status, "majority": 0.33}
                runs.append(Run(intermediate=task, test=test, seed=seed, **more))
    results = tmp_path_factory.mktemp("runs")
    return write_sweep(results, runs, retrieval=["bucc", "tatoeba"], controls=["shuffled"])


@pytest.fixture(scope="module")
def ranking(folder: Path) -> Ranking:
    return ranked(folder)


def run_rank(capsys: Capture, *argv: object) -> tuple[int, str, str]:
    code = main([str(word) for word in argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def numbers(ranking: Ranking) -> dict[tuple[str, str], float | None]:
    """Every mean of the matrix, under the names of rows and columns."""
    return {key: estimate.mean for key, estimate in (*ranking.gains.items(), *ranking.reference_scores.items())}


def test_csv_gives_the_same_numbers_back(capsys: Capture, folder: Path, ranking: Ranking) -> None:
    code, out, err = run_rank(capsys, folder, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    means = {(row["intermediate"], row["column"]): float(row["mean"]) if row["mean"] else None for row in rows}
    assert means == numbers(ranking)
    holes = {(row["intermediate"], row["column"]): row["holes"] for row in rows if row["holes"]}
    every = "0:degenerate 1:degenerate 2:degenerate"
    assert holes == {("qqp", "panx"): "1:failed", ("ccg", "xnli"): "2:stopped", ("squad", "udpos"): every}
    assert "synthetic" in err  # what was read stands apart from the table


def test_json_gives_the_same_numbers_back(capsys: Capture, folder: Path, ranking: Ranking) -> None:
    code, out, err = run_rank(capsys, folder, "--format", "json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert {(row["intermediate"], row["column"]): row["mean"] for row in document["estimates"]} == numbers(ranking)
    for row in document["estimates"]:
        estimates = ranking.gains if row["quantity"] == "gain" else ranking.reference_scores
        estimate = estimates[row["intermediate"], row["column"]]
        assert (row["low"], row["high"]) == (estimate.interval or (None, None))
        assert (row["sd"], row["seeds"], row["parts"]) == (estimate.sd, estimate.seeds, estimate.parts)
    assert document["order"][MEAN_TRAINED] == list(ranking.contests[MEAN_TRAINED].order)
    assert document["read"]["cells"] == dict(ranking.cell_counts)


def test_markdown_gives_the_same_numbers_back(capsys: Capture, folder: Path, ranking: Ranking) -> None:
    code, out, _ = run_rank(capsys, folder, "--format", "markdown")
    matrix = out[out.index("Gain over") : out.index("With failed runs")]
    lines = [[field.strip() for field in line.strip("|").split("|")] for line in matrix.splitlines() if line[:1] == "|"]
    assert code == 0
    cells = {}
    for line in lines[2:]:
        name = re.sub(r"^(\d+|-) | \(\w+\)$", "", line[0])
        cells |= {(name, column): field for column, field in zip(_names(lines[0][1:]), line[1:], strict=True)}
    _check_agreement(cells, ranking)


def test_the_table_gives_the_same_numbers_back(capsys: Capture, folder: Path, ranking: Ranking) -> None:
    _, out, _ = run_rank(capsys, folder)
    lines = out.splitlines()
    head = next(number for number, line in enumerate(lines) if "pawsx" in line and line.startswith("   "))
    end = next(number for number, line in enumerate(lines) if number > head and not line)
    cells = {}
    for line in lines[head + 1 : end]:
        row = re.match(r"(?: ?\d+| -|  ) (\w\S*) +(.*)", line)  # the lines of spreads begin with more blanks
        if row:
            fields = zip(_names(lines[head].split()), row[2].split(), strict=True)
            cells |= {(row[1], column): field for column, field in fields}
    _check_agreement(cells, ranking)


def _names(titles: list[str]) -> list[str]:
    return [*titles[:-2], MEAN_ALL, MEAN_TRAINED]


def _check_agreement(cells: dict[tuple[str, str], str], ranking: Ranking) -> None:
    assert cells.keys() == numbers(ranking).keys()
    for key, mean in numbers(ranking).items():
        if mean is None:
            assert not re.match(r"[+-]?\d+\.\d", cells[key]), "an absent mean is no number"
        else:
            assert float(re.match(r"[+-]?\d+\.\d", cells[key]).group()) == pytest.approx(mean, abs=0.0501)


def test_latex_has_all_tables_and_no_bare_sign(capsys: Capture, folder: Path, ranking: Ranking) -> None:
    _, out, _ = run_rank(capsys, folder, "--format", "latex")
    assert out.count(r"\begin{tabular}") == out.count(r"\end{tabular}") == 4
    rows = [line for line in out.splitlines() if line.endswith(r"\\")]
    comparisons = list_other_comparisons(ranking)
    assert len(rows) == 3 * (1 + len(ranking.intermediates)) + 3 + 1 + len(comparisons)
    for line in rows:
        assert not re.search(r"[%#_~±]|(?<![$\d])-\d", line.replace(r"\%", "").replace(r"\_", "")), line
    mean = ranking.gains["shuffled", MEAN_ALL].mean
    assert mean is not None and f"{mean:+.1f}".replace("-", "$-$") in next(line for line in rows if "shuffled" in line)


def test_markdown_strikes_nothing_out(capsys: Capture, folder: Path) -> None:
    _, out, _ = run_rank(capsys, folder, "--format", "markdown")
    assert r"\~" in out and not re.search(r"(?<!\\)~", re.sub("`[^`]*`", "", out))


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_table_fits_the_width(ranking: Ranking, width: int) -> None:
    text = ranking_report.as_text(ranking, width)
    assert max(map(len, text.splitlines())) <= width
    assert all(f" {target}" in text for target in TARGETS)


def test_the_matrix_is_one_block_of_120_columns(ranking: Ranking) -> None:
    lines = ranking_report.as_text(ranking, 118).splitlines()
    assert sum(bool(re.match(r" ?\d+ multitask ", line)) for line in lines) == 3  # ranking, groups, matrix


def test_every_hole_is_on_screen(ranking: Ranking) -> None:
    text = ranking_report.as_text(ranking, 118)
    assert "qqp -> panx: seed 1 failed" in text
    assert "ccg -> xnli: seed 2 stopped" in text
    assert "squad -> udpos: seed 0, 1, 2 degenerate" in text
    assert "csqa -> mlqa: 1 of 2 languages" in text
    assert "319 finished, 3 degenerate, 1 failed, 1 stopped" in text
    assert re.search(r"- squad .* degenerate .* 8/9 +6/7", text)
    assert "No mean, because no seed has all 9 targets: squad (at most 8)." in text


def test_what_a_reader_must_know_is_on_screen(ranking: Ranking) -> None:
    text = ranking_report.as_text(ranking, 118)
    assert "nothing here is about natural language" in text
    assert "(control)" in text
    assert "Control shuffled: no interval above 0, as it should be." in text
    assert re.search(r"by chance alone about \d+ of \d+ such cells would\.", text)
    assert "Limited" not in text


def test_a_long_list_of_holes_is_cut_in_words(tmp_path: Path) -> None:
    runs = [
        Run(intermediate=task, test={f"t{target}": {"en": 0.5}}, seed=seed)
        for task in ("none", "nli")
        for target in range(15)
        for seed in range(15)
        if task == "none" or target != seed  # another seed is missing in each cell
    ]
    ranking = ranked(write_sweep(tmp_path, runs))
    text = ranking_report.as_text(ranking, 100)
    assert "nli -> t11: seed 11 missing" in text and "nli -> t12" not in text
    assert "and 3 more: --format json lists them all" in text
    assert sum(bool(row["holes"]) for row in ranking_export.build_records(ranking)) == 15


def test_alike_holes_are_one_line(tmp_path: Path) -> None:
    runs = [Run(intermediate=task, test={"xnli": {"en": 0.5}}) for task in ("none", "nli")]
    ranking = ranked(write_sweep(tmp_path, runs, targets=["xnli", "t0", "t1"], intermediates=["none", "nli", "qa"]))
    lacking = [f"{name} -> t0, t1: seed 0 missing" for name in ("none", "nli")]
    assert ranking_sentences.list_missing(ranking) == [*lacking, "qa -> all 3 targets: seed 0 missing"]


def test_a_control_that_gains_is_called_out(tmp_path: Path) -> None:
    cells = [(task, score, seed) for task, score in (("none", 0.5), ("shuffled", 0.6)) for seed in range(3)]
    runs = [Run(intermediate=n, test={"xnli": {"en": x + 0.001 * s**2 * x}}, seed=s) for n, x, s in cells]
    ranking = ranked(write_sweep(tmp_path, runs, controls=["shuffled"]))
    order = ranking_sentences.describe_order(ranking)
    assert any("Control shuffled GAINS, even after Holm's correction: xnli, mean." in line for line in order)


def test_with_fewer_than_three_seeds_there_is_no_interval(tmp_path: Path) -> None:
    rows = [(task, "xnli", seed, "de", "acc", 0.5) for task in ("none", "nli") for seed in (0, 1)]
    text = ranking_report.as_text(ranked(write_file(tmp_path, rows)), 100)
    assert "No intervals: they take 3 seeds." in text
    assert "*" not in text


def test_the_command_from_anywhere(folder: Path) -> None:
    command, environment = [sys.executable, ROOT / "analysis" / "rank.py", folder], {**os.environ, "PYTHONPATH": ""}
    run = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "Best by the mean over 9 targets: multitask, +12.0 points" in run.stdout


def test_the_command_loads_nothing_heavy(folder: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from analysis.rank import main; main([{str(folder)!r}]); "
        "print(sorted({'torch', 'ray', 'transformers', 'datasets', 'altair', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    rank = f"'{sys.executable}' '{ROOT}/analysis/rank.py' '{folder}' --format json"
    command = f"{rank} | head -n 1; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("nowhere",), "nowhere does not exist"),
        (("nowhere", "--metric", "xnli"), "takes TARGET=NAME"),
        (("FOLDER", "--metric", "xnly=f1"), "unknown target 'xnly': did you mean xnli"),
        (("FOLDER", "--learning-rate", "7"), "no run has this rate. The rates are 0.001."),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    capsys: Capture, folder: Path, argv: tuple[str, ...], message: str
) -> None:
    code, out, err = run_rank(capsys, *(folder if word == "FOLDER" else word for word in argv))
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "argv",
    [[], ["x", "--format", "xml"], ["x", "--scale", "percent"], ["x", "--learning-rate", "a"], ["x", "--draws", "5"]],
)
def test_bad_flags_are_exit_code_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
