"""A tokenizer's template and its way with words go with the tasks of a sweep, or are refused in one line."""

import shutil
from pathlib import Path

import pytest
import tokenizers as tk
import torch
from tokenizers import models, pre_tokenizers, processors, trainers
from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerBase

from search.request.start_encoder import EncoderUse, inspect_model
from tests.encoder_folders import TEXTS, build_xlmr, write_encoder
from tests.subwords import train_subwords
from trainables.miniature.tokens import SPECIAL_TOKENS, wrap_tokenizer
from trainables.models.encoder import compute_hidden_states
from trainables.models.encoder_check import check_encoder
from trainables.models.token_types import reads_token_types
from trainables.models.tokenizer_check import ALL_KINDS, BLANKS, check_tokenizer
from trainables.models.weight_files import RefusedEncoderError

OTHERS = ("tagging", "mlm", "retrieval")  # kinds that read no particular token


def byte_level() -> PreTrainedTokenizerBase:
    tokenizer = tk.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=[*SPECIAL_TOKENS], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return wrap_tokenizer(tokenizer, 512)


def with_template(single: str, pair: str) -> PreTrainedTokenizerBase:
    tokenizer = train_subwords(TEXTS, 60)
    specials = [("<s>", 0), ("</s>", 2), ("▁an", tokenizer.convert_tokens_to_ids("▁an"))]
    template = processors.TemplateProcessing(single=single, pair=pair, special_tokens=specials)
    tokenizer.backend_tokenizer.post_processor = template
    return tokenizer


@pytest.mark.parametrize(
    ("single", "pair"),
    [
        ("<s> $A </s>", "<s> $A </s> </s> $B </s>"),
        ("<s> $A </s>", "<s> $A </s> $B </s>"),
        ("<s> $A", "<s> $A <s> $B"),
    ],
)
def test_templates_with_a_first_token_and_a_separator_serve_every_kind(single: str, pair: str) -> None:
    assert check_tokenizer(with_template(single, pair), ALL_KINDS).marks == ()


@pytest.mark.parametrize(
    ("single", "pair", "expected"),
    [
        ("$A </s> <s>", "$A </s> $B </s> <s>", r"read the first token.* gives `A </s> B </s> <s>`"),  # XLNet
        ("$A </s>", "$A </s> $B </s>", r"read the first token.* gives `A </s> B </s>`"),  # mBART, T5
        ("<s> $A </s>", "<s> $A $B </s>", r"a special token between two texts.* gives `<s> A B </s>`"),
        ("$A", "$A $B", r"read the first token.* gives `A B`"),
        ("▁an $A </s>", "▁an $A </s> $B </s>", r"read the first token.* gives `▁an A </s> B </s>`"),  # an ordinary word
    ],
)
def test_other_templates_are_refused_for_kinds_that_read_two_texts(single: str, pair: str, expected: str) -> None:
    tokenizer = with_template(single, pair)
    assert check_tokenizer(tokenizer, OTHERS).marks == ()
    for kind in ("pair", "choice", "span"):
        with pytest.raises(RefusedEncoderError, match=expected) as caught:
            check_tokenizer(tokenizer, (*OTHERS, kind))
        assert f"{kind} tasks" in str(caught.value) and "\n" not in str(caught.value)


def test_single_texts_need_a_first_token_and_no_separator() -> None:
    assert check_tokenizer(with_template("<s> $A </s>", "<s> $A $B </s>"), (*OTHERS, "text")).marks == ()
    with pytest.raises(RefusedEncoderError, match="the heads of text tasks read the first token"):
        check_tokenizer(with_template("$A </s>", "<s> $A </s> $B </s>"), (*OTHERS, "text"))


def test_masked_words_need_a_mask() -> None:
    tokenizer = train_subwords(TEXTS, 60)
    tokenizer.mask_token = None
    assert check_tokenizer(tokenizer, ("pair", "tagging")).notes == ()
    with pytest.raises(RefusedEncoderError, match=r"no mask token.*leave out mlm"):
        check_tokenizer(tokenizer, ("mlm",))


def test_a_tokenizer_that_merges_words_is_refused_for_tagging_only() -> None:
    tokenizer = with_template("<s> $A </s>", "<s> $A </s> $B </s>")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Split("e", "isolated")
    assert check_tokenizer(tokenizer, ("pair",)).marks == ()
    with pytest.raises(RefusedEncoderError, match=r"of 8 sentences; 4 are needed.*Leave out the tagging tasks"):
        check_tokenizer(tokenizer, ("tagging",))


def test_sentences_that_differ_are_noted() -> None:
    tokenizer = train_subwords(TEXTS, 60)
    tokenizer.add_tokens(["and equal", "und Rechten"])  # pieces across words, in two sentences
    (note,) = check_tokenizer(tokenizer, ("tagging",)).notes
    assert "in 6 of 8 sentences" in note and check_tokenizer(tokenizer, ("pair",)).notes == ()


def test_words_with_blanks_are_part_of_the_key_whatever_the_tasks(tmp_path: Path) -> None:
    plain, glued = train_subwords(TEXTS, 60), byte_level()
    for tokenizer, is_marked in ((plain, False), (glued, True)):
        folder = write_encoder(tmp_path / "encoder", build_xlmr(len(tokenizer)), tokenizer)
        for kinds in (frozenset(), frozenset(["pair"]), frozenset(ALL_KINDS)):
            fingerprint, facts = inspect_model(str(folder), EncoderUse(kinds=kinds - {"mlm"}))
            assert fingerprint.endswith(f"+{BLANKS}") == is_marked and facts.notes == ()
        shutil.rmtree(folder)


def test_a_folder_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "encoder")
    rules = (folder / "tokenizer.json").read_bytes()
    (folder / "tokenizer.json").unlink()
    for name, expected in ((None, r"no tokenizer \(tokenizer\.json\)"), ("vocab.json", r"neither merges\.txt nor")):
        if name is not None:
            (folder / name).write_bytes(rules)
        with pytest.raises(RefusedEncoderError, match=expected):
            check_encoder(folder, 1)


def test_token_types_without_an_embedding_are_refused_where_two_texts_are_read(tmp_path: Path) -> None:
    tokenizer = with_template("<s> $A </s>", "<s> $A </s> $B:1 </s>:1")
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    folder = write_encoder(tmp_path / "encoder", tokenizer=tokenizer)  # of one type
    check_encoder(folder, 1, OTHERS)
    with pytest.raises(RefusedEncoderError, match=r"token types up to 1 .* the model has embeddings of 1"):
        check_encoder(folder, 1, ("pair",))
    check_encoder(write_encoder(tmp_path / "two", build_xlmr(60, type_vocab_size=2), tokenizer), 1, ("pair",))


def test_token_types_go_only_to_models_that_read_them() -> None:
    shape = {"vocab_size": 60, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}
    batch = {name: torch.ones(1, 3, dtype=torch.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
    model = DistilBertModel(DistilBertConfig(**shape)).eval()
    assert not reads_token_types(model) and reads_token_types(build_xlmr(60))
    with torch.inference_mode():
        plain = model(batch["input_ids"], batch["attention_mask"]).last_hidden_state
        torch.testing.assert_close(compute_hidden_states(model, batch), plain)
