"""Randomized smoothing: each word is drawn from itself and its synonyms, every time it is read (Huang et al. 2021).

A draw replaces one token by one token. Words of several tokens stay as they are, and so does the first token of a word
that continues. Answers keep their positions (span), labels their pairs. The paper's released code makes ten copies
(PAWS-X) or three (XNLI) of every example, and counts a pass over all of them as one. Here the same copies come one at a
time, so that a step costs as much as a plain one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from spaces.errors import UsageError
from trainables.methods.step import TrainingStep

DRAW_RANGE = 2**31 - 1  # draws are below this: their remainders by a small number are uniform to nine digits


@dataclass(frozen=True, slots=True)
class SynonymTable:
    """Alternatives of each token: `counts[id]` tokens of `alternatives` from `starts[id]` on, the token itself first.

    `continuation` masks tokens that continue the word before them. All tensors are on the device of the batches.
    """

    starts: torch.Tensor
    counts: torch.Tensor
    alternatives: torch.Tensor
    continuation: torch.Tensor

    def draw(self, ids: torch.Tensor, ordinary: torch.Tensor) -> torch.Tensor:
        """Return ids (rows, length) in which ordinary tokens that are whole words are drawn from their alternatives."""
        is_continued = torch.zeros_like(ordinary)
        is_continued[:, :-1] = self.continuation[ids[:, 1:]] & ordinary[:, 1:]
        choice = torch.randint(DRAW_RANGE, ids.shape, device=ids.device) % self.counts[ids]
        return torch.where(ordinary & ~is_continued, self.alternatives[self.starts[ids] + choice], ids)


def randomized_smoothing(step: TrainingStep, *, table: SynonymTable) -> torch.Tensor:
    """Randomized smoothing: the loss of the batch in other words."""
    ids = table.draw(step.batch["input_ids"], step.word_mask)
    loss = step.compute_loss(step.compute_logits({**step.batch, "input_ids": ids}, None))
    loss.backward()
    return loss.detach()


def build_synonym_table(
    synonyms: Mapping[str, Sequence[str]], tokenizer: PreTrainedTokenizerBase, device: torch.device
) -> SynonymTable:
    """Return the table of the words that are one token after a blank; raises UsageError if none has a synonym."""
    words = list(dict.fromkeys([*synonyms, *(other for others in synonyms.values() for other in others)]))
    encoded = tokenizer([f" {word}" for word in words], add_special_tokens=False)["input_ids"]
    unknown = [tokenizer.unk_token_id]
    tokens = {word: ids[0] for word, ids in zip(words, encoded, strict=True) if len(ids) == 1 and ids != unknown}
    choices = {
        tokens[word]: list(dict.fromkeys([tokens[word], *(tokens[other] for other in others if other in tokens)]))
        for word, others in synonyms.items()
        if word in tokens
    }
    if all(len(alternatives) == 1 for alternatives in choices.values()):
        raise UsageError("no pair of synonyms has two words of one token each for this encoder: add such pairs.")
    size = max(tokenizer.get_vocab().values()) + 1
    rows = [choices.get(token, [token]) for token in range(size)]
    counts = torch.tensor([len(row) for row in rows])
    return SynonymTable(
        starts=(counts.cumsum(0) - counts).to(device),
        counts=counts.to(device),
        alternatives=torch.tensor([token for row in rows for token in row]).to(device),
        continuation=find_continuations(tokenizer, size).to(device),
    )


def find_continuations(tokenizer: PreTrainedTokenizerBase, size: int) -> torch.Tensor:
    """Return the mask (size,) of tokens that continue a word: they have its mark (##), or lack that of a blank."""
    tokens = [""] * size
    for token, i in tokenizer.get_vocab().items():
        tokens[i] = token
    if any(token.startswith("##") for token in tokens):
        return torch.tensor([token.startswith("##") for token in tokens])
    blanks = tuple(mark for mark in ("▁", "Ġ") if any(token.startswith(mark) for token in tokens))
    return torch.tensor([bool(blanks) and token[:1].isalnum() for token in tokens])
