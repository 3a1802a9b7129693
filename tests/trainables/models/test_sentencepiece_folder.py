"""A SentencePiece model without a tokenizer.json, as mDeBERTa-v3 is published, gives the pieces that it says."""

import shutil
from pathlib import Path

import pytest
import sentencepiece
import torch

from search.request.start_encoder import EncoderUse, inspect_model
from tests.encoder_folders import TEXTS, change_fields, write_mdeberta
from trainables.features.tokenizer_rules import hash_tokenizer
from trainables.models.encoder import load_encoder, load_tokenizer, save_encoder
from trainables.models.encoder_check import check_encoder
from trainables.models.encoder_folder import find_encoder_fault
from trainables.models.weight_files import RefusedEncoderError


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mdeberta(tmp_path_factory.mktemp("encoders") / "mdeberta")


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "mdeberta")


def test_it_serves_every_kind_of_task(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "pytorch_model.bin",
        "spm.model",
        "tokenizer_config.json",
    ]
    (note,) = check_encoder(folder, 384).notes
    assert "with a new head: the weights lack 6 tensors of the head of DebertaV2ForMaskedLM" in note


def test_its_pieces_are_those_of_the_model(folder: Path) -> None:
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    tokenizer = load_tokenizer(str(folder))
    for text in (*TEXTS, "an oldest tower, who?"):
        assert tokenizer(text)["input_ids"] == [1, *model.encode(text), 2]
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3]) == ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]


def test_what_a_stage_hands_on_is_the_same_tokenizer_and_encoder(folder: Path, tmp_path: Path) -> None:
    encoder = load_encoder(str(folder))
    save_encoder(encoder, tmp_path / "handed-on")
    again = load_encoder(str(tmp_path / "handed-on"))
    assert find_encoder_fault(tmp_path / "handed-on") is None
    assert hash_tokenizer(again.tokenizer) == hash_tokenizer(encoder.tokenizer)
    assert all(torch.equal(value, again.model.state_dict()[name]) for name, value in encoder.model.state_dict().items())


def test_every_file_that_changes_ids_changes_the_key(folder: Path, written: Path) -> None:
    def fingerprint() -> str:
        return inspect_model(str(folder), EncoderUse())[0]

    prints = {fingerprint()}
    change_fields(folder / "tokenizer_config.json", do_lower_case=True)
    prints.add(fingerprint())
    model = (folder / "spm.model").read_bytes()
    (folder / "spm.model").write_bytes(model.replace("▁town".encode(), "▁tawn".encode()))
    prints.add(fingerprint())
    assert len(prints) == 3
    shutil.copytree(written, folder, dirs_exist_ok=True)
    assert fingerprint() in prints


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", r"spm\.model is a git-lfs pointer"),
        (b"x" * 99, r"spm\.model \(99 bytes\) is no SentencePiece model"),
        (b"", r"spm\.model \(0 bytes\) is no SentencePiece model"),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(folder: Path, content: bytes, expected: str) -> None:
    (folder / "spm.model").write_bytes(content)
    with pytest.raises(RefusedEncoderError, match=expected) as caught:
        check_encoder(folder, 384)
    assert "\n" not in str(caught.value)
