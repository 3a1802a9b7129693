"""The folder that is taken away: files that plain `transformers` reads, and the card. It is whole or not there."""

import json
from functools import partial
from pathlib import Path

from safetensors import SafetensorError, safe_open

from analysis.scores.fetch import copy_stage_folder, read_stage_file
from analysis.takeaway.choice import ChosenModel
from spaces.errors import UsageError
from spaces.model_files import CONFIG_FILE, NO_MODEL_NOTE, OWN_HEAD_FILES, list_weight_files, read_json
from spaces.stage import OUTCOME_FILE
from spaces.whole_files import write_folder

CARD_FILE = "README.md"


def write_model(sweep: str, model: ChosenModel, out: Path, card: str, *, advice: str) -> None:
    """Copy a model of the sweep at the path or address `sweep` to `out`, with its card.

    Raise UsageError if it is not there (with `advice` on how to have it), is damaged, or cannot be written.
    """
    try:
        write_folder(out, partial(_fill, sweep=sweep, model=model, card=card, advice=advice))
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}. Name another place with -o.") from error


def _fill(folder: Path, *, sweep: str, model: ChosenModel, card: str, advice: str) -> None:
    what = f"the {model.noun} after {model.chain}, seed {model.seed} (stage {model.stage})"
    if not copy_stage_folder(sweep, model.stage, model.folder, folder, leave_out=OWN_HEAD_FILES):
        if reason := _find_refusal(sweep, model.stage):
            raise UsageError(f"{what} could not be kept: {reason}. Take the encoder, without --target.")
        raise UsageError(f"{what} is not there. {advice}")
    fault = find_model_fault(folder)
    if fault is not None:
        raise UsageError(f"{what} is damaged ({fault}). {advice}")
    (folder / CARD_FILE).write_text(card, encoding="utf-8")


def _find_refusal(sweep: str, stage: str) -> str | None:
    """Return why a stage that was to keep its model could not, from its notes; None if they do not say so."""
    try:
        outcome = json.loads(read_stage_file(sweep, stage, OUTCOME_FILE) or b"{}")
    except ValueError:  # a damaged file, which the next run makes again
        return None
    notes = str(outcome.get("note") or "").split("; ") if isinstance(outcome, dict) else []
    reasons = (note.removeprefix(NO_MODEL_NOTE) for note in notes if note.startswith(NO_MODEL_NOTE))
    return next(reasons, None)


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
