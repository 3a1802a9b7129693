"""Garbage collection, paused while very many objects are made that all stay.

Python looks for garbage after so many new objects, and its rare full pass walks over all that live. While the state of
10^5 stages is read nothing becomes garbage, yet these passes took a third of the time:

    with pause_garbage_collection():  # or as a decorator
        board = make_board(...)
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Collect no garbage inside.

    Objects without cycles are freed as ever, cycles at the end. A pause inside another one changes nothing, and an
    error ends it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def pass_over_all_objects() -> None:
    """Let no later collection walk over the objects that live now: for those that live to the end of the process.

    Garbage that was not collected yet stays as well.
    """
    gc.freeze()
