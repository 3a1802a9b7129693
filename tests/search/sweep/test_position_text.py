"""The words for what a running stage does: there are some for every activity, counted or not."""

import pytest

from search.sweep.position_text import SILENCE_LIMIT, describe_position
from search.sweep.status_file import RunningStage
from spaces.activities import ACTIVITIES, Activity


def running(activity: Activity | None, **fields: float | None) -> RunningStage:
    stage = {
        "key": "k",
        "label": "mnli",
        "since": "",
        "seconds": 1.0,
        "tenth": 0,
        "dev": None,
        "node": None,
        "left": None,
    }
    return RunningStage(**{**stage, "activity": activity, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("activity", ACTIVITIES)
@pytest.mark.parametrize("total", [0, 20])
def test_every_activity_has_words_also_where_it_is_counted(activity: Activity, total: int) -> None:
    assert describe_position(running(activity, done=0, total=total))


def test_counts_are_said_of_what_is_the_stages_own_work() -> None:
    assert describe_position(running("training", done=3, total=20)) == "step 3 of 20"
    assert describe_position(running("probing", done=3, total=20)) == "measuring its encoder"


def test_silence_is_said_and_nothing_is_made_up() -> None:
    assert describe_position(running(None)) == ""
    assert "nothing heard for" in describe_position(running("dev", silent=SILENCE_LIMIT + 1))
