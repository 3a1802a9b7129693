"""Output that nobody reads, or that cannot be written: the command goes on, and what is lost changes its exit code."""

import codecs
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from spaces.streams import escape_unencodable
from tests.paths import ROOT

BODY = """
import sys
from spaces.command import run_command
def main():
    for number in range({lines}):
        print("line", number, "±", file=sys.{stream})
    open({file!r}, "w", encoding="utf-8").write("kept")  # gets the lowest number that is free
    import subprocess
    subprocess.run(["sh", "-c", "echo child 2>/dev/null; echo child >&2"], check=False)
    return {code}
sys.exit(run_command(main))
"""


ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PYTHONUTF8": "1"}


def write_body(tmp_path: Path, *, stream: str = "stdout", lines: int = 3, code: int = 0) -> str:
    """The path of a command."""
    body = tmp_path / "body.py"
    body.write_text(BODY.format(stream=stream, lines=lines, code=code, file=str(tmp_path / "file")), encoding="utf-8")
    return str(body)


def shell(redirection: str, tmp_path: Path, stream: str = "stdout", lines: int = 3, code: int = 0) -> tuple[int, str]:
    """The exit code of a command under a redirection by the shell, and standard error."""
    body = write_body(tmp_path, stream=stream, lines=lines, code=code)
    command = ["sh", "-c", f'"$0" "$1" {redirection}', sys.executable, body]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=ENVIRONMENT, check=False)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept", "a child printed into a file of the command"
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    return done.returncode, done.stderr.replace("child\n", "")


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [(">&-", "it is closed"), (">/dev/full", "No space left on device"), ("1<&0", "Bad file")],
)
def test_lost_output_is_said_in_one_line_and_the_exit_code_is_1(tmp_path: Path, redirection: str, reason: str) -> None:
    code, message = shell(redirection, tmp_path)
    assert code == 1 and message.count("\n") == 1, message
    assert message.startswith("body.py: standard output cannot be written") and reason in message
    assert shell(redirection, tmp_path, code=130)[0] == 130, "another exit code stays"


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full 2>&1"])
def test_lost_messages_change_the_exit_code_too(tmp_path: Path, redirection: str) -> None:
    assert shell(redirection, tmp_path, stream="stderr") == (1, "")


@pytest.mark.parametrize("redirection", ["", "2>&-", "2>/dev/full", "<&-", ">&-", ">/dev/full", "<&- >&- 2>&-"])
def test_a_stream_that_gets_nothing_loses_nothing(tmp_path: Path, redirection: str) -> None:
    assert shell(redirection, tmp_path, lines=0) == (0, "")


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_child_gets_streams_that_are_open(tmp_path: Path, redirection: str) -> None:
    """Else the first file that it opens would be its standard output."""
    path = Path(write_body(tmp_path, lines=0))
    body = path.read_text(encoding="utf-8").replace(
        "return 0", 'return subprocess.call(["sh", "-c", "echo a && echo b >&2 && cat"])'
    )
    path.write_text(body, encoding="utf-8")
    command = ["sh", "-c", f'"$0" "$1" {redirection}', sys.executable, str(path)]
    assert (
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT, check=False).returncode
        == 0
    )


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_does_not_end_the_command(tmp_path: Path, stream: str) -> None:
    """It has what it wanted: nothing is lost, and nothing is said."""
    redirection = "| head -n 1" if stream == "stdout" else "2>&1 >/dev/null | head -n 1"
    body = 'python="$0" body="$1"; { "$python" "$body"; echo $? >&3; } ' + redirection
    path = write_body(tmp_path, stream=stream, lines=100_000, code=7)
    command = ["sh", "-c", f"({body}) 3>&1 | cat", sys.executable, path]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=ENVIRONMENT, check=False)
    assert sorted(done.stdout.split("\n")) == ["", "7", "line 0 ±"] and done.stderr.replace("child\n", "") == ""


def test_a_terminal_that_closes_is_a_reader_that_left(tmp_path: Path) -> None:
    path = Path(write_body(tmp_path))
    waiting = path.read_text(encoding="utf-8").replace("def main():", "def main():\n    sys.stdin.readline()")
    path.write_text(waiting, encoding="utf-8")
    ours, theirs = pty.openpty()
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": theirs, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, str(path)], **pipes, env=ENVIRONMENT)
    os.close(theirs)
    os.close(ours)
    _, message = process.communicate(b"go\n")
    assert (process.returncode, message.replace(b"child\n", b"")) == (0, b"")


def test_a_slow_reader_of_a_pipe_that_does_not_wait_gets_everything(tmp_path: Path) -> None:
    path = write_body(tmp_path, lines=50_000)
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    process = subprocess.Popen([sys.executable, path], stdout=theirs, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    os.close(theirs)
    time.sleep(0.3)  # the pipe is full by now
    with os.fdopen(ours, encoding="utf-8") as file:
        assert sum(line.startswith("line ") for line in file) == 50_000
    assert process.wait() == 0


@pytest.mark.parametrize(
    ("encoding", "text", "expected"),
    [
        ("ascii", "+1.0 ±0.3 †", "+1.0 +-0.3 ^"),
        ("ascii", "größe/😀", "gr\\u00f6\\u00dfe/\\ud83d\\ude00"),
        ("latin-1", "größe ± † ω", "größe ± ^ \\u03c9"),
        ("utf-8", "a\udcffb", "a\\udcffb"),
    ],
)
def test_characters_that_an_encoding_lacks_stay_readable(encoding: str, text: str, expected: str) -> None:
    """In JSON they are JSON's own escapes."""
    codecs.register_error("readable", escape_unencodable)
    assert text.encode(encoding, "readable").decode(encoding) == expected
