"""The small encoder on a tiny generated parallel corpus: aligned word vectors, a faithful tokenizer, equal reruns."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch

from spaces.errors import UsageError
from spaces.own_encoders import SmallRecipe
from trainables import parallel_text, small
from trainables.subwords import train_tokenizer
from trainables.word_vectors import RMS, ppmi, word_vectors

TINY = SmallRecipe(
    vocabulary=200, layers=2, width=16, heads=2, inner=32, longest=64, sentences=20, steps=10, tokens=200, held_out=30
)
SYLLABLES = {"en": ("ba", "do", "ki", "lu"), "de": ("pf", "au", "sch", "eu"), "el": ("\u03b2\u03b1", "\u03b4\u03cc")}


def word(language: str, meaning: int) -> str:
    rng = random.Random(f"{language} {meaning}")
    return "".join(rng.choice(SYLLABLES[language]) for _ in range(4))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 verses of 6 of 40 meanings in three languages that share no word, and 40 sentences in two of them."""
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(0)
    verses = [[rng.randrange(40) for _ in range(6)] for _ in range(300)]
    for language in SYLLABLES:
        texts = [" ".join(word(language, meaning) for meaning in verse) for verse in verses]
        columns = {"verse_id": [str(i) for i in range(300)], "text": texts}
        write(folder / "local/bible-text" / language, columns)
        if language != "el":
            write(folder / "facebook/xnli" / language, {"premise": texts[:40], "hypothesis": texts[40:80]})
    return folder


def write(folder: Path, columns: dict[str, list[str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "train-00000-of-00001.parquet")


def test_text_is_aligned_and_cut(data: Path) -> None:
    text = parallel_text.read(data, (), sentences=20)
    assert set(text.verses) == {"de", "el", "en"} and set(text.sentences) == {"de", "en"}
    assert {len(verses) for verses in text.verses.values()} == {300}
    assert {len(sentences) for sentences in text.sentences.values()} == {40}  # both sides of 20 rows
    assert parallel_text.read(data, ("en", "el"), sentences=20).sentences == {}  # there is one language only


def test_missing_and_unaligned_text_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are: none"):
        parallel_text.read(tmp_path, (), 0)
    with pytest.raises(UsageError, match="wanted: en, fr"):
        parallel_text.read(data, ("en", "fr"), 0)
    for name, ids in (("en", ["1", "2"]), ("de", ["2", "1"])):
        write(tmp_path / "local/bible-text" / name, {"verse_id": ids, "text": ["a", "b"]})
    with pytest.raises(UsageError, match="not those of de in the same order"):
        parallel_text.read(tmp_path, (), 0)
    with pytest.raises(UsageError, match="too few to hold 300 of them out"):
        small.prepare(SmallRecipe(), data)
    with pytest.raises(UsageError, match="--data DIR"):
        small.start(TINY, None)


def test_fingerprint_follows_the_text(data: Path, tmp_path: Path) -> None:
    assert parallel_text.fingerprint(data) == parallel_text.fingerprint(data)
    assert parallel_text.fingerprint(data) != parallel_text.fingerprint(tmp_path)


def test_tokenizer_is_that_of_an_encoder() -> None:
    texts = [
        "The caf\u00e9 of \u03bb\u03cc\u03b3\u03bf\u03c2.",
        "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    ] * 20
    tokenizer = train_tokenizer(texts, 100, 32, keep_marks=False)
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3, 4]) == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    first, second = tokenizer("a", "b")["input_ids"], tokenizer("a")["input_ids"]
    assert first[:3] == [*second[:-1], 2] and first[0] == 0 and first.count(2) == 3
    assert (
        tokenizer("THE caf\u00c9, \u03bb\u03bf\u03b3\u03bf\u03c2").input_ids
        == tokenizer("the cafe, \u03bb\u03cc\u03b3\u03bf\u03c2").input_ids
    )
    coded = tokenizer("The caf\u00e9!", return_offsets_mapping=True, add_special_tokens=False)
    assert coded["offset_mapping"][-1] == (8, 9)  # offsets count the characters of the text as it was
    marked = train_tokenizer(texts, 100, 32, keep_marks=True)
    assert marked("caf\u00e9").input_ids != marked("cafe").input_ids


def test_ppmi_by_hand() -> None:
    # Token 0 stands twice in unit 0 and once in unit 1, token 1 once in unit 1; token 2 nowhere.
    matrix = ppmi([[0, 0], [0, 1]], 3).toarray()
    # p(0, u0) = 2/4, p(0) = 3/4, p(u0) = 2/4: log(4/3); (0, u1): log(1/4 / (3/4 * 1/2)) < 0; (1, u1): log 2.
    assert matrix == pytest.approx(np.array([[np.log(4 / 3), 0], [0, np.log(2)], [0, 0]]))


def test_word_vectors_of_translations_are_alike(data: Path) -> None:
    prepared = small.prepare(TINY, data)
    vectors = prepared.vectors
    assert vectors.shape == (len(prepared.tokenizer), 16)
    assert torch.sqrt((vectors**2).mean(1)).numpy() == pytest.approx(RMS, rel=1e-4)

    def sentences(language: str) -> torch.Tensor:
        means = torch.stack([vectors[ids].mean(0) for ids in prepared.held_out[language]])
        return torch.nn.functional.normalize(means, dim=-1)

    found = (sentences("de") @ sentences("en").T).argmax(1)
    assert (found == torch.arange(30)).float().mean() > 0.5  # chance is 1 in 30
    unseen = word_vectors([[0, 1], [1, 2]], 5, 2, seed=0)
    assert np.sqrt((unseen**2).mean(1)) == pytest.approx(RMS, rel=1e-5)  # also of tokens 3 and 4, which are random


def test_held_out_verses_are_in_no_training_pair(data: Path) -> None:
    run = small.start(TINY, data)
    held_out = {tuple(side) for text in run.held_out for side in (text.first, text.second)}
    assert len(run.held_out) == 30
    assert not held_out & {tuple(side) for text in run.texts for side in (text.first, text.second)}
    assert any(text.joined for text in run.texts) and any(not text.joined for text in run.texts)


def test_equal_seeds_give_equal_encoders(data: Path) -> None:
    runs = [small.start(recipe, data) for recipe in (TINY, TINY, replace(TINY, seed=1))]
    for run in runs:
        run.advance()
    states = [run.encoder.state_dict() for run in runs]
    assert runs[0].tokenizer.backend_tokenizer.to_str() == runs[1].tokenizer.backend_tokenizer.to_str()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    words = "embeddings.word_embeddings.weight"
    assert states[0][words].shape != states[2][words].shape or not torch.equal(states[0][words], states[2][words])


def test_a_run_continues_from_a_fresh_start(data: Path) -> None:
    whole, cut, continued = (small.start(TINY, data) for _ in range(3))
    whole.advance()
    cut.advance()
    continued.load_state(cut.state())
    for run in (whole, continued):
        run.advance()
    one, other = whole.encoder.state_dict(), continued.encoder.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_word_vectors_stay_while_layers_learn(data: Path) -> None:
    run = small.start(TINY, data)
    before = {name: weight.clone() for name, weight in run.encoder.state_dict().items()}
    run.advance()
    after = run.encoder.state_dict()
    assert torch.equal(after["embeddings.word_embeddings.weight"], before["embeddings.word_embeddings.weight"])
    name = "encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(after[name], before[name])
