"""Garbage collection is paused inside, and goes on as before afterwards."""

import gc

import pytest

from search.process.garbage_collection import pass_over_all_objects, pause_garbage_collection


def test_nothing_is_collected_inside_and_all_goes_on_afterwards() -> None:
    assert gc.isenabled()
    with pause_garbage_collection():
        assert not gc.isenabled()
        with pause_garbage_collection():
            pass
        assert not gc.isenabled()  # it was paused before
    assert gc.isenabled()


def test_an_error_inside_ends_the_pause() -> None:
    @pause_garbage_collection()
    def fail() -> None:
        assert not gc.isenabled()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert gc.isenabled()


def test_what_lives_is_passed_over() -> None:
    before = gc.get_freeze_count()
    kept: list[list[int]] = [[] for _ in range(1_000)]
    pass_over_all_objects()
    try:
        assert gc.get_freeze_count() >= before + len(kept)
    finally:
        gc.unfreeze()
