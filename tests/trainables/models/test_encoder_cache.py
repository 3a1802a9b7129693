"""The weights of an encoder are read once per worker, each stage has its own, and what changed on disk is read anew."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from spaces.model_files import WEIGHTS_FILE
from tests.trainables.conftest import tiny_encoder
from trainables.models import encoder as encoders
from trainables.models import encoder_cache
from trainables.models.encoder import Encoder, save_encoder
from trainables.models.encoder_cache import load_cached_encoder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read from disk: `weights` and `tokenizer`, in order. Nothing is kept from other tests."""
    reads: list[str] = []
    load_pretrained, load_tokenizer = encoders._load_pretrained, encoder_cache.load_tokenizer
    monkeypatch.setattr(encoders, "_load_pretrained", lambda *args: reads.append("weights") or load_pretrained(*args))
    monkeypatch.setattr(encoder_cache, "load_tokenizer", lambda *of: reads.append("tokenizer") or load_tokenizer(*of))
    monkeypatch.setattr(encoder_cache, "_encoders", type(encoder_cache._encoders)())
    monkeypatch.setattr(encoder_cache, "_tokenizers", {})
    return reads


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_encoder(tiny_encoder(), tmp_path / "encoder")
    return tmp_path / "encoder"


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {**encoder.model.state_dict(), **encoder.masked_word_head.state_dict()}


def equal(first: Encoder, second: Encoder) -> bool:
    ours, theirs = weights(first), weights(second)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_worker_reads_an_encoder_once(folder: Path, reads: list[str]) -> None:
    first, second = load_cached_encoder(str(folder)), load_cached_encoder(str(folder), precision="bf16")
    assert reads == ["tokenizer", "weights"]
    assert equal(first, second) and first.tokenizer is second.tokenizer
    assert (first.precision, second.precision) == ("fp32", "bf16")
    assert first.model.training is second.model.training


def test_each_stage_has_weights_of_its_own(folder: Path, reads: list[str]) -> None:
    untouched = encoders.load_encoder(str(folder))
    for _ in range(3):  # the one that was read, and two copies of what is kept
        encoder = load_cached_encoder(str(folder))
        assert equal(encoder, untouched)
        with torch.no_grad():
            for value in (*encoder.model.parameters(), *encoder.masked_word_head.parameters()):
                value.add_(1.0)
                value.requires_grad_(False)
        encoder.masked_word_head.is_trained = True
        assert not load_cached_encoder(str(folder)).masked_word_head.is_trained
        assert all(value.requires_grad for value in load_cached_encoder(str(folder)).model.parameters())


def test_an_encoder_that_was_trained_again_is_read_anew(folder: Path, reads: list[str], tmp_path: Path) -> None:
    load_cached_encoder(str(folder))
    save_encoder(tiny_encoder(seed=1), tmp_path / "again")
    folder.rename(tmp_path / "old")
    (tmp_path / "again").rename(folder)
    assert equal(load_cached_encoder(str(folder)), encoders.load_encoder(str(folder)))
    assert reads == ["tokenizer", "weights", "weights", "weights"]  # the last one is the test's own


def test_a_file_that_changed_in_place_is_read_anew(folder: Path, reads: list[str]) -> None:
    load_cached_encoder(str(folder))
    file = folder / WEIGHTS_FILE
    before = file.stat()
    file.write_bytes(save({name: value + 1.0 for name, value in load_file(file).items()}, metadata={"format": "pt"}))
    after = file.stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size), "only its time tells"
    assert equal(load_cached_encoder(str(folder)), encoders.load_encoder(str(folder)))


def test_other_words_are_another_tokenizer(folder: Path, reads: list[str]) -> None:
    before = load_cached_encoder(str(folder)).tokenizer
    file = folder / "tokenizer.json"
    file.write_text(file.read_text() + " ")
    assert load_cached_encoder(str(folder)).tokenizer is not before


def test_what_is_kept_is_bounded(tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in "abc"]
    for seed, folder in enumerate(folders):
        save_encoder(tiny_encoder(seed), folder)
    load_cached_encoder(str(folders[0]))
    (_, size), *_ = encoder_cache._encoders.values()
    monkeypatch.setattr(encoder_cache, "MAX_BYTES", 2 * size)
    for folder in (folders[1], folders[0], folders[2]):
        load_cached_encoder(str(folder))
    assert len(encoder_cache._encoders) == 2
    reads.clear()
    load_cached_encoder(str(folders[0]))
    assert reads == [], "the one that was not asked for longest went first"
    monkeypatch.setattr(encoder_cache, "MAX_BYTES", size - 1)
    load_cached_encoder(str(folders[1]))
    assert not encoder_cache._encoders, "one that is too large is not kept"


def test_random_weights_are_drawn_and_not_kept(folder: Path, reads: list[str]) -> None:
    trained = load_cached_encoder(str(folder))
    first, second, again = (load_cached_encoder(str(folder), random_seed=seed) for seed in (1, 2, 1))
    assert equal(first, again) and not equal(first, second) and not equal(first, trained)
    assert reads == ["tokenizer", "weights"]
