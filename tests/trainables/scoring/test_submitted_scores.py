"""From a trained stage to the files of a submission and back: read as evaluate.py reads, they have the stored scores.

The miniature stands in for XTREME: its tasks are of the same kinds. Gold files are written here as the official label
files are, and readers and scores are this test's own, except for the F1 of chunks (test_metrics.py).
"""

import dataclasses
import json
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

import polars as pl
import pytest

from analysis.submit.files import OFFICIAL_TASKS, OfficialTask, build_file
from spaces.benchmark import BENCHMARKS
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.xtreme import TARGETS as XTREME
from tests.tiny_stages import RECIPE, RETRIEVAL, folder_after, target_stage
from trainables.data.task_data import DataSource, load_examples, load_pool
from trainables.features.examples import PairExample, ParallelPool, SpanExample, TaggingExample
from trainables.record.context import SCORES, StageContext
from trainables.scoring.metrics import chunk_f1
from trainables.storage.local_storage import LocalStorage
from trainables.training.predictions import build_retrieval_table

TARGETS = BENCHMARKS["miniature"].targets
SOURCE = DataSource(benchmark="miniature", limit=60, test_limit=30)
Scores = dict[str, float]
E = TypeVar("E", PairExample, TaggingExample, SpanExample)


def lines(path: Path) -> list[str]:
    with path.open() as file:
        return [line.strip() for line in file]


def sentences(path: Path) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for line in lines(path):
        if line:
            blocks[-1].append(line)
        else:
            blocks.append([])
    return blocks if blocks[-1] else blocks[:-1]


def share(gold: Sequence[object], predicted: Sequence[object]) -> float:
    assert len(gold) == len(predicted)
    return sum(right == guess for right, guess in zip(gold, predicted, strict=True)) / len(predicted)


def words(text: str) -> list[str]:
    bare = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def overlap(gold: str, answer: str) -> float:
    common = (Counter(words(gold)) & Counter(words(answer))).total()
    return 2 * common / (len(words(gold)) + len(words(answer))) if common else 0.0


def load_gold(target: str, language: str, kind: type[E]) -> list[E]:
    examples, _ = load_examples(SOURCE, TARGETS[target], "test", language)
    return [example for example in examples if isinstance(example, kind)]


def label_scores(path: Path, target: str, language: str) -> Scores:
    gold = load_gold(target, language, PairExample)
    return {"accuracy": share([TARGETS[target].labels[example.label] for example in gold], lines(path))}


def tag_scores(path: Path, target: str, language: str) -> Scores:
    gold = load_gold(target, language, TaggingExample)
    tags = [[TARGETS[target].labels[tag] for tag in example.tags] for example in gold]
    predicted = sentences(path)
    return {"f1": chunk_f1(tags, predicted), "accuracy": share([*chain(*tags)], [*chain(*predicted)])}


def answer_scores(path: Path, target: str, language: str) -> Scores:
    predicted = json.loads(path.read_text())
    gold = load_gold(target, language, SpanExample)
    exact = [max(words(answer) == words(predicted[example.id]) for answer in example.answers) for example in gold]
    f1 = [max(overlap(answer, predicted[example.id]) for answer in example.answers) for example in gold]
    return {"exact_match": sum(exact) / len(gold), "f1": sum(f1) / len(gold)}


def pair_scores(path: Path, target: str, language: str) -> Scores:
    pool = load_pool(SOURCE, TARGETS[target], "test", language)
    gold = {f"{language}-{i + 1:09d}\ten-{j + 1:09d}" for i, j in enumerate(pool.gold) if j >= 0}
    predicted = set(lines(path))
    right = len(gold & predicted)
    return {"f1": 2 * right / (len(gold) + len(predicted)) if right else 0.0}


def position_scores(path: Path, target: str, language: str) -> Scores:
    test = load_pool(SOURCE, TARGETS[target], "test", language)
    published = sorted((text, i) for i, text in enumerate(test.queries))
    return {"accuracy": share([str(test.gold[i]) for _, i in published], lines(path))}


@pytest.mark.parametrize(
    ("target", "rescore"),
    [
        ("xnli", label_scores),
        ("udpos", tag_scores),
        ("panx", tag_scores),
        ("xquad", answer_scores),
        ("bucc", pair_scores),
        ("tatoeba", position_scores),
    ],
)
def test_the_submitted_files_have_the_stored_scores(
    tmp_path: Path, encoder_folder: Path, target: str, rescore: Callable[[Path, str, str], Scores]
) -> None:
    languages = ("qna", "qfa") if TARGETS[target].kind == "retrieval" else ("en", "qna")
    training, targets = TARGETS[target].training_set, {target: languages}
    stage = dataclasses.replace(RETRIEVAL, task=target, targets=targets)
    if training is not None:
        stage = target_stage(training, targets, recipe={**RECIPE, "steps": 30}, learning_rate=5e-3)
    results = LocalStorage(tmp_path)
    context = StageContext(results=results, source=SOURCE, model=str(encoder_folder), keep_predictions=True)
    folder = folder_after(context, stage)
    predictions, stored = (pl.read_parquet(folder / name) for name in (PREDICTIONS_FILE, SCORES))
    for language in languages:
        file = build_file(official(target), language, predictions.filter(split="test", language=language))
        path = tmp_path / file.name
        path.parent.mkdir(exist_ok=True)
        path.write_text(file.text, encoding="ascii")
        expected = rescore(path, target, language)
        rows = stored.filter(split="test", language=language).filter(pl.col("metric").is_in(list(expected)))
        assert dict(rows.select("metric", "value").iter_rows()) == pytest.approx(expected)
        assert set(TARGETS[target].official_metrics) <= set(expected)


def official(target: str) -> OfficialTask:
    return next(task for task in OFFICIAL_TASKS if task.target == target)


def retrieved(target: str, language: str, pool: ParallelPool, pairs: Sequence[tuple[int, int, float]]) -> list[str]:
    """The lines of a submission for these finds."""
    rows = pl.DataFrame(build_retrieval_table("k", TARGETS[target], language, pool, pairs))
    return build_file(official(target), language, rows).text.splitlines()


def test_tatoeba_has_a_line_for_each_of_the_sorted_english_sentences() -> None:
    english = ("You.", "No.", "a cat", "No.", "Éclair", "I am.\n")  # as read: sentence i translates foreign line i
    pool = ParallelPool(queries=english, candidates=tuple("uvwxyz"), gold=tuple(range(6)))
    # By code point: I am., No., No. (of equal ones the first as read first), You., a cat, Éclair.
    labels = ["5", "1", "3", "0", "2", "4"]
    assert retrieved("tatoeba", "et", pool, [(i, i, 1.0) for i in range(6)]) == labels
    found = [(i, j, 1.0) for i, j in ((0, 0), (1, 1), (2, 2), (3, 1), (4, 5), (5, 4))]
    same = retrieved("tatoeba", "et", pool, found)
    assert same == ["4", "1", "1", "0", "2", "5"]  # equal queries find equal things: one of the two is right
    assert share(labels, same) == pytest.approx(3 / 6)


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("de", "367 258 374 529 528 283 348 344 282 212"),
        ("jv", "199 148 37 109 69 35 182 82 143 153"),
        ("sw", "114 81 80 97 95 100 98 76 107 109"),
        ("he", "635 562 610 329 952 429 34 53 566 854"),
        ("zh", "687 981 504 127 508 852 425 530 797 110"),
    ],
)
def test_true_translations_are_the_labels_that_xtreme_publishes(real: Path, language: str, labels: str) -> None:
    """The first ten lines of mock_test_data/labels/tatoeba in google-research/xtreme: direction, order and numbers."""
    test = load_pool(DataSource(benchmark="xtreme", data=str(real)), XTREME["tatoeba"], "test", language)
    truth = [(query, candidate, 1.0) for query, candidate in enumerate(test.gold)]
    assert retrieved("tatoeba", language, test, truth)[:10] == labels.split()


def test_bucc_pairs_are_the_ids_of_the_sentences_as_read() -> None:
    # The 57th Chinese sentence of the published sample translates the 8,530th English one.
    pool = ParallelPool(queries=("x",) * 60, candidates=("y",) * 9000, gold=(-1,) * 56 + (8529,) + (-1,) * 3)
    assert retrieved("bucc", "zh", pool, [(56, 8529, 1.2)]) == ["zh-000000057\ten-000008530"]
