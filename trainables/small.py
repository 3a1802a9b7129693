"""The project's own small encoder for real text: aligned word vectors in closed form, then a short contrastive run.

See `SmallRecipe` for what it is and is not. A few minutes on one core give an encoder in which training in English
changes other languages, too; it is there to run the whole search on real data without any download of weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig

from spaces.errors import UsageError
from spaces.own_encoders import SmallRecipe
from trainables import parallel_text
from trainables.parallel_text import ParallelText
from trainables.pretrain import Options, Pretraining, Text
from trainables.subwords import train_tokenizer
from trainables.word_vectors import word_vectors

__all__ = ["SmallRecipe", "start"]

MARKED = ("vi",)  # languages whose letters must keep their marks
LONGEST_VERSE = 128  # sub-tokens of a verse that the run reads; hardly any has more

Ids = list[int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What comes before the first gradient: tokenizer, word vectors (vocabulary, width), verses as token ids.

    `verses` and `held_out` are by language, in the same order in each.
    """

    tokenizer: PreTrainedTokenizerFast
    vectors: torch.Tensor
    verses: Mapping[str, Sequence[Ids]]
    held_out: Mapping[str, Sequence[Ids]]


def start(recipe: SmallRecipe, data: Path | None) -> Pretraining:
    """The pretraining from its beginning; raises UsageError if the data folder lacks the verses."""
    if data is None:
        raise UsageError("the small encoder learns from verses in the data folder: give it with --data DIR.")
    prepared = prepare(recipe, data)
    options = Options(
        steps=recipe.steps,
        learning_rate=recipe.learning_rate,
        batch_size=None,
        tokens=recipe.tokens,
        masking=recipe.masking,
        frozen_embeddings=True,
        contrast=recipe.contrast,
        contrast_layer=round(0.75 * recipe.layers),
        seed=recipe.seed,
    )
    config = XLMRobertaConfig(
        vocab_size=len(prepared.tokenizer),
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.inner,
        max_position_embeddings=recipe.longest + 2,  # as in XLM-R, positions are counted from the padding id + 1
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        bos_token_id=prepared.tokenizer.bos_token_id,
        pad_token_id=prepared.tokenizer.pad_token_id,
        eos_token_id=prepared.tokenizer.eos_token_id,
    )
    texts, judged = _pairs(prepared.verses, recipe), _pairs(prepared.held_out, recipe)[: recipe.held_out]
    return Pretraining(config, prepared.tokenizer, texts, judged, options, prepared.vectors)


def prepare(recipe: SmallRecipe, data: Path) -> Prepared:
    """Everything that is computed without a gradient, from the training verses and sentences only."""
    text = parallel_text.read(data, recipe.languages, recipe.sentences)
    number = len(next(iter(text.verses.values())))
    if number <= recipe.held_out:
        raise UsageError(f"{number} verses are too few to hold {recipe.held_out} of them out.")
    order = np.random.default_rng((recipe.seed, 0)).permutation(number)
    held_out, kept = sorted(order[: recipe.held_out]), sorted(order[recipe.held_out :])
    training = ParallelText({name: _at(verses, kept) for name, verses in text.verses.items()}, text.sentences)
    tokenizer = train_tokenizer(
        [written for part in (training.verses, training.sentences) for texts in part.values() for written in texts],
        recipe.vocabulary,
        recipe.longest,
        keep_marks=any(name in text.verses for name in MARKED),
    )
    verses, sentences = _encode(tokenizer, training.verses), _encode(tokenizer, training.sentences)
    parts = (verses, sentences)
    units = [list(chain.from_iterable(unit)) for part in parts for unit in zip(*part.values(), strict=True)]
    vectors = torch.from_numpy(word_vectors(units, len(tokenizer), recipe.width, recipe.seed))
    judged = _encode(tokenizer, {name: _at(texts, held_out) for name, texts in text.verses.items()})
    return Prepared(tokenizer, vectors, verses, judged)


def _at(items: Sequence[str], places: Sequence[int]) -> list[str]:
    return [items[place] for place in places]


def _encode(tokenizer: PreTrainedTokenizerFast, texts: Mapping[str, Sequence[str]]) -> dict[str, list[Ids]]:
    """Token ids by language, without special tokens."""
    encode = tokenizer.backend_tokenizer.encode_batch_fast
    return {name: [row.ids for row in encode(list(own), add_special_tokens=False)] for name, own in texts.items()}


def _pairs(verses: Mapping[str, Sequence[Ids]], recipe: SmallRecipe) -> list[Text]:
    """Each verse in two of the languages, in an order drawn by the seed, as often as the run can take; some joined."""
    rng = np.random.default_rng((recipe.seed, 2))
    number = len(next(iter(verses.values())))
    mean = np.mean([len(ids) for own in verses.values() for ids in own])
    rounds = int(recipe.steps * recipe.tokens / (2 * mean * number)) + 1
    choices = list(combinations(verses, 2))
    texts = []
    for place in np.concatenate([rng.permutation(number) for _ in range(rounds)]):
        one, other = choices[rng.integers(len(choices))]
        first, second = verses[one][place][:LONGEST_VERSE], verses[other][place][:LONGEST_VERSE]
        texts.append(Text(first, second, joined=bool(rng.random() < recipe.joined)))
    return texts
