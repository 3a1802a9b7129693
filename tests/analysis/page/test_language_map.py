"""The map of languages by family: 105 languages on a desktop and on a phone, and what a choice changes."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from analysis.page.chart_style import LOSS_TO_GAIN, choose_colour_step
from analysis.report import main
from spaces.benchmark import BENCHMARKS
from tests.analysis.page.test_browser import SCROLLS_SIDEWAYS, contrast
from tests.analysis.page.test_report import document, rows
from tests.analysis.sweep_files import write_file

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Look = Callable[..., "Page"]
COUNT = 105
GAINS = {"sw": 5.0, "zu": 3.0, "xh": -2.0, "yo": 1.0}  # points, of a family with many languages


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about a target in 105 languages, and one in three of them; `b` gains twice as much as `a`."""
    known = {name for benchmark in BENCHMARKS.values() for name in benchmark.languages if not name.startswith("q")}
    codes = [*sorted(known), *(f"x{number}" for number in range(COUNT - len(known)))]
    assert len(codes) == COUNT
    lines = [
        (chain, target, seed, code, "accuracy", 0.5 + times * GAINS.get(code, 0.5) / 100 + seed / 1000)
        for chain, times in (("none", 0), ("a", 1), ("b", 2))
        for target, spoken in (("topics", codes), ("small", ["en", "sw", "zu"]))
        for code in spoken
        for seed in range(3)
    ]
    folder = tmp_path_factory.mktemp("wide")
    assert main([str(write_file(folder, lines)), "-o", str(folder / "page.html")]) == 0
    return folder / "page.html"


def tile(page: "Page", place: str) -> "Locator":
    return page.locator(f'[data-place="{place}"]')


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_language_can_be_read_on_any_screen(look: Look, wide: Path, width: int, scheme: str) -> None:
    page = look(wide, width, scheme)
    assert not page.evaluate(SCROLLS_SIDEWAYS)
    tiles = page.locator("#language-map .tile").all()
    alone = page.locator("#language-map .families > li:not(:has(.tiles))").count()
    assert alone + page.locator("#language-map .tiles .tile").count() == COUNT
    for each in tiles:
        box = each.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
        look_of = each.evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
        assert contrast(*look_of) >= 4.5
        assert each.evaluate("e => e.scrollWidth <= e.clientWidth"), each.inner_text()
    height = page.locator("#language-map").evaluate("e => e.getBoundingClientRect().height")
    assert height < (1500 if width == 1280 else 2800), "a screen and a half, or three and a half of a phone's"


def test_languages_stand_by_gain_in_their_family_beside_its_mean(look: Look, wide: Path) -> None:
    page = look(wide)
    family = page.locator("#language-map .families > li", has=tile(page, "family Niger-Congo"))
    names = family.locator(".tiles span").all_inner_texts()
    assert names[0] == "Swahili" and names[-1] == "Xhosa" and names.index("Zulu") < names.index("Yoruba")
    data = rows(document(wide)["data"]["languages"])
    (mean,) = [r for r in data if (r["intermediate"], r["target"], r["key"]) == ("b", "all targets", "Niger-Congo")]
    assert tile(page, "family Niger-Congo").locator("strong").inner_text() == mean["label"]
    assert tile(page, "family Basque").inner_text().split()[:2] == ["Basque:", "Basque"]


def test_a_choice_fills_the_map_and_is_said(look: Look, wide: Path) -> None:
    page = look(wide)
    assert tile(page, "language sw").locator("strong").inner_text().startswith("+10.0")
    page.locator("#language-map").get_by_label("Intermediate task").select_option("a")
    assert tile(page, "language sw").locator("strong").inner_text().startswith("+5.0")
    page.locator("#language-map").get_by_label("Target").select_option("small")
    assert page.locator("#said").inner_text() == "Gains of a, small."
    shown = page.locator("#language-map .tiles .tile:visible span").all_inner_texts()
    assert shown == ["Swahili", "Zulu"]
    assert not page.locator("#language-map .families > li", has=tile(page, "family Basque")).is_visible()


def test_the_heat_map_of_many_languages_begins_with_families(wide: Path, report: Path) -> None:
    def first_view(file: Path) -> str:
        params = document(file)["figures"]["languages"]["chart"]["params"]
        return next(each["value"] for each in params if each["name"] == "view")

    assert (first_view(wide), first_view(report)) == ("family name", "language family")


def test_the_nine_colours_are_symmetric_and_end_at_the_limit() -> None:
    last = len(LOSS_TO_GAIN)
    assert [choose_colour_step(gain, 4.5) for gain in (-9, -4.5, -0.4, 0, 0.4, 4.4, 9)] == [1, 1, 5, 5, 5, last, last]
