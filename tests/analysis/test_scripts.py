"""Every script, on sweeps with hardly anything in them: an answer or one clear line, never a traceback."""

import importlib
from pathlib import Path

import pytest

from tests.analysis.sweep_files import Capture, Run, write_sweep

SCRIPTS = (
    *("rank", "matrix", "languages", "selection", "axes", "alignment", "diversity", "training_languages", "published"),
    *("report", "robustness", "similarity", "next_seeds", "winner"),
)
OUTPUTS = {"report": "report.html", "winner": "winner"}  # scripts that write what they are told to with -o


def expect_answer(capsys: Capture, script: str, folder: Path, *flags: str) -> str:
    """What a script prints about a sweep: an answer and no error, or one line of error."""
    output = ["-o", str(folder.parent / OUTPUTS[script])] if script in OUTPUTS else []
    code = importlib.import_module(f"analysis.{script}").main([str(folder), *output, *flags])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "") if out else (code, err.count("\n")) == (2, 1)
    return str(out)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("status", ["failed", "stopped", "degenerate"])
def test_a_sweep_in_which_nothing_finished(tmp_path: Path, capsys: Capture, script: str, status: str) -> None:
    cells = [(task, target, seed) for task in ("none", "nli") for target in ("xnli", "panx") for seed in range(3)]
    runs = [Run(intermediate=n, test={t: {"en": 0.5, "qna": 0.4}}, seed=s, status=status) for n, t, s in cells]
    expect_answer(capsys, script, write_sweep(tmp_path, runs))


@pytest.mark.parametrize("script", SCRIPTS)
def test_one_seed_one_target_one_language(tmp_path: Path, capsys: Capture, script: str) -> None:
    runs = [Run(intermediate=task, test={"xnli": {"en": 0.5}}) for task in ("none", "nli")]
    expect_answer(capsys, script, write_sweep(tmp_path, runs))


@pytest.mark.parametrize("script", SCRIPTS)
def test_languages_that_no_table_has(tmp_path: Path, capsys: Capture, script: str) -> None:
    """A mixed pair of languages has no family; it is scored and shown like any other."""
    runs = [
        Run(intermediate=task, seed=seed, test={"xnli": {"en": 0.5, "qma": 0.4}, "xnli-mixed": mixed})
        for task in ("none", "mnli", "mnli~fgm")
        for seed, mixed in enumerate({"qma-en": 0.3 + seed / 100, "en-qma": 0.4} for seed in range(3))
    ]
    folder = write_sweep(tmp_path, runs)
    expect_answer(capsys, script, folder)
    if script in ("languages", "rank"):
        assert "unknown" in expect_answer(capsys, script, folder, "--by", "family")
