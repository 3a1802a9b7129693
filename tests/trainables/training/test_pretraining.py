"""The tokenizer, the corpus, and that pretraining can be cut and continued without a trace."""

import copy
import random
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from spaces.encoders import MiniatureRecipe
from trainables.miniature.corpus import draw_story, generate_corpus, split_of
from trainables.miniature.pools import PoolItem
from trainables.miniature.tokens import build_word_tokenizer
from trainables.miniature.world import build_tokenizer, build_world
from trainables.training.miniature_encoder import start_pretraining
from trainables.training.pretraining import plan_batches

TINY = MiniatureRecipe(steps=20, texts=80, held_out=20, batch_size=8, layers=1, width=8, heads=2, inner=8)


def words() -> PreTrainedTokenizerBase:
    return build_word_tokenizer(["Anna", "kadu", "нуту", ".", "-v", "-o"], 20)


def test_suffixes_are_tokens_of_their_own() -> None:
    assert words().tokenize("Anna kadu-v нуту-o .") == ["Anna", "kadu", "-v", "нуту", "-o", "."]
    assert words()("foreign")["input_ids"] == [0, 3, 2]


def test_pairs_have_the_template_of_xlm_r() -> None:
    coded = words()("Anna", "kadu-v")
    assert words().convert_ids_to_tokens(coded["input_ids"]) == (["<s>", "Anna", "</s>", "</s>", "kadu", "-v", "</s>"])
    assert coded.sequence_ids() == [None, 0, None, None, 1, 1, None]


def test_words_are_found_again(tmp_path: Path) -> None:
    words().save_pretrained(tmp_path)
    for loaded in (words(), AutoTokenizer.from_pretrained(tmp_path)):
        coded = loaded(["Anna", "kadu-v", "."], is_split_into_words=True)
        assert coded.word_ids() == [None, 0, 1, 1, 2, None]
        assert coded["input_ids"] == [0, 5, 6, 9, 8, 2]
        offsets = loaded("Anna kadu-v", return_offsets_mapping=True)["offset_mapping"]
        assert offsets[1:-1] == [(0, 4), (5, 9), (9, 11)]
        assert loaded.mask_token_id == 4 and loaded.pad_token_id == 1


def test_the_vocabulary_is_ordered_and_belongs_to_the_world() -> None:
    first, second = build_tokenizer(build_world(0)), build_tokenizer(build_world(1))
    assert first.get_vocab() == build_tokenizer(build_world(0)).get_vocab() != second.get_vocab()
    assert first.convert_ids_to_tokens([0, 1, 2, 3, 4, 5]) == ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "dogs"]


def test_the_corpus_translates() -> None:
    lexicon = build_world(0).lexicon
    back = {word: concept for words in lexicon.words.values() for concept, word in words.items()}
    texts = list(generate_corpus(lexicon, 0, 400))
    pairs = [text for text in texts if text.second is not None]
    assert 0.6 < len(pairs) / 400 < 0.8
    for text in pairs:
        sides = (text.first.split(), (text.second or "").split())
        first, second = ([back[word.partition("-")[0]] for word in side] for side in sides)
        assert sorted(first) == sorted(second)


def test_the_corpus_keeps_the_sentences_of_dev_and_test_pools_out() -> None:
    draw, lexicon = random.Random(0), build_world(0).lexicon
    stories = [draw_story(draw, lexicon) for _ in range(300)]
    events = [event for story in stories if not isinstance(story, str) for event in story if event.asked is None]
    assert len(events) > 300
    assert {split_of(PoolItem(event).meaning) for event in events} == {"train"}


def test_pretraining_continues_bit_equal_after_any_tenth() -> None:
    whole = start_pretraining(build_world(0), TINY)
    for _ in range(10):
        whole.advance()
    for cut in (1, 6):
        before = start_pretraining(build_world(0), TINY)
        for _ in range(cut):
            before.advance()
        after = start_pretraining(build_world(0), TINY)
        after.continue_from(copy.deepcopy(before.take_state()))
        torch.rand(3)  # whatever else draws random numbers must not matter
        for _ in range(10 - cut):
            after.advance()
        assert after.curve == whole.curve
        states = [run.take_state().tensors for run in (after, whole)]
        assert states[0].keys() == states[1].keys()
        for name, tensor in states[1].items():
            assert torch.equal(tensor, states[0][name]), name
    with pytest.raises(ValueError, match="finished"):
        whole.advance()


def test_a_run_shares_no_memory_with_the_snapshot_that_it_continues_from() -> None:
    first, second = (start_pretraining(build_world(0), TINY) for _ in range(2))
    first.advance()
    state = copy.deepcopy(first.take_state())
    kept = copy.deepcopy(state.tensors)
    second.continue_from(state)
    second.advance()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in state.tensors.items())


def test_batches_hold_every_text_once_an_epoch() -> None:
    lengths, recipe = [4 + number % 7 for number in range(100)], MiniatureRecipe(steps=10, batch_size=10)
    batches = plan_batches(lengths, recipe, seed=0)
    assert len(batches) == 10 and sorted(index for batch in batches for index in batch) == list(range(100))
    assert batches == plan_batches(lengths, recipe, seed=0) != plan_batches(lengths, recipe, seed=1)


def test_a_batch_holds_texts_of_like_length() -> None:
    lengths = [4 + number % 7 for number in range(2100)]
    batches = plan_batches(lengths, MiniatureRecipe(steps=30, batch_size=10), seed=0)
    assert sum(len({lengths[index] for index in batch}) for batch in batches) / len(batches) < 2


def test_a_run_without_a_step_for_each_tenth_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        plan_batches([4], MiniatureRecipe(steps=9), seed=0)
