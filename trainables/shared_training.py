"""Shared trainings on the worker's side: a phase leaves the target stages that are trained alike their weights.

`spaces/shared_training.py` says which stages those are. The phase selects its best tenth by the target's English dev as
well, and writes what the target's own training would have left after its last tenth: a checkpoint.
"""

from collections.abc import Sequence

from spaces.encoders import EncoderProfile
from spaces.stage import OUTCOME_FILE, TENTHS
from trainables.record.checkpoints import Checkpoints, TrainingState
from trainables.record.context import CHECKPOINT, LOCK, StageContext, read_spec
from trainables.storage.base import LockedError
from trainables.training.encoding import Encoding, encode_split, encode_training_table
from trainables.training.fine_tuning import FineTuning
from trainables.training.selection import Selection
from trainables.training_stage import read_recipe, resolve_ingredients


def select_for_targets(
    training: FineTuning, keys: Sequence[str], context: StageContext, profile: EncoderProfile
) -> None:
    """Let a phase that has not begun select by English dev of these target stages, too, if their rows are its own."""
    for key in keys:
        stage = read_spec(context, key)
        recipe = read_recipe(stage)
        ((task, _, language),) = resolve_ingredients(stage, context, recipe)
        encoding = Encoding(training.encoder.tokenizer, recipe, profile, context.encoded_folder)
        table = encode_training_table(context.source, task, encoding, language)
        if table.equals(training.parts[0].table):
            training.select_by(encode_split(context.source, task, "dev", "en", encoding), stage=key)


def leave_trained_states(training: FineTuning, phase: str, context: StageContext) -> None:
    """Write the checkpoints of the target stages that a phase was selected for, after its last tenth.

    A stage that has ended, has a checkpoint, or is at work elsewhere is left alone.
    """
    for selection in training.selections[1:]:
        assert selection.stage is not None
        results, key = context.results, selection.stage
        if any(results.has(context.file_name(key, file)) for file in (OUTCOME_FILE, CHECKPOINT)):
            continue
        try:
            lock = results.lock(context.file_name(key, LOCK))
        except LockedError:
            continue
        try:
            Checkpoints(results, context.folder_name(key)).write(_build_state(training, selection, phase))
        finally:
            lock.release()


def _build_state(training: FineTuning, selection: Selection, phase: str) -> TrainingState:
    """Return the state of the target's training after its last tenth; all its time was that of the phase."""
    tensors = {name: tensor for name, tensor in training.take_state().tensors.items() if "selection" not in name}
    tensors |= {f"selection.0.{name}": tensor for name, tensor in selection.to_tensors().items()}
    best = {selection.best_tenth: selection.best_weights}
    return TrainingState(tenth=TENTHS, tensors=tensors, best=best, phase=phase)
