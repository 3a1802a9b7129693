"""What a figure says under a mouse can be read with the keyboard, by a tap, and in the table below it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.analysis.page.test_report import document, read

if TYPE_CHECKING:
    from playwright.sync_api import Page

Look = Callable[..., "Page"]
FIGURES = ("ranking", "matrix", "languages", "curves", "cost", "axes")
TOOLTIP = "#vg-tooltip-element.visible"
IN_TABLE_AS = {  # title in a tooltip -> titles in the table, where these are others
    "95% interval": ("low", "high"),
    **dict.fromkeys(("tenth", "score"), ("English dev, tenth by tenth",)),
    "time of the run": ("hours of the run",),
    "time of all its rates": ("hours of all its rates",),
}


def titles_of_tooltips(chart: Any) -> set[str]:
    """Return the titles of all tooltips anywhere in a chart."""
    if isinstance(chart, list):
        return set[str]().union(*map(titles_of_tooltips, chart))
    if not isinstance(chart, dict):
        return set()
    own = {field["title"] for field in chart["tooltip"]} if isinstance(chart.get("tooltip"), list) else set[str]()
    return own.union(*map(titles_of_tooltips, chart.values()))


def said_by_marks(page: "Page", name: str) -> set[str]:
    """Return what Vega would show under a mouse, one text per tooltip, as #said writes it."""
    return set(
        page.evaluate(
            """name => [...document.querySelectorAll(`figure[data-figure=${name}] .role-mark path`)]
                .map(e => e.__data__?.tooltip).filter(Boolean)
                .map(t => Object.entries(t).map(([k, v]) => `${k}: ${v}`).join("; "))""",
            name,
        )
    )


def said(page: "Page") -> str:
    return page.locator("#said").inner_text()


@pytest.mark.parametrize("name", FIGURES)
def test_the_arrow_keys_read_every_mark_from_one_tab_stop(look: Look, report: Path, name: str) -> None:
    page = look(report)
    figure = page.locator(f"figure[data-figure={name}]")
    assert figure.locator(".chart [tabindex]").count() == 0, "one stop of the Tab key"
    expected = said_by_marks(page, name)
    assert len(expected) > 3
    chart = figure.locator(".chart")
    chart.focus()
    heard = set()
    for _ in range(len(expected)):
        chart.press("ArrowRight")
        heard.add(said(page))
    assert heard == expected
    assert page.locator(TOOLTIP).is_visible()
    assert page.locator(TOOLTIP).get_attribute("aria-hidden") == "true", "the text is read out once"


def test_up_and_down_stay_in_a_column_of_the_matrix(look: Look, report: Path) -> None:
    page = look(report)
    chart = page.locator("figure[data-figure=matrix] .chart")
    chart.focus()
    for key in ("Home", "ArrowRight", "ArrowDown", "ArrowDown"):
        chart.press(key)
    assert said(page).startswith("intermediate: idle; target: udpos;")
    chart.press("ArrowUp")
    assert said(page).startswith("intermediate: alike; target: udpos;")
    chart.press("End")
    assert "mean without retrieval" in said(page)


def test_escape_and_leaving_a_figure_take_the_tooltip_away(look: Look, report: Path) -> None:
    page = look(report)
    chart = page.locator("figure[data-figure=matrix] .chart")
    for leave in ("Escape", "Tab"):
        chart.press("ArrowRight")
        page.locator(TOOLTIP).wait_for()
        assert page.locator(".picked").count() == 1
        page.keyboard.press(leave)
        page.locator(TOOLTIP).wait_for(state="hidden")
        assert page.locator(".picked").count() == 0


@pytest.mark.parametrize("name", ["matrix", "ranking"])
def test_a_tap_reads_the_nearest_mark_and_one_beside_the_figure_ends_it(look: Look, report: Path, name: str) -> None:
    page = look(report, 390, touch=True)
    mark = page.locator(f"figure[data-figure={name}] svg :is(.mark-rect, .mark-symbol).role-mark path").nth(1)
    mark.scroll_into_view_if_needed()
    expected = mark.evaluate("e => Object.values(e.__data__.tooltip)[0]")
    box = mark.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2 + 3)
    tooltip = page.locator(TOOLTIP)
    assert expected in tooltip.inner_text()
    place = tooltip.bounding_box()
    assert place and place["x"] >= 0 and place["x"] + place["width"] <= 390
    page.locator("h1").tap()
    page.locator(TOOLTIP).wait_for(state="hidden")


def test_the_table_below_a_figure_has_every_field_of_its_tooltips(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    for name, figure in document(report)["figures"].items():
        start = text.index(f'id="{name}-figure"')
        below = text[start : text.index("</figure>", start)]
        assert "<summary>The numbers as a table</summary>" in below, name
        columns = set(re.findall(r'class="sort">(.*?)</button>', below))
        for title in titles_of_tooltips(figure["chart"]):
            assert set(IN_TABLE_AS.get(title, (title,))) <= columns, (name, title)


def test_nothing_on_the_page_shows_only_under_a_mouse(report: Path) -> None:
    for tag, attributes in read(report).elements:
        assert "title" not in attributes, (tag, attributes)
    assert json.dumps(document(report)).count('"href"') == 0
