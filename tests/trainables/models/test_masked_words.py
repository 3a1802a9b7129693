"""Masked words: what is hidden, what the head reads there, how guesses are scored, and what training changes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from spaces.model_files import MASKED_WORD_HEAD_FILE
from spaces.stage import TENTHS
from spaces.task import Recipe
from tests.trainables.conftest import tiny_encoder
from tests.trainables.trainings import MINIATURE, PROFILE, RECIPE, assert_continues, batch_of, train_table
from trainables.data.task_data import DataSource, load_examples
from trainables.features.examples import Example, PassageExample
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import IGNORED, Feature
from trainables.kinds import KINDS, mlm
from trainables.kinds.mlm import MASKED_SHARE, REPLACED_SHARE, SELECTED_SHARE, WordGuess, mask_tokens
from trainables.miniature import world
from trainables.models.encoder import Encoder, save_encoder
from trainables.training.batches import TrainingPart
from trainables.training.encoding import Encoding, encode_split
from trainables.training.evaluation import EvalSet, evaluate
from trainables.training.fine_tuning import FineTuning

TASK = MINIATURE.intermediates["mlm"]
SOURCE = DataSource(benchmark="miniature", test_limit=40)
TOKENIZER = world.build_tokenizer(world.build_world())
ORDINARY = np.arange(5, 100)


def train(encoder: Encoder, language: str = "en") -> FeatureTable:
    return train_table(TASK, Encoding(encoder.tokenizer, RECIPE, PROFILE), language)


def dev(encoder: Encoder) -> EvalSet:
    return encode_split(SOURCE, TASK, "dev", "en", Encoding(encoder.tokenizer, RECIPE, PROFILE))


def run(encoder: Encoder, recipe: Recipe = RECIPE, rate: float = 5e-3, seed: int = 0) -> FineTuning:
    parts = [TrainingPart(task=TASK, table=train(encoder, name)) for name in ("en", "qfa")]
    steps = recipe.steps or 0
    return FineTuning(encoder, parts, [dev(encoder)], recipe, PROFILE, steps=steps, learning_rate=rate, seed=seed)


@given(ids=st.lists(st.integers(0, 99), min_size=1, max_size=40), seed=st.integers(0, 9))
@settings(max_examples=60)
def test_only_ordinary_words_are_hidden_and_one_at_least(ids: list[int], seed: int) -> None:
    row = np.array(ids, dtype=np.int32)
    hidden = mask_tokens(row, ORDINARY, 4, np.random.default_rng(seed))
    if not any(token in ORDINARY for token in ids):
        assert hidden is None
        return
    assert hidden is not None
    new, target = hidden
    selected = target != IGNORED
    assert selected.any() and (row[selected] >= 5).all()
    assert (target[selected] == row[selected]).all() and (new[~selected] == row[~selected]).all()


def test_the_shares_are_those_of_bert() -> None:
    row = np.random.default_rng(0).choice(ORDINARY, 40_000).astype(np.int32)
    hidden = mask_tokens(row, ORDINARY, 4, np.random.default_rng(1))
    assert hidden is not None
    new, target = hidden
    selected = target != IGNORED
    assert selected.mean() == pytest.approx(SELECTED_SHARE, abs=0.01)
    assert (new[selected] == 4).mean() == pytest.approx(MASKED_SHARE, abs=0.02)
    unchanged = 1 - MASKED_SHARE - REPLACED_SHARE + REPLACED_SHARE / len(ORDINARY)
    assert (new[selected] == row[selected]).mean() == pytest.approx(unchanged, abs=0.02)


def test_masks_are_of_the_text_wherever_it_stands() -> None:
    texts = [example for example in load_examples(SOURCE, TASK, "dev")[0][:6] if isinstance(example, PassageExample)]
    together = mlm.encode(TOKENIZER, texts, RECIPE, PROFILE)
    (alone,) = mlm.encode(TOKENIZER, texts[3:4], RECIPE, PROFILE)
    assert together[3].rows[0].tolist() == alone.rows[0].tolist()
    assert together[3].target.tolist() == alone.target.tolist()
    assert len({tuple(np.flatnonzero(feature.target != IGNORED)) for feature in together}) > 1


LONG_TEXT = PassageExample(" ".join(TOKENIZER.convert_ids_to_tokens(range(10, 90))))
WINDOWS = Recipe(steps=1, max_length=22)  # of 20 words


def original(feature: Feature) -> list[int]:
    return np.where(feature.target == IGNORED, feature.rows[0], feature.target).tolist()


def test_a_long_text_is_read_in_windows_from_its_beginning_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlm, "TEXTS_PER_CALL", 2)
    short = PassageExample(TOKENIZER.convert_ids_to_tokens(7))
    texts = [short, LONG_TEXT, short, LONG_TEXT]
    features = mlm.encode(TOKENIZER, texts, WINDOWS, PROFILE)
    assert [feature.example for feature in features] == [0, 1, 1, 1, 1, 2, 3, 3, 3, 3]
    assert [word for feature in features[1:5] for word in original(feature)[1:-1]] == list(range(10, 90))
    merged = mlm.merge(TASK, features, [[WordGuess(7, 7)]] * 10, texts)
    assert [len(guesses) for guesses in merged] == [1, 4, 1, 4]


def test_words_are_hidden_anew_in_windows_of_the_same_text() -> None:
    table = build_table([mlm.encode(TOKENIZER, [LONG_TEXT, LONG_TEXT], WINDOWS, PROFILE)], per_position=True)
    draw = mlm.build_drawer(TOKENIZER)
    drawn = [draw(table, 5, np.random.default_rng(seed)) for seed in range(40)]
    assert {tuple(original(feature)) for feature in drawn} == {tuple(original(table[i])) for i in range(4, 8)}
    assert len({feature.rows[0].tobytes() for feature in drawn}) > 30
    assert {feature.example for feature in drawn} == {1}
    again = draw(table, 5, np.random.default_rng(0))
    assert again.rows[0].tolist() == drawn[0].rows[0].tolist() and again.target.tolist() == drawn[0].target.tolist()


def test_the_hidden_words_depend_on_seed_and_step() -> None:
    def batches(seed: int, steps: range) -> list[list[int]]:
        batches = run(tiny_encoder(), Recipe(steps=40, batch_size=40), seed=seed).batches
        return [sorted(hash(feature.target.tobytes()) for feature in batches.batch_at(step)[1]) for step in steps]

    first = batches(0, range(10))  # each is all of one language's texts, in another order
    assert first == batches(0, range(10)), "a continued run hides the same words"
    assert len(set(map(tuple, first))) == 10, "another epoch hides other words"
    assert not {*map(tuple, first)} & {*map(tuple, batches(1, range(10)))}, "another seed hides other words"


@pytest.mark.parametrize("cut", [1, 6])
def test_an_interrupted_training_of_masked_words_ends_as_an_uninterrupted_one(cut: int) -> None:
    assert_continues(cut, lambda: run(tiny_encoder()))


def test_a_text_without_words_gives_no_feature_and_no_guess() -> None:
    texts = [PassageExample("nowhere seen"), PassageExample(TOKENIZER.convert_ids_to_tokens(7))]
    features = mlm.encode(TOKENIZER, texts, RECIPE, PROFILE)
    assert [feature.example for feature in features] == [1]
    merged = mlm.merge(TASK, features, [[WordGuess(7, 7)]], texts)
    assert merged == [[], [WordGuess(7, 7)]]
    assert mlm.compute_parts(TASK, texts, merged, "en") == ([0, 1], [0, 1])


def test_accuracy_is_of_all_hidden_words() -> None:
    guesses = [[WordGuess(1, 1)], [WordGuess(2, 3), WordGuess(3, 3), WordGuess(1, 9)]]
    assert mlm.score(TASK, [], guesses, "en") == {"accuracy": 0.5}
    assert mlm.compute_parts(TASK, [], guesses, "en") == ([1, 1], [1, 3])


def test_guesses_are_alike_by_what_they_say() -> None:
    assert len({WordGuess(1, 2), WordGuess(1, 3)}) == 1  # so that a constant answer is seen as one


def test_the_head_reads_the_places_asked_for(encoder: Encoder) -> None:
    features = train(encoder)[:4]
    batch = batch_of(features, encoder, "mlm")
    head = KINDS["mlm"].build_head(encoder, TASK, PROFILE)
    encoder.model.eval()
    with torch.inference_mode():
        logits = encoder.compute_logits(head, batch)
        states = encoder.model(batch["input_ids"], batch["attention_mask"]).last_hidden_state
        table = encoder.model.get_input_embeddings().weight
        hidden = [np.flatnonzero(feature.target != IGNORED) for feature in features]
        positions = [(row, i) for row, places in enumerate(hidden) for i in places]
        by_hand = torch.stack([encoder.masked_word_head(states[position], table) for position in positions])
    torch.testing.assert_close(logits, by_hand, rtol=1e-4, atol=1e-5)
    gold = [int(features[row].target[i]) for row, i in positions]
    guesses = mlm.decode(logits, batch, features)
    assert [guess.gold for guesses_of_text in guesses for guess in guesses_of_text] == gold
    assert [guess.word for guesses_of_text in guesses for guess in guesses_of_text] == by_hand.argmax(-1).tolist()
    mean = nn.functional.cross_entropy(by_hand, torch.tensor(gold))
    torch.testing.assert_close(mlm.compute_loss(logits, batch), mean, rtol=1e-4, atol=1e-5)


def test_the_table_is_saved_once(encoder: Encoder, tmp_path: Path) -> None:
    training = run(encoder)
    size = encoder.model.get_input_embeddings().weight.numel()
    wide = [name for name, value in training.model.state_dict().items() if value.numel() == size]
    assert wide == ["encoder.embeddings.word_embeddings.weight"]
    save_encoder(encoder, tmp_path)
    assert max(value.numel() for value in load_file(tmp_path / MASKED_WORD_HEAD_FILE).values()) < size


def test_training_lowers_the_loss_and_moves_head_and_table() -> None:
    recipe = Recipe(steps=60, batch_size=16, max_length=64)
    encoder = tiny_encoder()
    head, table = encoder.masked_word_head.dense.weight.clone(), encoder.model.get_input_embeddings().weight.clone()
    training = run(encoder, recipe, rate=1e-2)
    before = training.evaluate(training.selection.dev_sets[0]).metrics["accuracy"]
    while training.tenth < TENTHS:
        training.advance()
    training.restore_best()
    assert training.selection.best_score > before + 0.05
    assert not torch.equal(head, encoder.masked_word_head.dense.weight), "what is handed on is what was trained"
    assert not torch.equal(table, encoder.model.get_input_embeddings().weight)


def test_a_fresh_head_is_named_and_handed_on_as_a_trained_one() -> None:
    encoder = tiny_encoder()
    note = str(run(encoder).note)
    assert "without a head for masked words" in note and encoder.masked_word_head.is_trained
    assert run(encoder).note is None


def test_evaluation_is_under_the_same_masks_every_time(encoder: Encoder) -> None:
    dev_set, head = dev(encoder), KINDS["mlm"].build_head(encoder, TASK, PROFILE)
    small, large = (evaluate(encoder, head, dev_set, tokens) for tokens in (200, 2000))
    assert small.metrics == large.metrics and small.predictions == large.predictions


def test_every_language_has_texts_of_its_own() -> None:
    texts = {name: load_examples(SOURCE, TASK, "train", name)[0] for name in ("en", "qna")}
    assert [len(own) for own in texts.values()] == [world.TRAIN_PASSAGES] * 2
    held_out = load_examples(dataclasses.replace(SOURCE, test_limit=None), TASK, "dev")[0]
    assert not set(held_out) & set(texts["en"])
    back = {word: concept for concept, word in world.build_world().lexicon.words["qna"].items()}

    def concepts(text: Example) -> frozenset[str]:
        assert isinstance(text, PassageExample)
        words = [word.partition("-")[0] for word in text.text.split()]
        return frozenset(back.get(word, word) for word in words)

    meanings = {concepts(text) for text in texts["qna"]}
    translated = sum(concepts(text) in meanings for text in texts["en"])
    assert translated < world.TRAIN_PASSAGES / 10, "they are no translations"
