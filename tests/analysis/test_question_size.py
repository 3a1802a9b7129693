"""With every verdict: the share of the phase under question in a chain's steps, and what the sweep could have found."""

from pathlib import Path
from typing import Any

import pytest

from analysis.questions.step_share import measure_step_share
from analysis.tables.detectable import describe_detectable
from spaces.step_share import StepShare, average_steps, describe_step_share
from tests.analysis.sweep_files import Run, read_transfer, write_sweep


def sweep(folder: Path, phase: int | None, targets: dict[str, int]) -> Path:
    runs = []
    for chain in ("none", "mnli", "mnli:salt"):
        for target, steps in targets.items():
            kind = "target" if steps else "retrieval"
            test = {target: {"en": 0.8, "qna": 0.5}}
            extra = {"steps": None if phase is None else steps}
            runs.append(Run(intermediate=chain, test=test, kind=kind, extra=extra, rate=1e-3 if steps else None))
    stopped = Run(intermediate="mnli", test={}, kind="intermediate", rate=2e-3, status="stopped", extra={"steps": 7})
    runs += [Run(intermediate="mnli", test={}, kind="intermediate", extra={"steps": phase}), stopped]
    return write_sweep(folder, runs)


def test_the_share_is_over_trained_targets_and_chains_of_one_phase(tmp_path: Path) -> None:
    transfer = read_transfer(sweep(tmp_path, 400, {"xnli": 100, "udpos": 140, "tatoeba": 0}))
    assert measure_step_share(transfer, ["mnli", "mnli:salt"]) == StepShare(400, 520)
    text = describe_step_share(measure_step_share(transfer, ["mnli"]))
    assert text == "The phase under question has 400 of 520 steps of a chain on average (77%)."


def test_without_recorded_steps_the_share_is_unknown(tmp_path: Path) -> None:
    share = measure_step_share(read_transfer(sweep(tmp_path, None, {"xnli": 100})), ["mnli"])
    assert share is None
    assert "unknown share of a chain's steps: the scores do not say" in describe_step_share(share)


@pytest.mark.parametrize(("phase", "warned"), [(500, True), (5, True), (24_000, False)])
def test_a_small_share_is_a_warning(phase: int, warned: bool) -> None:
    text = describe_step_share(average_steps([(phase, 24_000)]))
    assert ("so small a share can hardly move a target" in text) == warned and "(0%)" not in text


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        (
            {"in it": 1.25, "beside it": 3.0, "elsewhere": None},
            "could have found +-1.2 points in it and +-3.0 points beside it with 80% power (3 seeds).",
        ),
        ({"in it": 0.5, "beside it": float("inf")}, "It could have found nothing beside it, however large (3 seeds)."),
        ({"in it": None}, "is unknown: its scores give no test (3 seeds)."),
    ],
)
def test_one_sentence_says_what_could_have_been_found(effects: dict[str, Any], said: str) -> None:
    assert said in describe_detectable(effects, "3 seeds")
