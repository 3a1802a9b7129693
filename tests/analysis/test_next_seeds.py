"""next_seeds.py: who gets seeds, the numbers beside it, the exact command, and what it refuses."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.next_seeds import main
from analysis.questions.next_seeds import advise_seeds, find_new_seeds
from analysis.questions.sweep_command import build_command, format_seeds
from search.sweep.sweep_file import check_growth
from tests.analysis.sweep_files import Capture, Run, printed, printed_rows, read_transfer, refused, write_sweep
from tests.search.asked import request_of

LIFTS = {"none": 0.0, "a": 4.0, "b": 3.9, "c": 0.0, "d": -1.0, "e": -2.0, "f": -2.5, "g": -3.0}
TARGETS = ("xnli", "panx", "udpos", "xquad")


def swept(results: Path, lifts: Mapping[str, float] = LIFTS, seeds: int = 3, sd: float = 0.5, **spec: Any) -> Path:
    """Write a sweep in which each chain gains `lifts` points and varies by `sd` points over seeds."""
    rng = np.random.default_rng(0)
    runs = [
        Run(intermediate=chain, seed=seed, test={target: {"en": 0.5 + (lift + sd * rng.standard_normal()) / 100}})
        for chain, lift in lifts.items()
        for seed in range(seeds)
        for target in TARGETS
    ]
    return write_sweep(results, runs, **{"scheduler": "halving", **spec})


def test_the_open_contenders_and_their_baseline_get_the_seeds(tmp_path: Path, capsys: Capture) -> None:
    folder = swept(tmp_path)
    text = printed(capsys, main, folder, "--budget", 12)
    assert "Next: 4 more seeds of none, a and b. That is 12 of 12 chains at one seed each." in text
    assert text.endswith("--seeds 0..2,none=0..6,a=0..6,b=0..6")
    assert "the baseline gets every seed that a task gets" in text
    rows = {(r["row"], r["column"]): r for r in printed_rows(capsys, main, folder, "--budget", 12)}
    assert rows["a", "which"]["text"] == "3, 4, 5, 6" and rows["c", "more"]["value"] == "0"
    widths = [float(rows["a", name]["value"]) for name in ("width now", "width then")]
    others = [float(rows["c", name]["value"]) for name in ("width now", "width then")]
    assert widths[1] < 0.7 * widths[0] and 0.8 * others[0] < others[1] < others[0]  # the baseline's seeds serve all
    loss = {
        name: float(rows[name, "expected loss, points"]["value"]) for name in ("now", "as advised", "spread evenly")
    }
    assert loss["as advised"] <= loss["spread evenly"] <= loss["now"]


def test_seeds_of_an_earlier_advice_are_seen_and_the_next_one_adds_to_them(tmp_path: Path) -> None:
    folder = swept(tmp_path, seeds=3, chain_seeds={"none": [0, 1, 2, 3, 4], "a": [0, 1, 2, 3, 4]})
    advice = advise_seeds(read_transfer(folder), np.random.default_rng(0), budget=12)
    chains = {chain.chain: chain for chain in advice.chains}
    assert chains["none"].seeds == chains["a"].seeds == (0, 1, 2, 3, 4) and chains["b"].seeds == (0, 1, 2)
    assert chains["b"].new_seeds[:2] == (3, 4)  # those that its baseline has already
    assert {*chains["none"].new_seeds}.isdisjoint(chains["none"].seeds) and advice.cost <= 12


def test_a_control_gets_none_and_each_target_may_have_its_own_best(tmp_path: Path, capsys: Capture) -> None:
    folder = swept(tmp_path, controls=["b"])
    for by in ("mean", "target"):
        advice = advise_seeds(read_transfer(folder), np.random.default_rng(0), budget=12, criterion=by)  # type: ignore[arg-type]
        assert next(chain for chain in advice.chains if chain.chain == "b").new_seeds == ()
    assert "averaged over targets" in printed(capsys, main, folder, "--by", "target")


def test_few_tasks_are_advised_without_priors(tmp_path: Path, capsys: Capture) -> None:
    folder = swept(tmp_path, {name: LIFTS[name] for name in ("none", "a", "b", "e")})
    assert "Next: 4 more seeds of none, a and b." in printed(capsys, main, folder, "--budget", 12)


def test_new_seeds_begin_with_those_of_the_baseline() -> None:
    assert find_new_seeds((0, 1), (0, 1, 5, 7), (0, 1, 5, 7), 3) == (5, 7, 8)
    assert find_new_seeds((0, 1, 9), (0, 1), (0, 1, 9), 2) == (10, 11)
    assert find_new_seeds((0, 1), (0, 1, 5), (0, 1, 5), 0) == ()


def test_seeds_are_written_as_ranges() -> None:
    assert (
        format_seeds((0, 1, 2), {"none": (0, 1, 2, 3), "mnli@sw": (0, 1, 2, 7)})
        == "0..2,none=0..3,mnli@sw=0..2,mnli@sw=7"
    )


@pytest.mark.parametrize(
    "flags",
    [
        "",
        "--space quick",
        "--space languages --world-seed 3 --limit 40 --test-limit 9",
        "--intermediates mnli,mnli+mlm --targets xnli,tatoeba --mlm-share 0.25 --learning-rates 1e-4..1e-3:3 --name o",
        "--seeds 3..5,none=7 --floor --scheduler asha --null-world --steps 30 --examples 100 --learning-rates 1e-3",
    ],
)
def test_the_command_is_the_sweeps_own_with_more_seeds(tmp_path: Path, flags: str) -> None:
    old = request_of(*flags.split(), "--results", tmp_path)
    chain = old.axes.intermediates[1]
    seeds = {**old.axes.chain_seeds, "none": (*old.axes.all_seeds, 90, 91), chain: (*old.axes.seeds, 90)}
    python, script, *words = shlex.split(build_command(f"{tmp_path}/{old.name}", old.spec, seeds))
    new = request_of(*words)
    assert (python, script, new.name) == ("python", "search/run.py", old.name)
    assert {**new.spec, "chain_seeds": {}} == {**old.spec, "chain_seeds": {}}
    assert {name: tuple(each) for name, each in new.spec["chain_seeds"].items()} == seeds
    check_growth(old.spec, new.spec, "sweep")


def test_a_file_gets_advice_without_a_command(tmp_path: Path, capsys: Capture) -> None:
    folder = swept(tmp_path)
    text = printed(capsys, main, folder.parent / "stages")
    assert "Next: " in text and "search/run.py" not in text


def test_what_it_cannot_answer_is_one_line(tmp_path: Path, capsys: Capture) -> None:
    folder = swept(tmp_path)
    assert "--budget 1: a task and its baseline take 2." in refused(capsys, main, folder, "--budget", 1)
    assert "with 1 seed nothing is known of the spread" in refused(capsys, main, swept(tmp_path, seeds=1, name="one"))
    single = swept(tmp_path, {"none": 0.0, "a": 1.0}, name="single")
    assert "1 task has a gain and is no control; a choice takes two" in refused(capsys, main, single)
    raced = swept(tmp_path, name="raced", scheduler="racing")
    assert "in a race English dev decides who gets seeds" in refused(capsys, main, raced)


def test_the_command_stands_alone_in_every_format(tmp_path: Path, capsys: Capture) -> None:
    folder = swept(tmp_path)
    assert main([str(folder)]) == 0
    *_, empty, command = capsys.readouterr().out.splitlines()
    assert empty == "" and command.startswith("    python search/run.py ")
    assert main([str(folder), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"][-1].endswith(command.strip())
