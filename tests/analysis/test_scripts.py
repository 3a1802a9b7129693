"""Every script, on sweeps with hardly anything in them: an answer or one clear line, never a traceback."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = ("rank", "matrix", "languages", "selection", "axes", "alignment", "diversity", "published", "report")


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
