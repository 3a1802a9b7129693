"""Sweeps that are killed at random moments: a short version of tests/bench/kills.py; and that its checks can fail."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

BENCH = ROOT / "tests" / "bench"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_sweep_that_is_killed_at_random_keeps_every_promise() -> None:
    command = [sys.executable, str(BENCH / "kills.py"), "--kills", "2", "--seed", "3", "--minutes", "0.6"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    import kill_checks  # type: ignore[import-not-found]

    return kill_checks


def lines(text: str) -> list[Any]:
    import witness  # type: ignore[import-not-found]

    words = [line.split() for line in text.splitlines()]
    return [witness.Line(word, key, int(tenth), 1, float(time)) for word, key, tenth, time in words]


@pytest.mark.parametrize(
    ("log", "kill", "wrong"),
    [
        ("begin a 1 1.0\nbegin a 1 3.0", ("driver KILL", 2.0), None),
        ("begin a 1 1.0\nbegin a 1 3.0", ("driver KILL", 4.0), "without a kill"),
        ("begin a 1 1.0\nsaved a 1 1.5\nbegin a 1 3.0", ("driver KILL", 2.0), "was written and trained again"),
        ("begin a 1 1.0\nsaved a 1 1.5\nbegin a 2 1.6\nbegin a 2 3.0", ("driver KILL", 2.0), None),
        ("begin a 1 1.0\nbegin a 1 3.0", ("INT once", 2.0), "repeated 1 tenths"),
        ("begin a 10 1.0\ndone a 10 1.5\nbegin a 10 3.0", ("driver KILL", 2.0), "was done and trained"),
    ],
)
def test_repeated_work_is_seen(checks: Any, log: str, kill: tuple[str, float], wrong: str | None) -> None:
    faults = checks.repeated_work(lines(log), [checks.Kill(*kill, workers=1)])
    assert (wrong is None and not faults) or (wrong is not None and wrong in faults[0])


def test_a_repeated_tenth_counts_for_the_kill_that_lost_it(checks: Any) -> None:
    kills = [checks.Kill("driver KILL", 2.0, workers=1), checks.Kill("INT once", 2.5, workers=1)]  # while it starts
    assert not checks.repeated_work(lines("begin a 1 1.0\nbegin a 1 3.0"), kills)
    assert [kill.repeated for kill in kills] == [1, 0]


def test_lost_rungs_are_seen(checks: Any) -> None:
    before = {"s": [("a", 1, 0.1), ("a", 2, 0.2)]}
    assert not checks.kept_rungs(before, {"s": [*before["s"], ("a", 3, 0.3)]})
    assert checks.kept_rungs(before, {"s": [("a", 1, 0.1), ("a", 2, 0.3)]}) and checks.kept_rungs(before, {})


@pytest.mark.parametrize(
    ("entries", "tenth", "wrong"),
    [
        ([("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3)], 3, ""),
        ([("a", 1), ("a", 2), ("b", 1), ("b", 2), ("b", 3)], 3, "b is stopped in one place and not in the other"),
        ([("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3)], 4, "b was stopped after 4 tenths"),
        ([("a", 1), ("a", 2), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3)], 3, "a entered [1, 2, 2, 3]"),
    ],
)
def test_unsound_rungs_are_seen(
    checks: Any, tmp_path: Path, entries: list[tuple[str, int]], tenth: int, wrong: str
) -> None:
    curves = {"a": [0.5] * 10, "b": [0.1] * tenth}
    for key, status in (("a", "finished"), ("b", "stopped")):
        (tmp_path / "stages" / key).mkdir(parents=True)
        outcome = {"status": status, "curve": curves[key], "tenth": len(curves[key])}
        (tmp_path / "stages" / key / "outcome.json").write_text(json.dumps(outcome))
    (tmp_path / "sweep" / "rungs").mkdir(parents=True)
    rungs = [(key, number, curves[key][number - 1]) for key, number in entries]
    (tmp_path / "sweep" / "rungs" / "s.json").write_text(json.dumps(rungs))
    faults = checks.sound_rungs(tmp_path)
    assert (not faults) if not wrong else any(wrong in line for line in faults)
