"""Features, which are examples after the tokenizer, and their padded batches, for every kind of task."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

IGNORED = -100  # target id that no loss counts (PyTorch's default)

Ids = NDArray[np.int32]
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model: a row of ids, or one row per option (choice).

    `example` is the index of its example: a long example has several features. `target` is a label id, or start and
    end, or one id per position. `marks` holds for each row and position the word index (tagging), the segment (pair,
    text, choice), or a number above 0 where an answer may lie (span, see kinds/span.py); -1 elsewhere. `origin` leads
    back to the example: the indices (words,) of the words in the sentence (tagging), or the characters of the context
    that each position covers, begin and end (positions, 2) (span); empty for other kinds.
    """

    example: int
    rows: tuple[Ids, ...]
    types: tuple[Ids, ...] | None
    target: Ids
    marks: tuple[Ids, ...] | None = None
    origin: Ids = field(default_factory=lambda: np.zeros(0, dtype=np.int32))

    @property
    def length(self) -> int:
        """The number of sub-tokens of the longest row."""
        return max(len(row) for row in self.rows)


def pad(rows: Sequence[Ids], value: int) -> torch.Tensor:
    """Return rows of different lengths as one int64 tensor (rows, longest), filled up with `value` on the right."""
    width = max(len(row) for row in rows)
    block = np.full((len(rows), width), value, dtype=np.int64)
    for i, row in enumerate(rows):
        block[i, : len(row)] = row
    return torch.from_numpy(block)


def collate(features: Sequence[Feature], pad_id: int, *, per_position: bool, device: torch.device) -> Tensors:
    """Return a batch of features.

    It holds `input_ids` and `attention_mask` (rows, length), and `target`; also `token_type_ids`, `marks` and `options`
    where the kind of task uses them. With `per_position`, targets have one id per position (padded with IGNORED), and
    not one label per feature. The batch then has `counted`, the indices of ids that are not IGNORED in the flattened
    target: if a GPU had to find them, the host would have to wait for their number.
    """
    rows = [row for feature in features for row in feature.rows]
    width = max(len(row) for row in rows)
    lengths = torch.tensor([len(row) for row in rows])
    batch = {
        "input_ids": pad(rows, pad_id),
        "attention_mask": (torch.arange(width)[None, :] < lengths[:, None]).to(torch.int64),
    }
    if features[0].types is not None:
        batch["token_type_ids"] = pad([row for feature in features for row in feature.types or ()], 0)
    if per_position:
        batch["target"] = pad([feature.target for feature in features], IGNORED)
        batch["counted"] = (batch["target"].flatten() != IGNORED).nonzero().flatten()
    else:
        batch["target"] = torch.from_numpy(np.stack([feature.target for feature in features]).astype(np.int64))
    if len(rows) > len(features):
        batch["options"] = torch.from_numpy(_index_options(features))
    if features[0].marks is not None:
        batch["marks"] = pad([row for feature in features for row in feature.marks or ()], -1)
    if device.type == "cuda":  # copied from pinned memory while the host prepares the next batch
        batch = {name: tensor.pin_memory() for name, tensor in batch.items()}
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


def take_batch(features: Iterable[Feature], tokens: int) -> list[Feature]:
    """Return the first features that have at most `tokens` sub-tokens together, padding included; at least one."""
    batch: list[Feature] = []
    rows = width = 0
    for feature in features:
        rows, width = rows + len(feature.rows), max(width, feature.length)
        if batch and rows * width > tokens:
            break
        batch.append(feature)
    return batch


def split_batch(features: Sequence[Feature], most: int, tokens: int | None) -> list[list[Feature]]:
    """Return a batch in pieces of at most `most` features, and as many sub-tokens as `take_batch` takes."""
    pieces: list[list[Feature]] = []
    rest = list(features)
    while rest:
        pieces.append(rest[:most] if tokens is None else take_batch(rest[:most], tokens))
        rest = rest[len(pieces[-1]) :]
    return pieces


def count_targets(features: Sequence[Feature]) -> int:
    """Return the number of labels that a loss is a mean over: words (tagging) or inputs."""
    return sum(int((feature.target != IGNORED).sum()) if feature.target.ndim else 1 for feature in features)


def _index_options(features: Sequence[Feature]) -> NDArray[np.int64]:
    """Return the row of each option in the batch: (features, most options), -1 where a feature has fewer."""
    counts = np.array([[len(feature.rows)] for feature in features])
    numbers = np.arange(counts.max())
    return np.where(numbers < counts, counts.cumsum()[:, None] - counts + numbers, -1)
