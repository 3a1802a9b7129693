"""Clusters of test examples: those that share a text, so that their errors are not independent.

XNLI asks three hypotheses of each premise, XQuAD about five questions of each paragraph. `Task.cluster_text` says which
text counts. Whether examples share it is read off the examples: the row numbers and ids of the data do not say it.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any

from spaces.task import Task
from trainables.features.examples import ChoiceExample, PairExample, Pool, RankingPool, SpanExample


def find_clusters(task: Task, examples: Sequence[Any]) -> list[int] | None:
    """Return the cluster of each example of one language: the index of its first example; None without such a text."""
    return None if task.cluster_text is None else join_by_text(_list_texts(task, example) for example in examples)


def find_query_clusters(task: Task, pool: Pool) -> list[int] | None:
    """Return the cluster of each query of a ranking: the index of its first query; None without a text that counts.

    Queries share the passage of their answers (LAReQA), or the entity that they mention (Mewsli-X).
    """
    if task.cluster_text is None or not isinstance(pool, RankingPool):
        return None
    if pool.query_passages:
        return join_by_text((passage,) for passage in pool.query_passages)
    return join_by_text(pool.relevant)


def join_by_text(texts: Iterable[Collection[Hashable]]) -> list[int]:
    """Return the cluster of each example from the texts that count for it: the index of the cluster's first example.

    Examples that share one text are in one cluster, and so are those that a chain of others connects. The empty text
    is shared by none.
    """
    parents: list[int] = []  # a forest; a root is the first example of its cluster
    first: dict[Hashable, int] = {}

    def find_root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for index, keys in enumerate(texts):
        parents.append(index)
        for key in keys:
            if key != "":
                roots = find_root(first.setdefault(key, index)), find_root(index)
                parents[max(roots)] = min(roots)
    return [find_root(index) for index in range(len(parents))]


def _list_texts(task: Task, example: Any) -> tuple[str, ...]:
    """Return the texts of an example that count, with blanks made alike; raise TypeError where the kind has none."""
    match example:
        case PairExample(first, second):
            texts: tuple[str, ...] = (first, second) if task.cluster_text == "sentence" else (first,)
        case SpanExample() | ChoiceExample():
            texts = (example.context,)
        case _:
            raise TypeError(f"task {task.name!r} has examples without a {task.cluster_text}.")
    return tuple(" ".join(text.split()) for text in texts)
