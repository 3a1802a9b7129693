"""The data that a sweep needs, the sweep that is left without missing data, and `--check`."""

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from datasets import Features

from search.cost.cost import estimate_cost
from search.cost.disk_sizes import PREDICTION_ROW_BYTES, TABLE_ROW_BYTES, estimate_sizes
from search.cost.plan_description import describe_plan
from search.request.request import SweepRequest
from search.run import main
from spaces.encoders import EncoderShape
from spaces.errors import ExitCode, UsageError
from spaces.xtreme import LANGUAGES
from tests.hub_layout import PAIR, QA, TEXT, XNLI, pair_rows, qa_row
from tests.search.asked import request_of

Write = Callable[..., Path]


@pytest.fixture
def data(write: Write, model: Path) -> Path:
    """MultiNLI, SQuAD, XNLI and XQuAD, and nothing else."""
    rows = [{"language": name, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"} for name in LANGUAGES]
    for split in ("validation", "test"):
        write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    for split in ("train", "validation"):
        write(f"rajpurkar/squad/plain_text/{split}", QA, [qa_row("ab", ["a"], [0])] * 10)
    write("google/xtreme/XQuAD.de/validation", QA, [qa_row("ab", ["a"], [0])])
    return write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))


@pytest.fixture
def asked(data: Path, model: Path) -> Callable[..., SweepRequest]:
    flags = ("--benchmark", "xtreme", "--data", data, "--model", model)
    return partial(request_of, *flags)


def test_all_that_is_missing_is_named_at_once(asked: Callable[..., SweepRequest]) -> None:
    with pytest.raises(UsageError, match="--skip-missing leaves out what is certainly not there") as caught:
        asked("--space", "full")
    lines = str(caught.value).splitlines()[1:]
    for name in ("anli", "qqp", "ccg", "pawsx", "udpos", "panx", "tydiqa", "bucc", "tatoeba"):
        assert any(line.strip().startswith(f"{name}: ") for line in lines)
    assert not any(line.strip().startswith(("mnli:", "squad:", "xnli:", "xquad:")) for line in lines)


def test_shifted_targets_and_training_languages_are_planned_for(
    asked: Callable[..., SweepRequest], data: Path, write: Write
) -> None:
    write("facebook/xnli/sw/train", PAIR, pair_rows(20))
    shape = EncoderShape(name="tiny", layers=2, width=64, inner=128, vocabulary=1000)
    flags = ["--learning-rates", "1e-3", "--seeds", "0", "--predictions", "--intermediates", "mnli,mnli@sw"]
    plain, shifted = (asked(*flags, "--targets", names) for names in ("xnli", "xnli,xnli-mixed,xnli-perturbed"))
    assert {need.name for need in shifted.task_needs} >= {"mnli@en", "mnli@sw", "xnli-mixed", "xnli-perturbed"}
    assert len(shifted.maker.languages["xnli-mixed"]) == 28
    assert len(plain.plan) == len(shifted.plan)
    before, after = (estimate_cost(request, 1, "winners") for request in (plain, shifted))
    assert (before.trainings, before.naive_trainings) == (after.trainings, after.naive_trainings)
    small, large = (estimate_sizes(request, shape) for request in (plain, shifted))
    rows = 5_010 * (28 + 15)
    assert 0 < large.shared - small.shared - TABLE_ROW_BYTES["pair"] * rows < 0.1 * TABLE_ROW_BYTES["pair"] * rows
    for stratum in shifted.plan:
        more = large.outputs[stratum.id] - small.outputs[stratum.id]
        assert more > PREDICTION_ROW_BYTES["pair"] * rows if stratum.kind == "target" else more == 0


def test_an_upper_bound_is_not_rounded_to_nothing(asked: Callable[..., SweepRequest]) -> None:
    request = asked("--intermediates", "mnli", "--targets", "xnli")
    cost = dataclasses.replace(estimate_cost(request, 1, "winners"), gpu_hours=0.4, naive_gpu_hours=1234.5)
    assert "at most 0.4 GPU-hours, against 1,234 (" in "\n".join(describe_plan(request, cost, 0))


def test_skipping_leaves_what_the_data_can_serve(asked: Callable[..., SweepRequest]) -> None:
    request = asked("--space", "full", "--skip-missing")
    assert request.axes.intermediates == ("none", "mnli", "squad", "multitask", "none~x2")
    assert request.axes.mixture == ("mnli", "squad")
    assert request.axes.targets == ("xnli", "xquad")
    assert request.missing_data == () and len(request.skipped_tasks) == 14
    multitask = next(stratum for stratum in request.plan if stratum.task == "multitask")
    stage = request.maker.make_stage(multitask, 1e-5, None)
    assert stage.recipe is not None and stage.recipe["ingredients"] == [["mnli", "en"], ["squad", "en"]]


def test_a_mixture_of_one_is_no_mixture(asked: Callable[..., SweepRequest]) -> None:
    request = asked("--intermediates", "squad,multitask", "--targets", "xnli", "--skip-missing")
    assert request.axes.intermediates == ("none", "squad", "multitask")
    request = asked("--intermediates", "qqp,mnli", "--targets", "xnli,pawsx", "--skip-missing")
    assert request.axes.intermediates == ("none", "mnli") and request.axes.mixture == ()
    more = asked("--intermediates", "qqp,mnli", "--targets", "xnli", "--seeds", "none=0..4,qqp=0..5", "--skip-missing")
    assert more.spec["chain_seeds"] == {"none": [0, 1, 2, 3, 4]}  # a chain that is left out takes its seeds along
    request = asked("--intermediates", "none", "--targets", "xnli,pawsx", "--skip-missing")
    assert request.axes.intermediates == ("none",) and request.axes.targets == ("xnli",)
    with pytest.raises(UsageError, match="nothing is left to search after skipping what is missing"):
        asked("--intermediates", "mnli", "--targets", "pawsx", "--skip-missing")


def test_a_target_beside_is_evaluated_where_its_data_are(asked: Callable[..., SweepRequest]) -> None:
    request = asked("--intermediates", "mnli", "--targets", "xquad")  # MLQA shares the training and is not there
    assert [need.name for need in request.task_needs if need.role == "target"] == ["xquad"]
    target = next(stratum for stratum in request.plan if stratum.kind == "target")
    assert dict(request.maker.make_stage(target, 1e-5, None).targets) == {"xquad": ("de",)}


def test_the_mixture_of_a_space_is_checked(asked: Callable[..., SweepRequest], tmp_path: Path) -> None:
    space = tmp_path / "mixed.py"
    space.write_text(
        "from spaces.space import Space\n"
        "SPACE = Space(name='mixed', intermediates=('multitask',), targets=('xnli',), mixture=('mnli', 'squat'))\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="squad"):
        asked("--space", str(space))


@pytest.fixture
def check(data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(*more: str, encoder: str = str(model)) -> tuple[int, str]:
        flags = ["--check", "--benchmark", "xtreme", "--data", str(data), "--model", encoder]
        code = main([*flags, *more])
        return code, capsys.readouterr().out

    return run


def test_a_check_shows_what_is_there_and_all_that_is_missing(check: Callable[..., tuple[int, str]]) -> None:
    code, output = check("--intermediates", "mnli,qqp,ccg", "--targets", "xnli,tatoeba")
    assert code == ExitCode.USAGE
    rows = {row.split()[0]: row.split() for row in output.splitlines() if row.rstrip().endswith(("ok", "LACKS DATA"))}
    assert rows["mnli"][1:] == ["pair", "18", "2", "-", "ok"]
    assert rows["xnli"][1:] == ["pair", "20", "1", "15", "15", "of", "15", "ok"]
    assert rows["qqp"][-2:] == rows["ccg"][-2:] == rows["tatoeba"][-2:] == ["LACKS", "DATA"]
    missing = output.split("Missing:")[1]
    assert "qqp: no train rows" in missing and "LDC2005T13" in missing and "tatoeba: no test rows" in missing
    assert "xnli" not in missing


def test_a_check_without_anything_missing_ends_well(check: Callable[..., tuple[int, str]]) -> None:
    code, output = check("--intermediates", "mnli", "--targets", "xnli")
    assert code == ExitCode.DONE and "Nothing is missing." in output
    code, output = check("--intermediates", "mnli,qqp", "--targets", "xnli", "--skip-missing")
    assert code == ExitCode.DONE and "Left out:" in output and "qqp: no train rows" in output


def test_a_check_looks_for_the_encoder_too(check: Callable[..., tuple[int, str]]) -> None:
    code, output = check("--intermediates", "mnli", "--targets", "xnli", encoder="no-such-org/no-such-model")
    assert code == ExitCode.USAGE and "--model no-such-org/no-such-model: HF_HUB_OFFLINE is set" in output


def test_the_check_lists_a_broken_encoder_beside_what_the_data_lack(
    data: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / "tokenizer.json").unlink()
    flags = ["--benchmark", "xtreme", "--data", str(data), "--intermediates", "mnli", "--check"]
    assert main([*flags, "--targets", "xnli,pawsx", "--model", str(model)]) == ExitCode.USAGE
    output = capsys.readouterr().out
    assert "pawsx: no train rows" in output and "the folder has no tokenizer" in output
    assert "--skip-missing leaves out" in output
    assert main([*flags, "--targets", "xnli", "--model", str(model)]) == ExitCode.USAGE
    output = capsys.readouterr().out
    assert "the folder has no tokenizer" in output and "--skip-missing" not in output


def test_a_link_in_a_circle_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(UsageError, match="this link leads nowhere"):
        request_of("--benchmark", "xtreme", "--data", tmp_path / "circle", "--plan")


def test_a_relative_folder_with_blanks_is_the_same_data(
    data: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spec(folder: str) -> object:
        flags = ["--benchmark", "xtreme", "--intermediates", "mnli", "--targets", "xnli", "--model", str(model)]
        return request_of(*flags, "--data", folder).spec

    named = data.rename(data.parent / "Dätä mit Leerstellen [1]")
    monkeypatch.chdir(named.parent)
    assert spec(named.name) == spec(str(named))


def test_masked_words_are_of_the_languages_that_have_texts(asked: Callable[..., SweepRequest], write: Write) -> None:
    for language in ("en", "de"):
        rows = [{"verse_id": str(i), "text": "a b c"} for i in range(40)]
        write(f"local/bible-text/{language}/train", Features({"verse_id": TEXT, "text": TEXT}), rows)
    flags = ("--intermediates", "mnli+mlm", "--targets", "xnli")
    assert asked(*flags).axes.masked.languages == ("en", "de")
    with pytest.raises(UsageError, match="mlm: no train rows in 'fr'"):
        asked(*flags, "--mlm-languages", "en,fr")
