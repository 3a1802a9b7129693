"""SALT: an encoder augments its own training data with words that it proposes (Wang et al. 2023).

The paper's abstract (2309.10891) says that words are switched for words that the multilingual encoder itself proposes,
and that embeddings are mixed with those of its predictions, without bilingual text or a dictionary. The rest is our
reading:

- Proposals are those of the encoder at the start of the phase, because training makes it forget how to predict words.
  They are a softmax over its most likely words at a position. The encoder reads the position with its word in it, and
  so proposes words of similar meaning; a mask would also get words that fit the sentence and reverse its meaning.
- Words that occur in the phase's own rows (training and English dev) are never proposed. They represent the language of
  the training rows, as far as there are enough of them.
- Only words of a single sub-token are changed, so that labels and answers keep their positions.
- Of `share` of the words, one half is switched for a proposed word, drawn by its probability. The other half is mixed,
  e' = m e + (1 - m) sum_w p(w) e_w with m from Beta(beta, beta), one for each row.
- Both are drawn anew every time a row is read: the offline half of the paper is a sample of the same distribution.
- The loss is that of the clean batch plus that of the changed one.
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

POSITIONS_AT_ONCE = 512  # positions whose logits over the vocabulary are in memory: 512 MB with XLM-R's 250,000 words


@dataclass(frozen=True, slots=True)
class WordProposer:
    """A frozen encoder that proposes words."""

    encoder: Encoder
    proposable: torch.Tensor  # mask (vocabulary,) of the words that it may propose
    continuation: torch.Tensor  # mask (vocabulary,) of the tokens that continue the word before them

    @torch.no_grad()
    def propose(self, batch: Tensors, positions: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the likeliest words at positions (a mask of the ids), and their probabilities: (positions, most)."""
        with self.encoder.autocast():
            states = compute_hidden_states(self.encoder.model, batch)
        table = get_word_embeddings(self.encoder.model).weight
        words, probabilities = [], []
        for chunk in states.float()[positions].split(POSITIONS_AT_ONCE):
            logits = self.encoder.masked_word_head(chunk, table).masked_fill(~self.proposable, -torch.inf)
            best = logits.topk(most)
            words.append(best.indices)
            probabilities.append(best.values.softmax(-1))
        return torch.cat(words), torch.cat(probabilities)

    def find_whole_words(self, step: TrainingStep) -> torch.Tensor:
        """Return the mask (rows, length) of tokens that are a whole word each."""
        continued = self.continuation[step.batch["input_ids"]] & step.word_mask
        whole = step.word_mask & ~continued
        whole[:, :-1] &= ~continued[:, 1:]
        return whole


def build_proposer(encoder: Encoder, tables: Sequence[FeatureTable]) -> WordProposer:
    """Return a frozen copy of the encoder that proposes only words outside these tables.

    Raises UsageError for an encoder without a trained head for masked words.
    """
    if not encoder.masked_word_head.is_trained:
        raise UsageError(
            "the method `salt` needs an encoder with a head for masked words, and this one has none: give a checkpoint "
            "with the head (XLMRobertaForMaskedLM, BertForMaskedLM), or leave out salt."
        )
    frozen = Encoder(
        copy.deepcopy(encoder.model).eval().requires_grad_(False),
        encoder.tokenizer,
        encoder.precision,
        masked_word_head=copy.deepcopy(encoder.masked_word_head).eval().requires_grad_(False),
    )
    size = len(get_word_embeddings(encoder.model).weight)
    proposable = torch.ones(size, dtype=torch.bool)
    proposable[len(encoder.tokenizer) :] = False  # rows that pad the table
    proposable[encoder.tokenizer.all_special_ids] = False
    for table in tables:
        proposable[torch.from_numpy(table.ids.copy()).long().unique()] = False
    continuation = torch.zeros(size, dtype=torch.bool)
    known = find_continuations(encoder.tokenizer, size)
    continuation[: len(known)] = known
    return WordProposer(frozen, proposable.to(encoder.device), continuation.to(encoder.device))


def salt(step: TrainingStep, *, share: float, beta: float, words: float, proposer: WordProposer) -> torch.Tensor:
    """SALT: the loss of the clean batch, and of the batch with some words switched and others mixed."""
    clean = step.compute_loss(step.compute_logits(step.batch, None))
    clean.backward()
    ids = step.batch["input_ids"]
    positions = proposer.find_whole_words(step) & (torch.rand(ids.shape, device=ids.device) < share)
    proposals = proposer.propose(step.batch, positions, min(int(words), int(proposer.proposable.sum())))
    loss = step.compute_loss(step.compute_logits(step.batch, augment_words(step, positions, *proposals, beta)))
    loss.backward()
    return (clean + loss).detach()


def augment_words(
    step: TrainingStep, positions: torch.Tensor, words: torch.Tensor, probabilities: torch.Tensor, beta: float
) -> torch.Tensor:
    """Return word embeddings (rows, length, width) of a batch, randomly switched or mixed at the positions.

    `words` and `probabilities` (positions, most) are the proposals at the positions, in the order of the batch.
    """
    own, device = step.embed_words(), step.device
    own_share = torch.distributions.Beta(*torch.tensor([beta, beta], device=device)).sample((len(own),))
    own_share = own_share.to(own.dtype)[positions.nonzero()[:, 0], None]
    proposed = step.embedding_table(words)
    # Inverse of the cumulative probabilities. Their sum may be below the largest draws by rounding, hence the clamp.
    draw = torch.rand(len(words), 1, device=device, dtype=probabilities.dtype)
    drawn = (probabilities.cumsum(-1) < draw).sum(-1).clamp(max=words.shape[1] - 1)
    switched = proposed[torch.arange(len(words), device=device), drawn]
    mixed = own_share * own[positions] + (1 - own_share) * (probabilities.unsqueeze(-1) * proposed).sum(1)
    is_switched = torch.rand(len(words), 1, device=device) < 0.5
    return own.masked_scatter(positions.unsqueeze(-1), torch.where(is_switched, switched, mixed.to(own.dtype)))
