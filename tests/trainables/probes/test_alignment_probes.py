"""Alignment probes: each estimator against a case by hand or by brute force, and its invariances."""

import dataclasses
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.task import Split
from tests.tiny_stages import TARGET
from tests.trainables.trainings import PROFILE
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.features.examples import PairExample
from trainables.miniature import probe_sentences
from trainables.miniature.corpus import split_of
from trainables.miniature.items import ITEM_GENERATORS, draw_items
from trainables.miniature.meaning import reword_fully
from trainables.miniature.pools import PoolItem
from trainables.miniature.world import build_world
from trainables.models.encoder import Encoder
from trainables.probes import alignment, translations
from trainables.probes.alignment import has_no_phase_before, measure_layer
from trainables.probes.family import ProbeSubject
from trainables.probes.tag_transfer import compute_word_states, fit_probe, score_probe
from trainables.probes.vector_similarity import (
    build_gram,
    cosine_gap,
    permuted_cka,
    random_cosine,
    unbiased_cka,
    unbiased_hsic,
)
from trainables.record.context import StageContext
from trainables.training.encoding import Encoding, encode_split

Write = Callable[..., Path]
SIB200 = Features({"index_id": Value("int64"), "text": Value("string")})


def subject_of(encoder: Encoder, context: StageContext) -> ProbeSubject:
    """An encoder after a target stage; alignment probes read nothing of its training."""
    training: Any = None
    return ProbeSubject(
        stage=TARGET, when="after", encoder=encoder, fine_tuning=training, context=context, profile=PROFILE
    )


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cka(one: torch.Tensor, other: torch.Tensor) -> float:
    value = unbiased_cka(build_gram(one), build_gram(other))
    assert value is not None
    return value


def test_the_unbiased_criterion_is_the_mean_over_all_quadruples() -> None:
    """Song et al. (2012) define it as a U-statistic over all ordered quadruples of different rows."""
    one, other = normal(6, 3), normal(6, 2, seed=1)
    k, m = one @ one.T, other @ other.T  # neither centred nor without a diagonal
    kernel = [k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q]) for i, j, q, r in itertools.permutations(range(6), 4)]
    expected = float(torch.stack(kernel).mean())
    assert float(unbiased_hsic(build_gram(one), build_gram(other))) == pytest.approx(expected, abs=1e-12)


def test_cka_is_1_for_what_only_turns_stretches_and_moves() -> None:
    vectors = normal(30, 5)
    turned = torch.linalg.qr(normal(5, 5, seed=1)).Q
    assert cka(vectors, 3 * vectors @ turned + 7) == pytest.approx(1)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 10), shift=st.floats(-10, 10))
def test_cka_and_cosine_gap_do_not_see_turns_sizes_and_moves(seed: int, scale: float, shift: float) -> None:
    one, other = normal(12, 4, seed=seed), normal(12, 4, seed=seed + 1)
    turned = torch.linalg.qr(normal(4, 4, seed=seed + 2)).Q
    moved = scale * other @ turned + shift
    assert cka(one, moved) == pytest.approx(cka(one, other), abs=1e-9)
    assert cosine_gap(one @ turned, moved) == pytest.approx(cosine_gap(one, other), abs=1e-9)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(12))
    assert cka(one[order], other[order]) == pytest.approx(cka(one, other), abs=1e-9)


def test_cka_of_rows_that_have_nothing_in_common_is_0_in_the_mean_where_the_plain_one_is_not() -> None:
    unbiased, plain = [], []
    for seed in range(200):
        one, other = normal(20, 40, seed=2 * seed), normal(20, 40, seed=2 * seed + 1)
        unbiased.append(cka(one, other))
        x, y = one - one.mean(0), other - other.mean(0)
        plain.append(float((y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())))
    error = np.std(unbiased) / math.sqrt(len(unbiased))
    assert abs(np.mean(unbiased)) < 4 * error < 0.05
    assert np.mean(plain) > 0.5


def test_the_zero_beside_cka_is_its_mean_over_shuffles() -> None:
    one, other = build_gram(normal(40, 6)), build_gram(normal(40, 6) + 0.1 * normal(40, 6, seed=1))
    aligned, zero = unbiased_cka(one, other), permuted_cka(one, other)
    assert aligned is not None and zero is not None and aligned > 0.9 and abs(zero) < 0.1
    generator = torch.Generator().manual_seed(0)
    shuffles = [torch.randperm(40, generator=generator) for _ in range(5)]
    values = [unbiased_cka(one, other[order][:, order]) for order in shuffles]
    assert zero == pytest.approx(np.mean(values))  # type: ignore[arg-type]


def test_cka_of_what_does_not_vary_is_none() -> None:
    same = build_gram(torch.ones(10, 3))
    other = build_gram(normal(10, 3))
    assert unbiased_cka(same, other) is None and permuted_cka(same, other) is None


def test_cosines_worked_by_hand() -> None:
    one = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    other = torch.tensor([[1.0, 0.0], [0.0, 5.0]])
    assert random_cosine(one, other) == pytest.approx(0)  # (1, 0) with (0, 5), (0, 1) with (1, 0)
    assert random_cosine(one + 100, other + 100) > 0.99
    # Centred, (1, -1/2) belongs to (1/2, -5/2), and the other two rows are their opposites.
    expected = 2 * (1 * 0.5 + 0.5 * 2.5) / math.sqrt(1.25 * 6.5)
    assert cosine_gap(one, other) == pytest.approx(expected)
    assert cosine_gap(one + 100, other - 3) == pytest.approx(expected)


def test_retrieval_by_cosine_and_by_margin_by_brute_force() -> None:
    foreign = normal(9, 3, seed=2).float()
    hub = torch.tensor([1.0, 0, 0])  # a direction that all sentences have in common
    english = (foreign + 0.5 * normal(9, 3, seed=1).float()) + hub
    probes = measure_layer(foreign, english)

    def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(torch.nn.functional.cosine_similarity(a, b, dim=0))

    def neighbourhood(vector: torch.Tensor, others: torch.Tensor) -> float:
        return sum(sorted((cosine(vector, other) for other in others), reverse=True)[:4]) / 4

    margins: list[int] = []
    for direction, queries, candidates in (("forward", foreign, english), ("backward", english, foreign)):
        hits = {"retrieval": 0, "margin": 0}
        for i, query in enumerate(queries):
            cosines = [cosine(query, candidate) for candidate in candidates]
            nearest = sorted(range(9), key=lambda j: -cosines[j])[:4]
            mean = neighbourhood(query, candidates)
            ratio = {j: cosines[j] / ((mean + neighbourhood(candidates[j], queries)) / 2) for j in nearest}
            hits["retrieval"] += nearest[0] == i
            hits["margin"] += max(ratio, key=lambda j: ratio[j]) == i
        for name, count in hits.items():
            assert probes[f"{name}_{direction}"] == pytest.approx(count / 9), (name, direction)
        margins.append(hits["margin"])
        assert hits["margin"] != hits["retrieval"]
    assert margins[0] != margins[1]  # so that directions cannot be mixed up
    assert probes["retrieval_chance"] == pytest.approx(1 / 9)


def test_ridge_by_its_own_equations() -> None:
    states, tags = normal(40, 3), torch.arange(40) % 3
    probe = fit_probe(states.float(), tags, 4)
    inputs = torch.cat([states.float().double(), torch.ones(40, 1)], dim=1)
    centred = inputs[:, :3] - inputs[:, :3].mean(0)
    penalty = 0.01 * (centred**2).sum() / 3
    one_hot = torch.nn.functional.one_hot(tags, 4).double()
    pull = penalty * torch.tensor([1.0, 1, 1, 0], dtype=torch.float64)[:, None] * probe
    assert torch.allclose(inputs.T @ (inputs @ probe - one_hot) + pull, torch.zeros(4, 4).double(), atol=1e-9)


def test_the_probe_reads_what_it_was_fitted_on_and_nothing_from_other_directions() -> None:
    tags = torch.arange(60) % 2
    english = torch.stack([tags.double() * 4 - 2, torch.zeros(60)], dim=1) + 0.1 * normal(60, 2)
    probe = fit_probe(english, tags, 2)
    assert score_probe(probe, english, tags) == 1
    assert score_probe(probe, english.flip(1), tags) < 0.8  # the tag is in another direction
    assert score_probe(probe, -english, tags) == 0


def test_word_states_are_what_the_encoder_makes_of_each_word(encoder: Encoder) -> None:
    source = DataSource(benchmark="miniature", test_limit=6)
    task = BENCHMARKS["miniature"].targets["udpos"]
    assert task.recipe is not None
    evaluated = encode_split(source, task, "test", "qfa", Encoding(encoder.tokenizer, task.recipe, PROFILE))
    words = compute_word_states(encoder, evaluated, most=1_000)
    assert words.states.shape[:2] == (3, len(words.tags))
    tags = [tag for example in evaluated.examples for tag in example.tags]  # type: ignore[union-attr]
    assert sorted(words.tags.tolist()) == sorted(tags)
    drawn = [evaluated.features[int(i)] for i in np.random.default_rng(0).permutation(6)]
    first = max(drawn, key=lambda feature: feature.length)  # long ones come first
    with torch.inference_mode():
        hidden = encoder.model(torch.from_numpy(first.rows[0].astype(np.int64))[None], output_hidden_states=True)
    assert first.marks is not None
    for layer in range(3):
        states = hidden.hidden_states[layer][0]
        for word in range(len(first.origin)):  # a word may be several sub-tokens
            expected = states[torch.from_numpy(first.marks[0] == word)].mean(0)
            assert torch.allclose(words.states[layer, word], expected, atol=1e-5)
    assert len(compute_word_states(encoder, evaluated, most=10).tags) <= 10
    few = compute_word_states(encoder, evaluated, most=1_000, sentences=2)
    assert 0 < len(few.tags) < len(words.tags), "the bound on probes holds for tagged sentences, too"


def test_every_language_has_the_same_english_sentences_and_none_stands_twice() -> None:
    sentences = translations.load_translations(DataSource(benchmark="miniature"))
    assert sentences.source not in BENCHMARKS["miniature"].targets
    texts = sentences.by_language
    assert set(texts) == {"qna", "qnb", "qma", "qmb", "qfa"}
    assert len({english for english, _ in texts.values()}) == 1
    for english, foreign in texts.values():
        assert len(set(english)) == len(set(foreign)) == len(english) == 100


def test_no_target_of_the_miniature_has_an_event_that_is_probed() -> None:
    """Neither a probed sentence nor its rewording is in an item of a target, or in a text that encoders read before."""
    world = build_world(0)
    probed = [form for clause in probe_sentences.draw_clauses(world) for form in (clause, reword_fully(clause))]
    events = set(map(probe_sentences.event_of, probed))
    for task in BENCHMARKS["miniature"].targets.values():
        splits: tuple[Split, ...] = ("train", "dev", "test") if task.training_set else ("dev", "test")
        for split in splits:
            is_own = split == "test" and task.name in ITEM_GENERATORS
            name = task.name if is_own else task.training_set or task.name
            count = {"train": ITEM_GENERATORS[name].train_items, "dev": 200, "test": 300}[split]
            for item in draw_items(world, name, split, count):
                assert events.isdisjoint(map(probe_sentences.event_of, probe_sentences.clauses_of(item))), task.name
    assert {split_of(PoolItem(clause).meaning) for clause in probed} == {"test"}


def test_sentences_of_no_target_are_read_where_the_data_have_them(write: Write) -> None:
    """Row i of one language need not be row i of another: the number of the sentence tells."""
    rows = {"en": [(i, f"en {i}") for i in range(12)], "sw": [(i, f"sw {i}") for i in range(11, 1, -1)]}
    for code, texts in (("eng_Latn", rows["en"]), ("swh_Latn", rows["sw"])):
        data = write(f"Davlan/sib200/{code}/train", SIB200, [{"index_id": i, "text": text} for i, text in texts])
    source = DataSource(benchmark="xtreme", data=str(data))
    sentences = translations.load_translations(source)
    assert sentences.source == "sib200" and set(sentences.by_language) == {"sw"}
    english, foreign = sentences.by_language["sw"]
    assert len(english) == 10 and [text.split()[1] for text in english] == [text.split()[1] for text in foreign]
    (note,) = task_data.collect_probe_notes(source)
    assert "no sentences of SIB-200 for af, ar" in note and "sw" not in note
    write("Davlan/sib200/swh_Latn/train", SIB200, [{"index_id": 1, "text": "a"}, {"index_id": 1, "text": "b"}])
    with pytest.raises(UsageError, match="1 rows repeat an index_id"):
        task_data.load_probe_sentences(source)


def test_without_sentences_of_their_own_the_fallback_is_said(tmp_path: Path) -> None:
    (note,) = task_data.collect_probe_notes(DataSource(benchmark="xtreme", data=str(tmp_path)))
    assert "test rows of tatoeba or xnli are read" in note and "a target's own sentences" in note
    assert "hf download --repo-type dataset Davlan/sib200" in note
    assert task_data.collect_probe_notes(DataSource(benchmark="miniature")) == []


def test_without_pools_the_first_sentences_of_test_rows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def languages(source: DataSource, task: object) -> tuple[str, ...]:
        return ("en", "de") if getattr(task, "name", "") == "xnli" else ()

    def examples(
        source: DataSource, task: object, split: str, language: str
    ) -> tuple[list[PairExample], dict[str, int]]:
        pairs = [PairExample(f"{language} {i // 2}", f"{language} hypothesis {i}", 0) for i in range(40)]
        # Two more English sentences with the same translation.
        return [
            *pairs,
            PairExample(f"{language} x", "", 0),
            PairExample("y" if language == "en" else f"{language} x", "", 0),
        ], {}

    monkeypatch.setattr(task_data, "load_probe_sentences", lambda source: None)
    monkeypatch.setattr(task_data, "find_languages", languages)
    monkeypatch.setattr(task_data, "load_examples", examples)
    sentences = translations.load_translations.__wrapped__(DataSource(benchmark="xtreme"))
    assert sentences.source == "xnli"
    english, foreign = sentences.by_language["de"]
    assert len(english) == len(set(foreign)) == 21
    assert all(own.split()[-1] == other.split()[-1] or own == "y" for own, other in zip(english, foreign, strict=True))


def test_where_the_data_lack_what_is_read_there_is_a_note_and_no_reading(
    context: StageContext, monkeypatch: pytest.MonkeyPatch, encoder: Encoder
) -> None:
    subject = subject_of(encoder, context)
    monkeypatch.setattr(task_data, "load_probe_sentences", lambda source: None)
    monkeypatch.setattr(task_data, "find_languages", lambda source, task: ())
    monkeypatch.setattr(alignment, "load_translations", translations.load_translations.__wrapped__)
    result = alignment.measure(subject)
    assert not [measurement for measurement in result.measurements if measurement.probe != "transfer_chance"]
    assert len(result.notes) == 1 and "no parallel sentences" in result.notes[0]


def test_every_probe_in_every_layer_and_language_the_same_each_time(context: StageContext, encoder: Encoder) -> None:
    subject = subject_of(encoder, context)
    result, again = alignment.measure(subject), alignment.measure(subject)
    assert result == again and not result.notes
    assert {m.target for m in result.measurements if m.probe.startswith("margin")} == {"probe"}
    values = {(m.probe, m.layer, m.language): m.value for m in result.measurements}
    assert len(values) == len(result.measurements)
    for probe in ("cka", "cka_permuted", "margin_forward", "margin_backward", "cosine_gap", "transfer_ratio"):
        assert {(layer, language) for name, layer, language in values if name == probe} == {
            (layer, language) for layer in range(3) for language in ("qna", "qnb", "qma", "qmb", "qfa")
        }
    assert all(value is None or math.isfinite(value) for value in values.values())
    # The probe is fitted on English dev and read on test rows of the language.
    task = BENCHMARKS["miniature"].targets["udpos"]
    assert task.recipe is not None
    encoding = Encoding(encoder.tokenizer, task.recipe, PROFILE)
    sets = [encode_split(context.source, task, *split, encoding) for split in (("dev", "en"), ("test", "qfa"))]
    dev, test = (compute_word_states(encoder, evaluated, most=1_000) for evaluated in sets)
    expected = score_probe(fit_probe(dev.states[1], dev.tags, len(task.labels)), test.states[1], test.tags)
    assert values["transfer_accuracy", 1, "qfa"] == expected
    assert values["transfer_ratio", 1, "qfa"] == expected / values["transfer_accuracy", 1, "en"]  # type: ignore[operator]
    assert values["transfer_accuracy", 1, "qfa"] != values["transfer_accuracy", 1, "en"]
    assert ("transfer_accuracy", 0, "en") in values and ("transfer_ratio", 0, "en") not in values


def test_the_start_is_measured_where_no_intermediate_phase_came_before() -> None:
    for name, kind, is_measured in (
        ("none", "target", True),
        ("random-encoder", "target", True),
        ("none:salt", "target", True),
        ("mnli", "intermediate", True),
        ("mnli", "target", False),
        ("multitask", "target", False),
    ):
        assert has_no_phase_before(dataclasses.replace(TARGET, intermediate=name, kind=kind)) is is_measured, name  # type: ignore[arg-type]


def test_half_precision_finds_nearly_the_same(context: StageContext, encoder: Encoder) -> None:
    values = {}
    for precision in ("fp32", "bf16"):
        measurements = alignment.measure(subject_of(dataclasses.replace(encoder, precision=precision), context))
        values[precision] = {(m.layer, m.language): m.value for m in measurements.measurements if m.probe == "cka"}
    for key, value in values["fp32"].items():
        assert values["bf16"][key] == pytest.approx(value, abs=0.05), key
    assert values["bf16"] != values["fp32"]
