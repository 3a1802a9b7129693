"""The lines of a plan on time, and the reasons why there are none."""

import dataclasses
from pathlib import Path

import pytest

from search.cost import encoder_speed, time_description
from search.cost.machine_speed import measure_speed
from search.cost.pass_speed import Load, MachineSpeed, PassSpeed
from search.cost.time_description import describe_hours, describe_time, format_wall_time
from search.cost.wall_time import WallTime
from search.request.options import parse_options
from search.request.request import make_request
from spaces.activities import Activity
from spaces.plan import Stratum
from tests.hub_layout import PAIR, XNLI, Layout, pair_rows

SPEED = MachineSpeed(step=PassSpeed(0.3, 1.25e-3), forward=PassSpeed(0.0, 5e-4))
SPENT: dict[Activity, float] = {"training": 14_040, "dev": 720, "test": 5_400, "checkpoints": 540, "probing": 20}
WALL = WallTime(
    left=20_880, whole=20_880, naive=111_600, spent=SPENT, checkpoint_bytes=9.5e10, slots=2, mean_step=Load(1, 1_280, 0)
)  # fmt: skip


def lines_of(*flags: object, done: dict[str, int] | None = None) -> list[str]:
    options = parse_options([str(flag) for flag in (*flags, "--plan")])
    return describe_time(make_request(options), options, 2, done or {})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    layout = Layout(tmp_path / "hub")
    layout.write("nyu-mll/glue/mnli/train", PAIR, pair_rows(60))
    layout.write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(20))
    rows = [
        {"language": language, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"} for language in ("en", "de")
    ]
    for split in ("validation", "test"):
        layout.write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    return layout.folder


@pytest.fixture
def flags(data: Path, model: Path, tmp_path: Path) -> tuple[object, ...]:
    chosen = ("--benchmark", "xtreme", "--intermediates", "mnli", "--targets", "xnli", "--seeds", "0")
    return (*chosen, "--data", data, "--model", model, "--learning-rates", "1e-5", "--results", tmp_path / "runs")


def test_the_lines_of_a_plan() -> None:
    assert format_wall_time(WALL, SPEED) == [
        "time: about 5.8 h on this machine (2 trials at once), against 31.0 h for one chain per target",
        "  of it training 3.9 h (67 %), test 1.5 h (26 %), dev 12 min (3 %), checkpoints 9 min (3 %), the rest 3 min "
        "(1 %); checkpoints of 95 GB are written",
        "  measured for one trial alone on an idle machine: a step of 1,280 sub-tokens in 1.9 s, evaluation of 1,000 "
        "in 0.5 s; trials side by side share its memory and take longer",
    ]


def test_what_the_hours_leave_out_is_said() -> None:
    busy = dataclasses.replace(SPEED, slowdown=2.41)
    partly = dataclasses.replace(WALL, left=7_200, spent={"training": 3_600, "test": 1_800}, slots=1)
    first, shares, *others = format_wall_time(partly, busy, ("panx", "udpos"), stops_early=True)
    assert first == (
        "time: about 2.0 h more on this machine (1 trial at once); the whole sweep about 5.8 h, against 31.0 h for one "
        "chain per target"
    )
    assert shares.startswith("  of it training 60 min (50 %), test 30 min (25 %), the rest 30 min (25 %); ")
    assert others[1:] == [
        "  other programs run now: with them it takes about 2.4 times as long",
        "  an upper bound: early stopping is not counted",
        "  inputs at full length, as their rows are not on this machine: panx, udpos",
    ]
    assert "side by side" not in others[0]
    assert format_wall_time(dataclasses.replace(WALL, left=0.0), SPEED) == ["time: none, as every stage is done"]


def test_a_plan_measures_the_encoder_that_it_names(flags: tuple[object, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    few = ((1, 8), (2, 8), (4, 16))
    monkeypatch.setattr(encoder_speed, "measure_speed", lambda encoder, profile: measure_speed(encoder, profile, few))
    monkeypatch.setattr(time_description, "LEAST_SHARE", 0.0)  # this encoder may train in next to no time
    first, shares, second, *_ = lines_of(*flags)
    assert shares.startswith("  of it ") and "training " in shares and shares.endswith(" are written")
    assert first.startswith("time: about ") and "2 trials at once" in first and "one chain per target" in first
    assert second.startswith("  measured for one trial alone on an idle machine: a step of ")


def test_a_reason_is_one_line(flags: tuple[object, ...], model: Path, tmp_path: Path) -> None:
    assert lines_of(*flags, "--address", "auto") == [
        "time: not measured: the trials run on a cluster, and this machine says nothing of its speed."
    ]
    empty = tmp_path / "empty"
    empty.mkdir()
    missing = tuple(empty if flag == tmp_path / "hub" else flag for flag in flags)
    assert lines_of(*missing) == ["time: not measured: data or the encoder are missing, see above."]


def test_an_encoder_that_cannot_be_trained_is_no_error_of_the_plan(
    flags: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("this encoder has no forward pass\nand much more")

    monkeypatch.setattr(encoder_speed, "measure_speed", refuse)
    assert lines_of(*flags) == ["time: not measured: this encoder has no forward pass"]


def test_a_budget_of_hours_is_told_in_stages_and_whole_seeds() -> None:
    def stratum(seed: int) -> Stratum:
        return Stratum(kind="target", task="xnli-en", intermediate="none", seed=seed, parent=None, rates=(1e-3,))

    plan = [stratum(0), stratum(1)]
    ends = [(900.0, plan[0].id), (1_800.0, plan[0].id), (3_600.0, plan[1].id), (7_200.0, plan[1].id)]
    wall = dataclasses.replace(WALL, ends=ends)
    said = [describe_hours(wall, plan, hours) for hours in (0.4, 1, 2)]
    assert said == [
        "  --hours 0.4 would hold 1 of 4 stages that are left; no seed would be whole",
        "  --hours 1 would hold 3 of 4 stages that are left; whole seeds: 0",
        "  --hours 2 would hold 4 of 4 stages that are left; whole seeds: 0, 1",
    ]
