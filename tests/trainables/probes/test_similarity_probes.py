"""The similarity probes by kind of task, and by stage."""

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from spaces.miniature import INTERMEDIATES, TARGETS
from spaces.model_files import LABEL_HEAD_FILE
from spaces.probe_columns import PROBES_FILE
from spaces.stage import TENTHS, Stage
from tests.on_disk import folder_of
from tests.tiny_stages import RECIPE, folder_after, intermediate_stage, target_stage
from tests.trainables import trainings
from tests.trainables.trainings import PROFILE
from trainables.data.task_data import DataSource, load_examples
from trainables.features.feature_table import build_table
from trainables.features.features import IGNORED, Feature
from trainables.kinds import KINDS
from trainables.kinds.label_head import LabelHead, read_label_head
from trainables.models.encoder import Encoder
from trainables.models.encoder_folder import find_encoder_fault
from trainables.probes.frozen_features import embed_texts, extract_labelled_rows, sample_inputs
from trainables.record.context import ENCODER, StageContext, write_spec
from trainables.stage_run import StageRun
from trainables.training.batches import TrainingPart
from trainables.training.fine_tuning import FineTuning

TASKS = {**INTERMEDIATES, **TARGETS}


def features_of(name: str, encoder: Encoder, count: int = 30) -> list[Feature]:
    task = TASKS[name]
    examples, _ = load_examples(DataSource(benchmark="miniature"), task, "train", "en")
    return KINDS[task.kind].encode(encoder.tokenizer, examples[:count], trainings.RECIPE, PROFILE)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_texts_are_means_over_tokens_then_rows_then_inputs(encoder: Encoder) -> None:
    features = features_of("hellaswag", encoder)
    encoder.model.eval()
    texts, sentences = [], []
    for feature in features:  # one at a time, without padding
        rows = []
        for row in feature.rows:
            with torch.inference_mode():
                states = encoder.model(torch.tensor(row[None]).long(), output_hidden_states=True).hidden_states
            rows.append([states[layer][0].mean(0).double().numpy() for layer in (-1, 1)])
        texts.append(np.mean([last for last, _ in rows], axis=0))
        sentences.append(np.mean([chosen / np.sqrt((chosen**2).sum()) for _, chosen in rows], axis=0))
    text, sentence = embed_texts(encoder, "choice", features, 1)
    assert text == pytest.approx(np.mean(texts, axis=0), abs=1e-5)
    assert sentence == pytest.approx(np.mean(sentences, axis=0), abs=1e-5)


def test_rows_of_pairs_are_what_their_head_reads(encoder: Encoder) -> None:
    features = features_of("pawsx", encoder)
    rows = extract_labelled_rows(encoder, "pair", features, PROFILE, rng())
    assert rows.features.shape == (30, 4 * encoder.width)
    assert sorted(rows.labels) == sorted(int(feature.target) for feature in features)
    head = LabelHead(TARGETS["pawsx"], KINDS["pair"].build_head(encoder, TARGETS["pawsx"], PROFILE).eval())
    predicted = extract_labelled_rows(encoder, "pair", features, PROFILE, rng(), head)
    assert predicted.source_probabilities is not None and np.array_equal(predicted.features, rows.features)
    with torch.inference_mode():
        hidden = torch.tanh(head.head.dense(torch.tensor(rows.features).float()))  # type: ignore[operator]
        logits = head.head.out(hidden)  # type: ignore[operator]
    assert predicted.source_probabilities == pytest.approx(logits.softmax(-1).numpy(), abs=1e-5)
    first = extract_labelled_rows(encoder, "pair", features, dataclasses.replace(PROFILE, pooling="first"), rng())
    assert first.features.shape == (30, encoder.width)


def test_rows_of_texts_are_what_their_head_reads(encoder: Encoder) -> None:
    features = features_of("sib200", encoder)
    head = LabelHead(INTERMEDIATES["massive"], KINDS["text"].build_head(encoder, INTERMEDIATES["massive"], PROFILE))
    rows = extract_labelled_rows(encoder, "text", features, PROFILE, rng(), head)
    assert rows.features.shape == (30, encoder.width) and len(np.unique(rows.inputs)) == 30
    assert sorted(rows.labels) == sorted(int(feature.target) for feature in features)
    assert rows.source_probabilities is not None and rows.source_probabilities.shape == (30, 6)


def test_rows_of_choices_are_options(encoder: Encoder) -> None:
    rows = extract_labelled_rows(encoder, "choice", features_of("hellaswag", encoder), PROFILE, rng())
    assert np.unique(rows.inputs, return_counts=True)[1].tolist() == [3] * 30
    assert [int(rows.labels[rows.inputs == group].sum()) for group in range(30)] == [1] * 30


def test_rows_of_sentences_are_words(encoder: Encoder) -> None:
    features = features_of("ccg", encoder)
    rows = extract_labelled_rows(encoder, "tagging", features, PROFILE, rng())
    tags = np.concatenate([feature.target[feature.target != IGNORED] for feature in features])
    assert sorted(rows.labels) == sorted(tags) and len(np.unique(rows.inputs)) == 30
    head = LabelHead(INTERMEDIATES["ccg"], KINDS["tagging"].build_head(encoder, INTERMEDIATES["ccg"], PROFILE))
    probabilities = extract_labelled_rows(encoder, "tagging", features, PROFILE, rng(), head).source_probabilities
    assert probabilities is not None and probabilities.shape == (len(tags), len(INTERMEDIATES["ccg"].labels))


def test_rows_of_passages_are_the_answer_and_another_token(encoder: Encoder) -> None:
    features = features_of("squad2", encoder)
    rows = extract_labelled_rows(encoder, "span", features, PROFILE, rng())
    answered = [feature for feature in features if feature.target[1] > 0]
    assert 0 < len(answered) < len(features)
    assert np.unique(rows.inputs, return_counts=True)[1].tolist() == [2] * len(answered)
    assert all(sorted(rows.labels[rows.inputs == group]) == [0, 1] for group in np.unique(rows.inputs))
    # Later words of the answer are not drawn: a context of nothing else has no other token.
    (feature, *_) = answered
    assert feature.marks is not None
    start = int(feature.target[0])
    marks = np.full_like(feature.marks[0], -1)
    marks[start : start + 2] = 1
    inside = dataclasses.replace(feature, marks=(marks,), target=np.array([start, start + 1], dtype=np.int32))
    both = extract_labelled_rows(encoder, "span", [inside, *answered[1:]], PROFILE, rng())
    assert len(both.labels) == len(rows.labels) - 2


def test_a_sample_is_the_same_for_every_encoder_of_a_seed(encoder: Encoder) -> None:
    table = build_table([features_of("xnli", encoder)], per_position=False)
    part = TrainingPart(task=TARGETS["xnli"], table=table)
    chosen = [[feature.example for feature in sample_inputs(part, 10, seed)] for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] == sorted(chosen[0]) and chosen[0] != chosen[2]
    assert len(set(chosen[0])) == 10
    assert [feature.example for feature in sample_inputs(part, 30, 0)] == list(range(30))
    subset = dataclasses.replace(part, subset=np.arange(20, 30))  # rows that the run is trained on
    assert [feature.example for feature in sample_inputs(subset, 30, 0)] == list(range(20, 30))
    assert {feature.example for feature in sample_inputs(subset, 5, 0)} < set(range(20, 30))


def target(name: str, parent: Stage | None = None) -> Stage:
    return target_stage(f"{name}-en", {name: ("en",)}, parent)


def read_probes(folder: Path) -> dict[tuple[str, str], float | list[float]]:
    rows = pl.read_parquet(folder / PROBES_FILE)
    assert rows.height and set(rows["family"]) == {"similarity"}
    return {
        (probe.partition(":")[0], when): vector if value is None else value
        for probe, when, value, vector in rows.select("probe", "when", "value", "vector").iter_rows()
    }


EMBEDDINGS = {("textemb", "before"), ("semb", "before"), ("taskemb", "after"), ("train_size", "before")}
FITS = {("train_size", "before"), ("logme", "before"), ("knn", "before")}
ANSWERS = {("leep", "before"), ("nce", "before")}


def test_each_stage_leaves_what_can_be_said_there(context: StageContext) -> None:
    context = dataclasses.replace(context, probes=("similarity",))
    mnli, squad, ccg = intermediate_stage("mnli"), intermediate_stage("squad"), intermediate_stage("ccg")
    folders = {stage.task: folder_after(context, stage) for stage in (mnli, squad, ccg)}
    assert all(read_probes(folder).keys() == EMBEDDINGS for folder in folders.values())
    assert read_probes(folders["mnli"])["train_size", "before"] == 60
    heads = {task: (folder / ENCODER / LABEL_HEAD_FILE).exists() for task, folder in folders.items()}
    assert heads == {"mnli": True, "squad": False, "ccg": True}  # the position of an answer is not a label

    assert read_probes(folder_after(context, target("pawsx"))).keys() == EMBEDDINGS | FITS
    assert read_probes(folder_after(context, target("pawsx", mnli))).keys() == FITS | ANSWERS
    assert read_probes(folder_after(context, target("udpos", ccg))).keys() == FITS | ANSWERS
    assert (
        read_probes(folder_after(context, target("udpos", mnli))).keys() == FITS
    )  # labels of pairs are not labels of words
    assert read_probes(folder_after(context, target("pawsx", squad))).keys() == FITS
    assert read_probes(folder_after(context, target("xquad", mnli))).keys() == FITS

    (folders["mnli"] / ENCODER / LABEL_HEAD_FILE).unlink()  # as in older sweeps
    again = dataclasses.replace(target("pawsx", mnli), seed=1)
    assert read_probes(folder_after(context, again)).keys() == FITS


def test_the_head_that_is_handed_on_is_the_one_of_the_best_tenth(context: StageContext) -> None:
    stage = intermediate_stage("mnli")
    write_spec(context, stage)
    runner = StageRun(context, stage.key)
    for _ in range(TENTHS):
        runner.advance()
    trained = runner.training
    runner.close()
    assert isinstance(trained, FineTuning)
    content = (folder_of(context, stage.key) / ENCODER / LABEL_HEAD_FILE).read_bytes()
    weights = trained.selection.best_weights.items()
    best = {name.removeprefix("heads.0."): value for name, value in weights if name.startswith("heads")}
    head = read_label_head(content, INTERMEDIATES["mnli"], trained.encoder, PROFILE).head
    assert head.state_dict().keys() == best.keys()
    assert all(torch.equal(value, best[name]) for name, value in head.state_dict().items()) and not head.training
    with pytest.raises(RuntimeError, match="size mismatch"):
        read_label_head(content, INTERMEDIATES["qqp"], trained.encoder, PROFILE)


def test_a_damaged_head_is_a_damaged_encoder(context: StageContext) -> None:
    folder = folder_after(context, intermediate_stage("mnli")) / ENCODER
    assert find_encoder_fault(folder) is None
    file = folder / LABEL_HEAD_FILE
    file.write_bytes(file.read_bytes()[:-1])
    assert LABEL_HEAD_FILE in (find_encoder_fault(folder) or "")


def test_nothing_is_said_of_a_mixture_but_its_size(context: StageContext) -> None:
    context = dataclasses.replace(context, probes=("similarity",))
    mixed = {**RECIPE, "ingredients": [["mnli", "en"], ["squad", "en"]]}
    stage = dataclasses.replace(intermediate_stage("mnli+squad"), recipe=mixed)
    folder = folder_after(context, stage)
    assert read_probes(folder) == {("train_size", "before"): 120.0}
    assert not (folder / ENCODER / LABEL_HEAD_FILE).exists()


def test_a_head_on_fused_layers_is_not_handed_on(context: StageContext) -> None:
    context = dataclasses.replace(context, probes=("similarity",))
    recipe = {**RECIPE, "ingredients": [["mnli", "en"]], "method": {"name": "layers"}}
    stage = dataclasses.replace(intermediate_stage("mnli"), intermediate="mnli~layers", recipe=recipe)
    folder = folder_after(context, stage)
    assert read_probes(folder).keys() == EMBEDDINGS - {("taskemb", "after")}
    assert not (folder / ENCODER / LABEL_HEAD_FILE).exists()
    assert read_probes(folder_after(context, target("pawsx", stage))).keys() == FITS
