"""Synonyms: the frequency of draws, tokens that are never replaced, and the file that real text needs."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from tests.trainables.conftest import tiny_encoder
from tests.trainables.trainings import PROFILE, SOURCE, batch_of, part
from trainables.data.task_data import DataSource
from trainables.kinds import KINDS
from trainables.methods.requirements import compute_fingerprint, find_problems
from trainables.methods.rules import build_rule
from trainables.methods.smoothing import build_synonym_table
from trainables.methods.step import TrainingStep, build_step
from trainables.methods.synonym_pairs import read_synonyms
from trainables.miniature.meaning import SYNONYM_OF

CPU = torch.device("cpu")
MNLI = BENCHMARKS["miniature"].intermediates["mnli"]
FILE = "local/synonyms/en/train-00000-of-00001.parquet"


def make_tokenizer(tokens: Sequence[str], model: str) -> PreTrainedTokenizerFast:
    """A tokenizer with these tokens, whose ids are their indices, with the marks of BERT (pieces) or XLM-R (words)."""
    ids = {token: i for i, token in enumerate(tokens)}
    if model == "pieces":
        tokenizer = Tokenizer(models.WordPiece(ids, unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    else:
        tokenizer = Tokenizer(models.Unigram([(token, -len(token)) for token in tokens], unk_id=0))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>")


PIECES = make_tokenizer(["<unk>", "<pad>", "big", "large", "huge", "##ly", "new", "dog"], "pieces")
MARKED = make_tokenizer(["<unk>", "<pad>", "▁big", "▁large", "▁huge", "ly", ",", "▁new", "▁dog", "▁"], "marked")


def test_a_word_is_drawn_evenly_from_itself_and_its_synonyms() -> None:
    table = build_synonym_table({"big": ("large", "huge"), "large": ("big",)}, PIECES, CPU)
    ids = torch.tensor([[2, 3, 6]]).expand(6000, 3)
    torch.manual_seed(0)
    drawn = table.draw(ids, torch.ones_like(ids, dtype=torch.bool))
    assert torch.equal(drawn[:, 2], ids[:, 2])  # a word without synonyms
    big, large = (torch.bincount(drawn[:, i], minlength=5) / 6000 for i in (0, 1))
    torch.testing.assert_close(big, torch.tensor([0, 0, 1, 1, 1]) / 3, atol=0.02, rtol=0)
    torch.testing.assert_close(large, torch.tensor([0, 0, 1, 1, 0]) / 2, atol=0.02, rtol=0)  # huge is not its synonym


def test_words_that_are_not_one_token_are_left_out() -> None:
    table = build_synonym_table({"big": ("bigly", "strange", "large"), "bigly": ("big",)}, PIECES, CPU)
    assert table.counts.tolist() == [1, 1, 2, 1, 1, 1, 1, 1]
    assert table.alternatives[table.starts[2] : table.starts[2] + 2].tolist() == [2, 3]
    with pytest.raises(UsageError, match="no pair of synonyms has two words of one token each"):
        build_synonym_table({"big": ("bigly", "strange")}, PIECES, CPU)


@pytest.mark.parametrize("tokenizer", [PIECES, MARKED], ids=["pieces", "marked"])
def test_the_first_piece_of_a_longer_word_is_no_word(tokenizer: PreTrainedTokenizerFast) -> None:
    table = build_synonym_table({"big": ("large",)}, tokenizer, CPU)
    longer = tokenizer("big bigly")["input_ids"]
    assert len(longer) == 3
    ids = torch.tensor([longer]).expand(200, 3)
    torch.manual_seed(0)
    drawn = table.draw(ids, torch.ones_like(ids, dtype=torch.bool))
    assert set(drawn[:, 0].tolist()) == {longer[0], 3}
    assert torch.equal(drawn[:, 1:], ids[:, 1:])


def test_a_mark_after_a_word_is_no_part_of_it() -> None:
    table = build_synonym_table({"big": ("large",)}, MARKED, CPU)
    ids = torch.tensor([[2, 6]]).expand(200, 2)  # big,
    torch.manual_seed(0)
    assert set(table.draw(ids, torch.ones_like(ids, dtype=torch.bool))[:, 0].tolist()) == {2, 3}


def test_what_is_not_ordinary_stays() -> None:
    table = build_synonym_table({"big": ("large",)}, PIECES, CPU)
    ids = torch.full((200, 1), 2)
    assert torch.equal(table.draw(ids, torch.zeros_like(ids, dtype=torch.bool)), ids)


def test_the_miniature_keeps_what_its_sentences_mean() -> None:
    encoder = tiny_encoder()
    rule = build_rule({"name": "synonyms"}, [MNLI], SOURCE, encoder)
    batch, others = _read(rule, encoder)
    words, drawn = (encoder.tokenizer.convert_ids_to_tokens(ids.flatten().tolist()) for ids in (batch, others))
    changed = [(word, synonym) for word, synonym in zip(words, drawn, strict=True) if word != synonym]
    assert changed and all(SYNONYM_OF[word] == synonym for word, synonym in changed)
    assert 0.3 < len(changed) / sum(word in SYNONYM_OF for word in words) < 0.7


def _read(rule, encoder) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[no-untyped-def]
    """The ids of a batch, and those that the encoder reads instead."""
    rows = part("mnli", encoder)
    batch = batch_of(rows.table[:40], encoder)
    head = KINDS["pair"].build_head(encoder, rows.task, PROFILE)
    inputs = []

    def logits(batch, words):  # type: ignore[no-untyped-def]
        inputs.append(batch["input_ids"])
        return encoder.compute_logits(head, batch, words)

    step: TrainingStep = dataclasses.replace(
        build_step(encoder, head, KINDS["pair"], batch, 1.0), compute_logits=logits
    )
    rule(step)
    return batch["input_ids"], inputs[0]


def write(folder: Path, columns: dict[str, list[object]]) -> DataSource:
    file = folder / FILE
    file.parent.mkdir(parents=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return DataSource(benchmark="xtreme", data=str(folder))


def test_a_file_of_pairs_is_read(tmp_path: Path) -> None:
    pairs = [("big", "large"), ("big", "huge"), ("big", "large"), ("big", "big"), ("new", None), ("old", "aged")]
    source = write(tmp_path, {"word": [word for word, _ in pairs], "synonym": [synonym for _, synonym in pairs]})
    assert read_synonyms(source) == {"big": ("large", "huge"), "old": ("aged",)}
    assert find_problems(source, "synonyms", MNLI) == []


def test_another_file_is_another_experiment(tmp_path: Path) -> None:
    source = write(tmp_path / "one", {"word": ["big"], "synonym": ["large"]})
    other = write(tmp_path / "other", {"word": ["big"], "synonym": ["huge"]})
    fingerprint = compute_fingerprint(source, "synonyms")
    assert fingerprint == compute_fingerprint(source, "synonyms") != compute_fingerprint(other, "synonyms")
    assert compute_fingerprint(source, "fgm") is None


def test_what_is_missing_is_said_before_the_start(tmp_path: Path) -> None:
    (line,) = find_problems(DataSource(benchmark="xtreme"), "synonyms", MNLI)
    assert "give --data with local/synonyms/en/train-*.parquet" in line
    (line,) = find_problems(DataSource(benchmark="xtreme", data=str(tmp_path)), "synonyms", MNLI)
    assert line.startswith("mnli~synonyms: ") and "has no synonyms: put them into" in line
    assert find_problems(DataSource(benchmark="xtreme"), "fgm", MNLI) == []


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"word": ["big"]}, "two columns of text"),
        ({"word": ["big"], "synonym": [1]}, "two columns of text"),
        ({"word": ["big"], "synonym": ["big"]}, "no row has a word and another word"),
    ],
)
def test_an_odd_file_is_named(tmp_path: Path, columns: dict[str, list[object]], fault: str) -> None:
    (line,) = find_problems(write(tmp_path, columns), "synonyms", MNLI)
    assert fault in line


def test_synonyms_are_english() -> None:
    (line,) = find_problems(DataSource(benchmark="miniature"), "synonyms", MNLI, "qmb")
    assert line.startswith("mnli@qmb~synonyms: there are synonyms of English words only")
    assert find_problems(DataSource(benchmark="miniature"), "synonyms", MNLI) == []
