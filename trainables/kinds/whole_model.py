"""A fine-tuned encoder with its head as one model of `transformers`, which other programs load without this one.

The library has a class for each kind of task. Where its head computes what ours does, our layers are put into it, and
the logits of both are compared before anything is stored: a model that answers otherwise is never written.
"""

import dataclasses
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from spaces.model_files import AUTO_CLASSES
from spaces.task import Task
from trainables.features.features import Tensors
from trainables.kinds.choice import ChoiceHead
from trainables.kinds.label_head import KINDS_WITH_LABELS
from trainables.kinds.pooling import PooledHead
from trainables.kinds.span import SpanHead
from trainables.kinds.tagging import TagHead
from trainables.models.encoder import Encoder
from trainables.models.masked_words import get_word_embeddings

# Where the library's classes have a layer of ours; {base} is the name of the encoder in them. The first that exists
# counts: RoBERTa's classifier has both layers in it, BERT has the first one in its pooler, DeBERTa beside the encoder.
PLACES: Mapping[str, tuple[str, ...]] = {
    "dense": ("classifier.dense", "{base}.pooler.dense", "pooler.dense"),
    "out": ("classifier.out_proj", "classifier", "qa_outputs"),
}
TOLERANCE = 1e-5  # of logits, relative to the largest
PROBE_LENGTH = 12  # sub-tokens of the rows by which the two are compared


class UnfitHeadError(Exception):
    """The library has no class whose head computes what ours does; the message says why."""


def build_whole_model(encoder: Encoder, head: nn.Module, task: Task) -> PreTrainedModel:
    """Return the model of the library's class for the task's kind, with the weights of encoder and head.

    Raise UnfitHeadError if there is no such class, or its logits differ from ours.
    """
    layers = _list_layers(head)
    config = _build_config(encoder.model.config, task)
    try:
        with torch.random.fork_rng(devices=[]):
            model: PreTrainedModel = find_class(task).from_config(config, dtype=torch.float32, trust_remote_code=False)
    except ValueError as error:
        kind = encoder.model.config.model_type
        raise UnfitHeadError(f"transformers has no class of {kind} for the kind {task.kind}") from error
    base: nn.Module = model.base_model
    found = base.load_state_dict(encoder.model.state_dict(), strict=False)
    places = {name: _find_place(model, name) for name in layers}
    placed = {id(parameter) for place in places.values() for parameter in place.parameters()}
    fresh = [name for name in found.missing_keys if id(dict(base.named_parameters()).get(name)) not in placed]
    if fresh or found.unexpected_keys:
        raise UnfitHeadError(
            f"{type(model).__name__} has another encoder inside ({[*fresh, *found.unexpected_keys][0]})"
        )
    for name, layer in layers.items():
        try:
            places[name].load_state_dict(layer.state_dict())
        except RuntimeError as error:
            raise UnfitHeadError(f"{type(model).__name__} has a head of another shape") from error
    model.to(encoder.device).eval()  # type: ignore[arg-type]  # its decorator hides the signature
    _check_logits(encoder, head, task, model)
    return model


def find_class(task: Task) -> Any:
    """Return the library's class that loads the model of a task."""
    return getattr(transformers, AUTO_CLASSES[task.kind])


def save_whole_model(model: PreTrainedModel, encoder: Encoder, folder: Path) -> None:
    """Write the model and the encoder's tokenizer into a folder, as the library does."""
    model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)


def _list_layers(head: nn.Module) -> dict[str, nn.Linear]:
    """Return the linear layers of a head by their names in PLACES; raise UnfitHeadError for a head of another form."""
    pooled = head.score if isinstance(head, ChoiceHead) else head
    if isinstance(pooled, PooledHead) and pooled.segments:
        raise UnfitHeadError("its head reads the means of both segments, which no class of transformers does")
    if isinstance(pooled, PooledHead):
        return {"dense": pooled.dense, "out": pooled.out}
    if isinstance(head, TagHead | SpanHead):
        return {"out": head.out}
    raise UnfitHeadError("its head reads all layers, which no class of transformers does")


def _build_config(config: PretrainedConfig, task: Task) -> PretrainedConfig:
    """Return the encoder's configuration with the task's labels. A pooler that may choose its activation takes tanh."""
    config = deepcopy(config)
    if task.labels and task.kind in KINDS_WITH_LABELS:
        config.id2label = dict(enumerate(task.labels))
        config.label2id = {label: number for number, label in enumerate(task.labels)}
    if task.kind in ("pair", "text"):
        config.problem_type = "single_label_classification"
    if hasattr(config, "pooler_hidden_act"):
        config.pooler_hidden_act = "tanh"
    return config


def _find_place(model: PreTrainedModel, name: str) -> nn.Linear:
    modules = dict(model.named_modules())
    for place in PLACES[name]:
        module = modules.get(place.format(base=model.base_model_prefix))
        if isinstance(module, nn.Linear):
            return module
    raise UnfitHeadError(f"{type(model).__name__} has a head of another form")


def _check_logits(encoder: Encoder, head: nn.Module, task: Task, model: PreTrainedModel) -> None:
    """Raise UnfitHeadError unless the model has our logits of two rows of tokens: of one question, where it chooses."""
    batch = _build_example(encoder)
    modes = [(module, module.training) for module in (encoder.model, head)]
    encoder.model.eval(), head.eval()
    with torch.no_grad():
        ours = dataclasses.replace(encoder, precision="fp32").compute_logits(head, batch)
        theirs = compute_library_logits(model, task, {name: batch[name] for name in ("input_ids", "attention_mask")})
    for module, was_training in modes:
        module.train(was_training)
    limit = TOLERANCE * max(1.0, float(ours.abs().max()))
    if theirs.shape != ours.shape or not float((theirs - ours).abs().max()) <= limit:
        raise UnfitHeadError(f"{type(model).__name__} has other logits")


def _build_example(encoder: Encoder) -> Tensors:
    rows = get_word_embeddings(encoder.model).num_embeddings
    ids = (torch.arange(5, 5 + 2 * PROBE_LENGTH) % rows).view(2, -1).to(encoder.device)
    ids[ids == encoder.pad_id] = (encoder.pad_id + 1) % rows
    ones = torch.ones_like(ids)
    return {
        "input_ids": ids,
        "attention_mask": ones,
        "marks": ones,
        "options": torch.arange(2, device=ids.device)[None],
    }


def compute_library_logits(model: PreTrainedModel, task: Task, inputs: Tensors) -> torch.Tensor:
    """Return the logits of a model in the form of our head's; of a choice the rows are the options of one question."""
    if task.kind == "choice":
        inputs = {name: value[None] for name, value in inputs.items()}
    output = model(**inputs)
    if task.kind == "span":
        return torch.stack([output.start_logits, output.end_logits], dim=-1)
    logits: torch.Tensor = output.logits
    return logits
