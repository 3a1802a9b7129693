"""The frame of every command: standard streams that lose nothing silently, errors of the machine in one line, UTF-8.

Exit codes are those of `ExitCode`. An error of the code itself keeps its traceback: it is a bug to report.
"""

import errno
import locale
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from spaces import streams
from spaces.errors import ExitCode, UsageError

FLAGS = re.compile("-[bBdEiIOPqsSuvx]+")  # of the interpreter, without values

ADVICE_BY_ERRNO: Mapping[int, str] = {
    errno.ENAMETOOLONG: "Take a shorter name: most file systems allow 255 bytes for a name, and 4096 for a path.",
    errno.EACCES: "Give this user the right to it, or name another path.",
    errno.EPERM: "Give this user the right to it, or name another path.",
    errno.EROFS: "Name a path on a disk that can be written.",
    errno.ENOSPC: "Free some space, or name a path on another disk.",
    errno.EDQUOT: "Free some space, or name a path on another disk.",
    errno.EMFILE: "Allow more open files, for example with `ulimit -n 4096`.",
    errno.ENFILE: "This machine has too many open files: end other processes.",
    errno.ENOMEM: "Free some memory, or take a machine with more.",
    errno.EAGAIN: "This user has too many processes: end some, or raise `ulimit -u`.",
    errno.EIO: "The disk failed: look at it.",
    errno.ESTALE: "The network disk was mounted anew: enter the folder again.",
    errno.ELOOP: "Links lead in a circle: mend them.",
}


def run_command(main: Callable[[], int]) -> int:
    """Run a command that fills its process; return the exit code, which is not 0 if text was lost."""
    start_command()
    name = Path(sys.argv[0]).name
    try:
        _check_arguments(sys.argv[1:])
        code = main()
    except SystemExit as stop:  # of argparse, after --help or a wrong flag
        code = stop.code if isinstance(stop.code, int) else ExitCode.DONE
    except KeyboardInterrupt:
        print(f"{name}: interrupted.", file=sys.stderr)
        code = ExitCode.INTERRUPTED
    except UsageError as error:
        print(f"{name}: {error}", file=sys.stderr)
        code = ExitCode.USAGE
    except (OSError, MemoryError) as error:
        message = describe_machine_error(error)
        if message is None:
            raise
        print(f"{name}: {message}", file=sys.stderr)
        is_usage = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
        code = ExitCode.USAGE if is_usage else ExitCode.FAILED
    return end_command(name, code)


def start_command() -> None:
    """Guard the standard streams; `run_command` does this, a command with slow imports does it before them.

    First start the process again, where libraries could not work in it.
    """
    if not streams.are_guarded():
        _restart_if_needed()
        streams.guard_streams()


def end_command(name: str, code: int) -> int:
    """Say what was lost, if it can be said; return the exit code, 1 instead of 0 after a loss."""
    lost = streams.find_lost_streams()
    if reason := lost.get(streams.STDOUT):
        print(
            f"{name}: {streams.STDOUT} cannot be written ({reason}): what was printed is lost, files are whole. "
            "To discard it, redirect it to /dev/null.",
            file=sys.stderr,
        )
        sys.stderr.flush()
    return ExitCode.FAILED if lost and code == ExitCode.DONE else code


def describe_machine_error(error: OSError | MemoryError) -> str | None:
    """Return one line on an error of the machine: what, the path, what to do. None if it may be a bug of the code."""
    if isinstance(error, MemoryError):
        return f"out of memory. {ADVICE_BY_ERRNO[errno.ENOMEM]}"
    advice = ADVICE_BY_ERRNO.get(error.errno or 0)
    if "temporary directory" in str(error.strerror):  # of `tempfile`
        advice = "Set TMPDIR to a folder that can be written."
    if advice is None and error.filename is None:
        return None
    path = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{path}{error.strerror or error}. {advice or 'Look at this path.'}"


def _check_arguments(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if not argument.isascii() and argument.encode("utf-8", "replace").decode("utf-8") != argument:
            raise UsageError(f"{argument!r} is not UTF-8. Rename the file or folder, or type its name in UTF-8.")


def _restart_if_needed() -> None:
    """Start this process again, with the same arguments, where libraries could not work in it.

    They need UTF-8: they take paths in it, and some read their own files in the encoding of the locale. What is printed
    keeps the encoding that it had. They also need their docstrings, which `python -OO` takes away: Ray and altair read
    them when they are imported.
    """
    changes: dict[str, str] = {}
    if not sys.flags.utf8_mode and locale.getencoding().lower().replace("-", "") != "utf8":
        output = sys.stdout or sys.stderr
        encoding = {} if output is None else {"PYTHONIOENCODING": os.environ.get("PYTHONIOENCODING", output.encoding)}
        changes = {"PYTHONUTF8": "1", **encoding}
    if sys.flags.optimize > 1:
        changes["PYTHONOPTIMIZE"] = "1"
    is_possible = sys.executable and not sys.flags.ignore_environment and sys._xoptions.get("utf8") != "0"
    if changes and is_possible:
        command = [sys.executable, *_drop_optimization(sys.orig_argv[1:], len(sys.argv))]
        os.execve(sys.executable, command, {**os.environ, **changes})


def _drop_optimization(arguments: Sequence[str], last: int) -> list[str]:
    """Return the interpreter's arguments without the flag O; the `last` ones are those of the program."""
    start = len(arguments) - last
    flags = [argument.replace("O", "") if FLAGS.fullmatch(argument) else argument for argument in arguments[:start]]
    return [*(flag for flag in flags if flag != "-"), *arguments[start:]]
