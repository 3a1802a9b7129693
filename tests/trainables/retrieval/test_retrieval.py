"""Retrieval by hand: layers, embeddings, the three rules."""

import dataclasses
import itertools
from pathlib import Path

import pytest
import torch

from spaces.encoders import PROFILES
from spaces.errors import UsageError
from spaces.recipes import RECIPE_SETS
from spaces.task import Pooling, RetrievalMode, Task, read_retrieval_recipe
from tests.encoder_folders import build_xlmr
from tests.trainables.conftest import TOKENIZER
from trainables.features.examples import ParallelPool, RankingPool
from trainables.models.encoder import Encoder
from trainables.models.masked_words import build_fresh_head
from trainables.retrieval import embeddings as module
from trainables.retrieval import token_table
from trainables.retrieval.embeddings import Embedder, embed, official_layer_of, select_layers
from trainables.retrieval.retrieval import RetrievalResult, _score_mining, _score_nearest, _score_ranking, retrieve
from trainables.retrieval.token_table import tokenise

MINIATURE, PRETRAINED = PROFILES["miniature"], PROFILES["pretrained"]
CPU = torch.device("cpu")
OFFICIAL = {"nearest": "accuracy", "mine": "f1", "rank": "map_at_20"}


def task(retrieval: RetrievalMode) -> Task:
    return Task(name="t", kind="retrieval", about="", official_metrics=(OFFICIAL[retrieval],), retrieval_mode=retrieval)


def words_of(encoder: Encoder, count: int) -> tuple[str, ...]:
    return tuple(sorted(word for word in encoder.tokenizer.get_vocab() if word.isalpha()))[:count]


def vectors(**coordinates: list[float]) -> dict[str, torch.Tensor]:
    return {name: torch.nn.functional.normalize(torch.tensor(values), dim=0) for name, values in coordinates.items()}


def test_an_embedding_is_the_mean_over_all_tokens_and_does_not_depend_on_the_batch(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_of(encoder, 9)
    texts = [" ".join(words[:n]) for n in (1, 9, 3, 0, 3)]
    together = embed(encoder, texts, (0, 1, 2))
    assert together.shape == (3, 5, 16) and together.dtype == torch.float32
    assert together.norm(dim=-1).flatten().tolist() == pytest.approx([1.0] * 15)
    encoder.model.eval()
    for i, text in enumerate(texts):
        coded = encoder.tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            states = encoder.model(**coded, output_hidden_states=True).hidden_states
        alone = torch.stack([torch.nn.functional.normalize(layer[0].mean(0), dim=0) for layer in states])
        torch.testing.assert_close(together[:, i], alone, rtol=1e-4, atol=1e-5)
    monkeypatch.setitem(module.MAX_BATCH_TOKENS, "cpu", 12)
    monkeypatch.setattr(token_table, "SENTENCES_PER_CALL", 2)
    torch.testing.assert_close(embed(encoder, texts, (2, 0)), together[[2, 0]], rtol=1e-4, atol=1e-5)


def test_no_batch_is_larger_than_its_limit(encoder: Encoder) -> None:
    words = words_of(encoder, 40)
    table = tokenise(encoder.tokenizer, [" ".join(words[: n % 30]) for n in range(50)], 78, None)
    seen = []
    for batch in module._iter_batches(table, 100):
        assert len(batch) * max(table[i].length for i in batch) <= 100
        seen += batch
    assert sorted(seen) == list(range(50))
    # A sentence that is longer than the limit goes alone.
    assert list(module._iter_batches(tokenise(encoder.tokenizer, [" ".join(words * 9)], 78, None), 10)) == [[0]]


def test_sentences_are_tokenised_once_for_all_workers(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, more = words_of(encoder, 5), words_of(encoder, 6)
    first = Embedder(encoder, folder=tmp_path)(texts, (1,))
    assert torch.equal(first, embed(encoder, texts, (1,)))
    monkeypatch.setattr(token_table, "build_table", None)
    assert torch.equal(Embedder(encoder, folder=tmp_path)(texts, (1,)), first), "another worker opens the table"
    for change in ((more, 78), (texts, 77)):
        with pytest.raises(TypeError):  # another table is needed
            tokenise(encoder.tokenizer, *change, tmp_path)
    assert tokenise(encoder.tokenizer, list(texts), 78, tmp_path).left_out == {}


def test_xlm_r_large_is_read_at_layer_14() -> None:
    for layers, official in ((24, 14), (12, 7)):
        model = build_xlmr(60, num_hidden_layers=layers)
        assert (
            official_layer_of(Encoder(model, TOKENIZER, masked_word_head=build_fresh_head(model)), PRETRAINED)
            == official
        )


def test_pools_that_are_too_large_are_read_in_the_papers_layer_only(encoder: Encoder) -> None:
    limit = module.MAX_BYTES // (4 * 3 * 16)  # 3 layers of width 16
    assert select_layers(encoder, MINIATURE, limit) == (0, 1, 2)
    assert select_layers(encoder, MINIATURE, limit + 1) == (2,)


def test_xtremes_scripts_read_layer_20_for_bucc_and_14_for_tatoeba() -> None:
    readings = {row.task: row.reading for row in RECIPE_SETS["xtreme"].retrieval}
    for layers, bucc, tatoeba in ((24, 20, 14), (12, 8, 8), (36, 32, 21)):  # the last in proportion: 36 * 14 / 24
        model = build_xlmr(60, num_hidden_layers=layers)
        encoder = Encoder(model, TOKENIZER, masked_word_head=build_fresh_head(model))
        assert official_layer_of(encoder, PRETRAINED, readings["bucc"]) == bucc
        assert official_layer_of(encoder, PRETRAINED, readings["tatoeba"]) == tatoeba
    shallow = build_xlmr(60, num_hidden_layers=3)
    with pytest.raises(UsageError, match="4 below the last one, but the encoder has 3 layers"):
        official_layer_of(
            Encoder(shallow, TOKENIZER, masked_word_head=build_fresh_head(shallow)), PRETRAINED, readings["bucc"]
        )


def test_the_first_position_or_the_mean_of_all_of_them(encoder: Encoder) -> None:
    text = words_of(encoder, 4)[3]
    ids = torch.tensor([encoder.tokenizer(text)["input_ids"]])
    encoder.model.eval()
    states = encoder.model(input_ids=ids, output_hidden_states=True).hidden_states[1][0]
    for pooling, expected in (("first", states[0]), ("mean", states.mean(0))):
        (vector,) = embed(encoder, [text, "a longer text " * 3], (1,), pooling=pooling)[:, 0]  # type: ignore[arg-type]
        torch.testing.assert_close(vector, torch.nn.functional.normalize(expected, dim=-1), rtol=1e-4, atol=1e-5)
    assert read_retrieval_recipe({"pooling": "first", "layers": [[12, 8]], "below_top": None}).layers == ((12, 8),)


def test_shared_candidates_are_embedded_once(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: list[tuple[str, ...]] = []

    def counted(
        encoder: Encoder, sentences: tuple[str, ...], layers: tuple[int, ...], pooling: Pooling, folder: Path | None
    ) -> torch.Tensor:
        embedded.append(sentences)
        return embed(encoder, sentences, layers, pooling=pooling, folder=folder)

    monkeypatch.setattr(module, "embed", counted)
    embedder, candidates = Embedder(encoder), words_of(encoder, 5)
    for queries in ((candidates[0],), (candidates[1],), (candidates[2],)):
        pool = RankingPool(queries, candidates, (frozenset({0}),))
        retrieve(embedder, task("rank"), MINIATURE, pool)
    assert embedded.count(candidates) == 1 and len(embedded) == 4


@pytest.mark.parametrize("retrieval", ["nearest", "mine", "rank"])
def test_identical_sentences_find_each_other_in_every_layer(encoder: Encoder, retrieval: RetrievalMode) -> None:
    words = words_of(encoder, 20)
    gold = tuple(range(19, -1, -1))
    pool = ParallelPool(words, words[::-1], gold)
    if retrieval == "rank":
        pool = RankingPool(words, words[::-1], tuple(frozenset({i}) for i in gold))
    result = retrieve(Embedder(encoder), task(retrieval), MINIATURE, pool, pool if retrieval == "mine" else None)
    others = {"mine": ("f1", "cosine_f1"), "rank": ("map_at_20",)}
    names = others.get(retrieval, ("accuracy", "margin_accuracy", "reverse_accuracy"))
    layers = [f"{name}_layer_{layer}" for layer in range(3) for name in names]
    assert list(result.metrics) == [*names, *layers]
    assert set(result.metrics.values()) == {1.0}
    if retrieval == "rank":
        assert next(j for i, j, _ in result.pairs if i == 3) == 16 and len(result.pairs) == 20 * 20
    else:
        assert sorted(pair[:2] for pair in result.pairs) == list(enumerate(gold))


def test_the_official_metric_and_what_is_found_are_those_of_the_papers_layer(encoder: Encoder) -> None:
    words = words_of(encoder, 30)
    queries = tuple(f"{a} {b}" for a, b in itertools.pairwise(words))
    pool = ParallelPool(queries, words[:29], tuple(range(29)))
    for depth, layer in ((0.0, 0), (0.5, 1), (1.0, 2)):
        profile = dataclasses.replace(MINIATURE, retrieval_depth=depth)
        result = retrieve(Embedder(encoder), task("nearest"), profile, pool)
        for name in ("accuracy", "margin_accuracy", "reverse_accuracy"):
            assert result.metrics[name] == result.metrics[f"{name}_layer_{layer}"]
        cosines = embed(encoder, queries, (layer,))[0] @ embed(encoder, words[:29], (layer,))[0].T
        assert [score for _, _, score in result.pairs] == pytest.approx(cosines.max(1).values.tolist(), abs=1e-5)


def test_too_large_pools_have_no_metrics_of_layers(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    words = words_of(encoder, 8)
    pool = ParallelPool(words, words[::-1], tuple(range(7, -1, -1)))
    all_layers = retrieve(Embedder(encoder), task("nearest"), MINIATURE, pool)
    monkeypatch.setattr(module, "MAX_BYTES", 0)
    one_layer = retrieve(Embedder(encoder), task("nearest"), MINIATURE, pool)
    assert list(one_layer.metrics) == ["accuracy", "margin_accuracy", "reverse_accuracy"]
    assert one_layer.metrics.items() <= all_layers.metrics.items() and one_layer.pairs == all_layers.pairs


def test_the_margin_corrects_a_candidate_that_is_near_to_everything() -> None:
    # `hub` is the nearest of every query; by margin each query finds its own.
    vector_of = vectors(
        q0=[1.0, 0.8, 0, 0], q1=[1.0, 0, 0.8, 0], q2=[1.0, 0, 0, 0.8], hub=[1.0, 0.2, 0.2, 0.2],
        c0=[0.3, 1.0, 0, 0], c1=[0.3, 0, 1.0, 0], c2=[0.3, 0, 0, 1.0],
    )  # fmt: skip
    pool = ParallelPool(("q0", "q1", "q2"), ("hub", "c0", "c1", "c2"), (1, 2, 3))
    result = _score_nearest(lambda texts: torch.stack([vector_of[text] for text in texts]), pool, CPU)
    assert result.metrics == {"accuracy": 0.0, "margin_accuracy": 1.0, "reverse_accuracy": 1.0}
    assert [pair[:2] for pair in result.pairs] == [(0, 0), (1, 0), (2, 0)]


def mined(dev_gold: tuple[int, ...] | None, queries: tuple[str, ...] = ("q0", "q1", "q2")) -> RetrievalResult:
    """Three pairs of falling cosine: 1, 0.8 and 0.5, each alone in its plane; the third is no translation."""
    vector_of = vectors(
        q0=[1.0, 0, 0, 0, 0], c0=[1.0, 0, 0, 0, 0], q1=[0, 1.0, 0, 0, 0], c1=[0, 0.8, 0.6, 0, 0],
        q2=[0, 0, 0, 1.0, 0], c2=[0, 0, 0, 0.5, 0.75**0.5],
    )  # fmt: skip

    def look(texts: tuple[str, ...]) -> torch.Tensor:
        return torch.stack([vector_of[text] for text in texts])

    candidates = ("c0", "c1", "c2")
    test = ParallelPool(queries, candidates, (0, 1, *(-1 for _ in queries[2:])))
    dev = None if dev_gold is None else ParallelPool(("q0", "q1", "q2"), candidates, dev_gold)
    return _score_mining(look, test, dev, CPU)


def test_mining_keeps_the_pairs_above_the_threshold_of_dev() -> None:
    # The neighbourhoods' means are a third of the cosine on both sides: every margin is 3, and cannot tell them apart.
    # With all of three kept, two right of two: 2 * 2 / (3 + 2).
    assert mined((0, 1, -1)).metrics["f1"] == pytest.approx(0.8)
    # By cosine, dev puts the cut where it ends: behind the first, the second or the third pair.
    assert mined((0, -1, -1)).metrics["cosine_f1"] == pytest.approx(2 * 1 / (1 + 2))
    assert mined((0, 1, -1)).metrics["cosine_f1"] == 1.0
    assert mined((0, 1, 2)).metrics["cosine_f1"] == pytest.approx(0.8)
    assert mined((-1, -1, -1)).metrics["cosine_f1"] == pytest.approx(0.8)  # nothing to choose by: all are kept


def test_without_dev_the_threshold_is_the_best_of_the_scored_pool() -> None:
    assert mined(None).metrics["cosine_f1"] == 1.0


def test_a_true_pair_of_a_repeated_sentence_is_missed() -> None:
    # q1 stands there twice and has no place: one right of one kept, two true ones.
    result = mined(None, queries=("q0", "q1", "q1"))
    assert result.metrics["cosine_f1"] == pytest.approx(2 / 3)
    assert [pair[:2] for pair in result.pairs] == [(0, 0)]


def test_a_ranking_by_hand() -> None:
    vector_of = vectors(q=[1.0, 0], a=[0, 1.0], b=[1.0, 0.1], c=[1.0, 1.0], r=[0.0, 1.0])
    pool = RankingPool(("q", "r"), ("a", "b", "c"), (frozenset({1, 0}), frozenset({1})))
    result = _score_ranking(lambda texts: torch.stack([vector_of[text] for text in texts]), pool, CPU)
    assert [pair[:2] for pair in result.pairs] == [(0, 1), (0, 2), (0, 0), (1, 0), (1, 2), (1, 1)]
    # q: ranks 1 and 3 of two right ones, (1 + 2 / 3) / 2. r: rank 3.
    assert result.metrics == {"map_at_20": pytest.approx((5 / 6 + 1 / 3) / 2)}


def test_a_pool_of_the_wrong_sort_is_refused(encoder: Encoder) -> None:
    words = words_of(encoder, 2)
    ranking, parallel = RankingPool(words, words, (frozenset({0}),) * 2), ParallelPool(words, words, (0, 1))
    with pytest.raises(ValueError, match="must name the relevant ones"):
        retrieve(Embedder(encoder), task("rank"), MINIATURE, parallel)
    with pytest.raises(ValueError, match="must name the translation of each query"):
        retrieve(Embedder(encoder), task("mine"), MINIATURE, ranking)
