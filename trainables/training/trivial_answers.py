"""Trivial answers: what a run scores that never reads its inputs. The chance level of runs, and a floor of test scores.

labels, options   the commonest label of the training set (Mosbach et al. 2021)
bare tags         the commonest tag of the training set, at every word
tags of chunks    one tag at every word: of all tags the best one on English dev (usually O at every word scores 0)
spans             an answer that ignores the question, of those below the best one on English dev: what is left of a
                  question once it is not read (Kaushik and Lipton 2018), and where answers tend to stand (Ko et al.
                  2020)
masked words      the commonest hidden sub-token of the training set
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spaces.task import Task
from trainables.features.examples import Example, SpanExample, TaggingExample
from trainables.features.features import IGNORED
from trainables.kinds import KINDS
from trainables.kinds.mlm import WordGuess
from trainables.training.evaluation import EvalSet, compute_task_score

# Full stops, question and exclamation marks of the scripts of XTREME. Latin ones end a sentence before a blank only.
_SENTENCE_END = re.compile("(?<=[.!?\u061f\u0964\u06d4])\\s+|(?<=[\u3002\uff01\uff1f])\\s*")


@dataclass(frozen=True, slots=True)
class TrivialAnswer:
    """A rule that predicts without reading: `predict` returns one prediction per example of a set."""

    name: str
    predict: Callable[[EvalSet], list[Any]]


def choose_trivial_answer(targets: NDArray[np.int32], dev_set: EvalSet) -> TrivialAnswer | None:
    """Return the trivial answer of the dev set's task; None if there is no training target to take it from.

    `targets` are those of the training table: the commonest label is theirs, and of equally common ones the first. Of
    several answers the best on `dev_set` by the task score counts, and of equally good ones the first.
    """
    task = dev_set.task
    if task.kind == "span":
        return _choose_best(_list_span_answers(task, dev_set.examples), dev_set)
    if marks_chunks(task):
        return _choose_best([_repeat_label(task, tag) for tag in range(len(task.labels))], dev_set)
    labels, first, counts = np.unique(targets[targets != IGNORED], return_index=True, return_counts=True)
    if not len(labels):
        return None
    commonest = int(labels[np.lexsort((first, -counts))[0]])
    return _repeat_label(task, commonest)


def score_trivial_answer(answer: TrivialAnswer, eval_set: EvalSet) -> dict[str, float]:
    """Return the metrics (0 to 1) of a trivial answer on a set."""
    task = eval_set.task
    return KINDS[task.kind].score(task, eval_set.examples, answer.predict(eval_set), eval_set.language)


def compute_judged_score(task: Task, metrics: dict[str, float]) -> float:
    """Return the figure in which a run must beat the trivial answer: accuracy where every item has a label.

    Spans and chunks have none, and are judged by the task score. So are no bare tags, whose official score counts runs
    of equal tags: one tag at every word has hardly any, and everything would be above chance.
    """
    return compute_task_score(task, metrics) if task.kind == "span" or marks_chunks(task) else metrics["accuracy"]


def marks_chunks(task: Task) -> bool:
    """Return True if tags mark chunks by a prefix (B-PER, I-PER, O), as named entities have it; no bare tags."""
    return task.kind == "tagging" and any(label.startswith("B-") for label in task.labels)


def _choose_best(answers: Sequence[TrivialAnswer], dev_set: EvalSet) -> TrivialAnswer:
    return max(answers, key=lambda answer: compute_task_score(dev_set.task, score_trivial_answer(answer, dev_set)))


def _repeat_label(task: Task, label: int) -> TrivialAnswer:
    """Return the answer that gives one label id to every item; for masked words it is a sub-token."""
    name = f"always {task.labels[label] if task.labels else label}"
    if task.kind == "mlm":
        return TrivialAnswer(name, partial(_guess_hidden_words, label))

    def predict(example: Example) -> Any:
        return [label] * len(example.words) if isinstance(example, TaggingExample) else label

    return TrivialAnswer(name, lambda eval_set: [predict(example) for example in eval_set.examples])


def _guess_hidden_words(word: int, eval_set: EvalSet) -> list[list[WordGuess]]:
    hidden = (feature.target[feature.target != IGNORED] for feature in eval_set.features)
    return [[WordGuess(word, int(gold)) for gold in ids] for ids in hidden]


def _list_span_answers(task: Task, dev: Sequence[Any]) -> list[TrivialAnswer]:
    """Return the answers that ignore the question. The last one is the place at which most dev answers stand."""
    start, count = _find_commonest_place(dev)
    rules: dict[str, Callable[[str], str]] = {
        "no answer": lambda _: "",
        "the whole passage": lambda passage: passage,
        "the first sentence": lambda passage: _SENTENCE_END.split(passage.strip())[0],
        "the last sentence": lambda passage: _SENTENCE_END.split(passage.strip())[-1],
        "the first word": lambda passage: next(iter(_list_words(passage)), ""),
        "the last word": lambda passage: next(reversed(_list_words(passage)), ""),
        f"words {start + 1} to {start + count}": lambda passage: " ".join(passage.split()[start : start + count]),
    }
    if not task.has_unanswerable:
        del rules["no answer"]  # the task never takes it
    return [
        TrivialAnswer(name, partial(lambda rule, eval_set: [rule(each.context) for each in eval_set.examples], rule))
        for name, rule in rules.items()
    ]


def _find_commonest_place(examples: Sequence[SpanExample]) -> tuple[int, int]:
    """Return the commonest (words before the answer, words of the answer); the first word if nothing is answered."""
    places = Counter(
        (len(example.context[: example.starts[0]].split()), len(example.answers[0].split()))
        for example in examples
        if example.answers
    )
    return places.most_common(1)[0][0] if places else (0, 1)


def _list_words(text: str) -> list[str]:
    """Return the words of a text, split at blanks, without those that have no letter or digit."""
    return [word for word in text.split() if any(letter.isalnum() for letter in word)]
