"""A measurement of this machine, on an encoder so small that it takes milliseconds."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from search.cost import machine_speed
from search.cost.machine_speed import SHAPES, Shape, build_sample, measure_speed, time_shapes, time_storing
from search.cost.pass_speed import load_of_batch
from spaces.encoders import PROFILES
from trainables.models.encoder import load_encoder

FEW = ((1, 8), (4, 16), (8, 16))


def test_a_speed_is_measured_and_the_weights_stay(model: Path) -> None:
    encoder, threads = load_encoder(str(model)), torch.get_num_threads()
    before = [weight.detach().clone() for weight in encoder.model.parameters()]
    speed = measure_speed(encoder, PROFILES["pretrained"], FEW)
    for measured in (speed.step, speed.forward):
        seconds = [
            measured.seconds_of(load) for load, _ in time_shapes(lambda _: time.time, FEW, time.perf_counter, 1.0)
        ]
        assert all(0 < second < 60 for second in seconds)
    assert speed.per_cosine > 0 and speed.slowdown >= 1
    assert speed.encoder_bytes == 4 * sum(weight.numel() for weight in before)
    assert all(torch.equal(old, new) for old, new in zip(before, encoder.model.parameters(), strict=True))
    assert torch.get_num_threads() == threads


def test_a_step_passes_backward_too_an_evaluation_only_forward(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, passes = load_encoder(str(model)), [0]

    def count(*_: object) -> None:
        passes[0] += 1

    encoder.model.register_forward_hook(count)
    encoder.model.get_input_embeddings().weight.register_hook(count)
    counted = SimpleNamespace(process_time=lambda: float(passes[0]), perf_counter=time.perf_counter)
    monkeypatch.setattr(machine_speed, "time", counted)  # a second is a pass
    speed = measure_speed(encoder, PROFILES["miniature"], FEW)
    for rows, length in FEW:
        load = load_of_batch(rows, length)
        assert speed.step.seconds_of(load) == pytest.approx(2)
        assert speed.forward.seconds_of(load) == pytest.approx(1)


def test_a_slow_machine_times_the_two_smallest_shapes_only() -> None:
    prepared: list[Shape] = []

    def prepare(shape: Shape) -> object:
        prepared.append(shape)
        return lambda: None

    time_shapes(prepare, SHAPES, time.perf_counter, 0.0)  # type: ignore[arg-type]
    assert prepared == list(SHAPES[:2])
    prepared.clear()
    time_shapes(prepare, SHAPES, time.perf_counter, 60.0)  # type: ignore[arg-type]
    assert sorted(prepared) == sorted(SHAPES) and prepared[0] == SHAPES[0]


def test_a_sample_has_ordinary_pieces_in_two_segments(model: Path) -> None:
    encoder = load_encoder(str(model))
    table = build_sample(encoder, (3, 9))
    assert table.lengths.tolist() == [9, 9, 9]
    assert not {*table.ids.tolist()} & {*encoder.tokenizer.all_special_ids}
    assert table.marks is not None and {*table.marks.tolist()} == {0, 1}


def test_a_disk_is_timed_where_the_results_will_be_and_nothing_stays_there(model: Path, tmp_path: Path) -> None:
    seconds = time_storing(load_encoder(str(model)), tmp_path / "runs" / "of" / "tomorrow")
    assert seconds > 0 and not [path for path in tmp_path.iterdir() if path.name.startswith(".speed")]
    assert not (tmp_path / "runs").exists()
