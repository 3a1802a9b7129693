"""Where do the next seeds of a sweep belong?

    python analysis/next_seeds.py runs/full-miniature
    python analysis/next_seeds.py runs/full-miniature --budget 20 --by target

Prints which chains should get how many more seeds, why, what that should bring, and the command that runs them.
Reads what rank.py reads; of plain files there is no command.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: the root, not this folder, is where `spaces` and `analysis` lie
    sys.path[0] = str(ROOT)

import numpy as np

from analysis.answers.next_seeds import build_answer
from analysis.answers.script import DRAW_SEED, build_question_parser, run_script
from analysis.questions.next_seeds import CRITERIA, SeedAdvice, advise_seeds, list_chain_seeds
from analysis.questions.sweep_command import UNRECORDED, build_command
from analysis.tables.answer import print_answer, print_with_command
from analysis.transfer.array import Transfer
from spaces.command import run_command
from spaces.errors import UsageError

MIN_BUDGET = 2  # a task and its baseline


def build_parser() -> ArgumentParser:
    """Return the parser: the flags by which rank.py reads scores, --budget and --by."""
    parser = build_question_parser("next_seeds.py", __doc__)
    budget = "chains at one seed each that may be run, the baseline's included (default: one more seed of every chain)"
    parser.add_argument("--budget", type=int, metavar="N", help=budget)
    by = "choose one task for the mean over targets, or one for each target (default: mean)"
    parser.add_argument("--by", choices=CRITERIA, default="mean", help=by)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Advise and print; return the exit code: 0, or 2 for bad usage."""
    return run_script(build_parser(), argv, _advise, _print_advice)


def _advise(transfer: Transfer, flags: Namespace) -> SeedAdvice:
    if flags.budget is not None and flags.budget < MIN_BUDGET:
        raise UsageError(f"--budget {flags.budget}: a task and its baseline take {MIN_BUDGET}. Give more.")
    if any(spec.get("scheduler") == "racing" for spec in transfer.loaded_scores.specs):
        raise UsageError(
            f"{transfer.loaded_scores.source}: in a race English dev decides who gets seeds. Run the sweep again with "
            "more --seeds, or with --scheduler halving under another --name."
        )
    return advise_seeds(transfer, np.random.default_rng(DRAW_SEED), budget=flags.budget, criterion=flags.by)


def _print_advice(advice: SeedAdvice, flags: Namespace) -> None:
    """Print the answer, and the command where there is one."""
    answer, specs = build_answer(advice), advice.transfer.loaded_scores.specs
    if len(specs) != 1 or len(flags.paths) != 1:
        print_answer(answer, flags.format)
        return
    path = Path(flags.paths[0])
    folder = f"runs/{path.stem}" if path.is_file() else flags.paths[0]  # an archive does not say where its sweep lies
    command = build_command(folder, specs[0], list_chain_seeds(advice))
    hint = f"The command that runs these seeds and nothing else; add what was given of {UNRECORDED}:"
    print_with_command(answer, flags.format, hint, command)


if __name__ == "__main__":
    sys.exit(run_command(main))
