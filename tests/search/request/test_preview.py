"""The part of a sweep that a preview runs."""

from pathlib import Path

import pytest

from search.request.options import parse_options
from search.request.preview import narrow_to_preview
from search.request.request import SweepRequest, make_request
from spaces.errors import UsageError
from spaces.space import Range
from spaces.stage import stage_from_json


def previewed(tmp_path: Path, *flags: str) -> tuple[SweepRequest, SweepRequest]:
    """The request of a sweep and that of its preview."""
    options = parse_options(["--results", str(tmp_path), *flags])
    whole = make_request(options)
    return whole, narrow_to_preview(whole, options)


def test_phases_of_the_first_seed_are_trained_at_a_rate_that_the_sweep_has(tmp_path: Path) -> None:
    flags = ("--intermediates", "mnli,mnli:smart,squad", "--learning-rates", "5e-4,1e-3,2e-3", "--preview")
    whole, preview = previewed(tmp_path, *flags)
    assert [stratum.id for stratum in preview.plan] == [
        "pretrain.encoder.none.0",
        "intermediate.mnli..0",
        "intermediate.squad..0",
    ]
    assert {stratum.rates for stratum in preview.plan[1:]} == {(1e-3,)}
    for stratum in preview.plan[1:]:  # the sweep's own stages
        of_sweep = next(each for each in whole.plan if each.id == stratum.id)
        keys = [whole.maker.make_stage(of_sweep, rate, "p").key for rate in of_sweep.rates]  # type: ignore[union-attr]
        assert preview.maker.make_stage(stratum, 1e-3, "p").key in keys
    assert preview.whole_plan == whole.plan and preview.spec == whole.spec and not preview.shared
    assert preview.context.preview_tenth == 10 and whole.context.preview_tenth == 0


def test_seeds_that_are_named_are_all_previewed(tmp_path: Path) -> None:
    _, preview = previewed(tmp_path, "--intermediates", "mnli,ccg", "--seeds", "3..5", "--preview", "4")
    assert [stratum.seed for stratum in preview.plan[1:]] == [3, 3, 4, 4, 5, 5] and preview.context.preview_tenth == 4


def test_of_a_range_the_first_draw_is_taken(tmp_path: Path) -> None:
    flags = ("--intermediates", "mnli,ccg", "--learning-rates", "1e-4..1e-2:5", "--preview")
    _, preview = previewed(tmp_path, *flags)
    assert preview.plan[1].rates == Range(1e-4, 1e-2, draws=1)
    for text in preview.context.preview_targets:
        assert stage_from_json(text).learning_rate == pytest.approx(1e-3)


def test_every_training_set_is_measured_once(tmp_path: Path) -> None:
    flags = ("--intermediates", "mnli,ccg", "--targets", "xquad,mlqa,udpos,tatoeba", "--preview", "--floor")
    whole, preview = previewed(tmp_path, *flags)
    stages = [stage_from_json(text) for text in preview.context.preview_targets]
    assert [stage.task for stage in stages] == ["udpos-en", "squad-en"]  # retrieval has no training rows
    target = next(stratum for stratum in whole.plan if stratum.id == "target.squad-en.none.0")
    assert stages[1].recipe == whole.maker.recipe_of(target)


def test_phases_without_training_are_left_out(tmp_path: Path) -> None:
    _, preview = previewed(tmp_path, "--intermediates", "mnli|squad,mnli,squad", "--seeds", "0", "--preview")
    assert [stratum.task for stratum in preview.plan[1:]] == ["mnli", "squad"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--intermediates", "none"], r"--preview: an order takes 2 intermediate tasks that are trained, here are 0"),
        (["--intermediates", "mnli,mnli:smart"], r"an order takes 2 .* here are 1"),
        (["--targets", "tatoeba"], r"--preview: no target has training rows"),
        (["--plan"], r"--preview with --plan: leave one out"),
    ],
)
def test_what_cannot_be_predicted_is_refused(tmp_path: Path, flags: list[str], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        previewed(tmp_path, *flags, "--preview")


@pytest.mark.parametrize("text", ["0", "11", "half"])
def test_tenths_are_from_1_to_10(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(["--preview", text])
    assert ended.value.code == 2 and "--preview" in capsys.readouterr().err
