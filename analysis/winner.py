"""Take the winning model of a sweep away: a folder that plain `transformers` loads, with a model card.

    python analysis/winner.py runs/full-miniature -o winner
    python analysis/winner.py runs/full-xtreme -o winner --target xnli
    python analysis/winner.py runs/full-xtreme -o winner --push ME/winner

The intermediate task is the best by the mean over all targets, as rank.py finds it; of its seeds the one with the best
English dev score counts. Where no task is shown to help, that is said, and the best is written all the same. --target
takes the fine-tuned model of a target after the best task for it, of a sweep that ran with --keep-models. --push
uploads the folder to the hub, into a private repository. Exit codes: 0 done, 1 written but not uploaded, 2 bad usage.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.answers.script import DRAW_SEED
from analysis.questions.sweep_command import build_command
from analysis.scores.arguments import build_plain_parser, check_new_folder
from analysis.scores.fetch import fetch_results
from analysis.scores.load import load
from analysis.scores.record import SCORES_FILE
from analysis.tables import screen
from analysis.takeaway.card import build_card, describe_choice_of
from analysis.takeaway.choice import ChosenModel, choose_encoder, choose_target_model
from analysis.takeaway.folder import write_model
from analysis.takeaway.upload import UploadError, check_upload, upload_folder
from analysis.transfer.array import build_transfer
from analysis.transfer.ranking import Ranking, rank_tasks
from spaces.command import run_command
from spaces.errors import ExitCode, UsageError
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.stage import OUTCOME_FILE
from spaces.sweep_record import SWEEP_FILE, parse_chain_seeds


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = build_plain_parser("winner.py", __doc__)
    parser.add_argument("sweep", metavar="SWEEP", help="folder of a sweep; s3://... too")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write, new or empty")
    parser.add_argument("--target", metavar="T", help="the fine-tuned model of this target, instead of the encoder")
    parser.add_argument("--push", metavar="ID", help="also upload it to this repository of the hub, e.g. ME/winner")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Choose, write and perhaps upload the model, and print what was done; return the exit code."""
    options = build_parser().parse_args(argv)
    try:
        check_new_folder(options.output)
        if options.push is not None:
            check_upload(options.push)
        ranking = _read_ranking(options.sweep)
        model = choose_encoder(ranking) if options.target is None else choose_target_model(ranking, options.target)
        address = options.sweep.partition("?")[0]  # of object storage, without its settings
        card = build_card(ranking, model, sweep=address, command=_repeat_command(options))
        advice = _advise_again(ranking, model, address)
        write_model(options.sweep, model, options.output, card, advice=advice)
    except UsageError as error:
        print(f"winner.py: {error}", file=sys.stderr)
        return ExitCode.USAGE
    print(screen.wrap_lines(describe_choice_of(model), screen.get_width()))
    print(f"{options.output}: the {model.noun} after {model.chain}, seed {model.seed}. README.md says how to load it.")
    if options.push is not None:
        try:
            print(f"uploaded: {upload_folder(options.output, options.push)}")
        except UploadError as error:
            print(f"winner.py: {options.output} is written, but not uploaded: {error}", file=sys.stderr)
            return ExitCode.FAILED
    return ExitCode.DONE


def _read_ranking(sweep: str) -> Ranking:
    """Return the ranking of a sweep, as rank.py makes it without flags."""
    with fetch_results([sweep], (SCORES_FILE, PREDICTIONS_FILE)) as paths:
        scores = load(paths)
        if len(scores.records) != 1 or not paths[0].is_dir():
            raise UsageError(f"{sweep} is not the folder of a sweep, which has a {SWEEP_FILE} and leaves encoders.")
        scores = replace(scores, source=sweep)
        return rank_tasks(build_transfer(scores), np.random.default_rng(DRAW_SEED))


def _repeat_command(options: argparse.Namespace) -> str:
    target = [] if options.target is None else ["--target", options.target]
    return shlex.join(["python", "analysis/winner.py", options.sweep, "-o", str(options.output), *target])


def _advise_again(ranking: Ranking, model: ChosenModel, sweep: str) -> str:
    """Return how to have a model that was removed or never kept: its stage must not count as done."""
    [spec] = ranking.loaded_scores.specs
    outcome = f"{sweep.rstrip('/').rpartition('/')[0] or '.'}/stages/{model.stage}/{OUTCOME_FILE}"
    command = build_command(sweep, spec, parse_chain_seeds(spec))
    if model.target is None:
        reason = "--keep none or search/clean.py removes encoders."
    else:
        reason, command = "Only a sweep with --keep-models keeps it.", f"{command} --keep-models"
    return f"{reason} Remove {outcome}, then train this stage again with: {command}"


if __name__ == "__main__":
    sys.exit(run_command(main))
