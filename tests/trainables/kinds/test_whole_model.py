"""Encoder and head as one model of the library: equal logits on real inputs, or no model at all."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer, ModernBertConfig, ModernBertModel, PreTrainedModel

from spaces.encoders import PROFILES
from spaces.task import Recipe, Task
from tests.architectures import build_word_pieces
from tests.encoder_folders import TEXTS, build_xlmr, write_encoder, write_mdeberta
from tests.subwords import train_subwords
from trainables.features.examples import ChoiceExample, PairExample, SpanExample, TaggingExample, TextExample
from trainables.features.features import collate
from trainables.kinds import KINDS, build_task_head
from trainables.kinds.whole_model import (
    UnfitHeadError,
    build_whole_model,
    compute_library_logits,
    find_class,
    save_whole_model,
)
from trainables.models.encoder import Encoder, load_encoder

PRETRAINED = PROFILES["pretrained"]
RECIPE = Recipe(steps=10, max_length=24, stride=4)
LABELS = ("yes", "no", "perhaps")
PAIRS = [PairExample("an old town", "who lives in the north", 0), PairExample("the towns", "old", 2)]
WORDS = ("an", "old", "town", "in", "the", "north")
TAGGED = [TaggingExample(WORDS, (0, 1, 2, 0, 1, 2)), TaggingExample(("who",), (1,))]
CONTEXT = " ".join(WORDS)
SPANS = [SpanExample("1", "who", CONTEXT, ("old town",), (3,)), SpanExample("2", "old", "the towns", ("old",), (4,))]
CHOICES = [ChoiceExample("an old town", "who", ("the north", CONTEXT, "old"), 1)]
ONE_TEXT = [TextExample("an old town", 0), TextExample("who lives in the north", 2)]
EXAMPLES: dict[str, Any] = {"pair": PAIRS, "text": ONE_TEXT, "tagging": TAGGED, "span": SPANS, "choice": CHOICES}


def task_of(kind: str) -> Task:
    labels = LABELS if kind in ("pair", "text", "tagging") else ()
    return Task(name="t", kind=kind, about="", labels=labels, official_metrics=("accuracy",), recipe=RECIPE)  # type: ignore[arg-type]


def trained(encoder: Encoder, kind: str, **options: Any) -> nn.Module:
    """A head with weights as training may leave them: far from its start."""
    torch.manual_seed(1)
    head = build_task_head(encoder, task_of(kind), options.pop("profile", PRETRAINED), fuse_layers=False, **options)
    for weight in head.parameters():
        nn.init.normal_(weight, std=0.5)
    return head


def write_bert(folder: Path) -> Path:
    from transformers import BertConfig, BertModel

    tokenizer = build_word_pieces()
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **shape)
    return write_encoder(folder, BertModel(config), tokenizer)


ENCODERS = {"xlm-roberta": write_encoder, "bert": write_bert, "deberta-v2": write_mdeberta}


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("name", ENCODERS)
def test_a_stored_model_has_our_logits_of_padded_inputs_to_five_digits(tmp_path: Path, name: str, kind: str) -> None:
    encoder, task = load_encoder(str(ENCODERS[name](tmp_path / "encoder"))), task_of(kind)
    head = trained(encoder, kind)
    save_whole_model(build_whole_model(encoder, head, task), encoder, tmp_path / "model")
    loaded: PreTrainedModel = find_class(task).from_pretrained(tmp_path / "model").eval()
    features = KINDS[kind].encode(encoder.tokenizer, EXAMPLES[kind], RECIPE, PRETRAINED)
    batch = collate(features, encoder.pad_id, per_position=KINDS[kind].per_position, device=encoder.device)
    encoder.model.eval(), head.eval()
    inputs = {n: batch[n] for n in ("input_ids", "attention_mask", "token_type_ids") if n in batch}
    if kind == "choice":  # the rows of a batch are in another order than the options
        inputs = {name: value[batch["options"][0]] for name, value in inputs.items()}
    with torch.no_grad():
        ours, theirs = encoder.compute_logits(head, batch), compute_library_logits(loaded, task, inputs)
    if kind == "span":  # ours are barred outside the context, where the library leaves them as they are
        inside = ours > -1e3
        ours, theirs = ours[inside], theirs[inside]
    elif kind == "tagging":
        tokens = batch["attention_mask"] == 1
        ours, theirs = ours[tokens], theirs[tokens]
    assert ours.numel() and ours.std() > 5e-4
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-5)


def test_labels_and_tokenizer_go_with_the_model(tmp_path: Path) -> None:
    encoder = load_encoder(str(write_encoder(tmp_path / "encoder")))
    save_whole_model(build_whole_model(encoder, trained(encoder, "pair"), task_of("pair")), encoder, tmp_path / "model")
    loaded = find_class(task_of("pair")).from_pretrained(tmp_path / "model")
    assert loaded.config.id2label == dict(enumerate(LABELS)) and loaded.config.label2id["perhaps"] == 2
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert tokenizer("an old town")["input_ids"] == encoder.tokenizer("an old town")["input_ids"]


def test_building_changes_neither_the_encoder_nor_the_random_state(tmp_path: Path) -> None:
    encoder = load_encoder(str(write_encoder(tmp_path / "encoder")))
    head = trained(encoder, "pair").train()
    encoder.model.train()
    before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
    config, random = encoder.model.config.to_dict(), torch.get_rng_state()
    build_whole_model(encoder, head, task_of("pair"))
    assert encoder.model.config.to_dict() == config and torch.equal(torch.get_rng_state(), random)
    assert head.training and encoder.model.training
    assert all(torch.equal(value, before[name]) for name, value in encoder.model.state_dict().items())


def test_heads_that_no_class_of_the_library_has_are_refused(tmp_path: Path) -> None:
    encoder = load_encoder(str(write_encoder(tmp_path / "encoder")))
    for kind in ("pair", "choice"):
        with pytest.raises(UnfitHeadError, match="both segments"):
            build_whole_model(encoder, trained(encoder, kind, profile=PROFILES["miniature"]), task_of(kind))
    fused = build_task_head(encoder, task_of("tagging"), PRETRAINED, fuse_layers=True)
    with pytest.raises(UnfitHeadError, match="all layers"):
        build_whole_model(encoder, fused, task_of("tagging"))


def test_an_architecture_whose_head_computes_otherwise_is_refused(tmp_path: Path) -> None:
    tokenizer = train_subwords(TEXTS, 60)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "cls_token_id": 0, "sep_token_id": 2}
    model = ModernBertModel(ModernBertConfig(vocab_size=len(tokenizer), **shape, **ids))
    encoder = load_encoder(str(write_encoder(tmp_path / "encoder", model, tokenizer)))
    for kind in ("pair", "tagging"):
        with pytest.raises(UnfitHeadError):
            build_whole_model(encoder, trained(encoder, kind), task_of(kind))


def test_other_logits_are_never_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison sees a layer in the wrong place: without it the model would answer something else."""
    from trainables.kinds import whole_model

    encoder = load_encoder(str(write_encoder(tmp_path / "encoder", build_xlmr(60))))
    monkeypatch.setattr(whole_model, "_list_layers", lambda head: {"dense": head.dense, "out": nn.Linear(16, 3)})
    with pytest.raises(UnfitHeadError, match="has other logits"):
        build_whole_model(encoder, trained(encoder, "pair"), task_of("pair"))


def test_the_encoder_of_a_stored_model_is_the_encoder(tmp_path: Path) -> None:
    encoder = load_encoder(str(write_encoder(tmp_path / "encoder")))
    save_whole_model(build_whole_model(encoder, trained(encoder, "span"), task_of("span")), encoder, tmp_path / "model")
    loaded = AutoModel.from_pretrained(tmp_path / "model").state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in encoder.model.state_dict().items())
