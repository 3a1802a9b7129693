"""A sweep with all that a page can show, the page about it, and a browser to look at it with."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from analysis.report import main
from tests.analysis.sweep_files import Run, write_sweep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60_000  # milliseconds
GAINS = {"helps": 4.0, "alike": 3.8, "idle": 0.2, "hurts": -3.0, "random": 0.0}  # points, planted
TARGETS = {"xnli": "en qna qma qfa", "udpos": "en qna qmb", "xquad": "en qna qma", "tatoeba": "qna qma"}
RATES = (5e-4, 1e-3, 2e-3)
SEEDS = range(4)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of the miniature's targets: planted gains, stopped, degenerate and missing runs, costs and curves."""
    rng = np.random.default_rng(7)
    runs = []
    for seed in SEEDS:
        for chain in ("none", *GAINS):
            parent = None if chain == "none" else f"intermediate-{chain}-{seed}"
            if parent:
                hours = {"seconds": 3600.0 * (1 + len(chain)), "parent": None}
                dev = np.linspace(0.4, 0.8, 10).round(4).tolist()
                phase = {"kind": "intermediate", "stage": parent, "extra": hours}
                runs.append(Run(intermediate=chain, test={"x": {}}, seed=seed, dev=dev, **phase))
            for target, spoken in TARGETS.items():
                if (chain, target, seed) == ("idle", "xquad", 2):
                    continue  # a hole
                level = 0.6 + (GAINS.get(chain, 0.0) + rng.normal(0, 0.4)) / 100
                test = {target: {each: float(level + rng.normal(0, 0.002)) for each in spoken.split()}}
                start = {"intermediate": chain, "test": test, "seed": seed, "parent": parent}
                if target == "tatoeba":
                    runs.append(Run(**start, rate=None, kind="retrieval"))
                    continue
                for rate in RATES:
                    status, reason = "stopped" if rate == RATES[2] else "finished", None
                    if (chain, target, rate) == ("hurts", "udpos", RATES[0]):
                        status, reason = "degenerate", "constant predictions"
                    curve = (level - 0.3 / np.arange(1, 4 if status == "stopped" else 11) - 30 * rate).tolist()
                    runs.append(Run(**start, rate=rate, dev=curve, status=status, reason=reason))
    axes = {"intermediates": list(GAINS), "targets": list(TARGETS), "seeds": list(SEEDS)}
    folder = tmp_path_factory.mktemp("world")
    return write_sweep(folder, runs, controls=["random"], retrieval=["tatoeba"], **axes)


@pytest.fixture(scope="session")
def report(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about the world."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    assert main([str(world), "-o", str(file)]) == 0
    return file


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """A headless browser, or the reason why there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except api.Error as error:
            pytest.skip(
                f"no browser: install chromium, or `playwright install chromium` ({str(error).splitlines()[0]})"
            )
        yield started
        started.close()


@pytest.fixture
def look(browser: "Browser", tmp_path: Path) -> "Iterator[Callable[..., Page]]":
    """Opens a file in a browser and waits until it is drawn.

    Whatever the browser complains about, and whatever it wants to load beside the file, fails the test at its end.
    """
    complaints: list[str] = []
    contexts = []

    def open_file(file: Path, width: int = 1280, scheme: Any = "light", touch: bool = False) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            accept_downloads=True,
            has_touch=touch,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)

        def guard(route: Any) -> None:
            if route.request.url == file.as_uri():
                route.continue_()
            else:
                complaints.append(f"request: {route.request.url}")
                route.abort()

        page.route("**/*", guard)
        # That the height of a heat map follows from its rows is the one thing that Vega-Lite says and may say.
        page.on("console", lambda said: "Dropping" in said.text or complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.goto(file.as_uri())
        page.wait_for_selector("body[data-drawn]")
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert complaints == []
