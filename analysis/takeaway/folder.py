"""The folder that is taken away: files that plain `transformers` reads, and the card. It is whole or not there."""

from functools import partial
from pathlib import Path

from safetensors import SafetensorError, safe_open

from analysis.scores.fetch import copy_stage_folder
from spaces.errors import UsageError
from spaces.model_files import CONFIG_FILE, ENCODER_FOLDER, OWN_HEAD_FILES, list_weight_files, read_json
from spaces.whole_files import write_folder

CARD_FILE = "README.md"


def write_model(sweep: str, stage: str, out: Path, card: str, *, advice: str) -> None:
    """Copy the encoder of a stage of the sweep at the path or URL `sweep` to `out`, with its card.

    Raise UsageError if it is not there (with `advice` on how to have it again), is damaged, or cannot be written.
    """
    try:
        write_folder(out, partial(_fill, sweep=sweep, stage=stage, card=card, advice=advice))
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}. Name another place with -o.") from error


def _fill(folder: Path, *, sweep: str, stage: str, card: str, advice: str) -> None:
    if not copy_stage_folder(sweep, stage, ENCODER_FOLDER, folder, leave_out=OWN_HEAD_FILES):
        raise UsageError(f"the encoder of stage {stage} is not there any more. {advice}")
    fault = find_model_fault(folder)
    if fault is not None:
        raise UsageError(f"the encoder of stage {stage} is damaged ({fault}). {advice}")
    (folder / CARD_FILE).write_text(card, encoding="utf-8")


def find_model_fault(folder: Path) -> str | None:
    """Return the first fault of a model's folder, or None: weights must be as long as their headers say."""
    if not isinstance(read_json(folder / CONFIG_FILE), dict):
        return f"{CONFIG_FILE} cannot be read"
    try:
        for name in list_weight_files(folder):
            with safe_open(folder / name, "np"):  # type: ignore[no-untyped-call]
                pass
    except (SafetensorError, OSError, ValueError) as error:
        return str(error)
    return None
