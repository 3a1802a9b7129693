"""Output whose reader left: the run goes on."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

BODY = """
import sys
from search.process import streams
streams.ignore_broken_pipes()
for number in range(10000):
    print("line", number, "ä", file=sys.{stream})
sys.exit(7)
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_does_not_end_the_run(stream: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BODY.format(stream=stream)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
    )
    assert process.stdout is not None and process.stderr is not None
    closed, other = (process.stdout, process.stderr) if stream == "stdout" else (process.stderr, process.stdout)
    assert closed.readline() == "line 0 ä\n"
    closed.close()
    assert other.read() == ""
    assert process.wait() == 7
    other.close()


def test_the_command_ends_as_if_it_was_read() -> None:
    command = [sys.executable, str(ROOT / "search" / "run.py"), "--plan"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 0)
    process.stderr.close()
