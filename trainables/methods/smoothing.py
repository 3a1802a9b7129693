"""Randomized smoothing: each word is drawn from itself and its synonyms, every time it is read (Huang et al. 2021).

A draw replaces one token by one token, so words with other numbers of tokens stay as they are, and so does a word's
first token where more of the word follows. Answers keep their places (span), labels their pairs. The paper's released
code makes ten copies (PAWS-X) or three (XNLI) of every example, and passes over all of them count as one: here the same
copies come one at a time, so that a step costs what a plain one costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from spaces.errors import UsageError
from trainables.methods.step import TrainingStep

DRAW_RANGE = 2**31 - 1  # integers that are drawn below this: the rest of a division by a handful is even to nine digits


@dataclass(frozen=True, slots=True)
class SynonymTable:
    """What each token may become: `counts[id]` tokens from `drawn[starts[id]]` on, the token itself the first of them.

    `continues` tells tokens that go on with the word before them. All are on the device of the batches.
    """

    starts: torch.Tensor
    counts: torch.Tensor
    alternatives: torch.Tensor
    continuation: torch.Tensor

    def draw(self, ids: torch.Tensor, ordinary: torch.Tensor) -> torch.Tensor:
        """Ids (rows, length) with each ordinary token that is a whole word drawn from itself and its synonyms."""
        follows = torch.zeros_like(ordinary)
        follows[:, :-1] = self.continuation[ids[:, 1:]] & ordinary[:, 1:]
        turn = torch.randint(DRAW_RANGE, ids.shape, device=ids.device) % self.counts[ids]
        return torch.where(ordinary & ~follows, self.alternatives[self.starts[ids] + turn], ids)


def randomized_smoothing(step: TrainingStep, *, table: SynonymTable) -> torch.Tensor:
    """Fine-tuning on the batch in other words."""
    ids = table.draw(step.batch["input_ids"], step.word_mask)
    loss = step.compute_loss(step.compute_logits({**step.batch, "input_ids": ids}, None))
    loss.backward()
    return loss.detach()


def build_synonym_table(
    synonyms: Mapping[str, Sequence[str]], tokenizer: PreTrainedTokenizerBase, device: torch.device
) -> SynonymTable:
    """The table of a tokenizer: of words that are one token each, as they are after a blank.

    Raises UsageError if it has no word and synonym that are.
    """
    words = list(dict.fromkeys([*synonyms, *(other for others in synonyms.values() for other in others)]))
    coded = tokenizer([f" {word}" for word in words], add_special_tokens=False)["input_ids"]
    unknown = [tokenizer.unk_token_id]
    token = {word: ids[0] for word, ids in zip(words, coded, strict=True) if len(ids) == 1 and ids != unknown}
    choices = {
        token[word]: list(dict.fromkeys([token[word], *(token[other] for other in others if other in token)]))
        for word, others in synonyms.items()
        if word in token
    }
    if all(len(few) == 1 for few in choices.values()):
        raise UsageError(
            "no word of the synonyms, with a synonym of it, is one token for this encoder: add such pairs."
        )
    size = max(tokenizer.get_vocab().values()) + 1
    lists = [choices.get(i, [i]) for i in range(size)]
    counts = torch.tensor([len(few) for few in lists])
    return SynonymTable(
        starts=(counts.cumsum(0) - counts).to(device),
        counts=counts.to(device),
        alternatives=torch.tensor([i for few in lists for i in few]).to(device),
        continuation=find_continuations(tokenizer, size).to(device),
    )


def find_continuations(tokenizer: PreTrainedTokenizerBase, size: int) -> torch.Tensor:
    """Which tokens go on with a word: those with the mark of one (##), or without that of a new word (a blank's)."""
    tokens = [""] * size
    for token, i in tokenizer.get_vocab().items():
        tokens[i] = token
    if any(token.startswith("##") for token in tokens):
        return torch.tensor([token.startswith("##") for token in tokens])
    blanks = tuple(mark for mark in ("▁", "Ġ") if any(token.startswith(mark) for token in tokens))
    return torch.tensor([bool(blanks) and token[:1].isalnum() for token in tokens])
