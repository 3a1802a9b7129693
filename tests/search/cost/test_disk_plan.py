"""The predicted peak of disk use is an upper bound, whatever runs at once and is kept, and not far above the truth."""

import dataclasses
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from search.board.board import Board
from search.board.order import assign_waves
from search.board.protocols import KeepPolicy
from search.cost.disk_plan import DiskSizes, estimate_disk_kept, estimate_disk_peak
from spaces.plan import Stratum
from spaces.stage import Stage
from tests.search.asked import request_of
from tests.search.conftest import ENCODER_BYTES, Room, finish
from trainables.record.context import CHECKPOINT, ENCODER, MODEL

CHECKPOINT_BYTES, MODEL_BYTES = 45_000, 12_000


def sizes(plan: Sequence[Stratum]) -> DiskSizes:
    checkpoints = {stratum.id: 0 if stratum.kind == "retrieval" else CHECKPOINT_BYTES for stratum in plan}
    outputs = dict.fromkeys(checkpoints, 0)
    return DiskSizes(encoder=ENCODER_BYTES, checkpoint=checkpoints, outputs=outputs, shared=0, model=MODEL_BYTES)


def on_disk(results: Path) -> int:
    """Bytes of weights; all other files are small, and none of the made-up sizes counts them."""
    weights = [
        *results.glob(f"stages/*/{CHECKPOINT}"),
        *results.glob(f"stages/*/{ENCODER}/*"),
        *results.glob(f"stages/*/{MODEL}"),
    ]
    return sum(path.stat().st_size for path in weights)


class Workers:
    """Stages under way at once; each ends at a moment drawn at random. Keeps the largest sum of bytes seen."""

    def __init__(self, room: Room, slots: int, seed: int) -> None:
        self.room, self.slots, self.random = room, slots, random.Random(seed)
        self.peak = 0

    def run(self) -> Board:
        board, under_way = self.room.board(), list[Stage]()
        board.store.context = dataclasses.replace(board.store.context, keep_models=True)
        while True:
            while len(under_way) < self.slots and (stage := board.start_next()) is not None:
                under_way.append(stage)
            if not under_way:
                return board
            for stage in under_way:
                self._write(stage)
            # At the worst moment all of them are about to replace their checkpoints.
            copies = sum(CHECKPOINT_BYTES for stage in under_way if stage.kind != "retrieval")
            self.peak = max(self.peak, on_disk(self.room.results) + copies)
            stage = under_way.pop(self.random.randrange(len(under_way)))
            outcome = finish(board.store, stage)
            if stage.kind == "target":
                (self.room.results / "stages" / stage.key / MODEL).write_bytes(bytes(MODEL_BYTES))
            (self.room.results / "stages" / stage.key / CHECKPOINT).unlink(missing_ok=True)
            board.end(stage.key, outcome)

    def _write(self, stage: Stage) -> None:
        path = self.room.results / "stages" / stage.key / CHECKPOINT
        if stage.kind != "retrieval" and not path.exists():
            path.write_bytes(bytes(CHECKPOINT_BYTES))


@pytest.mark.parametrize("slots", [1, 2, 5])
@pytest.mark.parametrize("keep", ["none", "winners", "all"])
def test_what_is_there_at_once_is_never_above_the_prediction(room: Room, keep: KeepPolicy, slots: int) -> None:
    room.keep = keep
    workers = Workers(room, slots, seed=slots)
    board = workers.run()
    assert board.is_complete
    plan = room.plan()
    waves = assign_waves(plan, lambda stratum: 1.0, 1)
    assert workers.peak <= estimate_disk_peak(plan, sizes(plan), slots, keep, waves) <= 1.5 * workers.peak
    assert on_disk(room.results) == estimate_disk_kept(plan, sizes(plan), keep)


def test_more_at_once_and_more_kept_need_more(room: Room) -> None:
    plan = room.plan()
    by_seed, at_once = (assign_waves(plan, lambda stratum: 1.0, slots) for slots in (None, 1000))

    def peak(slots: int, keep: KeepPolicy, *, waiting: bool = False) -> int:
        return estimate_disk_peak(plan, sizes(plan), slots, keep, by_seed, arms_wait=waiting)

    for slots in (1, 2, 4):
        assert peak(slots, "none") <= peak(slots, "winners") <= peak(slots, "all")
        assert peak(slots, "winners") < peak(slots + 1, "winners")
        assert peak(slots, "winners") < peak(slots, "winners", waiting=True), "arms that wait keep their checkpoints"
    assert peak(1, "none") < estimate_disk_peak(plan, sizes(plan), 1, "none", at_once)


def test_the_miniature_s_files_are_as_large_as_predicted(tmp_path: Path) -> None:
    # The weights of its encoder have 129,454 parameters; its largest checkpoint had 2,349,069 bytes when measured.
    from search.cost.cost import encoder_shape_of
    from search.cost.disk_sizes import estimate_sizes
    from spaces.encoders import MiniatureRecipe
    from trainables.miniature.world import build_world
    from trainables.training.miniature_encoder import start_pretraining

    request = request_of("--space", "quick", "--results", tmp_path)
    shape = encoder_shape_of(request)
    assert shape is not None
    training = start_pretraining(build_world(0, False), MiniatureRecipe(texts=300))
    parameters = sum(value.numel() for value in training.encoder.parameters())
    assert shape.parameters == parameters
    estimate = estimate_sizes(request, shape)
    assert 4 * parameters < estimate.encoder < 1.2 * 4 * parameters
    assert 2_349_069 < max(estimate.checkpoint.values()) < 1.2 * 2_349_069
