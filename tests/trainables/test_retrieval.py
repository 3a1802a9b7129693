"""Retrieval by hand: neighbours, margins, thresholds, layers."""

import pytest
import torch

from spaces.benchmark import BENCHMARKS
from spaces.profile import PROFILES
from trainables.encoder import Encoder
from trainables.examples import Parallel
from trainables.retrieval import embed, layer_of, mine, nearest, retrieve

EYE = torch.eye(4)
SENTENCES = ["w1 w2", "w3", "w1"]


def test_the_nearest_candidate_by_cosine() -> None:
    assert nearest(EYE[[2, 0, 3]], EYE) == [2, 0, 3]


def test_mining_gives_each_candidate_once() -> None:
    queries = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1, 0.0, 0.0], [1.0, 0.2, 0.0, 0.0], [0, 0, 0, 1.0]]))
    guesses, scores = mine(queries, EYE)
    found = [guess for guess in guesses if guess >= 0]
    assert len(found) == len(set(found)) and guesses[2] == 3
    assert all(score > 0 for guess, score in zip(guesses, scores, strict=True) if guess >= 0)


def test_the_margin_is_the_cosine_over_the_mean_of_both_neighbourhoods() -> None:
    # Two by two: both neighbourhoods hold both, so the margin of (0, 0) is 1 / ((.5 + .5) / 2).
    _, scores = mine(EYE[:2], EYE[:2])
    assert scores == pytest.approx([2.0, 2.0])


def test_an_embedding_does_not_depend_on_its_neighbours_in_the_batch(encoder: Encoder) -> None:
    words = [word for word in encoder.tokenizer.get_vocab() if word.isalpha()]
    sentences = [" ".join(words[:n]) for n in (1, 9, 3)]
    together, alone = embed(encoder, sentences, 2), torch.cat([embed(encoder, [text], 2) for text in sentences])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert together.norm(dim=-1).tolist() == pytest.approx([1.0] * 3)


def test_xlm_r_large_is_read_at_layer_14(encoder: Encoder) -> None:
    encoder.model.config.num_hidden_layers = 24
    assert layer_of(encoder, PROFILES["pretrained"]) == 14
    encoder.model.config.num_hidden_layers = 12
    assert layer_of(encoder, PROFILES["pretrained"]) == 7


def test_mining_needs_a_dev_part_for_its_threshold(encoder: Encoder) -> None:
    task = BENCHMARKS["miniature"].targets["bucc"]
    pool = Parallel(queries=("a",), candidates=("b",), gold=(0,))
    with pytest.raises(ValueError, match="needs a dev part"):
        retrieve(encoder, task, PROFILES["miniature"], pool, None)


def test_identical_sentences_find_each_other(encoder: Encoder) -> None:
    words = [word for word in encoder.tokenizer.get_vocab() if word.isalpha()][:20]
    pool = Parallel(queries=tuple(words), candidates=tuple(words[::-1]), gold=tuple(range(19, -1, -1)))
    task = BENCHMARKS["miniature"].targets["tatoeba"]
    retrieved = retrieve(encoder, task, PROFILES["miniature"], pool, None)
    assert retrieved.metrics == {"accuracy": 1.0} and [pair[:2] for pair in retrieved.found] == [
        (i, 19 - i) for i in range(20)
    ]
    bucc = BENCHMARKS["miniature"].targets["bucc"]
    assert retrieve(encoder, bucc, PROFILES["miniature"], pool, pool).metrics["f1"] == 1.0
