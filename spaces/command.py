"""The frame of every command: standard streams that lose nothing silently, errors of the machine in one line, UTF-8.

Exit codes are those of `ExitCode`. An error of the code itself keeps its traceback: it is a bug to report.
"""

import errno
import locale
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from spaces import streams
from spaces.errors import ExitCode, UsageError

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
        code = ExitCode.FAILED
    return end_command(name, code)


def start_command() -> None:
    """Guard the standard streams. Where the locale has another encoding, first start the process again for UTF-8.

    `run_command` does this. A command with slow imports does it before them.
    """
    if not streams.are_guarded():
        _restart_in_utf8_mode()
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
    if advice is None and error.filename is None:
        return None
    path = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{path}{error.strerror or error}. {advice or 'Look at this path.'}"


def _check_arguments(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if not argument.isascii() and argument.encode("utf-8", "replace").decode("utf-8") != argument:
            raise UsageError(f"{argument!r} is not UTF-8. Rename the file or folder, or type its name in UTF-8.")


def _restart_in_utf8_mode() -> None:
    """Start this process again in Python's UTF-8 mode if the locale has another encoding.

    Libraries take paths in UTF-8, and some read their own files in the locale's encoding. What is printed keeps the
    encoding that it had.
    """
    is_utf8 = sys.flags.utf8_mode or locale.getencoding().lower().replace("-", "") == "utf8"
    is_fixed = sys.flags.ignore_environment or sys._xoptions.get("utf8") == "0"
    if is_utf8 or is_fixed or not sys.executable:
        return
    output = sys.stdout or sys.stderr
    encoding = {} if output is None else {"PYTHONIOENCODING": output.encoding}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**encoding, **os.environ, "PYTHONUTF8": "1"})
