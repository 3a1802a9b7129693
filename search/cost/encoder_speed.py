"""The encoder of a plan on this machine, with its speed: a folder, a snapshot that is in the cache, or the miniature's.

A plan downloads no weights, so an encoder of the hub that is not here cannot be timed.
"""

import dataclasses
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from search.cost.machine_speed import measure_miniature, measure_speed, time_storing
from search.cost.pass_speed import MachineSpeed
from search.request.request import SweepRequest
from spaces.encoders import PROFILES, MiniatureRecipe
from spaces.errors import UsageError
from trainables.miniature.world import build_world
from trainables.models.encoder import Encoder
from trainables.models.encoder_cache import MAX_BYTES, load_cached_encoder
from trainables.record.checkpoints import FIRST_SPEED
from trainables.repositories.cache import cache_folder_of
from trainables.repositories.encoder_files import count_missing_bytes
from trainables.storage.base import is_remote

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"


def find_encoder_speed(request: SweepRequest, *, uses_gpu: bool) -> tuple[Encoder, MachineSpeed]:
    """Return the encoder at the start of every chain, and its speed on the device of a trial.

    Raises UsageError if its weights are not on this machine, and whatever an encoder raises that cannot be trained.
    """
    start = request.maker.start
    profile = PROFILES.find(start.profile)
    with nullcontext() if uses_gpu else _hide_gpus():
        if start.recipe is not None:
            source = request.context.source
            world = build_world(source.world_seed, source.null_world)
            encoder, speed = measure_miniature(world, MiniatureRecipe(**start.recipe), profile)
            return encoder, dataclasses.replace(speed, per_stored_byte=_find_storing_speed(request, encoder))
        began = time.process_time()
        encoder = load_cached_encoder(str(_find_folder(request)), precision=request.maker.precision)
        opened = time.process_time() - began
        speed = measure_speed(encoder, profile)
    return encoder, dataclasses.replace(
        speed,
        open_encoder=opened if speed.encoder_bytes > MAX_BYTES else 0.0,  # small ones stay in the memory of a worker
        per_stored_byte=_find_storing_speed(request, encoder),
    )


def _find_storing_speed(request: SweepRequest, encoder: Encoder) -> float:
    """Return the seconds of storing a byte in the results; in object storage what a worker begins with."""
    results = request.context.results.url
    return 1 / FIRST_SPEED if is_remote(results) else time_storing(encoder, Path(results))


@contextmanager
def _hide_gpus() -> Iterator[None]:
    """Hide the GPUs of this machine from PyTorch, which asks for them once, as Ray does for a trial without one."""
    before = os.environ.get(VISIBLE_GPUS)
    os.environ[VISIBLE_GPUS] = ""
    try:
        yield
    finally:
        if before is None:
            del os.environ[VISIBLE_GPUS]
        else:
            os.environ[VISIBLE_GPUS] = before


def _find_folder(request: SweepRequest) -> Path:
    """Return the folder of the given encoder; raise UsageError if its weights would have to be downloaded."""
    model, hub = str(request.context.model), request.context.source.hub
    if Path(model).is_dir():
        return Path(model)
    snapshot = None if hub is None else hub.find("model", model)
    if hub is None or snapshot is None or count_missing_bytes(hub, model):
        raise UsageError(f"the weights of {model} are not on this machine, and a plan downloads none.")
    return cache_folder_of(snapshot)
