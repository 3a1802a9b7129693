"""SALT: its proposals and their positions, and a step computed by hand in 64 bits."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.task import Recipe
from tests.trainables.conftest import tiny_encoder
from tests.trainables.methods.linear_steps import gradient_of_a, linear, loss, step
from tests.trainables.trainings import ONE_STEP, RECIPE, SOURCE, TASKS, assert_continues, batch_of, training_of
from trainables.kinds import KINDS
from trainables.methods.adversarial import plain_fine_tuning
from trainables.methods.rules import build_rule
from trainables.methods.salt import WordProposer, augment_words, build_proposer, salt
from trainables.methods.step import TrainingStep, build_step
from trainables.models.encoder import Encoder
from trainables.training.fine_tuning import FineTuning

ENTRY = {"name": "salt", **METHODS["salt"].settings}
POSITIONS = torch.tensor([[False, True, True], [False, True, False]])
WORDS = torch.tensor([[4, 3], [2, 4], [3, 2]])
PROBABILITIES = torch.tensor([[0.75, 0.25], [0.5, 0.5], [0.1, 0.9]], dtype=torch.float64)


@dataclass
class Fixed:
    """Proposes the words above at the positions above."""

    proposable: torch.Tensor

    def find_whole_words(self, step: TrainingStep) -> torch.Tensor:
        return POSITIONS

    def propose(self, batch: object, positions: torch.Tensor, most: int) -> tuple[torch.Tensor, torch.Tensor]:
        assert most == 2
        chosen = positions[POSITIONS]
        return WORDS[chosen], PROBABILITIES[chosen]


FIXED: Any = Fixed(torch.ones(5, dtype=torch.bool))


def by_hand(table: torch.Tensor, words: torch.Tensor, seed: int) -> torch.Tensor:
    """The changed words, position by position, by the first draws after the seed."""
    torch.manual_seed(seed)
    own_share = torch.distributions.Beta(torch.tensor(0.7), torch.tensor(0.7)).sample((2,)).double()
    draws, coins = torch.rand(3, 1, dtype=torch.float64), torch.rand(3, 1)
    new = words.clone()
    for i, (row, token) in enumerate(POSITIONS.nonzero().tolist()):
        if coins[i] < 0.5:
            new[row, token] = table[WORDS[i, 0] if draws[i] <= PROBABILITIES[i, 0] else WORDS[i, 1]]
        else:
            mean = PROBABILITIES[i, 0] * table[WORDS[i, 0]] + PROBABILITIES[i, 1] * table[WORDS[i, 1]]
            new[row, token] = own_share[row] * words[row, token] + (1 - own_share[row]) * mean
    return new


@pytest.mark.parametrize("seed", range(6))
def test_words_are_switched_or_mixed_as_by_hand(seed: int) -> None:
    model = linear()
    expected = by_hand(model.table.weight.detach(), model.words, seed)
    torch.manual_seed(seed)
    augmented = augment_words(step(model), POSITIONS, WORDS, PROBABILITIES, 0.7)
    torch.testing.assert_close(augmented.detach(), expected, rtol=1e-12, atol=0)


def test_a_step_is_the_clean_batch_and_the_changed_one() -> None:
    model = linear()
    torch.manual_seed(1)
    value = salt(step(model), share=1.0, beta=0.7, words=2, proposer=FIXED)
    clean, new = model.seen
    torch.testing.assert_close(clean, model.words)
    assert (new[POSITIONS] != clean[POSITIONS]).all() and torch.equal(new[~POSITIONS], clean[~POSITIONS])
    expected = gradient_of_a(model, clean) + gradient_of_a(model, new)
    torch.testing.assert_close(model.a.grad, expected, rtol=1e-12, atol=1e-15)
    total = loss(model.margin(clean)) + loss(model.margin(new))
    torch.testing.assert_close(value, total.detach(), rtol=1e-12, atol=0)


def test_without_a_share_it_is_the_batch_twice() -> None:
    model = linear()
    salt(step(model), share=0.0, beta=1.0, words=2, proposer=FIXED)
    torch.testing.assert_close(model.a.grad, 2 * gradient_of_a(model, model.words), rtol=1e-12, atol=1e-15)


def test_parts_of_a_batch_add_up() -> None:
    model = linear()
    torch.manual_seed(1)
    salt(step(model, share=0.25), share=1.0, beta=0.7, words=2, proposer=FIXED)
    clean, new = model.seen
    expected = 0.25 * (gradient_of_a(model, clean) + gradient_of_a(model, new))
    torch.testing.assert_close(model.a.grad, expected, rtol=1e-12, atol=1e-15)


def begin(kind: str, recipe: Recipe = RECIPE) -> FineTuning:
    encoder = tiny_encoder()
    encoder.masked_word_head.is_trained = True
    return training_of(TASKS[kind], encoder=encoder, recipe=recipe, method=ENTRY)


def proposer_of(training: FineTuning) -> WordProposer:
    proposer = training.method.keywords["proposer"]  # type: ignore[attr-defined]
    assert isinstance(proposer, WordProposer)
    return proposer


def test_what_is_proposed_is_likely_and_in_no_training_row() -> None:
    training = begin("pair")
    batch, proposer = batch_of(training.parts[0].table[:4], training.encoder), proposer_of(training)
    positions = torch.zeros_like(batch["input_ids"], dtype=torch.bool)
    positions[0, 2] = positions[1, 1] = True
    words, probabilities = proposer.propose(batch, positions, 5)
    seen = {*training.parts[0].table.ids.tolist(), *training.encoder.tokenizer.all_special_ids}
    encoder = training.encoder
    encoder.model.eval()
    with torch.no_grad():
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        states = encoder.model(**inputs).last_hidden_state[positions]
        logits = encoder.masked_word_head(states, encoder.model.get_input_embeddings().weight)
    for i in range(2):
        allowed = sorted((i for i in range(logits.shape[1]) if i not in seen), key=lambda word: -logits[i, word])[:5]
        assert words[i].tolist() == allowed
        torch.testing.assert_close(probabilities[i], logits[i, allowed].softmax(0))


def test_proposals_are_of_the_encoder_as_it_was() -> None:
    training = begin("pair")
    batch, proposer = batch_of(training.parts[0].table[:4], training.encoder), proposer_of(training)
    positions = batch["attention_mask"] == 1
    before = proposer.propose(batch, positions, 3)
    training.advance()
    after = proposer.propose(batch, positions, 3)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert not any("proposer" in name or "proposable" in name for name in training.take_state().tensors)


def test_only_whole_words_are_changed() -> None:
    training = begin("pair")
    batch, proposer = batch_of(training.parts[0].table[:4], training.encoder), proposer_of(training)
    ids = torch.tensor([[0, 10, 11, 12, 13, 2, 1]])
    proposer.continuation[[11, 13]] = True  # 10 and 11 are one word, 12 and 13 another
    batch = {"input_ids": ids, "attention_mask": (ids != 1).long(), "target": batch["target"][:1]}

    def whole() -> list[int]:
        own_step = build_step(training.encoder, training.heads[0], KINDS["pair"], batch, 1.0)
        return ids[proposer.find_whole_words(own_step)].tolist()

    assert whole() == []
    proposer.continuation[11] = False
    assert whole() == [10, 11]


@pytest.mark.parametrize("kind", TASKS)
def test_every_kind_continues_bit_for_bit(kind: str) -> None:
    assert_continues(4, lambda: begin(kind))


def test_it_costs_two_passes_and_one_to_propose() -> None:
    # With a share of 0 nothing is proposed: spaces/method.py counts the logits of a vocabulary of XLM-R's size.
    def operations(is_plain: bool) -> int:
        training = begin("pair", ONE_STEP)
        if is_plain:
            training.method = plain_fine_tuning
        else:
            training.method = partial(training.method, share=0.0)
        with FlopCounterMode(display=False) as counter:
            training._compute_gradients(*training.batches.batch_at(0))
        return int(counter.get_total_flops())

    assert operations(is_plain=False) / operations(is_plain=True) == pytest.approx(2 + 1 / 3, rel=0.06)


def test_an_encoder_without_a_head_is_refused(encoder: Encoder) -> None:
    with pytest.raises(UsageError, match="needs an encoder with a head for masked words"):
        build_proposer(encoder, [])


def test_masked_words_are_no_task_for_it(encoder: Encoder) -> None:
    with pytest.raises(UsageError, match="the words are the labels"):
        build_rule(ENTRY, [BENCHMARKS["miniature"].intermediates["mlm"]], SOURCE, encoder)
