"""The page in a real browser: what is drawn, what can be done by mouse and by keyboard, on which screen.

The fixture `look` fails every test in which the browser complains or wants to load something.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from analysis.report import main
from tests.analysis.sweep_files import write_file

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Look = Callable[..., "Page"]
FIGURES = ("ranking", "matrix", "languages", "curves", "cost")
MARKS = {"ranking": "symbol", "matrix": "rect", "languages": "rect", "curves": "line", "cost": "symbol"}
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
EVIL = "<script>alert(1)</script>"


def figure(page: "Page", name: str) -> "Locator":
    return page.locator(f"figure[data-figure={name}]")


def column(page: "Page", table: str, place: int) -> list[str]:
    return page.locator(f"#{table} tbody tr > :nth-child({place})").all_inner_texts()


def contrast(one: str, other: str) -> float:
    """Of two CSS colours rgb(r, g, b), by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_every_figure_is_drawn_and_the_page_never_scrolls_sideways(
    look: Look, report: Path, width: int, scheme: str
) -> None:
    page = look(report, width, scheme)
    assert {each.get_attribute("data-figure") for each in page.locator("figure").all()} >= set(FIGURES)
    for name, mark in MARKS.items():
        marks = figure(page, name).locator(f"svg .mark-{mark} path")
        assert marks.count() > 0, name
        box = marks.first.bounding_box()
        assert box, name
        assert box["width"] > 0, name
    for place in page.locator("details > summary").all():
        place.click()
    assert not page.evaluate(SCROLLS_SIDEWAYS)


def test_a_reader_hears_the_description_of_a_figure_and_not_its_marks(look: Look, report: Path) -> None:
    page = look(report)
    figures = page.locator("figure[data-drawn] .view")
    assert figures.count() > 3
    for figure in figures.all():
        assert figure.get_attribute("role") == "img" and len(figure.get_attribute("aria-label") or "") > 20
        assert figure.locator("svg").get_attribute("aria-hidden") == "true"


def test_colours_are_readable_and_follow_the_scheme(look: Look, report: Path) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page = look(report, scheme=scheme)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        grounds[scheme] = ground
        for place in ("p.answer", ".soft", "dt", "nav a", "thead .sort", "tbody td", "summary", ".tools button"):
            text = page.locator(place).first.evaluate("e => getComputedStyle(e).color")
            assert contrast(text, ground) >= 4.5, (scheme, place)
        labels = figure(page, "ranking").locator("svg .role-axis-label text").first
        assert contrast(labels.evaluate("e => getComputedStyle(e).fill"), ground) >= 4.5
        cells = figure(page, "matrix").locator("svg .mark-rect.role-mark path").all()
        fills = {cell.evaluate("e => getComputedStyle(e).fill") for cell in cells}
        ink = figure(page, "matrix").locator("svg .mark-text.role-mark text").first
        assert len(fills) > 3
        for fill in fills:
            assert contrast(ink.evaluate("e => getComputedStyle(e).fill"), fill) >= 4.5, (scheme, fill)
        warning = page.locator(".warning li").first
        behind = page.locator(".warning").first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert contrast(warning.evaluate("e => getComputedStyle(e).color"), behind) >= 4.5
    assert grounds["light"] != grounds["dark"]


def test_a_table_sorts_by_click_and_says_so(look: Look, report: Path) -> None:
    page = look(report)
    button = page.locator("#ranking-table .sort", has_text="intermediate")
    button.click()
    assert column(page, "ranking-table", 1) == ["alike", "helps", "hurts", "idle", "random (control)"]
    assert button.locator("..").get_attribute("aria-sort") == "ascending"
    assert page.locator("#said").inner_text() == "Sorted by intermediate, ascending."
    button.click()
    assert column(page, "ranking-table", 1)[0] == "random (control)"
    assert button.locator("..").get_attribute("aria-sort") == "descending"


def test_a_table_sorts_by_keyboard_and_numbers_as_numbers(look: Look, report: Path) -> None:
    page = look(report)
    button = page.get_by_role("table", name="The ranking in numbers").get_by_role("button", name="mean", exact=True)
    button.focus()
    assert button.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    button.press("Enter")
    means = [float(text.replace("−", "-")) for text in column(page, "ranking-table", 3)]
    assert means == sorted(means, reverse=True)
    button.press("Space")
    assert column(page, "ranking-table", 1)[0] == "hurts"
    assert page.locator("#ranking-table th[aria-sort]").count() == 1
    best = page.locator("#ranking-table .sort", has_text="P(best)")
    for _ in range(2):  # a control has no P(best): what is absent stays last
        best.press("Enter")
        assert column(page, "ranking-table", 1)[-1] == "random (control)"


@pytest.mark.parametrize("width", [1280, 375])
def test_a_cell_tells_its_details(look: Look, report: Path, width: int) -> None:
    page = look(report, width)
    cells = figure(page, "matrix").locator("svg .mark-rect.role-mark path")
    assert cells.count() == 5 * 6
    numbers = figure(page, "matrix").locator("svg .mark-text.role-mark text")
    numbers.nth(2 * 6 + 2).hover()  # rows and columns as they stand: idle on xquad
    tooltip = page.locator("#vg-tooltip-element.visible")
    text = tooltip.inner_text()
    for part in (
        "idle",
        "xquad",
        "95% interval",
        "3 of 4",
        "(seed 0)",
        "3 of 3 languages",
        "accuracy",
        "seed 2 missing",
    ):
        assert part in text
    box = tooltip.bounding_box()
    assert box
    assert 0 <= box["x"] <= box["x"] + box["width"] <= width


def test_a_choice_changes_what_is_drawn(look: Look, report: Path) -> None:
    page = look(report)
    curves = figure(page, "curves")
    lines = curves.locator("svg .mark-line.role-mark path")
    assert lines.count() == 12  # three rates at four seeds
    curves.get_by_label("Seed").select_option("1")
    page.wait_for_function(
        "document.querySelectorAll('figure[data-figure=curves] .mark-line.role-mark path').length == 3"
    )
    assert curves.locator("svg .mark-symbol.role-mark").count() == 2  # tenths, and the ends of stopped runs
    languages = figure(page, "languages")
    languages.get_by_label("Rows").select_option("script name")
    page.wait_for_function(
        "document.querySelector('figure[data-figure=languages] svg').textContent.includes('Cyrillic')"
    )
    assert "Morean" not in str(languages.locator("svg").text_content())


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_figure_is_saved_on_paper_colours(look: Look, report: Path, kind: str, tmp_path: Path) -> None:
    page = look(report, scheme="dark")
    with page.expect_download() as download:
        figure(page, "matrix").get_by_role("button", name=kind.upper()).click()
    assert download.value.suggested_filename == f"matrix.{kind}"
    download.value.save_as(tmp_path / "figure")
    data = (tmp_path / "figure").read_bytes()
    if kind == "png":
        assert data.startswith(b"\x89PNG")
        assert int.from_bytes(data[16:20], "big") > 2000  # pixels wide
    else:
        assert b"var(" not in data
        assert b"#1d2327" in data


def test_print_shows_figures_and_no_controls_in_light_colours(look: Look, report: Path) -> None:
    page = look(report, scheme="light")
    page.emulate_media(media="print")
    for control in ("nav", ".tools", ".choices", "summary"):
        assert not page.locator(control).first.is_visible(), control
    assert all(figure(page, name).locator("svg").is_visible() for name in FIGURES)
    page.set_viewport_size({"width": 700, "height": 900})
    widths = [figure(page, name).locator("svg").evaluate("e => e.getBoundingClientRect().right") for name in FIGURES]
    assert max(widths) <= 700
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_the_keyboard_reaches_the_answer_first(look: Look, report: Path) -> None:
    page = look(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for role in ("main", "navigation", "banner", "contentinfo"):
        assert page.get_by_role(role).count() == 1, role
    levels = [int(tag[1]) for tag in page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => e.tagName)")]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_names_of_foreign_data_are_text(look: Look, tmp_path: Path) -> None:
    chains = enumerate(("none", EVIL, "<img src=x onerror=alert(2)>"))
    lines = [(one, EVIL, s, "en", "accuracy", 0.5 + 0.01 * i + 0.001 * s) for i, one in chains for s in range(3)]
    assert main([str(write_file(tmp_path, lines)), "-o", str(tmp_path / "page.html")]) == 0
    page = look(tmp_path / "page.html")
    assert "<img src=x onerror=alert(2)>" in page.locator("p.answer").inner_text()
    assert page.locator("main script, main img").count() == 0
    figure(page, "matrix").locator("svg .mark-text.role-mark text").first.hover()
    assert EVIL in page.locator("#vg-tooltip-element.visible").inner_text()
    assert page.locator("#vg-tooltip-element script, #vg-tooltip-element img").count() == 0
