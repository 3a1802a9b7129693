"""Adapters (LoRA) on every architecture: merged they compute what they did beside the weights, or they are refused."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from spaces.method import LORA, METHODS
from tests.architectures import ARCHITECTURES
from tests.trainables.conftest import tiny_encoder
from trainables.models import adapters as module
from trainables.models.adapters import Adapters, list_layer_linears
from trainables.models.encoder import load_encoder
from trainables.models.encoder_check import check_encoder
from trainables.models.weight_files import RefusedEncoderError

pytest.importorskip("peft", reason="peft is not installed (the extra `lora`)")
SETTINGS = METHODS[LORA].settings
IDS = torch.arange(5, 13)[None].repeat(2, 1)
MASK = torch.tensor([[1] * 8, [1] * 4 + [0] * 4])
NO_LINEARS = (
    "the layers of SqueezeBertModel have no linear layer for an adapter of lora. Leave out the chains with lora"
)


def put_on(model: PreTrainedModel) -> Adapters:
    """Adapters that change something: at the start of a training they are zero."""
    adapters = Adapters(model, **SETTINGS)  # type: ignore[arg-type]
    for weight in model.parameters():
        if weight.requires_grad:
            nn.init.normal_(weight, std=0.1)
    return adapters


def states(model: PreTrainedModel) -> torch.Tensor:
    with torch.no_grad():
        last: torch.Tensor = model.eval()(input_ids=IDS, attention_mask=MASK).last_hidden_state
    return last


@pytest.mark.filterwarnings("ignore")  # of the library about architectures
def test_merged_adapters_compute_the_same_states_on_every_architecture(tmp_path: Path) -> None:
    tried, refused = [], {}
    for name, write in ARCHITECTURES.items():
        folder = write(tmp_path / name)
        try:
            check_encoder(folder, 64, ("tagging",))
        except RefusedEncoderError:
            continue  # with or without adapters
        try:
            check_encoder(folder, 64, ("tagging",), has_adapters=True)
        except RefusedEncoderError as error:
            refused[name] = str(error)
            continue
        model = load_encoder(str(folder)).model
        before, names = states(model), {*model.state_dict()}
        adapters = put_on(model)
        beside = states(model)
        adapters.merge()
        assert (beside - before).abs().max() > 1e-2, name
        assert (states(model) - beside).abs().max() < 1e-5, name
        assert {*model.state_dict()} == names and not hasattr(model, "peft_config"), name
        tried.append(name)
    assert len(tried) >= 30 and {"XLM-R", "BERT", "ModernBERT", "mDeBERTa-v3", "EuroBERT", "XLM-R XL"} <= {*tried}
    assert [*refused] == ["SqueezeBERT"] and refused["SqueezeBERT"].startswith(NO_LINEARS)
    assert "\n" not in refused["SqueezeBERT"]


def test_an_encoder_begins_as_it_is_and_all_its_own_weights_are_frozen() -> None:
    model = tiny_encoder().model
    before, own = states(model), {name: value.clone() for name, value in model.state_dict().items()}
    Adapters(model, **SETTINGS)  # type: ignore[arg-type]
    assert torch.equal(states(model), before)
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert trained and all("lora_" in name for name in trained)
    kept = {name.replace("base_layer.", ""): value for name, value in model.state_dict().items() if "lora_" not in name}
    assert kept.keys() == own.keys() and all(torch.equal(kept[name], own[name]) for name in own)


def test_adapters_are_on_all_linear_layers_of_the_layers_and_on_no_other_one() -> None:
    model = tiny_encoder().model
    parts = ("attention.self.query", "attention.self.key", "attention.self.value")
    parts += ("attention.output.dense", "intermediate.dense", "output.dense")
    assert list_layer_linears(model) == [f"encoder.layer.{layer}.{part}" for layer in (0, 1) for part in parts]
    model.pooler = nn.Linear(16, 16)
    assert len(list_layer_linears(model)) == 12
    Adapters(model, **SETTINGS)  # type: ignore[arg-type]
    sizes = [tuple(weight.shape) for weight in model.parameters() if weight.requires_grad]
    assert len(sizes) == 24 and sizes.count((8, 16)) == 10 and sizes.count((32, 8)) == 2


def test_after_a_merge_weights_can_be_trained_as_before() -> None:
    model = tiny_encoder().model
    model.embeddings.position_embeddings.weight.requires_grad_(False)  # some architectures have fixed ones
    before = {name: weight.requires_grad for name, weight in model.named_parameters()}
    put_on(model).merge()
    assert {name: weight.requires_grad for name, weight in model.named_parameters()} == before


def test_an_architecture_that_reads_weights_past_its_linear_layers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_encoder().model
    small = copy.deepcopy(model)
    dense = small.encoder.layer[0].output.dense
    small.encoder.layer[0].output.forward = lambda states, rest: nn.functional.linear(states, dense.weight) + rest
    monkeypatch.setattr(module, "build_small_model", lambda config: small)
    message = r"^XLMRobertaModel computes other states when adapters of lora are merged\. Leave out .*ModernBERT\.$"
    with pytest.raises(RefusedEncoderError, match=message):
        module.check_adapters(model)
