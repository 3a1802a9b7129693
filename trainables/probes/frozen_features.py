"""What an encoder that is not trained further makes of a training set: means of texts, and features with labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from spaces.profile import EncoderProfile
from spaces.task import TaskKind
from trainables.features.features import IGNORED, Feature, Tensors, collate
from trainables.kinds import KINDS
from trainables.kinds.label_head import LabelHead
from trainables.kinds.pooling import pool_states
from trainables.models.encoder import Encoder, compute_all_states
from trainables.training.batches import TrainingPart
from trainables.training.evaluation import EVAL_BATCH_TOKENS
from trainables.worker.heartbeat import beat

MAX_INPUTS = 400  # of a training set that are looked at
MAX_ROWS = 2_000  # labelled rows at most: words of sentences are many, and neighbours are compared in pairs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRows:
    """Features of a training set as the task's own head would read them, [rows, width], and each row's label.

    A row is a pair; an option of a question, right or not; a word with its tag; or, of a passage, the first token of
    the answer (1) or another one of the context, drawn at random (0). `groups` says which rows are of one input.
    `answers` are the probabilities that the head of the intermediate task gives its own labels, [rows, labels]; None
    without a head, or where it answers another sort of question than the task asks.
    """

    features: Floats
    labels: Ints
    inputs: Ints
    source_probabilities: Floats | None


def sample_inputs(part: TrainingPart, count: int, seed: int) -> list[Feature]:
    """So many inputs of what a run is trained on, or all; at a seed the same for every encoder, and in their order."""
    places = part.indices
    if len(places) > count:
        places = np.sort(np.random.default_rng(seed).choice(places, count, replace=False))
    return [part.table[i] for i in places.tolist()]


def embed_texts(encoder: Encoder, kind: TaskKind, features: Sequence[Feature], layer: int) -> tuple[Floats, Floats]:
    """TextEmb and SEmb of a data set, each [width]: see `trainables.probes.similarity`.

    A row's vector is the mean over its tokens, special ones included, as retrieval reads sentences. TextEmb is the mean
    over inputs of the last layer's; SEmb that of the unit vectors in `layer`. Of an input with several rows, one per
    option, the mean counts.
    """
    text, sentence = np.zeros(encoder.width), np.zeros(encoder.width)
    for some, batch, states in _encode_batches(encoder, kind, features):
        mask = batch["attention_mask"].unsqueeze(-1)
        last, read = ((states[at] * mask).sum(1) / mask.sum(1) for at in (-1, layer))
        weights = torch.tensor([1 / len(one.rows) for one in some for _ in one.rows], device=encoder.device)
        text += (weights @ last).double().numpy(force=True)
        sentence += (weights @ torch.nn.functional.normalize(read, dim=-1)).double().numpy(force=True)
    return text / len(features), sentence / len(features)


def extract_labelled_rows(
    encoder: Encoder,
    kind: TaskKind,
    features: Sequence[Feature],
    profile: EncoderProfile,
    rng: np.random.Generator,
    head: LabelHead | None = None,
) -> LabelledRows:
    """The rows of these inputs, at most ROWS of them, drawn by `rng`; `head` is the intermediate task's."""
    values, labels, groups, answers = [], [], [], []
    done = 0
    for some, batch, states in _encode_batches(encoder, kind, features):
        rows, label, group = _extract_batch_rows(kind, states[-1], batch, profile, rng)
        values.append(rows.double().numpy(force=True))
        labels.append(label)
        groups.append(group + done)
        done += len(some)
        if head is not None:
            logits = head.head(states[-1], batch)
            logits = logits[batch["target"] != IGNORED] if KINDS[kind].per_position else logits
            answers.append(logits.double().softmax(-1).numpy(force=True))
    kept = rng.permutation(sum(map(len, labels)))[:MAX_ROWS]
    return LabelledRows(
        features=np.concatenate(values)[kept],
        labels=np.concatenate(labels)[kept],
        inputs=np.concatenate(groups)[kept],
        source_probabilities=np.concatenate(answers)[kept] if answers else None,
    )


def _encode_batches(
    encoder: Encoder, kind: TaskKind, features: Sequence[Feature]
) -> Iterator[tuple[list[Feature], Tensors, tuple[torch.Tensor, ...]]]:
    """Batches of inputs, long ones first, with the states of every layer in 32 bits."""
    encoder.model.eval()
    waiting = sorted(features, key=lambda feature: -feature.length)
    while waiting:
        size = max(
            1, EVAL_BATCH_TOKENS[encoder.device.type] // (waiting[0].length * max(len(one.rows) for one in waiting))
        )
        some, waiting = waiting[:size], waiting[size:]
        batch = collate(some, encoder.pad_id, per_position=KINDS[kind].per_position, device=encoder.device)
        with torch.inference_mode():
            with encoder.autocast():
                states = compute_all_states(encoder.model, batch)
            yield some, batch, tuple(state.float() for state in states)
        beat()


def _extract_batch_rows(
    kind: TaskKind, hidden: torch.Tensor, batch: Tensors, profile: EncoderProfile, rng: np.random.Generator
) -> tuple[torch.Tensor, Ints, Ints]:
    """Features, labels and the place of the input in the batch, of every labelled row of a batch."""
    target = batch["target"].numpy(force=True)
    if kind == "tagging":
        inputs, places = np.nonzero(target != IGNORED)
        return hidden[inputs, places], target[inputs, places], inputs
    if kind == "span":
        inputs, places, label = _choose_tokens(target, batch["marks"].numpy(force=True) == 1, rng)
        return hidden[inputs, places], label, inputs
    rows = pool_states(hidden, batch, segments=profile.pooling == "segments")
    if kind == "pair":
        return rows, target, np.arange(len(target))
    options = batch["options"].numpy(force=True) if "options" in batch else np.zeros((len(target), 1), np.int64)
    inputs, places = np.nonzero(options >= 0)
    return rows[options[inputs, places]], (places == target[inputs]).astype(np.int64), inputs


def _choose_tokens(target: Ints, context: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Of each window that has an answer, its first token and another of the context that is not in it."""
    rows: list[tuple[int, int, int]] = []
    for i, (start, stop) in enumerate(target.tolist()):
        outside = np.flatnonzero(context[i])
        outside = outside[(outside < start) | (outside > stop)]
        if stop > 0 and len(outside):
            rows += [(i, start, 1), (i, int(rng.choice(outside)), 0)]
    inputs, places, labels = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return inputs, places, labels
