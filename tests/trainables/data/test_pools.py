"""Retrieval pools from data in hub layout: mining, ranked answers, entities."""

from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import Features, List, Value

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.xtreme import TARGETS
from spaces.xtreme_r import TARGETS as TARGETS_R
from tests.hub_layout import QA, TEXT, qa_row
from trainables.data import real_data
from trainables.data.data_check import find_problems
from trainables.data.data_notes import collect_notes
from trainables.data.data_report import inspect
from trainables.data.fingerprint import compute_fingerprint
from trainables.data.task_data import DataSource, load_dev_pool, load_pool
from trainables.features.examples import ParallelPool, RankingPool

Write = Callable[..., Path]

MINING = Features({"sentence1": List(TEXT), "sentence2": List(TEXT), "gold": List(List(Value("int64")))})
BREAKS = Features({**QA, "sentence_breaks": List(List(Value("int64")))})
POOL = {"sentence1": ["a", "b\n", "c"], "sentence2": ["x", "y"], "gold": [[3, 1], [1, 2]]}


def test_mining_pools_count_gold_pairs_from_one(write: Write) -> None:
    data = write("mteb/BUCC/zh-en/test", MINING, [POOL])
    task = TARGETS["bucc"]
    assert real_data.load_pool(task, "test", "zh", origin=data) == ParallelPool(("a", "b", "c"), ("x", "y"), (1, -1, 0))
    assert real_data.load_pool(task, "dev", "zh", origin=data) is None
    assert any("threshold is chosen on the test pairs" in line for line in collect_notes(task, data))
    data = write("local/bucc2018/zh-en/dev", MINING, [{**POOL, "gold": [[1, 1]]}])
    assert real_data.load_pool(task, "dev", "zh", origin=data) == ParallelPool(("a", "b", "c"), ("x", "y"), (0, -1, -1))
    assert not any("threshold" in line for line in collect_notes(task, data))
    write("mteb/BUCC/zh-en/test", MINING, [{**POOL, "gold": [[4, 1]]}])
    with pytest.raises(UsageError, match=r"\[4, 1\] points outside the 3 and 2 sentences"):
        real_data.load_pool(task, "test", "zh", origin=data)


def test_answers_are_ranked_among_the_sentences_of_all_languages(write: Write) -> None:
    english, german = "Rome fell. It burnt.", "Rom fiel. Es brannte."
    rows = [
        {**qa_row(english, ["burnt"], [14], "q1"), "question": "who burnt?", "sentence_breaks": [[0, 10], [11, 20]]},
        {**qa_row(english, ["Rome"], [0], "q2"), "question": "who fell?", "sentence_breaks": [[0, 10], [11, 20]]},
    ]
    data = write("local/xquad-r/en/validation", BREAKS, rows)
    rows = [{**qa_row(german, ["Rom"], [0], "q2"), "question": "wer fiel?", "sentence_breaks": [[0, 9], [10, 21]]}]
    data = write("local/xquad-r/de/validation", BREAKS, rows)
    task = TARGETS_R["lareqa"]
    english_pool = real_data.load_pool(task, "test", "en", origin=data)
    german_pool = real_data.load_pool(task, "test", "de", origin=data)
    assert isinstance(english_pool, RankingPool) and isinstance(german_pool, RankingPool)
    assert german_pool.candidates is english_pool.candidates  # embedded once
    assert english_pool.candidates == ("Rom fiel.", "Es brannte.", "Rome fell.", "It burnt.")
    assert english_pool.queries == ("who burnt?", "who fell?")
    assert english_pool.relevant == (frozenset({3}), frozenset({0, 2}))
    assert german_pool.relevant == (frozenset({0, 2}),)
    assert english_pool.query_ids == ("q1", "q2") and german_pool.query_ids == ("q2",)  # the same question


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"sentence1": ["a", None, "c"]},
            "bucc: mteb/BUCC zh-en test: the column sentence1 has no text at position 2 of 3",
        ),
        ({"sentence2": None}, "points outside the 3 and 0 sentences"),
        ({"gold": None}, "there are no gold pairs"),
        ({"gold": [[1]]}, "the gold pair [1] is not a pair of numbers"),
        ({"gold": [None]}, "the gold pair None is not a pair of numbers"),
    ],
    ids=str,
)
def test_what_is_no_mining_pool_is_told_before_the_start(write: Write, change: dict[str, object], message: str) -> None:
    data = write("mteb/BUCC/zh-en/test", MINING, [{**POOL, **change}])
    (line,) = find_problems(TARGETS["bucc"], data)
    assert message in line
    assert inspect(TARGETS["bucc"], data).problems == (line,)


def test_a_second_translation_is_counted(write: Write) -> None:
    data = write("mteb/BUCC/zh-en/test", MINING, [{**POOL, "gold": [[3, 1], [3, 2], [3, 1]]}])
    pool = real_data.load_pool(TARGETS["bucc"], "test", "zh", origin=data)
    assert isinstance(pool, ParallelPool)
    assert (pool.gold, pool.left_out) == ((-1, -1, 0), {"second translation": 1})


@pytest.mark.parametrize("text", [None, " \n"])
def test_a_missing_sentence_is_no_sentence(write: Write, text: str | None) -> None:
    features = Features(dict.fromkeys(("source_sentence", "target_sentence"), TEXT))
    rows = [{"source_sentence": "ja", "target_sentence": target} for target in ("yes", text)]
    data = write("google/xtreme/tatoeba.deu/validation", features, rows)
    (line,) = find_problems(TARGETS["tatoeba"], data)
    assert "tatoeba.deu validation: the column target_sentence has no text at position 2 of 2" in line


CONTEXT = "Rome fell. It burnt."
QUESTION = {**qa_row(CONTEXT, ["burnt"], [14], "q1"), "sentence_breaks": [[0, 10], [11, 20]]}


def test_questions_that_nobody_can_answer_are_counted(write: Write) -> None:
    beside = {**QUESTION, "id": "q2", "answers": {"text": ["burnt"], "answer_start": [10]}}  # between two sentences
    never = {**QUESTION, "id": "q3", "answers": {"text": ["Oslo"], "answer_start": [14]}}
    nothing = {**QUESTION, "id": "q4", "answers": None}
    rows = [QUESTION, beside, never, nothing, QUESTION, {**QUESTION, "id": None}]
    data = write("local/xquad-r/en/validation", BREAKS, rows)
    pool = real_data.load_pool(TARGETS_R["lareqa"], "test", "en", origin=data)
    assert isinstance(pool, RankingPool)
    assert pool.relevant == (frozenset({1}), frozenset({1}))  # the offset of q2 was repaired
    assert pool.query_passages == (CONTEXT, CONTEXT)
    assert pool.left_out == {"answer in no sentence": 2, "repeated id": 1, "no id, question or context": 1}


@pytest.mark.parametrize("breaks", [None, [], [[0, 10, 3]], [[0, 999]], [[5, 5]]], ids=str)
def test_sentence_breaks_that_are_none(write: Write, breaks: object) -> None:
    data = write("local/xquad-r/en/validation", BREAKS, [{**QUESTION, "sentence_breaks": breaks}])
    (line,) = find_problems(TARGETS_R["lareqa"], data)
    assert "sentence break" in line


def test_mentions_look_for_their_entity_in_the_index(write: Write) -> None:
    entity = Features({"entity": TEXT, "text": TEXT})
    mention = Features({"mention": TEXT, "entity": TEXT})
    data = write("local/mewslix/index/test", entity, [{"entity": name, "text": f"about {name}"} for name in "ab"])
    data = write("local/mewslix/de/test", mention, [{"mention": "{B} ist", "entity": "b"}])
    task = TARGETS_R["mewslix"]
    assert find_problems(task, data) == []
    expected = RankingPool(("{B} ist",), ("about a", "about b"), (frozenset({1}),))
    assert real_data.load_pool(task, "test", "de", origin=data) == expected
    before = compute_fingerprint(task, data)
    write("local/mewslix/index/test", entity, [{"entity": "a", "text": "about a"}])
    assert compute_fingerprint(task, data) != before
    real_data._load_ranking_pools.cache_clear()
    assert "the index lacks 1 entities" in find_problems(task, data)[0]
    with pytest.raises(UsageError, match="the index lacks 1 entities that are mentioned in 'de'"):
        real_data.load_pool(task, "test", "de", origin=data)
    write("local/mewslix/index/test", entity, [{"entity": "b", "text": "one"}, {"entity": "b", "text": "two"}])
    with pytest.raises(UsageError, match="the index has the entity 'b' more than once"):
        real_data.load_pool(task, "test", "de", origin=data)


def test_a_task_without_a_dev_part_has_no_dev_pool(tmp_path: Path) -> None:
    tatoeba = BENCHMARKS["xtreme"].targets["tatoeba"]
    assert load_dev_pool(DataSource(benchmark="xtreme", data=str(tmp_path)), tatoeba, "de") is None
    bucc = BENCHMARKS["miniature"].targets["bucc"]
    miniature = DataSource(benchmark="miniature")
    assert (
        load_dev_pool(miniature, bucc, "qna")
        == load_pool(miniature, bucc, "dev", "qna")
        != load_pool(miniature, bucc, "test", "qna")
    )
