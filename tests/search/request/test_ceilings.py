"""Ceilings on real data: what the data lack is said, and what they have is in the keys."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from search.request.request import SweepRequest
from search.run import main
from search.sweep.sweep_file import check_growth
from spaces.errors import ExitCode, UsageError
from tests.hub_layout import PAIR, QA, XNLI, pair_rows, qa_row
from tests.search.asked import request_of

Write = Callable[..., Path]
Asked = Callable[..., SweepRequest]


@pytest.fixture
def data(write: Write) -> Path:
    """XNLI in three languages, of which one has translated training rows; XQuAD with English training rows only."""
    rows = [
        {"language": name, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"} for name in ("en", "de", "sw")
    ]
    for split in ("validation", "test"):
        write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    for split in ("train", "validation"):
        write(f"rajpurkar/squad/plain_text/{split}", QA, [qa_row("ab", ["a"], [0])] * 10)
    write("google/xtreme/XQuAD.de/validation", QA, [qa_row("ab", ["a"], [0])])
    write("facebook/xnli/sw/train", PAIR, pair_rows(20))
    return write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))


@pytest.fixture
def flags(data: Path, model: Path) -> tuple[object, ...]:
    return ("--benchmark", "xtreme", "--data", data, "--model", model, "--intermediates", "mnli")


@pytest.fixture
def asked(flags: tuple[object, ...]) -> Asked:
    return partial(request_of, *flags)


def test_a_target_without_rows_gets_no_stage_and_is_named(asked: Asked) -> None:
    request = asked("--targets", "xnli,xquad", "--translate-train", "--target-shots", "4")
    placed = {stratum.id for stratum in request.plan if stratum.intermediate in ("translate-train", "few-shot-4")}
    assert {id_.rpartition(".")[0] for id_ in placed} == {"target.mnli.translate-train", "target.mnli.few-shot-4"}
    assert request.foreign_notes == (
        "xnli: no translated training rows for de: not in translate-train.",
        "xquad: no translated training rows but English ones, so no stage of translate-train.",
        "xnli: the shots of few-shot-4 are dev rows for de, sw, without training rows.",
        "xquad: no training or dev rows but English ones, so no stage of few-shot-4.",
    )
    assert request.spec["ceilings"] == {
        "translate-train xnli": {"sw": "train"},
        "few-shot-4 xnli": {"de": "dev", "sw": "dev"},
    }
    names = {name for name in request.provenance if name.startswith("ceiling")}
    assert names == {"ceiling translate-train mnli", "ceiling few-shot-4 mnli"}


def test_a_plan_says_what_is_missing(
    flags: tuple[object, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [*flags, "--targets", "xnli,xquad", "--translate-train", "--target-dev", "--results", tmp_path, "--plan"]
    assert main([str(word) for word in words]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "note: xnli: no translated training rows for de: not in translate-train." in out
    assert "note: xquad: no dev rows in other languages, so nothing for --target-dev." in out


def test_a_ceiling_without_any_rows_is_refused_or_skipped(asked: Asked) -> None:
    with pytest.raises(UsageError, match="translate-train: no translated training rows for xquad"):
        asked("--targets", "xquad", "--translate-train")
    request = asked("--targets", "xquad", "--translate-train", "--skip-missing")
    assert request.axes.ceilings == ()
    assert request.skipped_tasks == ("translate-train: no translated training rows for xquad.",)


def test_rows_that_are_faulty_are_never_skipped(asked: Asked, write: Write) -> None:
    write("facebook/xnli/sw/train", PAIR, pair_rows(19))
    for more in ((), ("--skip-missing",)):
        with pytest.raises(UsageError, match="19 rows, but nyu-mll/glue has 20"):
            asked("--targets", "xnli", "--translate-train", *more)


def test_a_sweep_without_ceilings_may_get_some_and_keeps_its_stages(asked: Asked) -> None:
    plain, placed = asked("--targets", "xnli"), asked("--targets", "xnli", "--translate-train", "--target-dev")
    check_growth(plain.spec, placed.spec, "s")
    with pytest.raises(UsageError, match="ceilings: was "):
        check_growth(placed.spec, plain.spec, "s")
    keys = [{stratum.id: request.maker.make_stage(stratum, 1e-5, None).key for stratum in request.plan}
            for request in (plain, placed)]  # fmt: skip
    assert keys[0].items() <= keys[1].items() and len(keys[1]) > len(keys[0])
    assert placed.target_dev_sets == {"mnli"} and plain.target_dev_sets == frozenset()
