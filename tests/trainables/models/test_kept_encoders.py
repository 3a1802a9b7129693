"""The weights of an encoder are read once per worker, each stage has its own, and what changed on disk is read anew."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from tests.trainables.conftest import tiny_encoder
from trainables.models import encoder as encoders
from trainables.models import kept_encoders
from trainables.models.encoder import Encoder, save_encoder
from trainables.models.encoder_folder import WEIGHTS
from trainables.models.kept_encoders import start_from


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read from disk: `weights` and `tokenizer`, in order. Nothing is kept from other tests."""
    found: list[str] = []
    given, tokenizer = encoders._given, kept_encoders.load_tokenizer
    monkeypatch.setattr(encoders, "_given", lambda *args: found.append("weights") or given(*args))
    monkeypatch.setattr(kept_encoders, "load_tokenizer", lambda *args: found.append("tokenizer") or tokenizer(*args))
    monkeypatch.setattr(kept_encoders, "_kept", type(kept_encoders._kept)())
    monkeypatch.setattr(kept_encoders, "_tokenizers", {})
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_encoder(tiny_encoder(), tmp_path / "encoder")
    return tmp_path / "encoder"


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {**encoder.model.state_dict(), **encoder.words.state_dict()}


def equal(one: Encoder, other: Encoder) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_worker_reads_an_encoder_once(folder: Path, read: list[str]) -> None:
    first, second = start_from(str(folder)), start_from(str(folder), precision="bf16")
    assert read == ["tokenizer", "weights"]
    assert equal(first, second) and first.tokenizer is second.tokenizer
    assert (first.precision, second.precision) == ("fp32", "bf16")
    assert first.model.training is second.model.training


def test_each_stage_has_weights_of_its_own(folder: Path, read: list[str]) -> None:
    untouched = encoders.load_encoder(str(folder))
    for _ in range(3):  # the one that was read, and two copies of what is kept
        found = start_from(str(folder))
        assert equal(found, untouched)
        with torch.no_grad():
            for value in (*found.model.parameters(), *found.words.parameters()):
                value.add_(1.0)
                value.requires_grad_(False)
        found.words.trained = True
        assert not start_from(str(folder)).words.trained
        assert all(value.requires_grad for value in start_from(str(folder)).model.parameters())


def test_an_encoder_that_was_trained_again_is_read_anew(folder: Path, read: list[str], tmp_path: Path) -> None:
    start_from(str(folder))
    save_encoder(tiny_encoder(seed=1), tmp_path / "again")
    folder.rename(tmp_path / "old")
    (tmp_path / "again").rename(folder)
    assert equal(start_from(str(folder)), encoders.load_encoder(str(folder)))
    assert read == ["tokenizer", "weights", "weights", "weights"]  # the last one is the test's own


def test_a_file_that_changed_in_place_is_read_anew(folder: Path, read: list[str]) -> None:
    start_from(str(folder))
    file = folder / WEIGHTS
    before = file.stat()
    file.write_bytes(save({name: value + 1.0 for name, value in load_file(file).items()}, metadata={"format": "pt"}))
    after = file.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size), "only its time tells"
    assert equal(start_from(str(folder)), encoders.load_encoder(str(folder)))


def test_other_words_are_another_tokenizer(folder: Path, read: list[str]) -> None:
    before = start_from(str(folder)).tokenizer
    file = folder / "tokenizer.json"
    file.write_text(file.read_text() + " ")
    assert start_from(str(folder)).tokenizer is not before


def test_what_is_kept_is_bounded(tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in "abc"]
    for seed, folder in enumerate(folders):
        save_encoder(tiny_encoder(seed), folder)
    start_from(str(folders[0]))
    (_, size), *_ = kept_encoders._kept.values()
    monkeypatch.setattr(kept_encoders, "MOST_BYTES", 2 * size)
    for folder in (folders[1], folders[0], folders[2]):
        start_from(str(folder))
    assert len(kept_encoders._kept) == 2
    read.clear()
    start_from(str(folders[0]))
    assert read == [], "the one that was not asked for longest went first"
    monkeypatch.setattr(kept_encoders, "MOST_BYTES", size - 1)
    start_from(str(folders[1]))
    assert not kept_encoders._kept, "one that is too large is not kept"


def test_random_weights_are_drawn_and_not_kept(folder: Path, read: list[str]) -> None:
    given = start_from(str(folder))
    one, other, again = (start_from(str(folder), random_seed=seed) for seed in (1, 2, 1))
    assert equal(one, again) and not equal(one, other) and not equal(one, given)
    assert read == ["tokenizer", "weights"]
