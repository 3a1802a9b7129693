"""Values as text, and blocks of the page."""

from typing import Any

import pytest

from analysis.page.blocks import DetailsBlock, FormattedValue, PageColumn, PageValue, Section, format_number, join_names
from analysis.page.render import render_page


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (1.26, 1, True, "+1.3"),
        (-0.01, 1, True, "0.0"),
        (-2.0, 1, False, "−2.0"),
        (3, 0, False, "3"),
        (0.04, 1, True, "0.0"),
    ],
)
def test_numbers_have_a_true_sign(value: float, digits: int, signed: bool, text: str) -> None:
    assert format_number(value, digits, signed) == text


@pytest.mark.parametrize(
    ("value", "text", "key"),
    [
        (None, "–", None),
        (float("nan"), "–", None),
        (0.00001, "<\u00a00.001", 0.00001),
        (0.0, "0.000", 0.0),
        (FormattedValue("5%", 0.05), "5%", 0.05),
        ("none", "none", None),
    ],
)
def test_a_column_writes_and_sorts_what_is_absent_or_tiny(value: PageValue, text: str, key: float | None) -> None:
    column = PageColumn("p", 3)
    assert (column.format_value(value), column.sort_key(value)) == (text, key)


def test_lists_read_as_sentences() -> None:
    assert [join_names(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_a_block_without_markup_is_refused() -> None:
    class UnknownBlock:
        pass

    unknown: Any = UnknownBlock()
    for blocks in ((unknown,), (DetailsBlock("more", (unknown,)),)):
        with pytest.raises(TypeError, match="no markup for a block of type UnknownBlock"):
            render_page("title", "", [Section("name", "title", blocks)], "")
