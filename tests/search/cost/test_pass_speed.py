"""Loads of encoders, and the speed that fits measured ones."""

import pytest

from search.cost.pass_speed import Load, PassSpeed, fit_speed, load_of_batch, sum_loads

SHAPES = ((2, 16), (16, 32), (32, 32), (16, 128), (32, 256))


@pytest.mark.parametrize("speed", [PassSpeed(0.4, 2e-3), PassSpeed(0.01, 1e-5, 3e-8), PassSpeed(0.0, 1e-4)])
def test_a_fit_finds_the_parts_that_made_the_timings(speed: PassSpeed) -> None:
    loads = [load_of_batch(*shape) for shape in SHAPES]
    fitted = fit_speed([(load, speed.seconds_of(load)) for load in loads])
    assert (fitted.per_batch, fitted.per_token, fitted.per_square) == pytest.approx(
        (speed.per_batch, speed.per_token, speed.per_square), rel=1e-6, abs=1e-12
    )


def test_no_part_of_a_fit_is_negative_and_more_is_never_faster() -> None:
    """The longest batch was faster for its size than the others: a plain fit would have a negative quadratic part."""
    timings = [
        (load_of_batch(*shape), seconds) for shape, seconds in zip(SHAPES, (1.0, 2.0, 4.0, 7.0, 20.0), strict=True)
    ]
    fitted = fit_speed(timings)
    assert min(fitted.per_batch, fitted.per_token, fitted.per_square) >= 0
    seconds = [fitted.seconds_of(load_of_batch(32, length)) for length in (8, 64, 512)]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_a_fit_needs_two_timings() -> None:
    with pytest.raises(ValueError, match="two timings or more, got 1"):
        fit_speed([(Load(1, 10, 100), 1.0)])


def test_loads_add_up() -> None:
    load = load_of_batch(3, 5)
    assert load == Load(1, 15, 75)
    assert sum_loads([load, load.times(2)]) == Load(3, 45, 225)
    assert load.with_passes(2) == Load(1, 30, 150)
    assert PassSpeed(1, 0.1, 0.01).seconds_of(load) == pytest.approx(1 + 1.5 + 0.75)
