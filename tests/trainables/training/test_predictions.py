"""Kept predictions: what is written is what was predicted, and that it is kept changes nothing else."""

import dataclasses
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.benchmark import BENCHMARKS
from spaces.prediction_columns import PREDICTION_COLUMNS, PREDICTIONS_FILE
from spaces.stage import Stage
from spaces.xtreme import TARGETS
from tests.score_rows import drop_costs
from tests.tiny_stages import RETRIEVAL, TARGET, folder_after, intermediate_stage
from trainables.data.task_data import DataSource
from trainables.features.examples import (
    ChoiceExample,
    PairExample,
    ParallelPool,
    RankingPool,
    SpanExample,
    TaggingExample,
)
from trainables.record.context import SCORES, StageContext
from trainables.record.outcome import read_outcome
from trainables.record.results import write_tables
from trainables.stage_trial import context_from_json, context_to_json
from trainables.storage.local_storage import LocalStorage
from trainables.training.evaluation import EvalSet
from trainables.training.predictions import build_prediction_table, build_retrieval_table, find_sorted_positions


@pytest.fixture
def context(tmp_path: Path, encoder_folder: Path) -> StageContext:
    source = DataSource(benchmark="miniature", limit=40, test_limit=10)
    return StageContext(results=LocalStorage(tmp_path / "plain"), source=source, model=str(encoder_folder))


@pytest.mark.parametrize("stage", [TARGET, RETRIEVAL], ids=lambda stage: stage.task)
def test_keeping_changes_neither_key_nor_scores(context: StageContext, tmp_path: Path, stage: Stage) -> None:
    plain = folder_after(context, stage)
    keeping = dataclasses.replace(context, results=LocalStorage(tmp_path / "kept"), keep_predictions=True)
    kept = folder_after(keeping, stage)
    assert not (plain / PREDICTIONS_FILE).exists() and plain.name == kept.name == stage.key
    scores, scores_with_predictions = (drop_costs(pl.read_parquet(folder / SCORES)) for folder in (plain, kept))
    assert scores.equals(scores_with_predictions)

    rows = pl.read_parquet(kept / PREDICTIONS_FILE)
    assert rows.columns == [column.name for column in PREDICTION_COLUMNS]
    assert set(rows["stage"]) == {stage.key}
    assert set(rows["split"]) == ({"test", "dev"} if stage is TARGET else {"test"})
    scored = scores_with_predictions.filter(split="test").select("target", "language", "examples").unique()
    counted = rows.filter(split="test").group_by("target", "language").agg(examples=pl.len().cast(pl.Int64))
    assert scored.sort(pl.all()).equals(counted.sort(pl.all()))  # one row for each example that was scored
    assert rows["id"].null_count() == 0
    assert rows["score"].null_count() == (rows.height if stage is TARGET else 0)


TARGETS_OF = {
    "xnli-en": ("xnli",),
    "sib200-en": ("sib200",),
    "udpos-en": ("udpos",),
    "panx-en": ("panx",),
    "squad-en": ("xquad", "mlqa"),
}


@pytest.mark.parametrize(
    "stage",
    [
        *(
            dataclasses.replace(TARGET, task=training, targets=dict.fromkeys(targets, ("en", "qfa")))
            for training, targets in TARGETS_OF.items()
        ),
        *(intermediate_stage(task) for task in ("csqa", "ccg", "squad2")),
        RETRIEVAL,
    ],
    ids=lambda stage: stage.task,
)
def test_what_the_rows_bring_makes_the_stored_score(context: StageContext, stage: Stage) -> None:
    folder = folder_after(dataclasses.replace(context, keep_predictions=True), stage)
    rows, scores = (pl.read_parquet(folder / name) for name in (PREDICTIONS_FILE, SCORES))
    parts = rows.group_by("target", "language", "split").agg(pl.col("numerator", "denominator").sum())
    sums = {tuple(key): (right, of) for *key, right, of in parts.iter_rows()}
    tenth = read_outcome(context, stage.key).best_tenth  # type: ignore[union-attr]
    official = scores.filter("official", (pl.col("split") == "test") | (pl.col("tenth") == tenth))
    # Of an intermediate stage, and of two targets that share a dev set, dev rows have one name.
    first = min(stage.targets, default=stage.task)
    name = pl.when(pl.col("split") == "dev").then(pl.lit(first)).otherwise("target")
    stored = official.group_by(name.alias("target"), "language", "split").agg(pl.col("value").mean())
    expected = {tuple(key): value for *key, value in stored.iter_rows()}
    assert expected.keys() == sums.keys() and any(0 < value < 1 for value in expected.values())
    for key, (right, of) in sums.items():
        assert (right / of if of else 0.0) == pytest.approx(expected[key], abs=1e-12)


def test_mined_pairs_bring_nothing(context: StageContext) -> None:
    bucc = dataclasses.replace(RETRIEVAL, task="bucc", targets={"bucc": ("qna",)})
    rows = pl.read_parquet(folder_after(dataclasses.replace(context, keep_predictions=True), bucc) / PREDICTIONS_FILE)
    assert rows.height and rows["numerator"].null_count() == rows["denominator"].null_count() == rows.height


def test_an_intermediate_stage_keeps_its_english_dev(context: StageContext) -> None:
    keeping = dataclasses.replace(context, keep_predictions=True)
    stage = intermediate_stage("squad")
    folder = folder_after(keeping, stage)
    rows, scores = pl.read_parquet(folder / PREDICTIONS_FILE), pl.read_parquet(folder / SCORES)
    assert rows.select("target", "language", "split").unique().rows() == [("squad", "en", "dev")]
    assert set(scores["examples"]) == {rows.height}


def test_the_flag_reaches_the_workers(context: StageContext) -> None:
    for keep_predictions in (False, True):
        sent = dataclasses.replace(context, keep_predictions=keep_predictions)
        assert context_from_json(context_to_json(sent)) == sent


@given(st.lists(st.tuples(st.text(min_size=1), st.text(), st.lists(st.sampled_from(range(7)), min_size=1)), min_size=1))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, list[int]]]
) -> None:
    names, answers, tags = (list(column) for column in zip(*rows, strict=True))
    examples = [SpanExample(name, "q", "c", ("a",), (0,)) for name in names]
    spans = EvalSet(task=TARGETS["xquad"], language="el", examples=examples, features=[])
    tagged_examples = [TaggingExample(tuple("w" * len(labels)), tuple(labels)) for labels in tags]
    tagged = EvalSet(task=TARGETS["panx"], language="my", examples=tagged_examples, features=[])
    path = tmp_path_factory.mktemp("kept") / PREDICTIONS_FILE
    write_tables(path, [build_prediction_table("k", spans, answers), build_prediction_table("k", tagged, tags)])
    table = pl.read_parquet(path)
    xquad, panx = table.filter(pl.col("language") == "el"), table.filter(pl.col("language") == "my")
    assert xquad["id"].to_list() == names and xquad["prediction"].to_list() == [[answer] for answer in answers]
    assert xquad["example"].to_list() == panx["example"].to_list() == list(range(len(rows)))
    labels = TARGETS["panx"].labels
    assert panx["prediction"].to_list() == [[labels[tag] for tag in sentence_tags] for sentence_tags in tags]


def test_a_label_is_kept_by_name_and_an_option_by_number() -> None:
    examples = [PairExample("a", "b", 1), PairExample("c", "d", 1)]
    pairs = EvalSet(task=TARGETS["pawsx"], language="de", examples=examples, features=[])
    table = build_prediction_table("k", pairs, [1, 0])
    assert table["prediction"].to_pylist() == [["paraphrase"], ["different"]]
    assert table["numerator"].to_pylist() == [1.0, 0.0] and table["denominator"].to_pylist() == [1.0, 1.0]
    csqa = BENCHMARKS["xtreme"].intermediates["csqa"]
    choice = EvalSet(task=csqa, language="en", examples=[ChoiceExample("", "q", ("a", "b"), 0)], features=[])
    table = build_prediction_table("k", choice, [1])
    assert table["prediction"].to_pylist() == [["1"]] and table["numerator"].to_pylist() == [0.0]


def test_a_sentence_brings_its_chunks_to_f1_and_its_words_to_accuracy() -> None:
    labels = TARGETS["panx"].labels
    person, place = [labels.index("B-PER"), labels.index("I-PER"), labels.index("O")], [labels.index("B-LOC")]
    sentences = (("abc", person), ("d", place), ("e", (labels.index("O"),)))
    tagged = [TaggingExample(tuple(words), tuple(tags)) for words, tags in sentences]
    guess = [person, [labels.index("B-ORG")], [labels.index("O")]]
    panx = EvalSet(task=TARGETS["panx"], language="de", examples=tagged, features=[])
    table = build_prediction_table("k", panx, guess)
    assert table["numerator"].to_pylist() == [2.0, 0.0, 0.0] and table["denominator"].to_pylist() == [2.0, 2.0, 0.0]
    by_words = dataclasses.replace(panx, task=dataclasses.replace(TARGETS["panx"], official_metrics=("accuracy",)))
    table = build_prediction_table("k", by_words, guess)
    assert table["numerator"].to_pylist() == [3.0, 0.0, 1.0] and table["denominator"].to_pylist() == [3.0, 1.0, 1.0]


def test_an_answer_brings_the_mean_of_its_metrics() -> None:
    questions = [SpanExample("a", "q", "c", ("the old town",), (0,)), SpanExample("b", "q", "c", ("x",), (0,))]
    xquad = EvalSet(task=TARGETS["xquad"], language="de", examples=questions, features=[])
    table = build_prediction_table("k", xquad, ["old", "x"])
    assert table["numerator"].to_pylist() == [pytest.approx((0 + 2 / 3) / 2), 1.0]  # `the` is no word


def test_a_ranking_brings_its_average_precision_once() -> None:
    task = BENCHMARKS["xtreme-r"].targets["lareqa"]
    pool = RankingPool(("q", "r"), ("a", "b", "c"), (frozenset({1, 0}), frozenset({1})), query_ids=("x", "y"))
    pairs = [(0, 1, 0.9), (0, 2, 0.8), (0, 0, 0.7), (1, 0, 0.9), (1, 2, 0.8), (1, 1, 0.7)]
    table = build_retrieval_table("k", task, "de", pool, pairs)
    assert table["numerator"].to_pylist() == [pytest.approx(5 / 6), None, None, pytest.approx(1 / 3), None, None]
    assert table["denominator"].to_pylist() == [1.0, None, None, 1.0, None, None]
    assert table["id"].to_pylist() == ["x"] * 3 + ["y"] * 3


def test_a_query_is_known_by_its_number_as_read_and_as_sorted() -> None:
    pool = ParallelPool(queries=("tea", "Tea", " arm"), candidates=("x", "y", "z"), gold=(0, 1, 2))
    table = build_retrieval_table("k", TARGETS["tatoeba"], "et", pool, [(0, 2, 0.5), (1, 0, 0.25), (2, 2, 0.75)])
    assert table["id"].to_pylist() == ["2", "0", "1"]  # Tea, arm, tea: capitals first, blanks away
    assert table["example"].to_pylist() == [0, 1, 2] and table["prediction"].to_pylist() == [["2"], ["0"], ["2"]]
    assert table["score"].to_pylist() == [0.5, 0.25, 0.75]


@given(st.lists(st.sampled_from(["b", "a", "A", "é", "z", " a", "ab"])))
def test_sorted_places_are_those_of_the_sorted_file(sentences: list[str]) -> None:
    positions = find_sorted_positions(sentences)
    assert sorted(positions) == list(range(len(sentences)))
    ordered = sorted(sentence.strip() for sentence in sentences)
    assert all(ordered[position] == sentence.strip() for position, sentence in zip(positions, sentences, strict=True))
    for i, sentence_i in enumerate(sentences):  # of equal sentences the first as read comes first
        assert all(
            positions[i] < positions[j]
            for j in range(i + 1, len(sentences))
            if sentences[j].strip() == sentence_i.strip()
        )


def test_a_mined_language_without_a_pair_has_no_row(tmp_path: Path) -> None:
    task = BENCHMARKS["miniature"].targets["bucc"]
    empty = build_retrieval_table("k", task, "qna", ParallelPool(("x",), ("y",), (-1,)), [])
    write_tables(tmp_path / PREDICTIONS_FILE, [empty])
    assert pq.read_table(tmp_path / PREDICTIONS_FILE).num_rows == 0
