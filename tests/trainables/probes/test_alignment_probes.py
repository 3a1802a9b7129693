"""Alignment probes of an encoder: the sentences and words that they read, and the values that they give."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.task import Split
from tests.hub_layout import TOPIC
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
from trainables.probes.alignment import has_no_phase_before
from trainables.probes.family import ProbeSubject
from trainables.probes.tag_transfer import compute_word_states, fit_probe, score_probe
from trainables.record.context import StageContext
from trainables.training.encoding import Encoding, encode_split

Write = Callable[..., Path]


def subject_of(encoder: Encoder, context: StageContext) -> ProbeSubject:
    """An encoder after a target stage; alignment probes read nothing of its training."""
    training: Any = None
    return ProbeSubject(
        stage=TARGET, when="after", encoder=encoder, fine_tuning=training, context=context, profile=PROFILE
    )


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
        numbered = [{"index_id": i, "category": "travel", "text": text} for i, text in texts]
        data = write(f"Davlan/sib200/{code}/train", TOPIC, numbered)
    source = DataSource(benchmark="xtreme", data=str(data))
    sentences = translations.load_translations(source)
    assert sentences.source == "sib200" and set(sentences.by_language) == {"sw"}
    english, foreign = sentences.by_language["sw"]
    assert len(english) == 10 and [text.split()[1] for text in english] == [text.split()[1] for text in foreign]
    (note,) = task_data.collect_probe_notes(source)
    assert "no sentences of SIB-200 for af, ar" in note and "sw" not in note
    write("Davlan/sib200/swh_Latn/train", TOPIC, [{"index_id": 1, "category": "travel", "text": text} for text in "ab"])
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
