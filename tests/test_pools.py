"""Retrieval pools from data in hub layout: mining, ranked answers, entities."""

from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import Features, List, Value

from spaces.errors import UsageError
from spaces.xtreme import TARGETS
from spaces.xtreme_r import TARGETS as TARGETS_R
from tests.hub_layout import QA, TEXT, qa_row
from trainables import hub
from trainables.data_check import notes, problems
from trainables.examples import Parallel, Ranking

Write = Callable[..., Path]

MINING = Features({"sentence1": List(TEXT), "sentence2": List(TEXT), "gold": List(List(Value("int64")))})
BREAKS = Features({**QA, "sentence_breaks": List(List(Value("int64")))})
POOL = {"sentence1": ["a", "b\n", "c"], "sentence2": ["x", "y"], "gold": [[3, 1], [1, 2]]}


def test_mining_pools_count_gold_pairs_from_one(write: Write) -> None:
    data = write("mteb/BUCC/zh-en/test", MINING, [POOL])
    task = TARGETS["bucc"]
    assert hub.pool(task, "test", "zh", data=data) == Parallel(("a", "b", "c"), ("x", "y"), (1, -1, 0))
    assert hub.pool(task, "dev", "zh", data=data) is None
    assert any("threshold is chosen on the scored pairs" in line for line in notes(task, data))
    data = write("local/bucc2018/zh-en/dev", MINING, [{**POOL, "gold": [[1, 1]]}])
    assert hub.pool(task, "dev", "zh", data=data) == Parallel(("a", "b", "c"), ("x", "y"), (0, -1, -1))
    assert not any("threshold" in line for line in notes(task, data))
    write("mteb/BUCC/zh-en/test", MINING, [{**POOL, "gold": [[4, 1]]}])
    with pytest.raises(UsageError, match=r"\[4, 1\] points outside the 3 and 2 sentences"):
        hub.pool(task, "test", "zh", data=data)


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
    found = hub.pool(task, "test", "en", data=data)
    german_pool = hub.pool(task, "test", "de", data=data)
    assert isinstance(found, Ranking) and isinstance(german_pool, Ranking)
    assert german_pool.candidates is found.candidates  # embedded once
    assert found.candidates == ("Rom fiel.", "Es brannte.", "Rome fell.", "It burnt.")
    assert found.queries == ("who burnt?", "who fell?")
    assert found.relevant == (frozenset({3}), frozenset({0, 2}))
    assert german_pool.relevant == (frozenset({0, 2}),)


def test_mentions_look_for_their_entity_in_the_index(write: Write) -> None:
    entity = Features({"entity": TEXT, "text": TEXT})
    mention = Features({"mention": TEXT, "entity": TEXT})
    data = write("local/mewslix/index/test", entity, [{"entity": name, "text": f"about {name}"} for name in "ab"])
    data = write("local/mewslix/de/test", mention, [{"mention": "{B} ist", "entity": "b"}])
    task = TARGETS_R["mewslix"]
    assert problems(task, data) == []
    assert hub.pool(task, "test", "de", data=data) == Ranking(("{B} ist",), ("about a", "about b"), (frozenset({1}),))
    before = hub.fingerprint(task, data)
    write("local/mewslix/index/test", entity, [{"entity": "a", "text": "about a"}])
    assert hub.fingerprint(task, data) != before
    hub._rankings.cache_clear()
    with pytest.raises(UsageError, match="the index lacks 1 entities that are mentioned in 'de'"):
        hub.pool(task, "test", "de", data=data)
