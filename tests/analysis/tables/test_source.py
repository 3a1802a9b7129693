"""Phrases that all answers share."""

import pytest

from analysis.tables.source import MAX_NAMES, count_and_list, list_names

NAMES = [f"task-{number}" for number in range(100)]


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (1, "task-0"), (3, "task-0, task-1, task-2"), (4, "task-0, task-1, task-2 and 1 more")]
)
def test_a_list_of_names_is_bounded_and_counts_the_others(count: int, text: str) -> None:
    assert list_names(NAMES[:count], 3) == text


def test_a_list_of_names_ends_with_a_word_where_it_is_whole() -> None:
    assert list_names(NAMES[:3], word="and") == "task-0, task-1 and task-2"
    assert list_names(NAMES[:2], word="or") == "task-0 or task-1"
    assert list_names(NAMES, word="or").endswith(f"task-{MAX_NAMES - 1} and {100 - MAX_NAMES} more")


def test_a_list_of_seeds_is_bounded() -> None:
    assert count_and_list("seed", (0, 1)) == "2 seeds (0, 1)"
    assert len(count_and_list("seed", tuple(range(1000)))) < 120
