"""The frame of every command: errors of the machine in one line, UTF-8 in any locale, and no script without it."""

import ast
import errno
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from spaces.command import describe_machine_error
from tests.paths import ROOT

COMMANDS = sorted(path for top in ("search", "analysis") for path in (ROOT / top).glob("*.py"))
Variables = Mapping[str, str]  # of the environment
NO_VARIABLES: Variables = MappingProxyType({})
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
BODY = """
import locale, sys
from spaces.command import run_command
def main():
    {main}
    return 0
sys.exit(run_command(main))
"""


def run(
    tmp_path: Path, main: str, *arguments: str | bytes, flags: tuple[str, ...] = (), variables: Variables = NO_VARIABLES
) -> tuple[int, bytes, bytes]:
    body = tmp_path / "body.py"
    body.write_text(BODY.format(main=main), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *flags, str(body), *arguments],
        capture_output=True,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **variables},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_every_command_runs_in_the_frame(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name == "__init__.py":
        return
    (block,) = (ast.unparse(node) for node in tree.body[-1:])
    assert block.startswith("if __name__ == '__main__':")
    assert block.endswith("sys.exit(run_command(main))" if path.stem != "main" else "sys.exit(main())")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENAMETOOLONG, "File name too long", "/x"), "/x: File name too long. Take a shorter name"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied. Give this user the right"),
        (OSError(errno.EMFILE, "Too many open files", "/x"), "Allow more open files, for example with `ulimit -n"),
        (FileNotFoundError(errno.ENOENT, "No such file", b"/x"), "/x: No such file. Look at this path."),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/x']"), "Set TMPDIR to a folder"),
        (MemoryError(), "out of memory. "),
    ],
)
def test_an_error_of_the_machine_is_one_line(error: OSError | MemoryError, message: str) -> None:
    line = describe_machine_error(error)
    assert line is not None and message in line and "\n" not in line


def test_an_error_of_the_code_keeps_its_traceback(tmp_path: Path) -> None:
    assert describe_machine_error(OSError("of a library")) is None
    code, _, message = run(tmp_path, "1 / 0")
    assert code == 1 and b"ZeroDivisionError" in message
    code, _, message = run(tmp_path, "open('/no/such', encoding='utf-8')")
    assert (code, message) == (1, b"body.py: /no/such: No such file or directory. Look at this path.\n")


def test_an_interrupt_is_one_line(tmp_path: Path) -> None:
    assert run(tmp_path, "raise KeyboardInterrupt") == (130, b"", b"body.py: interrupted.\n")


@pytest.mark.parametrize("environment", [C_LOCALE, {**C_LOCALE, "LC_ALL": "POSIX"}, {}], ids=["C", "POSIX", "ours"])
def test_files_and_paths_are_utf8_in_any_locale(tmp_path: Path, environment: dict[str, str]) -> None:
    """Also those that libraries open without an encoding; what is printed keeps the encoding of the terminal."""
    main = "open(sys.argv[1], 'w').write('ä'); print(sys.argv[1].encode(), '±')"
    name = tmp_path / "größe ω"
    code, out, message = run(tmp_path, main, str(name).encode(), variables=environment)
    assert (code, message) == (0, b"") and name.read_bytes() == "ä".encode()
    assert out.strip().endswith("±".encode() if environment == {} else b"+-")


def test_an_encoding_of_the_user_is_kept(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "print('größe †')", variables={"PYTHONIOENCODING": "latin-1"})
    assert (code, out) == (0, "größe ^\n".encode("latin-1"))
    code, out, _ = run(tmp_path, "print('größe †')", variables={**C_LOCALE, "PYTHONIOENCODING": "latin-1"})
    assert (code, out) == (0, "größe ^\n".encode("latin-1"))


def test_a_path_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    code, _, message = run(tmp_path, "print(1)", b"gr\xf6\xdfe")
    assert code == 2 and message == b"body.py: 'gr\\udcf6\\udcdfe' is not UTF-8. Rename the file or folder, " + (
        b"or type its name in UTF-8.\n"
    )


@pytest.mark.parametrize(
    ("flags", "environment", "arguments"),
    [
        ((), {"PYTHONOPTIMIZE": "2"}, ()),
        (("-OO",), {}, ("-OO", "a")),
        (("-X", "dev", "-uOO"), C_LOCALE, ("-O",)),
        (("-O",), {}, ()),
    ],
    ids=["variable", "flag", "flags", "O"],
)
def test_libraries_keep_their_docstrings(
    tmp_path: Path, flags: tuple[str, ...], environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    """Ray and altair read them when they are imported; asserts stay away, as asked for."""
    main = "print(json.__doc__[:10], __debug__, sys.flags.dev_mode, sys.argv[1:])"
    code, out, _ = run(tmp_path, f"import json; {main}", *arguments, flags=flags, variables=environment)
    assert code == 0 and out.decode() == f"JSON (Java False {'dev' in flags} {list(arguments)}\n"


def test_an_assert_guards_nothing() -> None:
    """`python -O` takes them away: they tell the type checker what holds, and raise nothing that a user could cause."""
    for top in ("spaces", "trainables", "search", "analysis"):
        for path in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Assert):
                    text = ast.unparse(node.test)
                    assert all(
                        part.endswith(" is not None") or part.startswith("isinstance(") for part in text.split(" and ")
                    ), f"{path}:{node.lineno}"


@pytest.mark.parametrize("level", ["1", "2"])
@pytest.mark.parametrize("command", [["search/run.py", "--plan", "--space", "quick"], ["analysis/report.py", "--help"]])
def test_commands_work_without_asserts_and_docstrings(tmp_path: Path, level: str, command: list[str]) -> None:
    environment = {**os.environ, "PYTHONOPTIMIZE": level, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(ROOT / command[0]), *command[1:]],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "stages: " in done.stdout or "A page about a sweep" in done.stdout
