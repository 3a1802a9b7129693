"""The models that a stage leaves: the encoder for the stages below, and the fine-tuned model of a target for users."""

from functools import partial
from pathlib import Path

from spaces.model_files import NO_MODEL_NOTE
from trainables.kinds.label_head import LabelHead, save_label_head
from trainables.kinds.whole_model import UnfitHeadError, build_whole_model, save_whole_model
from trainables.models.encoder import Encoder, save_encoder
from trainables.record.context import ENCODER, MODEL, StageContext
from trainables.training.fine_tuning import FineTuning
from trainables.worker.stage_clock import spend


def store_encoder(key: str, encoder: Encoder, context: StageContext, label_head: LabelHead | None = None) -> None:
    """Store a stage's encoder in the results, with the head that it hands on."""

    def fill(folder: Path) -> None:
        save_encoder(encoder, folder)
        if label_head is not None:
            save_label_head(label_head, folder)

    with spend("storing"):
        context.results.write_folder(context.file_name(key, ENCODER), fill)


def store_model(key: str, training: FineTuning, context: StageContext) -> list[str]:
    """Store the fine-tuned model of a target; return a note instead where `transformers` has no class for its head."""
    with spend("storing"):
        try:
            model = build_whole_model(training.encoder, training.heads[0], training.parts[0].task)
        except UnfitHeadError as error:
            return [f"{NO_MODEL_NOTE}{error}"]
        fill = partial(save_whole_model, model, training.encoder)
        context.results.write_folder(context.file_name(key, MODEL), fill)
    return []
