"""Tagging: every word of a sentence is tagged once, by its first sub-token."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainables.kinds.kind_inputs import CPU, MINIATURE, TOKENIZER, WORDS, recipe, task
from trainables.features.examples import (
    TaggingExample,
)
from trainables.features.features import IGNORED, collate
from trainables.kinds import tagging
from trainables.probes.tag_transfer import average_words

sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=60)


@given(words=sentences, length=st.integers(6, 40))
@settings(max_examples=40)
def test_every_word_of_a_long_sentence_is_tagged_once(words: list[str], length: int) -> None:
    tags = tuple(np.arange(len(words)) % 5)
    example = TaggingExample(tuple(words), tuple(int(tag) for tag in tags))
    features = tagging.encode(TOKENIZER, [example], recipe(length), MINIATURE)
    assert all(len(feature.rows[0]) <= length for feature in features)
    # Logits that say the gold tag at every labelled position must come back as the gold tags.
    guesses = []
    for feature in features:
        batch = collate([feature], TOKENIZER.pad_token_id, per_position=True, device=CPU)
        logits = torch.nn.functional.one_hot(batch["target"].clamp(min=0), 5).float()
        guesses += tagging.decode(logits, batch, [feature])
    assert tagging.merge(task("tagging"), features, guesses, [example]) == [list(example.tags)]


def test_a_word_that_vanishes_becomes_an_unknown_token() -> None:
    example = TaggingExample((WORDS[0], "", WORDS[1]), (1, 2, 3))
    (feature,) = tagging.encode(TOKENIZER, [example], recipe(), MINIATURE)
    assert TOKENIZER.unk_token_id in feature.rows[0]
    assert [tag for tag in feature.target if tag != IGNORED] == [1, 2, 3]


def test_only_the_first_sub_token_has_a_label() -> None:
    suffixed = next(word for word in TOKENIZER.get_vocab() if word.startswith("-"))
    example = TaggingExample((WORDS[0] + suffixed, WORDS[1]), (1, 2))
    (feature,) = tagging.encode(TOKENIZER, [example], recipe(), MINIATURE)
    assert feature.target.tolist() == [IGNORED, 1, IGNORED, 2, IGNORED]


def test_word_means_by_hand() -> None:
    hidden = torch.tensor([[[9.0], [1.0], [3.0], [5.0], [9.0]]])
    words = torch.tensor([[-1, 0, 0, 1, -1]])
    assert average_words(hidden, words)[0, 1:4, 0].tolist() == [2.0, 2.0, 5.0]


def test_word_means_agree_with_a_loop() -> None:
    hidden = torch.randn(3, 7, 4)
    words = torch.tensor([[-1, 0, 0, 1, 2, 2, -1], [-1, 0, 1, 2, 3, -1, -1], [-1, 0, 0, 0, 0, 0, -1]])
    means = average_words(hidden, words)
    for row in range(3):
        for word in range(int(words[row].max()) + 1):
            positions = words[row] == word
            of_word = hidden[row][positions]
            torch.testing.assert_close(means[row][positions], of_word.mean(0).expand(len(of_word), -1))
