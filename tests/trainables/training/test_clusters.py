"""Clusters of test examples: by hand, as a property, in the miniature, and counted in real test sets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scores.item_parts import read_item_parts
from spaces.benchmark import BENCHMARKS
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.task import Task
from trainables.data.task_data import DataSource, load_examples
from trainables.features.examples import (
    ChoiceExample,
    PairExample,
    ParallelPool,
    RankingPool,
    SpanExample,
    TaggingExample,
)
from trainables.record.results import write_tables
from trainables.training.clusters import find_clusters, find_query_clusters, join_by_text
from trainables.training.evaluation import EvalSet
from trainables.training.predictions import build_prediction_table, build_retrieval_table

XTREME, XTREME_R, MINIATURE = (BENCHMARKS[name].targets for name in ("xtreme", "xtreme-r", "miniature"))


def eval_set_of(task: Task, examples: Sequence[Any], language: str = "de") -> EvalSet:
    return EvalSet(task=task, language=language, examples=examples, features=[])


def test_hypotheses_share_a_premise_and_paraphrases_any_sentence() -> None:
    sentences = [("a  b", "x"), ("c", "a b"), (" a b", "x"), ("d", "e"), ("c", "f")]
    pairs = [PairExample(first, second, 0) for first, second in sentences]
    assert find_clusters(XTREME["xnli"], pairs) == [0, 1, 0, 3, 1]  # the premise alone, blanks aside
    assert find_clusters(XTREME["pawsx"], pairs) == [0, 0, 0, 3, 0]  # either sentence, and through others


def test_questions_share_their_passage_and_alternatives_their_premise() -> None:
    questions = [
        SpanExample(name, "q", context, (), ()) for name, context in zip("abc", ("one", "two", "one"), strict=True)
    ]
    assert all(find_clusters(XTREME[name], questions) == [0, 1, 0] for name in ("xquad", "mlqa", "tydiqa"))
    choices = [ChoiceExample(premise, "cause", ("a", "b"), 0) for premise in ("p", "", "p", "")]
    assert find_clusters(XTREME_R["xcopa"], choices) == [0, 1, 0, 3]  # the empty text is shared by none


def test_tasks_without_a_shared_text_have_none() -> None:
    assert find_clusters(XTREME["panx"], [TaggingExample(("a",), (0,))] * 2) is None
    assert find_query_clusters(XTREME["tatoeba"], ParallelPool(("a", "a"), ("b", "b"), (0, 1))) is None
    with pytest.raises(TypeError, match="task 'panx' has examples without a passage"):
        find_clusters(replace(XTREME["panx"], cluster_text="passage"), [TaggingExample(("a",), (0,))])


def test_queries_share_a_paragraph_or_an_entity() -> None:
    right = (frozenset({0}), frozenset({1}), frozenset({1}))
    pool = RankingPool(("p", "q", "r"), ("a", "b"), right)
    assert find_query_clusters(XTREME_R["mewslix"], pool) == [0, 1, 1]
    assert find_query_clusters(XTREME_R["lareqa"], replace(pool, query_passages=("x", "y", "x"))) == [0, 1, 0]
    pairs = [(2, 0, 0.9), (2, 1, 0.8), (0, 0, 0.7)]
    table = build_retrieval_table("k", XTREME_R["mewslix"], "de", pool, pairs)
    assert table["cluster"].to_pylist() == [1, 1, 0]


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=3), max_size=12))
def test_clusters_are_the_connected_examples(texts: list[set[str]]) -> None:
    clusters = join_by_text(texts)
    assert all(cluster <= index and clusters[cluster] == cluster for index, cluster in enumerate(clusters))
    reached = [{index} for index in range(len(texts))]  # by the definition: add neighbours until none is left
    for _ in texts:
        reached = [
            {j for j, other in enumerate(texts) if j in own or any(texts[i] & other for i in own)} for own in reached
        ]
    assert clusters == [min(own) for own in reached]


def test_a_prediction_says_its_cluster() -> None:
    pairs = [PairExample("p", "h", 0), PairExample("p", "i", 1), PairExample("q", "h", 0)]
    table = build_prediction_table("k", eval_set_of(XTREME["xnli"], pairs), [0, 0, 0])
    assert table["cluster"].to_pylist() == [0, 0, 2]
    tagged = [TaggingExample(("a",), (0,))] * 2
    table = build_prediction_table("k", eval_set_of(XTREME["panx"], tagged), [[0], [0]])
    assert table["cluster"].to_pylist() == [None, None]


@pytest.mark.parametrize("name", ["xnli", "xquad", "mlqa", "tydiqa", "xnli-mixed", "xnli-perturbed"])
def test_the_miniature_draws_a_premise_or_passage_for_each_item(name: str) -> None:
    task = MINIATURE[name]
    examples = load_examples(DataSource(benchmark="miniature"), task, "test", task.languages[0])[0]
    assert find_clusters(task, examples) == list(range(300))


# Real test sets: clusters of one language, and after the clusters of all languages are joined.

REAL_COUNTS = {  # examples of English (of German, where it is missing), their clusters, and those of all languages
    "xnli": (5_010, 1_670, 1_660),  # ten premises have the translation of another one, six of them in Urdu
    "pawsx": (2_000, 1_786, 1_554),  # without English, where dev has 1,201; some translations are missing ("NS")
    "xquad": (1_190, 240, 240),
    "mlqa": (1_148, 978, 933),  # a German passage may hold what is in two English ones
    "tydiqa": (440, 429, 4_488),
}


@pytest.mark.parametrize("name", REAL_COUNTS)
def test_the_clusters_of_real_test_sets(name: str, real: Path, tmp_path: Path) -> None:
    task, source = XTREME[name], DataSource(benchmark="xtreme", data=str(real))
    languages = ("de", "zh") if name == "pawsx" else ("en", *task.languages)
    by_language = {code: load_examples(source, task, "test", code)[0] for code in languages}
    clusters = find_clusters(task, by_language[languages[0]])
    assert clusters is not None
    path, guess = tmp_path / PREDICTIONS_FILE, "" if task.kind == "span" else 0
    tables = [
        build_prediction_table("k", eval_set_of(task, examples, code), [guess] * len(examples))
        for code, examples in by_language.items()
    ]
    write_tables(path, tables)
    parts = read_item_parts({(0, 0): path}, task, 1, 1)[1]
    assert (len(clusters), len(set(clusters)), len(set(parts.clusters))) == REAL_COUNTS[name]
