"""Every script, on sweeps with hardly anything in them: an answer or one clear line, never a traceback."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = (
    "rank",
    "matrix",
    "languages",
    "selection",
    "axes",
    "alignment",
    "diversity",
    "training_languages",
    "published",
    "report",
    "robustness",
    "similarity",
)


def called(script: str, folder: Path, output: Path) -> int:
    flags = ["-o", str(output)] if script == "report" else []
    return int(importlib.import_module(f"analysis.{script}").main([str(folder), *flags]))


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("status", ["failed", "stopped", "degenerate"])
def test_a_sweep_in_which_nothing_finished(
    run_of: type,
    write_sweep: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    script: str,
    status: str,
) -> None:
    runs = [
        run_of(intermediate=task, test={target: {"en": 0.5, "qna": 0.4}}, seed=seed, status=status)
        for task in ("none", "nli")
        for target in ("xnli", "panx")
        for seed in range(3)
    ]
    code = called(script, write_sweep(tmp_path, runs), tmp_path / "report.html")
    out, err = capsys.readouterr()
    assert (code, err) == (0, "") if out else (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("script", SCRIPTS)
def test_one_seed_one_target_one_language(
    run_of: type, write_sweep: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    runs = [run_of(intermediate=task, test={"xnli": {"en": 0.5}}) for task in ("none", "nli")]
    code = called(script, write_sweep(tmp_path, runs), tmp_path / "report.html")
    out, err = capsys.readouterr()
    assert (code, err) == (0, "") if out else (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("script", SCRIPTS)
def test_languages_that_no_table_has(
    run_of: type, write_sweep: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    """A mixed pair of languages has no family; it is scored and shown like any other."""
    runs = [
        run_of(
            intermediate=task,
            seed=seed,
            test={"xnli": {"en": 0.5, "qma": 0.4}, "xnli-mixed": {"qma-en": 0.3 + seed / 100, "en-qma": 0.4}},
        )
        for task in ("none", "mnli", "mnli~fgm")
        for seed in range(3)
    ]
    folder = write_sweep(tmp_path, runs)
    code = called(script, folder, tmp_path / "report.html")
    out, err = capsys.readouterr()
    assert (code, err) == (0, "") if out else (code, err.count("\n")) == (2, 1)
    if script in ("languages", "rank"):
        module = importlib.import_module(f"analysis.{script}")
        assert module.main([str(folder), "--by", "family"]) == 0
        assert "unknown" in capsys.readouterr().out
