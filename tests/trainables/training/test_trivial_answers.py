"""Trivial answers: the chance level of each kind of task by hand-worked cases, and what it is compared with."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from spaces.benchmark import BENCHMARKS
from spaces.task import AnswerScript, Recipe, Task
from trainables.features.examples import (
    ChoiceExample,
    Example,
    PairExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from trainables.features.feature_table import build_table
from trainables.features.features import IGNORED, Feature
from trainables.training.evaluation import EvalSet, compute_task_score
from trainables.training.trivial_answers import choose_trivial_answer, compute_judged_score, score_trivial_answer

NOTHING = np.zeros(0, dtype=np.int32)
CHUNK_TAGS = ("O", "B-PER", "I-PER", "B-LOC")


def make_task(kind: str, labels: tuple[str, ...] = ("a", "b"), script: AnswerScript = "squad1") -> Task:
    metrics = {"tagging": ("f1",), "span": ("f1", "exact_match")}.get(kind, ("accuracy",))
    own = {"name": "t", "kind": kind, "about": "", "labels": labels, "official_metrics": metrics}
    return Task(**own, answer_script=script, recipe=Recipe(steps=10))  # type: ignore[arg-type]


def eval_set(task: Task, examples: Sequence[Example], features: Sequence[Feature] = ()) -> EvalSet:
    table = build_table([features], per_position=task.kind in ("tagging", "mlm"))
    return EvalSet(task=task, language="en", examples=examples, features=table)


def chance(dev: EvalSet, targets: Sequence[int] | NDArray[np.int32] = NOTHING) -> tuple[str, float]:
    """The name of the trivial answer and the figure that a run must beat."""
    answer = choose_trivial_answer(np.asarray(targets, dtype=np.int32), dev)
    assert answer is not None
    return answer.name, round(compute_judged_score(dev.task, score_trivial_answer(answer, dev)), 9)


def question(context: str, *answers: str) -> SpanExample:
    return SpanExample("i", "who?", context, answers, tuple(context.index(answer) for answer in answers))


def test_the_majority_label_is_that_of_the_training_set() -> None:
    dev = eval_set(make_task("pair"), [PairExample("", "", label) for label in (0, 1, 1, 1)])
    assert chance(dev, [1, 0, 1]) == ("always b", 0.75)
    assert chance(dev, [0, 1, 1, 0]) == ("always a", 0.25)  # equally common: the first one
    assert choose_trivial_answer(NOTHING, dev) is None
    texts = eval_set(make_task("text"), [TextExample("", label) for label in (0, 1, 1, 1)])
    assert chance(texts, [1, 0, 1]) == ("always b", 0.75)


def test_choices_count_their_places() -> None:
    options = ("a", "b")
    dev = eval_set(make_task("choice", ()), [ChoiceExample("", "q", options, 0), ChoiceExample("", "q", options, 1)])
    assert chance(dev, [0]) == ("always 0", 0.5)


def test_bare_tags_are_judged_by_the_accuracy_of_the_commonest_tag() -> None:
    dev = eval_set(make_task("tagging", ("NOUN", "VERB")), [TaggingExample(("a", "b", "c", "d"), (0, 1, 0, 1))])
    assert chance(dev, [IGNORED, IGNORED, 0, IGNORED]) == ("always NOUN", 0.5)
    answer = choose_trivial_answer(np.array([0], dtype=np.int32), dev)
    assert answer is not None and compute_task_score(dev.task, score_trivial_answer(answer, dev)) == 0  # no chunk right


def test_chunks_are_judged_by_the_f1_of_the_best_constant_tag() -> None:
    # B-PER at every word: 5 chunks, of which the one-word person is right; 3 are true. F1 = 2 * 1 / (5 + 3).
    # I-PER: one chunk per sentence, the second is right: 2 * 1 / (2 + 3) is better. O: no chunk, 0.
    dev = eval_set(make_task("tagging", CHUNK_TAGS), [
        TaggingExample(("a", "b", "c"), (1, 0, 3)),
        TaggingExample(("d", "e"), (1, 2)),
    ])  # fmt: skip
    assert chance(dev, [0, 0, 0]) == ("always I-PER", 0.4)


def test_where_no_constant_finds_a_chunk_chance_is_zero() -> None:
    dev = eval_set(make_task("tagging", CHUNK_TAGS), [TaggingExample(("a", "b", "c"), (1, 2, 0))])
    assert chance(dev, [0]) == ("always O", 0)  # a run with one right entity is above it, and one with none is not


def test_spans_are_judged_by_the_best_answer_that_ignores_the_question() -> None:
    # The first word is right twice of three times. In the third passage it has no word of the answer.
    dev = eval_set(make_task("span"), [
        question("Ann saw Bob .", "Ann"), question("Eve met Tom in Rome .", "Eve"), question("Jim ran .", "ran"),
    ])  # fmt: skip
    assert chance(dev) == ("the first word", round(2 / 3, 9))
    # "the last word" gives Bob, Rome and ran (stops are no words): a third.
    last = eval_set(dev.task, [question("Ann saw Bob .", "Bob"), question("Eve met Rome .", "Rome")])
    assert chance(last) == ("the last word", 1)


def test_a_sentence_and_a_place_are_trivial_answers_too() -> None:
    # The commonest place, words 1 to 2, is right in the first passage, and has 2 of the 3 words in the second.
    sentence = eval_set(make_task("span"), [question("Ann ran. k l m n.", "Ann ran"), question("A b c. d e.", "A b c")])
    assert chance(sentence) == ("the first sentence", 1)
    place = eval_set(sentence.task, [question("a b c d e", "b c"), question("f g h i j", "g h")])
    assert chance(place) == ("words 2 to 3", 1)


@pytest.mark.parametrize(("script", "expected"), [("squad2", ("no answer", 0.75)), ("squad1", None)])
def test_no_answer_is_trivial_only_where_the_task_takes_it(script: AnswerScript, expected: object) -> None:
    dev = eval_set(make_task("span", script=script), [question("k l m")] * 3 + [question("n o p", "n o p")])
    if expected:
        assert chance(dev) == expected
        return
    answered = eval_set(dev.task, dev.examples[3:])
    assert chance(answered)[0] == "the whole passage"


def test_a_sentence_ends_at_the_stops_of_other_scripts() -> None:
    for text, first in (("甲乙。丙丁。", "甲乙。"), ("क ख। ग घ।", "क ख।"), ("ا ب؟ ت ث.", "ا ب؟"), ("v. 3.5 m", "v.")):
        dev = eval_set(make_task("span"), [question(text, first)] * 2)
        answer = choose_trivial_answer(NOTHING, dev)
        assert answer is not None and answer.predict(dev)[0].rstrip() == first


def test_hidden_words_have_a_commonest_one() -> None:
    def feature(*targets: int) -> Feature:
        ids = np.array(targets, dtype=np.int32)
        return Feature(example=0, rows=(ids,), types=None, target=ids)

    dev = eval_set(make_task("mlm", ()), [], [feature(IGNORED, 7, 8), feature(7, 9)])
    assert chance(dev, [7, IGNORED, 7, 9]) == ("always 7", 0.5)


def test_the_answer_chosen_on_dev_is_applied_to_another_set() -> None:
    dev = eval_set(make_task("span"), [question("Ann saw Bob .", "Ann")])
    test = eval_set(dev.task, [question("Eva traf Udo .", "Eva"), question("Udo kam .", "kam")])
    answer = choose_trivial_answer(NOTHING, dev)
    assert answer is not None and score_trivial_answer(answer, test) == {"exact_match": 0.5, "f1": 0.5}


def test_a_trivial_answer_never_sees_the_question_nor_the_gold() -> None:
    dev = eval_set(make_task("span"), [question("Ann saw Bob .", "Ann")])
    answer = choose_trivial_answer(NOTHING, dev)
    other = eval_set(dev.task, [SpanExample("j", "another?", "Ann saw Bob .", ("Bob",), (8,))])
    assert answer is not None and answer.predict(other) == answer.predict(dev)


def test_every_trained_task_of_the_benchmarks_has_a_figure_to_beat() -> None:
    for benchmark in BENCHMARKS.values():
        for task in [*benchmark.intermediates.values(), *benchmark.targets.values()]:
            if task.kind != "retrieval":
                metrics = dict.fromkeys((*task.official_metrics, "accuracy"), 0.5)
                assert compute_judged_score(task, metrics) == 0.5
