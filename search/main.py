"""The `transfer-search` command: one subcommand for each of the main scripts, which get all other arguments.

`search` must not import the analysis, so `rank` and `report` call its scripts as a user would. A command's module is
imported only when it is called, so that `--help` starts at once.
"""

import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from search.process import signals
from spaces.command import run_command
from spaces.errors import ExitCode
from spaces.table import describe_unknown

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "run": "run a sweep, or continue it",
    "status": "show the state of a sweep: progress, failures, time, disk",
    "clean": "remove files of a sweep that nobody needs any more",
    "rank": "rank the intermediate tasks of a sweep",
    "report": "write the results of a sweep as one HTML page",
}
HELP = "\n".join(
    (
        "usage: transfer-search COMMAND [ARGUMENT ...]\n",
        "Search for the intermediate task that helps zero-shot cross-lingual transfer most.\n",
        "commands:",
        *(f"  {name:8}{about}" for name, about in COMMANDS.items()),
        "\n`transfer-search COMMAND --help` lists the arguments of a command.",
    )
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code. Without a command print the help; the exit code is then 2.

    Without `argv` this is the process of the command. A script of the analysis is another process: it gets the standard
    streams as they are, so that it can tell what is lost.
    """
    if argv is not None:
        return _dispatch(argv)
    arguments = sys.argv[1:]
    return (
        _dispatch(arguments) if arguments[:1] in (["rank"], ["report"]) else run_command(lambda: _dispatch(arguments))
    )


def _dispatch(argv: Sequence[str]) -> int:
    command, *arguments = argv or [""]
    if command in ("", "-h", "--help"):
        print(HELP, file=None if command else sys.stderr)
        return ExitCode.DONE if command else ExitCode.USAGE
    if command not in COMMANDS:
        print(f"transfer-search: {describe_unknown('command', command, COMMANDS)}", file=sys.stderr)
        return ExitCode.USAGE
    if command in ("rank", "report"):
        return _run_script(command, arguments)
    if command == "run":
        signals.install()  # before the slow imports
    return int(importlib.import_module(f"search.{command}").main(arguments))


def _run_script(name: str, arguments: Sequence[str]) -> int:
    """Run a script of the analysis in the foreground; return its exit code, 130 if it was interrupted."""
    try:
        return subprocess.call([sys.executable, str(ROOT / "analysis" / f"{name}.py"), *arguments])
    except KeyboardInterrupt:  # the script got the signal too
        return ExitCode.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
