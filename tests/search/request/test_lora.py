"""Chains with LoRA from the command line: refused without `peft`, and what a sweep with them asks for and records."""

from pathlib import Path

import pytest

from analysis.questions.sweep_command import build_command
from search.cost.plan_description import _describe_method_rates
from search.request.needs import methods_of
from search.request.start_encoder import EncoderUse, find_use
from search.run import main
from search.sweep.sweep_file import check_growth
from spaces.errors import UsageError
from spaces.space import Range
from spaces.versions import NOT_INSTALLED, read_versions
from tests.search.asked import request_of
from trainables.methods import requirements

QUICK = ("--space", "quick", "--targets", "xnli", "--intermediates")


@pytest.fixture
def with_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained here, so it need not be installed."""
    monkeypatch.setattr(requirements, "read_version", lambda package: "0.21.2")


@pytest.fixture
def without_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "read_version", lambda package: NOT_INSTALLED)


@pytest.mark.usefixtures("without_peft")
@pytest.mark.parametrize("chain", ["squad~lora", "none:lora", "mnli+squad~x2~lora"])
@pytest.mark.parametrize("flags", [(), ("--plan",)])
def test_without_peft_a_chain_with_lora_is_refused(
    chain: str, flags: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, chain, "--results", str(tmp_path / "runs"), *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        "the method lora needs the package peft, which is not installed: "
        "pip install -c constraints.txt -e '.[lora]', or leave out the chains with lora."
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("without_peft")
def test_other_sweeps_need_no_peft_and_record_nothing_of_it() -> None:
    request = request_of(*QUICK, "squad~fgm,none:layers")
    assert request.context.packages == () and "peft" not in read_versions(request.context.packages)


@pytest.mark.usefixtures("with_peft")
def test_a_sweep_with_lora_needs_peft_on_every_machine() -> None:
    request = request_of(*QUICK, "squad,squad~lora,none:lora")
    assert request.context.packages == ("peft",) and "peft" in read_versions(request.context.packages)
    assert methods_of(request.axes) == ["lora"]


def test_an_encoder_is_tried_with_adapters_where_some_are_trained() -> None:
    assert find_use([], ["fgm", "lora"]) == EncoderUse(has_adapters=True) and find_use([], ["fgm"]) == EncoderUse()


@pytest.mark.usefixtures("with_peft")
def test_lora_has_ten_times_the_rates_of_plain_training() -> None:
    request = request_of(*QUICK, "squad,squad~lora,none:lora,squad~lora:lora", "--learning-rates", "3e-5,1e-3")
    plain, scaled = (3e-5, 1e-3), (3e-4, 1e-2)
    for stratum in request.plan:
        if stratum.kind == "intermediate":
            assert stratum.rates == (scaled if "~lora" in stratum.task else plain)
        elif stratum.kind == "target":
            assert stratum.rates == (scaled if ":lora" in stratum.intermediate else plain)
    (line,) = _describe_method_rates(request.axes)
    assert line == "  learning rates of lora: (0.0003, 0.01), 10 times those of plain training"
    assert _describe_method_rates(request_of(*QUICK, "squad~fgm").axes) == []


@pytest.mark.usefixtures("with_peft")
def test_so_it_has_of_a_range() -> None:
    request = request_of(*QUICK, "squad~lora", "--learning-rates", "1e-4..1e-3:3")
    rates = {stratum.task: stratum.rates for stratum in request.plan}
    assert rates["squad~lora"] == Range(1e-3, 1e-2, draws=3) and rates["xnli-en"] == Range(1e-4, 1e-3, draws=3)


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (
            "mnli+mlm~lora",
            "masked words beside a task are trained plainly, and lora freezes the encoder; leave out mlm",
        ),
        ("mlm~lora", "masked words are trained plainly, with or without a task beside them; leave out ~lora"),
        ("squad~lora~fgm", "'fgm' is a second method"),
    ],
)
def test_what_lora_cannot_train_is_refused(chain: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        request_of(*QUICK, chain)


@pytest.mark.usefixtures("with_peft")
def test_a_method_of_the_sweep_trains_the_targets_of_every_chain_that_names_none() -> None:
    request = request_of(*QUICK, "squad,none:fgm", "--target-method", "lora", "--floor", "--target-shots", "10")
    methods = {
        stratum.intermediate: (request.maker.recipe_of(stratum) or {}).get("method", {}).get("name")
        for stratum in request.plan
        if stratum.kind == "target"
    }
    shots = next(iter(request.maker.ceilings))
    assert methods == {"none": "lora", "squad": "lora", "none:fgm": "fgm", "random-encoder": "lora", shots: "lora"}
    (phase,) = {stratum.task: stratum for stratum in request.plan if stratum.kind == "intermediate"}.values()
    assert "method" not in (request.maker.recipe_of(phase) or {}) and phase.rates == (1e-3,)
    assert {s.rates for s in request.plan if s.kind == "target"} == {(1e-2,), (1e-3,)}
    assert request.spec["target_method"] == "lora" and request.context.packages == ("peft",)


@pytest.mark.usefixtures("with_peft")
def test_a_sweep_keeps_the_method_that_it_was_begun_with() -> None:
    plain, lora = request_of(*QUICK, "squad").spec, request_of(*QUICK, "squad", "--target-method", "lora").spec
    assert "target_method" not in plain
    for one, other in ((plain, lora), (lora, plain)):
        with pytest.raises(UsageError, match="target_method: was"):
            check_growth(one, other, "s")
    assert " --target-method lora " in build_command("runs/s", lora, {})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("squad,none:lora", "--target-method", "lora"), "'none:lora' means 'none' with --target-method lora: leave"),
        (("squad", "--target-method", "loar"), "unknown method 'loar': did you mean lora"),
    ],
)
def test_methods_of_a_sweep_that_are_refused(flags: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        request_of(*QUICK, *flags)
