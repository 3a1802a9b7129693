"""From flags to a request: an encoder's name, the tasks that a sweep reads, the targets that its stages evaluate."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from search.request.start_encoder import EncoderUse, inspect_model
from search.sweep.sweep_file import check_growth
from spaces.errors import UsageError
from tests.encoder_folders import build_xlmr, change_weights, write_encoder
from tests.hub_layout import PAIR, pair_rows
from tests.search.asked import request_of
from trainables.record.scores import is_limited
from trainables.repositories.hub import Hub


def fingerprint(model: str) -> str | None:
    return inspect_model(model, EncoderUse())[0]


def test_an_encoder_is_known_by_its_contents_not_by_its_place(model: Path, tmp_path: Path) -> None:
    there = shutil.copytree(model, tmp_path / "there" / "encoder")
    assert fingerprint(str(model)) == fingerprint(str(there))
    change_weights(there, lambda old: {name: value + 1 for name, value in old.items()})
    assert fingerprint(str(model)) != fingerprint(str(there))


def test_an_encoder_that_is_not_what_it_claims_is_refused_by_its_name(model: Path) -> None:
    change_weights(model, lambda old: {f"module.{name}": value for name, value in old.items()})
    with pytest.raises(UsageError, match=r"--model .*encoder: 37 of 39 tensors .* are not in the weights"):
        fingerprint(str(model))


def test_an_input_longer_than_the_positions_is_refused(model: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"512 positions, but the longest input of this sweep has 513"):
        inspect_model(str(model), EncoderUse(longest=513))
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    write_encoder(model, build_xlmr(60, max_position_embeddings=130))
    flags = ["--benchmark", "xtreme", "--data", data, "--intermediates", "mnli", "--targets", "pawsx", "--plan"]
    with pytest.raises(UsageError, match=r"128 positions, but the longest input of this sweep has 256"):
        request_of(*flags, "--model", model, "--results", tmp_path)


def test_an_encoder_that_is_nowhere_is_named() -> None:
    with pytest.raises(UsageError, match=r"HF_HUB_OFFLINE is set"):
        inspect_model("no-such-org/no-such-model", EncoderUse(), Hub())
    with pytest.raises(UsageError, match=r"there is no such folder"):
        inspect_model("./no-such-folder", EncoderUse(), Hub())


def test_a_target_brings_those_along_that_share_its_training(tmp_path: Path) -> None:
    request = request_of("--targets", "xquad", "--intermediates", "mnli", "--results", tmp_path)
    assert [need.name for need in request.task_needs if need.role == "target"] == ["xquad", "mlqa"]
    assert request.axes.targets == ("xquad",)
    target = next(stratum for stratum in request.plan if stratum.kind == "target")
    assert set(request.maker.make_stage(target, 1e-3, "p").targets) == {"xquad", "mlqa"}


def test_another_world_is_another_sweep(tmp_path: Path) -> None:
    def keys(*flags: str) -> set[str]:
        request = request_of("--space", "quick", "--results", tmp_path, *flags)
        return {request.maker.make_stage(stratum, 1e-3, "p").key for stratum in request.plan}

    assert not keys() & keys("--world-seed", "7")
    assert not keys("--world-seed", "7") & keys("--world-seed", "7", "--null-world")


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ([], "fp32"),
        (["--gpus-per-trial", "1"], "fp32"),  # the miniature's figures were measured in 32 bits
        (["--precision", "bf16"], "bf16"),
        (["--benchmark", "xtreme"], "fp32"),
        (["--benchmark", "xtreme", "--gpus-per-trial", "0.5"], "bf16"),
        (["--benchmark", "xtreme", "--gpus-per-trial", "1", "--precision", "fp32"], "fp32"),
        (["--benchmark", "xtreme", "--precision", "bf16"], "bf16"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_precision_follows_the_device_unless_asked(flags: list[str], precision: str, tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)] if "xtreme" in flags else []
    request = request_of("--space", "quick", "--plan", "--results", tmp_path, *flags, *data)
    assert request.maker.precision == request.spec["precision"] == precision


def test_the_specification_is_plain_json_and_names_everything(tmp_path: Path) -> None:
    spec = request_of("--space", "quick", "--results", tmp_path).spec
    assert spec["intermediates"][0] == "none" and spec["retrieval"] and spec["controls"] == ["random", "sham"]
    assert set(spec["languages"]["xnli"]) == {"en", "qna", "qnb", "qma", "qmb", "qfa"}
    assert spec["data"]["target xnli"]


def test_real_data_are_checked_and_their_gaps_noted(tmp_path: Path, real: Path, model: Path) -> None:
    flags = ["--space", "quick", "--benchmark", "xtreme", "--data", str(real), "--limit", "100"]
    request = request_of(*flags, "--model", str(model), "--results", str(tmp_path / "runs"))
    assert "de" not in request.maker.languages["udpos"] and "en" in request.maker.languages["udpos"]
    assert any("udpos" in note for note in request.notes)
    assert all(stratum.kind != "pretrain" for stratum in request.plan)


def test_variants_of_a_phase_are_requested_by_name() -> None:
    names = "mnli@qmb,mnli@en+mnli@qmb,mnli~fgm,mnli~x2,none:layers"
    request = request_of("--intermediates", names, "--targets", "xnli", "--steps", "50", "--examples", "100")
    assert request.axes.intermediates == ("none", *names.split(","))
    assert request.spec["budget"] == {"steps": 50, "examples": 100}
    assert {"intermediate mnli@en", "intermediate mnli@qmb"} <= set(request.spec["data"])
    steps = {name: phase.recipe["steps"] for name, phase in request.maker.phases.items()}
    assert steps == {"mnli@qmb": 50, "mnli@en+mnli@qmb": 50, "mnli~fgm": 50, "mnli~x2": 100}


def test_bounds_reach_rows_recipes_and_the_specification(tmp_path: Path) -> None:
    flags = {"limit": 90, "test-limit": 20, "pool-limit": 30, "probe-limit": 10, "target-steps": 40, "max-length": 32}
    request = request_of("--space", "quick", *(part for name, bound in flags.items() for part in (f"--{name}", bound)))
    bounds = {name.replace("-", "_"): bound for name, bound in flags.items()}
    assert {name: request.spec[name] for name in bounds} == bounds
    source = request.context.source
    assert (source.limit, source.test_limit, source.pool_limit, source.probe_limit) == (90, 20, 30, 10)
    trained, retrieval = (
        next(request.maker.make_stage(stratum, 1e-3, "parent") for stratum in request.plan if stratum.kind == kind)
        for kind in ("target", "retrieval")
    )
    assert trained.recipe is not None and trained.recipe["most_steps"] == 40 and trained.recipe["max_length"] == 32
    assert (trained.limit, trained.test_limit, retrieval.limit, retrieval.test_limit) == (90, 20, None, 30)
    assert is_limited(trained) and is_limited(retrieval)
    plain = request_of("--space", "quick")
    assert not {"pool_limit", "probe_limit", "target_steps", "max_length"} & plain.spec.keys()
    assert not any(is_limited(plain.maker.make_stage(stratum, 1e-3, "p")) for stratum in plain.plan)


def test_a_space_of_ones_own_gets_no_controls(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text("from spaces.space import Space\nSPACE = Space(name='own', intermediates=('mnli',))\n")
    assert request_of("--space", file, "--probes", "alignment").axes.intermediates == ("none", "mnli")


def test_alignment_is_asked_beside_its_controls() -> None:
    request = request_of("--space", "full", "--probes", "alignment")
    assert {"random", "mlm"} <= set(request.axes.intermediates)
    assert "mlm" not in request_of("--space", "full").axes.intermediates


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--intermediates", "mnli@en+mnli@qmx"], "training language of mnli 'qmx'"),
        (["--intermediates", "mnli~x2,mnli@en~x2"], "mean the same"),
        (["--intermediates", "mnli+mlm", "--mlm-share", "1"], "between 0 and 1"),
        (["--intermediates", "mlm~fgm"], "masked words are trained plainly"),
        (["--intermediates", "mnli+mlm", "--mlm-languages", ""], "an item is empty"),
        (["--intermediates", "mnli+mlm", "--mlm-languages", "xx"], "unknown language of miniature 'xx'"),
    ],
)
def test_variants_that_cannot_be_are_refused(flags: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        request_of(*flags)


def test_a_sweep_may_get_masked_words_later() -> None:
    flags = ["--targets", "xnli", "--seeds", "0", "--intermediates"]
    before, after = (request_of(*flags, names).spec for names in ("mnli", "mnli,mnli+mlm"))
    check_growth(before, after, "sweep")
    other = request_of(*flags, "mnli,mnli+mlm", "--mlm-share", "0.3").spec
    with pytest.raises(UsageError, match=r"masked: share was 0\.5, now 0\.3"):
        check_growth(after, other, "sweep")


def test_similarity_may_be_followed_by_alignment() -> None:
    specs = [request_of("--probes", family).spec for family in ("similarity", "alignment")]
    check_growth(*specs, "full-miniature")
