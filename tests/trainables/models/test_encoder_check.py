"""An encoder is what it claims, before anything starts: each fault is refused in one line that says what to do."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BartConfig,
    BartModel,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2Model,
    LlamaConfig,
    LlamaModel,
    ModernBertConfig,
    ModernBertForMaskedLM,
    T5Config,
    T5Model,
    XLMRobertaForMaskedLM,
)

from tests.encoder_folders import TEXTS, WEIGHTS, build_xlmr, change_fields, change_weights, write_encoder
from tests.subwords import train_subwords
from trainables.models import reading_direction
from trainables.models.encoder import check_finite, load_encoder
from trainables.models.encoder_check import check_encoder
from trainables.models.weight_files import RefusedEncoderError

SMALL = {"vocab_size": 80, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
QUERY = "encoder.layer.1.attention.self.query.weight"
LONGEST = 384


@pytest.fixture
def folder(model: Path) -> Path:
    return model


def write_shards(folder: Path) -> None:
    """Cut the weights into two files with an index."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(tensors)}
    for file in set(names.values()):
        change = {name: value for name, value in tensors.items() if names[name] == file}
        save_file(change, folder / file, {"format": "pt"})
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))


def write_pickle(folder: Path, *, cut: bool = False, zipped: bool = True) -> None:
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    file = folder / "pytorch_model.bin"
    torch.save(tensors, file, _use_new_zipfile_serialization=zipped)
    if cut:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def remove_shard(folder: Path) -> None:
    write_shards(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def link_nowhere(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to("../blobs/gone")


def leave_adapter(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")


def set_value(value: float) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        def change(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            tensors[QUERY][0, 0] = value
            return tensors

        change_weights(folder, change)

    return damage


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "prefix": (
        lambda folder: change_weights(folder, lambda old: {f"module.{name}": value for name, value in old.items()}),
        r"37 of 39 tensors of XLMRobertaModel are not in the weights .* prefix 'module\.'",
    ),
    "layer-absent": (
        lambda folder: change_weights(folder, lambda old: {n: v for n, v in old.items() if "layer.1." not in n}),
        r"16 of 39 tensors .* not in the weights \(encoder\.layer\.1\.",
    ),
    "layer-too-many": (
        lambda folder: change_fields(folder / "config.json", num_hidden_layers=1),
        r"16 tensors in the weights have no place in XLMRobertaModel \(encoder\.layer\.1\.",
    ),
    "other-width": (
        lambda folder: change_fields(folder / "config.json", intermediate_size=48),
        r"tensors do not have XLMRobertaModel's shape",
    ),
    "other-architecture": (
        lambda folder: change_fields(folder / "config.json", model_type="distilbert", architectures=None),
        r"tensors of DistilBertModel are not in the weights",
    ),
    "shard": (remove_shard, r"1 of 2 files of weights are missing: model-00002"),
    "cut": (
        lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-8]),
        r"model\.safetensors .* cannot be read as weights",
    ),
    "cut-pickle": (lambda folder: write_pickle(folder, cut=True), r"pytorch_model\.bin .* cannot be read as weights"),
    "cut-old-pickle": (
        lambda folder: write_pickle(folder, cut=True, zipped=False),
        r"pytorch_model\.bin .* cannot be read as weights",
    ),
    "link": (link_nowhere, r"a link that leads nowhere"),
    "pointer": (
        lambda folder: (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        r"git-lfs pointer",
    ),
    "quantised": (
        lambda folder: change_fields(folder / "config.json", quantization_config={"quant_method": "gptq", "bits": 4}),
        r"weights are quantised",
    ),
    "bytes": (
        lambda folder: change_weights(folder, lambda old: old | {QUERY: old[QUERY].to(torch.int8)}),
        r"quantised weights \(encoder\.layer\.1\.attention\.self\.query\.weight is I8\)",
    ),
    "adapter": (leave_adapter, r"adapter .* without the weights of its base model"),
    "base-and-adapter": (
        lambda folder: (folder / "adapter_config.json").write_text("{}"),
        r"an adapter lies beside the weights",
    ),
    "nan": (set_value(float("nan")), r"no finite numbers \(encoder\.layer\.1\.attention\.self\.query\.weight\)"),
    "inf": (set_value(float("inf")), r"no finite numbers"),
    "own-code": (
        lambda folder: change_fields(
            folder / "config.json", model_type="own-model", auto_map={"AutoModel": "own.Model"}
        ),
        r"no class for model_type 'own-model'.* code of its own \(auto_map\), which is never executed",
    ),
    "vocabulary": (
        lambda folder: train_subwords(["abcdefgh ijklmnop qrstuvwxyz αβγδεζηθ"] * 4, 200).save_pretrained(folder),
        r"ids go up to \d+ .* but the model has \d+ word embeddings",
    ),
    "no-padding": (
        lambda folder: change_fields(folder / "tokenizer_config.json", pad_token=None),
        r"no padding token",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_in_one_line(folder: Path, fault: str, capfd: pytest.CaptureFixture[str]) -> None:
    damage, expected = FAULTS[fault]
    damage(folder)
    with pytest.raises(RefusedEncoderError) as caught:
        check_encoder(folder, LONGEST)
    message = str(caught.value)
    assert re.search(expected, message) and "\n" not in message and len(message) < 500
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("layout", [write_shards, write_pickle, lambda folder: write_pickle(folder, zipped=False)])
def test_other_layouts_of_whole_weights_are_accepted(folder: Path, layout: Callable[[Path], None]) -> None:
    layout(folder)
    check_encoder(folder, LONGEST)


def test_heads_and_poolers_may_be_there_or_not(tmp_path: Path) -> None:
    tokenizer = train_subwords(TEXTS, 60)
    base = build_xlmr(len(tokenizer))
    for i, model in enumerate(
        (
            base,
            XLMRobertaForMaskedLM(base.config),
            BertForMaskedLM(BertConfig(**SMALL)),
            ModernBertForMaskedLM(ModernBertConfig(**SMALL, pad_token_id=1)),
        )
    ):
        check_encoder(write_encoder(tmp_path / str(i), model, tokenizer), LONGEST)


def test_names_that_published_checkpoints_have_too_many_do_no_harm(folder: Path) -> None:
    extra = {"embeddings.position_ids": torch.arange(514), "lm_head.bias": torch.zeros(3)}
    change_weights(folder, lambda old: old | extra)
    check_encoder(folder, LONGEST)


def test_an_input_may_be_as_long_as_the_positions_that_padding_leaves(written_model: Path) -> None:
    check_encoder(written_model, 512)
    with pytest.raises(RefusedEncoderError, match=r"512 positions, but the longest input of this sweep has 513"):
        check_encoder(written_model, 513)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda: GPT2Model(GPT2Config(vocab_size=80, n_embd=16, n_layer=2, n_head=2)), "GPT2Model is a decoder"),
        (lambda: LlamaModel(LlamaConfig(**SMALL)), "LlamaModel is a decoder"),
        (lambda: build_xlmr(80, is_decoder=True), "XLMRobertaModel is a decoder"),
        (
            lambda: T5Model(T5Config(vocab_size=80, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)),
            "T5 is a seq",
        ),
        (
            lambda: BartModel(BartConfig(vocab_size=80, d_model=16, encoder_layers=1, decoder_layers=1)),
            "Bart is a sequence-to-sequence model",
        ),
    ],
)
def test_decoders_and_whole_translators_are_refused(tmp_path: Path, model: Callable[[], object], expected: str) -> None:
    folder = write_encoder(tmp_path / "encoder", model())  # type: ignore[arg-type]
    with pytest.raises(RefusedEncoderError, match=expected) as caught:
        check_encoder(folder, LONGEST)
    assert "\n" not in str(caught.value)


def test_states_that_read_no_other_token_are_no_decoder(written_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = build_xlmr(16, num_hidden_layers=0).eval()  # as without the kernel that an attention needs
    monkeypatch.setattr(reading_direction, "build_small_model", lambda _: blind)
    with pytest.raises(RefusedEncoderError, match="read no other token on this machine"):
        check_encoder(written_model, LONGEST)


def test_a_check_draws_no_random_numbers(written_model: Path) -> None:
    torch.manual_seed(1)
    before = torch.rand(1)
    torch.manual_seed(1)
    check_encoder(written_model, LONGEST)
    assert torch.rand(1) == before


def test_a_worker_refuses_weights_that_changed_after_the_check(folder: Path) -> None:
    load_encoder(str(folder))
    change_weights(folder, lambda old: {name: value for name, value in old.items() if name != QUERY})
    with pytest.raises(ValueError, match=r"not whole: 1 of 37 tensors .* are not in the weights"):
        load_encoder(str(folder))


def test_a_worker_refuses_values_that_are_not_finite(folder: Path) -> None:
    model = load_encoder(str(folder)).model
    check_finite(model)
    model.get_parameter(QUERY).data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="no finite numbers"):
        check_finite(model)
