"""The oracle by dev sets in the target languages: what it chooses, what it gives, and that nothing else reads it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.questions.judging import judge_dev_selection
from analysis.questions.target_dev import judge_target_dev
from analysis.selection import main
from tests.analysis.sweep_files import Capture, Run, printed, ranked, read_transfer, write_sweep


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoredRun(Run):
    """A run with dev scores in other languages, at its last tenth."""

    foreign_dev: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        rows = super().rows()
        last = [row for row in rows if row["split"] == "dev"][-1]
        return rows + [{**last, "language": name, "value": value} for name, value in self.foreign_dev.items()]


def run(task: str, dev: float, target_dev: float, test: float, seed: int = 0, rate: float = 1e-3) -> ScoredRun:
    foreign = {"de": target_dev - 0.1, "fr": target_dev + 0.1}
    scores = {"xnli": {"en": dev, "de": test, "fr": test}}
    return ScoredRun(intermediate=task, test=scores, seed=seed, rate=rate, dev=(0.1, dev), foreign_dev=foreign)


def runs(seeds: int = 3) -> list[ScoredRun]:
    """English dev takes mnli at 0.001, with 50 + seed points elsewhere; the oracle squad at 0.002, with 54."""
    every = []
    for seed in range(seeds):
        every += [
            run("none", 0.7, 0.4, 0.4, seed),
            run("mnli", 0.9, 0.5, 0.50 + seed / 100, seed),
            run("mnli", 0.8, 0.6, 0.52, seed, rate=2e-3),
            run("squad", 0.7, 0.5, 0.3, seed),
            run("squad", 0.6, 0.7, 0.54, seed, rate=2e-3),
        ]
    return every


def test_the_oracle_by_hand(tmp_path: Path) -> None:
    (oracle,) = judge_target_dev(read_transfer(write_sweep(tmp_path, runs())))
    assert oracle.gains == pytest.approx([4, 3, 2])
    assert (oracle.english_task, oracle.oracle_task, oracle.changes_task) == ("mnli", "squad", True)


def test_nothing_else_reads_dev_of_other_languages(tmp_path: Path) -> None:
    plain = [Run(**{field.name: getattr(each, field.name) for field in dataclasses.fields(Run)}) for each in runs()]
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.mkdir()
    with_dev, without = (write_sweep(path, each) for path, each in zip(paths, (runs(), plain), strict=True))
    one, other = ranked(with_dev), ranked(without)
    assert (one.gains, one.target_choices, one.run_counts) == (other.gains, other.target_choices, other.run_counts)
    assert one.transfer.runs.drop("run").equals(other.transfer.runs.drop("run"))
    judged, plainly = (judge_dev_selection(each.transfer) for each in (one, other))
    assert str(judged.tasks) == str(plainly.tasks)
    assert str(judged.rates) == str(plainly.rates) and str(judged.stopping) == str(plainly.stopping)
    assert judged.oracles and not plainly.oracles


def test_runs_that_lack_a_language_controls_and_unfinished_runs_are_no_options(tmp_path: Path) -> None:
    short = dataclasses.replace(run("a", 0.99, 0.99, 0.99), foreign_dev={"de": 0.99})
    control = run("random", 0.99, 0.99, 0.99)
    stopped = dataclasses.replace(run("b", 0.99, 0.99, 0.99), status="stopped")
    folder = write_sweep(tmp_path, [*runs(1), short, control, stopped], controls=["random"])
    (oracle,) = judge_target_dev(read_transfer(folder))
    assert oracle.gains == pytest.approx([4])


def test_a_seed_without_a_choice_has_no_gain(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path, [*runs(2), run("none", 0.7, 0.4, 0.4, seed=2)])
    (oracle,) = judge_target_dev(read_transfer(folder))
    assert np.isnan(oracle.gains).tolist() == [False, False, True]


def test_selection_says_what_the_oracle_gives(tmp_path: Path, capsys: Capture) -> None:
    text = printed(capsys, main, write_sweep(tmp_path, runs()))
    assert "instead of English dev gives +3.0 points (95% interval +0.5 to +5.5) in the other languages" in text
    assert "The best intermediate task changes for xnli (mnli -> squad)." in text
    assert "An oracle: rate and task by dev in the target languages" in text


def test_without_such_scores_it_says_how_to_get_them(tmp_path: Path, capsys: Capture) -> None:
    plain = [dataclasses.replace(each, foreign_dev={}) for each in runs()]
    text = printed(capsys, main, write_sweep(tmp_path, plain))
    assert "Target-language dev: not scored. Run the sweep's command with --target-dev" in text
    assert "An oracle:" not in text
