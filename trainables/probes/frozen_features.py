"""Features of a training set from an encoder that is not trained further: means of texts, and rows with labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from spaces.encoders import EncoderProfile
from spaces.task import TaskKind
from trainables.features.features import IGNORED, Feature, Tensors, collate
from trainables.kinds import KINDS
from trainables.kinds.label_head import LabelHead
from trainables.kinds.pooling import count_segments, pool_states
from trainables.models.encoder import Encoder, compute_all_states
from trainables.probes.transferability import Floats, Ints
from trainables.training.batches import TrainingPart
from trainables.training.evaluation import EVAL_BATCH_TOKENS
from trainables.worker.heartbeat import beat

MAX_INPUTS = 400  # of a training set that are read
MAX_ROWS = 2_000  # labelled rows at most: sentences have many words, and neighbours are compared in pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRows:
    """Features [rows, width] of a training set as the task's own head would read them, and the label of each row.

    A row is a pair or a single text; an option of a question, right or not; a word with its tag; or, in a passage, the
    first token of the answer (1) or another token of the context, drawn at random (0). `inputs` says which rows are of
    one input. `source_probabilities` [rows, labels] are those that the head of the intermediate task gives its own
    labels; None without a head, or where it answers another sort of question than the task asks.
    """

    features: Floats
    labels: Ints
    inputs: Ints
    source_probabilities: Floats | None


def sample_inputs(part: TrainingPart, count: int, seed: int) -> list[Feature]:
    """Return at most `count` inputs of a training set, in their order; at one seed the same for every encoder."""
    indices = part.indices
    if len(indices) > count:
        indices = np.sort(np.random.default_rng(seed).choice(indices, count, replace=False))
    return [part.table[i] for i in indices.tolist()]


def embed_texts(encoder: Encoder, kind: TaskKind, features: Sequence[Feature], layer: int) -> tuple[Floats, Floats]:
    """Return TextEmb and SEmb of a data set, each [width]: see `trainables.probes.similarity`.

    A row's vector is the mean over its tokens, special ones included, as in the sentences of retrieval. TextEmb is the
    mean over inputs of the vectors in the last layer, SEmb that of the unit vectors in `layer`. An input of several
    rows, one per option, counts with their mean.
    """
    text, sentence = np.zeros(encoder.width), np.zeros(encoder.width)
    for inputs, batch, states in _encode_batches(encoder, kind, features):
        mask = batch["attention_mask"].unsqueeze(-1)
        last, chosen = ((states[index] * mask).sum(1) / mask.sum(1) for index in (-1, layer))
        weights = torch.tensor([1 / len(item.rows) for item in inputs for _ in item.rows], device=encoder.device)
        text += (weights @ last).double().numpy(force=True)
        sentence += (weights @ torch.nn.functional.normalize(chosen, dim=-1)).double().numpy(force=True)
    return text / len(features), sentence / len(features)


def extract_labelled_rows(
    encoder: Encoder,
    kind: TaskKind,
    features: Sequence[Feature],
    profile: EncoderProfile,
    rng: np.random.Generator,
    source_head: LabelHead | None = None,
) -> LabelledRows:
    """Return at most MAX_ROWS rows of these inputs, drawn by `rng`; `source_head` is that of the intermediate task."""
    values, labels, inputs, probabilities = [], [], [], []
    input_count = 0
    for batch_inputs, batch, states in _encode_batches(encoder, kind, features):
        rows, row_labels, row_inputs = _extract_batch_rows(kind, states[-1], batch, profile, rng)
        values.append(rows.double().numpy(force=True))
        labels.append(row_labels)
        inputs.append(row_inputs + input_count)
        input_count += len(batch_inputs)
        if source_head is not None:
            logits = source_head.head(states[-1], batch)
            logits = logits[batch["target"] != IGNORED] if KINDS[kind].per_position else logits
            probabilities.append(logits.double().softmax(-1).numpy(force=True))
    chosen = rng.permutation(sum(map(len, labels)))[:MAX_ROWS]
    return LabelledRows(
        features=np.concatenate(values)[chosen],
        labels=np.concatenate(labels)[chosen],
        inputs=np.concatenate(inputs)[chosen],
        source_probabilities=np.concatenate(probabilities)[chosen] if probabilities else None,
    )


def _encode_batches(
    encoder: Encoder, kind: TaskKind, features: Sequence[Feature]
) -> Iterator[tuple[list[Feature], Tensors, tuple[torch.Tensor, ...]]]:
    """Yield batches of inputs, long ones first, with the states of every layer in 32 bits."""
    encoder.model.eval()
    waiting = sorted(features, key=lambda feature: -feature.length)
    while waiting:
        row_tokens = waiting[0].length * max(len(feature.rows) for feature in waiting)
        size = max(1, EVAL_BATCH_TOKENS[encoder.device.type] // row_tokens)
        inputs, waiting = waiting[:size], waiting[size:]
        batch = collate(inputs, encoder.pad_id, per_position=KINDS[kind].per_position, device=encoder.device)
        with torch.inference_mode():
            with encoder.autocast():
                states = compute_all_states(encoder.model, batch)
            yield inputs, batch, tuple(state.float() for state in states)
        beat()


def _extract_batch_rows(
    kind: TaskKind, hidden: torch.Tensor, batch: Tensors, profile: EncoderProfile, rng: np.random.Generator
) -> tuple[torch.Tensor, Ints, Ints]:
    """Return features, labels and the index of the input in the batch, of every labelled row of a batch."""
    target = batch["target"].numpy(force=True)
    if kind == "tagging":
        inputs, positions = np.nonzero(target != IGNORED)
        return hidden[inputs, positions], target[inputs, positions], inputs
    if kind == "span":
        inputs, positions, labels = _choose_tokens(target, batch["marks"].numpy(force=True) > 0, rng)
        return hidden[inputs, positions], labels, inputs
    rows = pool_states(hidden, batch, segments=count_segments(kind, profile))
    if kind in ("pair", "text"):
        return rows, target, np.arange(len(target))
    options = batch["options"].numpy(force=True) if "options" in batch else np.zeros((len(target), 1), np.int64)
    inputs, choices = np.nonzero(options >= 0)
    return rows[options[inputs, choices]], (choices == target[inputs]).astype(np.int64), inputs


def _choose_tokens(target: Ints, context: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Return, for each window with an answer, its first token and a random token of the context outside of it."""
    rows: list[tuple[int, int, int]] = []
    for i, (start, stop) in enumerate(target.tolist()):
        outside = np.flatnonzero(context[i])
        outside = outside[(outside < start) | (outside > stop)]
        if stop > 0 and len(outside):
            rows += [(i, start, 1), (i, int(rng.choice(outside)), 0)]
    inputs, positions, labels = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return inputs, positions, labels
