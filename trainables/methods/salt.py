"""SALT: an encoder augments its own training data with the words that it would put in their place (Wang et al. 2023).

The paper's abstract (2309.10891) says that words are switched for ones that the multilingual encoder itself proposes,
and that embeddings are mixed with those of its predictions; neither a bilingual text nor a dictionary is needed. The
rest is our reading:

- Proposals are of the encoder as it was when the phase began, since training makes it forget how to guess words. They
  are a softmax over its likeliest words at the place, which it reads with the word in it: so it proposes words of like
  meaning, while a mask would also get words that fit the sentence and turn its meaning round.
- Words that occur in the phase's own rows (training and English dev) are never proposed: they tell the language that
  is trained, as far as there are enough of them.
  Only words that are one sub-token are changed, so that labels and answers keep their places.
- Of `share` of the words one half is switched for a proposed word, drawn by its chance. The other half is mixed,
  e' = m e + (1 - m) sum_w p(w) e_w with m from Beta(beta, beta), one for each row.
- Both are drawn anew every time a row is read: the offline half of the paper is a sample of the same distribution.
- The loss is that of the batch as it is plus that of the changed one.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from spaces.errors import UsageError
from trainables.features.feature_table import FeatureTable
from trainables.features.features import Tensors
from trainables.methods.smoothing import find_continuations
from trainables.methods.step import TrainingStep
from trainables.models.encoder import Encoder, compute_hidden_states
from trainables.models.masked_words import get_word_embeddings

POSITIONS_AT_ONCE = 512  # places whose chances over a whole vocabulary lie in memory: 512 MB with XLM-R's 250,000 words


@dataclass(frozen=True, slots=True)
class WordProposer:
    """An encoder as it was, what it may propose (vocabulary,), and which tokens go on with a word (vocabulary,)."""

    encoder: Encoder
    proposable: torch.Tensor
    continuation: torch.Tensor

    @torch.no_grad()
    def propose(self, batch: Tensors, places: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The likeliest words at some places of a batch (a mask of its ids), and their chances: (places, most) each."""
        with self.encoder.autocast():
            states = compute_hidden_states(self.encoder.model, batch)
        table = get_word_embeddings(self.encoder.model).weight
        words, chances = [], []
        for some in states.float()[places].split(POSITIONS_AT_ONCE):
            logits = self.encoder.masked_word_head(some, table).masked_fill(~self.proposable, -torch.inf)
            best = logits.topk(most)
            words.append(best.indices)
            chances.append(best.values.softmax(-1))
        return torch.cat(words), torch.cat(chances)

    def find_whole_words(self, step: TrainingStep) -> torch.Tensor:
        """Which tokens (rows, length) are a whole word each."""
        continued = self.continuation[step.batch["input_ids"]] & step.word_mask
        whole = step.word_mask & ~continued
        whole[:, :-1] &= ~continued[:, 1:]
        return whole


def build_proposer(encoder: Encoder, tables: Sequence[FeatureTable]) -> WordProposer:
    """A frozen copy of the encoder as it is now, that proposes words which are in none of these tables.

    Raises UsageError for an encoder without a trained head for masked words.
    """
    if not encoder.masked_word_head.is_trained:
        raise UsageError(
            "the method `salt` asks the encoder for words, and this one has no head that guesses masked words: give a "
            "checkpoint that was saved with it (XLMRobertaForMaskedLM, BertForMaskedLM), or leave salt out."
        )
    frozen = Encoder(
        copy.deepcopy(encoder.model).eval().requires_grad_(False),
        encoder.tokenizer,
        encoder.precision,
        masked_word_head=copy.deepcopy(encoder.masked_word_head).eval().requires_grad_(False),
    )
    size = len(get_word_embeddings(encoder.model).weight)
    foreign = torch.ones(size, dtype=torch.bool)
    foreign[len(encoder.tokenizer) :] = False  # rows that fill the table up
    foreign[encoder.tokenizer.all_special_ids] = False
    for table in tables:
        foreign[torch.from_numpy(table.ids.copy()).long().unique()] = False
    continues = torch.zeros(size, dtype=torch.bool)
    told = find_continuations(encoder.tokenizer, size)
    continues[: len(told)] = told
    return WordProposer(frozen, foreign.to(encoder.device), continues.to(encoder.device))


def salt(step: TrainingStep, *, share: float, beta: float, words: float, proposer: WordProposer) -> torch.Tensor:
    """The loss of the batch as it is, and of the batch with some words switched and others mixed."""
    clean = step.compute_loss(step.compute_logits(step.batch, None))
    clean.backward()
    ids = step.batch["input_ids"]
    places = proposer.find_whole_words(step) & (torch.rand(ids.shape, device=ids.device) < share)
    proposed = proposer.propose(step.batch, places, min(int(words), int(proposer.proposable.sum())))
    loss = step.compute_loss(step.compute_logits(step.batch, augment_words(step, places, *proposed, beta)))
    loss.backward()
    return (clean + loss).detach()


def augment_words(
    step: TrainingStep, places: torch.Tensor, words: torch.Tensor, chances: torch.Tensor, beta: float
) -> torch.Tensor:
    """Word embeddings (rows, length, width) of a batch with every other of the places switched or mixed, by chance.

    `words` and `chances` (places, most) are what is proposed at the places, in the order of the batch.
    """
    own, device = step.embed_words(), step.device
    kept = torch.distributions.Beta(*torch.tensor([beta, beta], device=device)).sample((len(own),))
    kept = kept.to(own.dtype)[places.nonzero()[:, 0], None]
    others = step.embedding_table(words)
    # By the inverse of the cumulated chances; the last digits of their sum may leave the highest draws nothing.
    draw = torch.rand(len(words), 1, device=device, dtype=chances.dtype)
    drawn = (chances.cumsum(-1) < draw).sum(-1).clamp(max=words.shape[1] - 1)
    switched = others[torch.arange(len(words), device=device), drawn]
    mixed = kept * own[places] + (1 - kept) * (chances.unsqueeze(-1) * others).sum(1)
    switch = torch.rand(len(words), 1, device=device) < 0.5
    return own.masked_scatter(places.unsqueeze(-1), torch.where(switch, switched, mixed.to(own.dtype)))
