"""Requests of sweeps over a small hub, and checks of them, for tests of data from the hub."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from datasets import Features

from search.request.request import SweepRequest
from search.run import main
from spaces.xtreme import LANGUAGES
from tests.hub_layout import PAIR, QA, XNLI, Layout, pair_rows, qa_row
from tests.loopback_hub import LoopbackHub, use_hub
from tests.search.asked import request_of
from trainables.repositories import questions

GLUE, ENCODER = "nyu-mll/glue", "org/encoder"
Check = Callable[..., tuple[int, str]]


@pytest.fixture
def hub(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with MultiNLI, SQuAD, XNLI, XQuAD and a small encoder."""
    layout = Layout(tmp_path / "hub")
    rows = [{"language": name, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"} for name in LANGUAGES]
    for split in ("validation", "test"):
        layout.write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    for split in ("train", "validation"):
        layout.write(f"rajpurkar/squad/plain_text/{split}", QA, [qa_row("ab", ["a"], [0])] * 10)
    layout.write("google/xtreme/XQuAD.de/validation", QA, [qa_row("ab", ["a"], [0])])
    layout.write(f"{GLUE}/mnli/train", PAIR, pair_rows(20))
    server = LoopbackHub()
    server.serve_folder(layout.folder)
    server.serve_model(model, ENCODER)
    use_hub(server, tmp_path / "cache", monkeypatch)
    yield server
    server.stop()


@pytest.fixture
def asked(hub: LoopbackHub, tmp_path: Path) -> Callable[..., SweepRequest]:
    def ask(*flags: str) -> SweepRequest:
        questions.FAILED.clear()  # as in a new process
        more = () if "--model" in flags else ("--model", ENCODER)
        results = ("--benchmark", "xtreme", "--results", tmp_path / "runs")
        return request_of(*results, "--intermediates", "mnli", "--targets", "xnli", *more, *flags)

    return ask


@pytest.fixture
def check(hub: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def run(*flags: str, targets: str = "xnli", intermediates: str = "mnli") -> tuple[int, str]:
        questions.FAILED.clear()
        own = [
            "--check",
            "--benchmark",
            "xtreme",
            "--model",
            ENCODER,
            "--results",
            str(tmp_path / "runs"),
            "--targets",
            targets,
        ]
        code = main([*own, "--intermediates", intermediates, *flags])
        output = capsys.readouterr()
        return code, output.out + output.err

    return run


def rows_of(count: int, tmp_path: Path, features: Features = PAIR) -> bytes:
    """Return a Parquet file of sentence pairs."""
    folder = tmp_path / f"rows-{count}-{len(features)}"
    layout = Layout(folder)
    layout.write("a/b/c/train", features, [{name: row[name] for name in features} for row in pair_rows(count)])
    return next(folder.rglob("*.parquet")).read_bytes()


def keys_of(request: SweepRequest) -> set[str]:
    return {request.maker.make_stage(stratum, 1e-5, "p").key for stratum in request.plan}
