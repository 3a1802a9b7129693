"""winner.py --target: the fine-tuned model of a target, or why there is none."""

import json
import shutil
from pathlib import Path

from analysis.winner import main
from spaces.model_files import MODEL_FOLDER, NO_MODEL_NOTE
from tests.analysis.sweep_files import Capture, printed, refused
from tests.analysis.takeaway.winning_sweeps import swept


def put_model(sweep: Path, folder: Path, chain: str, target: str, seed: int) -> Path:
    """Put a model where the stage of a target keeps it."""
    key = f"target-{target}-{chain}-{seed}-0.001"
    return Path(shutil.copytree(folder, sweep.parent / "stages" / key / MODEL_FOLDER))


def test_the_model_of_a_target_comes_after_the_best_task_for_it(
    sweep: Path, model: Path, tmp_path: Path, capsys: Capture
) -> None:
    kept, out = put_model(sweep, model, "mnli", "xnli", 1), tmp_path / "winner"
    text = printed(capsys, main, sweep, "-o", out, "--target", "xnli")
    assert text.startswith("Best task by target: all 4 targets: mnli +4.0 (95% interval ")
    assert "Seed 1: the best English dev score of its chain, on xnli (70.0; seed 0 50.0, seed 2 60.0)." in text
    card = (out / "README.md").read_text()
    assert card.count("\n| xnli | +4.0 |") == 1 and "| udpos |" not in card
    assert "AutoModelForSequenceClassification.from_pretrained" in card and "`tokenizer(first, second)`" in card
    assert (
        "| de | 54.0 |" in card and "| mean | 54.0 |" in card and "| learning rate of the fine-tuning | 0.001 |" in card
    )
    assert "--target xnli\n" in card
    assert (out / "config.json").read_bytes() == (kept / "config.json").read_bytes()


def test_where_no_task_is_expected_to_gain_on_a_target_its_plain_model_is_taken(
    tmp_path: Path, model: Path, capsys: Capture
) -> None:
    sweep = swept(tmp_path / "runs", model, {"none": 0.0, "mnli": -0.04, "squad": -0.02})
    put_model(sweep, model, "none", "udpos", 1)
    text = printed(capsys, main, sweep, "-o", tmp_path / "winner", "--target", "udpos")
    assert "none. No task is expected to gain." in text and "the fine-tuned model of udpos after none, seed 1." in text
    card = (tmp_path / "winner" / "README.md").read_text()
    assert "## Gain" not in card and "AutoModelForTokenClassification" in card


def test_one_seed_gives_no_verdict_on_a_target(tmp_path: Path, model: Path, capsys: Capture) -> None:
    sweep = swept(tmp_path / "runs", model, seeds=(1,))
    put_model(sweep, model, "mnli", "xnli", 1)
    text = printed(capsys, main, sweep, "-o", tmp_path / "winner", "--target", "xnli")
    assert text.startswith("Best task by target (no verdict: it takes 3 seeds): ")


def test_a_model_that_was_not_kept_says_why_and_how_to_have_it(sweep: Path, tmp_path: Path, capsys: Capture) -> None:
    flags = (sweep, "-o", tmp_path / "winner", "--target", "xnli")
    said = refused(capsys, main, *flags)
    assert "Only a sweep with --keep-models keeps it. Remove " in said and said.endswith("--keep-models\n")
    outcome = sweep.parent / "stages" / "target-xnli-mnli-1-0.001" / "outcome.json"
    outcome.write_text(json.dumps({"note": f"memory ran out; {NO_MODEL_NOTE}its head has another form"}))
    assert "could not be kept: its head has another form. Take the encoder" in refused(capsys, main, *flags)


def test_retrieval_and_unknown_targets_have_no_model(sweep: Path, tmp_path: Path, capsys: Capture) -> None:
    said = refused(capsys, main, sweep, "-o", tmp_path / "winner", "--target", "tatoeba")
    assert "retrieval has no fine-tuned model" in said
    said = refused(capsys, main, sweep, "-o", tmp_path / "winner", "--target", "xnly")
    assert "unknown target 'xnly': did you mean xnli?" in said
