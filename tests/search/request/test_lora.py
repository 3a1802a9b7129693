"""Chains with LoRA from the command line: refused without `peft`, and what a sweep with them asks for and records."""

from pathlib import Path

import pytest

from search.cost.plan_description import _describe_method_rates
from search.request.needs import methods_of
from search.request.start_encoder import EncoderUse, find_use
from search.run import main
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
