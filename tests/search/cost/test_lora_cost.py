"""What a plan says of LoRA: memory and checkpoints of what is trained, and adapters counted as peft makes them."""

import dataclasses

import pytest

from search.cost.cost import encoder_shape_of, estimate_work
from search.cost.disk_sizes import count_trained_parameters, estimate_sizes
from search.cost.host_memory import CUDA_BYTES, IMPORT_BYTES, describe_memory, estimate_trial_memory
from search.request.options import RunOptions
from search.request.request import SweepRequest
from spaces.encoders import ENCODER_SHAPES, EncoderShape
from spaces.method import LORA, METHODS
from spaces.phase import build_method_entry
from tests.search.asked import request_of
from tests.trainables.conftest import SHAPE, tiny_encoder
from trainables.methods import requirements

XL = ENCODER_SHAPES["facebook/xlm-roberta-xl"]
ON_A_GPU = RunOptions(gpus_per_trial=1.0, benchmark="xtreme")


@pytest.fixture(autouse=True)
def with_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained here, so it need not be installed."""
    monkeypatch.setattr(requirements, "read_version", lambda package: "0.21.2")


def ask(*flags: str) -> SweepRequest:
    """A request whose encoder is given: none is pretrained."""
    request = request_of("--space", "quick", "--targets", "xnli,tatoeba", "--intermediates", *flags)
    return dataclasses.replace(request, plan=tuple(each for each in request.plan if each.kind != "pretrain"))


def test_adapters_are_counted_as_they_are_made() -> None:
    pytest.importorskip("peft", reason="peft is not installed (the extra `lora`)")
    from trainables.models.adapters import Adapters

    model = tiny_encoder().model
    Adapters(model, **METHODS[LORA].settings)  # type: ignore[arg-type]
    names = {"layers": "num_hidden_layers", "width": "hidden_size", "inner": "intermediate_size"}
    names |= {"vocabulary": "vocab_size", "positions": "max_position_embeddings"}
    shape = EncoderShape(name="tiny", **{name: SHAPE[field] for name, field in names.items()})  # type: ignore[arg-type]
    made = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert count_trained_parameters(shape, {"method": build_method_entry(LORA)}) == made
    assert count_trained_parameters(shape, {"method": {"name": "fgm"}}) == shape.parameters
    assert count_trained_parameters(shape, {}) == shape.parameters


def test_xlm_r_xl_fits_on_one_gpu_where_everything_is_trained_by_lora(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.cost.host_memory.encoder_shape_of", lambda request: XL)
    adapters = 36 * 8 * (8 * 2560 + 2 * (2560 + 10_240))  # layers, rank, sides of the matrices
    (_, plain), (_, both), (_, alone) = (
        describe_memory(ask(*flags), ON_A_GPU, 1)
        for flags in (("squad",), ("squad,squad~lora",), ("squad~lora", "--target-method", "lora"))
    )
    end = ", for weights, gradients and moments; a batch, or a part of it, on top"
    assert 16 * XL.parameters == pytest.approx(55.6e9, rel=1e-3) and plain == f"memory of a GPU: 55.6 GB{end}"
    assert both == f"memory of a GPU: 55.6 GB, 14.1 GB with lora{end}"
    assert 4 * XL.parameters + 12 * adapters == pytest.approx(14.1e9, rel=5e-3)
    assert alone == f"memory of a GPU: 14.1 GB with lora{end}"
    assert len(describe_memory(ask("squad"), RunOptions(), 1)) == 1


def test_a_sweep_of_lora_alone_asks_for_less_of_the_host() -> None:
    plain, alone = ask("squad,squad~lora"), ask("squad~lora", "--target-method", "lora")
    on_cpu = [estimate_trial_memory(each, XL, uses_gpu=False) for each in (plain, alone)]
    on_gpu = [estimate_trial_memory(each, XL, uses_gpu=True) for each in (plain, alone)]
    assert on_cpu[0] - on_cpu[1] > 4 * 4 * XL.parameters * 0.98 and on_gpu[0] > 16 * XL.parameters
    assert 4 * XL.parameters < on_gpu[1] - IMPORT_BYTES - CUDA_BYTES < 6 * XL.parameters


def test_checkpoints_and_steps_of_lora_cost_less() -> None:
    request = ask("squad,squad~lora,none:lora")
    shape = encoder_shape_of(request)
    assert shape is not None
    sizes, work = estimate_sizes(request, shape).checkpoint, estimate_work(request)
    by_phase = {name: next(s.id for s in request.plan if s.task == name) for name in ("squad", "squad~lora")}
    by_chain = {s.intermediate: s.id for s in request.plan if s.kind == "target"}
    for plain, lora in (by_phase.values(), (by_chain["none"], by_chain["none:lora"])):
        assert sizes[lora] < 0.8 * sizes[plain]
        tokens = [each.tokens for each in (work[plain], work[lora]) if each is not None]
        assert tokens[1] == pytest.approx(tokens[0] * METHODS[LORA].passes, abs=1)
