"""The weights of an encoder are read once per worker, each stage has its own, and what changed on disk is read anew."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from tests.trainables.conftest import tiny_encoder
from trainables.models import encoder as encoders
from trainables.models import encoder_cache
from trainables.models.encoder import Encoder, save_encoder
from trainables.models.encoder_cache import load_cached_encoder
from trainables.models.encoder_folder import WEIGHTS_FILE


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read from disk: `weights` and `tokenizer`, in order. Nothing is kept from other tests."""
    found: list[str] = []
    given, tokenizer = encoders._load_pretrained, encoder_cache.load_tokenizer
    monkeypatch.setattr(encoders, "_load_pretrained", lambda *args: found.append("weights") or given(*args))
    monkeypatch.setattr(encoder_cache, "load_tokenizer", lambda *args: found.append("tokenizer") or tokenizer(*args))
    monkeypatch.setattr(encoder_cache, "_encoders", type(encoder_cache._encoders)())
    monkeypatch.setattr(encoder_cache, "_tokenizers", {})
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_encoder(tiny_encoder(), tmp_path / "encoder")
    return tmp_path / "encoder"


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {**encoder.model.state_dict(), **encoder.masked_word_head.state_dict()}


def equal(one: Encoder, other: Encoder) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_worker_reads_an_encoder_once(folder: Path, read: list[str]) -> None:
    first, second = load_cached_encoder(str(folder)), load_cached_encoder(str(folder), precision="bf16")
    assert read == ["tokenizer", "weights"]
    assert equal(first, second) and first.tokenizer is second.tokenizer
    assert (first.precision, second.precision) == ("fp32", "bf16")
    assert first.model.training is second.model.training


def test_each_stage_has_weights_of_its_own(folder: Path, read: list[str]) -> None:
    untouched = encoders.load_encoder(str(folder))
    for _ in range(3):  # the one that was read, and two copies of what is kept
        found = load_cached_encoder(str(folder))
        assert equal(found, untouched)
        with torch.no_grad():
            for value in (*found.model.parameters(), *found.masked_word_head.parameters()):
                value.add_(1.0)
                value.requires_grad_(False)
        found.masked_word_head.is_trained = True
        assert not load_cached_encoder(str(folder)).masked_word_head.is_trained
        assert all(value.requires_grad for value in load_cached_encoder(str(folder)).model.parameters())


def test_an_encoder_that_was_trained_again_is_read_anew(folder: Path, read: list[str], tmp_path: Path) -> None:
    load_cached_encoder(str(folder))
    save_encoder(tiny_encoder(seed=1), tmp_path / "again")
    folder.rename(tmp_path / "old")
    (tmp_path / "again").rename(folder)
    assert equal(load_cached_encoder(str(folder)), encoders.load_encoder(str(folder)))
    assert read == ["tokenizer", "weights", "weights", "weights"]  # the last one is the test's own


def test_a_file_that_changed_in_place_is_read_anew(folder: Path, read: list[str]) -> None:
    load_cached_encoder(str(folder))
    file = folder / WEIGHTS_FILE
    before = file.stat()
    file.write_bytes(save({name: value + 1.0 for name, value in load_file(file).items()}, metadata={"format": "pt"}))
    after = file.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size), "only its time tells"
    assert equal(load_cached_encoder(str(folder)), encoders.load_encoder(str(folder)))


def test_other_words_are_another_tokenizer(folder: Path, read: list[str]) -> None:
    before = load_cached_encoder(str(folder)).tokenizer
    file = folder / "tokenizer.json"
    file.write_text(file.read_text() + " ")
    assert load_cached_encoder(str(folder)).tokenizer is not before


def test_what_is_kept_is_bounded(tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in "abc"]
    for seed, folder in enumerate(folders):
        save_encoder(tiny_encoder(seed), folder)
    load_cached_encoder(str(folders[0]))
    (_, size), *_ = encoder_cache._encoders.values()
    monkeypatch.setattr(encoder_cache, "MAX_BYTES", 2 * size)
    for folder in (folders[1], folders[0], folders[2]):
        load_cached_encoder(str(folder))
    assert len(encoder_cache._encoders) == 2
    read.clear()
    load_cached_encoder(str(folders[0]))
    assert read == [], "the one that was not asked for longest went first"
    monkeypatch.setattr(encoder_cache, "MAX_BYTES", size - 1)
    load_cached_encoder(str(folders[1]))
    assert not encoder_cache._encoders, "one that is too large is not kept"


def test_random_weights_are_drawn_and_not_kept(folder: Path, read: list[str]) -> None:
    given = load_cached_encoder(str(folder))
    one, other, again = (load_cached_encoder(str(folder), random_seed=seed) for seed in (1, 2, 1))
    assert equal(one, again) and not equal(one, other) and not equal(one, given)
    assert read == ["tokenizer", "weights"]
