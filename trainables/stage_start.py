"""The start of a stage: its parent's encoder, and its training, from the beginning or from its checkpoint."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError

from spaces.encoders import EncoderProfile, MiniatureRecipe
from spaces.stage import Stage
from trainables.models.encoder import Encoder, check_finite
from trainables.models.encoder_cache import load_cached_encoder
from trainables.models.encoder_folder import find_encoder_fault
from trainables.record.checkpoints import read_state
from trainables.record.context import CHECKPOINT, ENCODER, LOCK, StageContext
from trainables.shared_training import select_for_targets
from trainables.storage.base import Lock, LockedError, quarantine
from trainables.training.fine_tuning import FineTuning
from trainables.training.pretraining import Pretraining
from trainables.training_stage import start_training
from trainables.worker.stage_clock import spend

Training = FineTuning | Pretraining
# Seconds to wait for another process that has the stage open: more than the lease of a dead NFS client (90 s).
ORPHAN_WAIT = 180.0


@dataclass(frozen=True, slots=True)
class OpenedTraining:
    """A training after a tenth: seconds of its tenths, bytes of its checkpoints, and notes for users."""

    training: Training
    spent: Mapping[str, float] = field(default_factory=dict)
    written: int = 0
    notes: list[str] = field(default_factory=list)


def lock_stage(context: StageContext, key: str) -> Lock:
    """Return the lock of a stage. A worker that outlived a killed driver is waited for: it ends within seconds.

    Raises LockedError if another process keeps the stage open for ORPHAN_WAIT.
    """
    try:
        return context.results.lock(context.file_name(key, LOCK), wait=ORPHAN_WAIT)
    except LockedError as holder:
        raise LockedError(
            f"stage {key} is held by {holder} for more than {ORPHAN_WAIT:.0f} s. End that process, then run the "
            "same command again with --retry-failed."
        ) from holder


@spend("loading")
def load_parent(stage: Stage, context: StageContext) -> Encoder:
    """Return the encoder that the stage starts from: its parent's, or the given one.

    Raises ValueError if there is none, if the given one has values that are not finite, or if the parent's is missing
    or damaged. A damaged one is quarantined, so that
    the parent can be trained again.
    """
    if stage.parent is None and context.model is None:
        raise ValueError(f"stage {stage.key} has no parent, and no encoder was given (--model).")
    seed = stage.seed if stage.start["random"] else None
    source = (
        nullcontext(locate_encoder(context.model, context))
        if stage.parent is None
        else open_stage_encoder(context, stage.parent)
    )
    with source as name_or_path:
        encoder = load_cached_encoder(str(name_or_path), precision=stage.precision, random_seed=seed)
    if stage.parent is None:  # a stage whose loss was no number is degenerate, and may be a parent
        check_finite(encoder.model)
    return encoder


def locate_encoder(model: str | None, context: StageContext) -> str:
    """Return the folder of a given encoder, on this machine; one of the hub is fetched at the sweep's commit."""
    assert model is not None
    if context.source.hub is None or Path(model).is_absolute():
        return model
    from trainables.repositories.encoder_files import fetch_encoder

    return str(fetch_encoder(context.source.hub, model).folder)


@contextmanager
def open_stage_encoder(context: StageContext, parent: str) -> Iterator[Path]:
    """Yield the folder of the encoder that the stage `parent` left; raise ValueError if it is missing or damaged."""
    name = context.file_name(parent, ENCODER)
    advice = f"Run the same command again with --retry-failed: it trains stage {parent} again."
    try:
        with context.results.open_local(name) as folder:
            fault = find_encoder_fault(folder)
            if fault is None:
                yield folder
                return
    except FileNotFoundError as error:
        if context.results.has(name):
            raise
        raise ValueError(f"the encoder of stage {parent} is missing. {advice}") from error
    raise ValueError(f"{quarantine(context.results, name)} is a damaged encoder ({fault}). {advice}")


def begin_training(
    stage: Stage, context: StageContext, profile: EncoderProfile, targets: Sequence[str] = ()
) -> Training:
    """Return the stage's training before its first step; `targets` are stages that are trained as this phase is."""
    if stage.kind != "pretrain":
        training = start_training(stage, load_parent(stage, context), context, profile)
        select_for_targets(training, targets, context, profile)
        return training
    from trainables.miniature.world import build_world
    from trainables.training.miniature_encoder import start_pretraining

    world = build_world(context.source.world_seed, context.source.null_world)
    return start_pretraining(world, MiniatureRecipe(**stage.recipe or {}))


def open_training(
    stage: Stage, context: StageContext, profile: EncoderProfile, targets: Sequence[str] = ()
) -> OpenedTraining:
    """Return the stage's training after its last checkpoint; from the beginning if there is none, or a damaged one."""
    training = begin_training(stage, context, profile, targets)
    try:
        state = read_state(context.results, context.folder_name(stage.key))
        if state is None:
            return OpenedTraining(training)
        training.continue_from(state)
    except (torch.OutOfMemoryError, torch.AcceleratorError):  # RuntimeErrors that are not about the file
        raise
    except (SafetensorError, KeyError, RuntimeError, ValueError):
        quarantine(context.results, context.file_name(stage.key, CHECKPOINT))
    else:
        notes = [] if state.phase is None else [f"trained by stage {state.phase}, whose training is the same work"]
        return OpenedTraining(training, state.spent, state.written, notes)
    del training  # it holds a part of the file, and two trainings may not fit into memory
    note = "the checkpoint was damaged and quarantined: training started again"
    return OpenedTraining(begin_training(stage, context, profile, targets), notes=[note])
