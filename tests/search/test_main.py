"""`transfer-search COMMAND` does what the script of that name does."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from search import clean, run, status
from search.main import COMMANDS, main
from tests.paths import ROOT

# As the installer writes it; `run` only prints the line that an interrupted sweep ends with.
SCRIPT = """
import sys
from search import main, run
from search.process import signals
run.run = lambda options: print(options.space, signals.format_resume_message()) or 0
sys.exit(main.main())
"""


def test_help_names_every_command_and_loads_no_heavy_package() -> None:
    code = (
        "import sys\nfrom search.main import main\ncode = main(['--help'])\n"
        "print(code, sorted({'torch', 'ray', 'transformers', 'datasets', 'polars', 'optuna'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert done.stdout.endswith("0 []\n")


def test_no_command_gets_the_help_and_an_unknown_one_the_near_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: transfer-search COMMAND" in capsys.readouterr().err
    assert main(["stauts", "runs"]) == 2
    assert capsys.readouterr().err == "transfer-search: unknown command 'stauts': did you mean status?\n"


@pytest.mark.parametrize(("name", "script"), [("status", status), ("clean", clean)])
def test_arguments_and_exit_code_are_those_of_the_script(
    name: str, script: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(script, "main", lambda argv: calls.append(argv) or 7)
    assert main([name, str(tmp_path), "--json"]) == 7 and calls == [[str(tmp_path), "--json"]]


@pytest.mark.parametrize("command", ["rank", "--help", "status"])
def test_lost_output_is_said_by_the_command_that_lost_it(command: str, tmp_path: Path) -> None:
    arguments = [] if command == "--help" else ["--help"]
    call = f"{shlex.join([sys.executable, '-m', 'search.main', command, *arguments])} >&-"
    done = subprocess.run(["sh", "-c", call], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "it is closed" in done.stderr


@pytest.mark.parametrize("name", ["rank", "report"])
def test_the_analysis_is_called_as_a_user_would(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([name, str(tmp_path / "nothing")]) == 2
    assert capfd.readouterr().err.startswith(f"{name}.py: ")


def test_the_command_that_continues_is_the_one_that_was_given(tmp_path: Path) -> None:
    script = tmp_path / "transfer-search"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(script), "run", "--space", "quick"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.startswith("quick interrupted. ")
    assert done.stdout.endswith(f"to continue: {shlex.join(command)}\n")


def test_run_handles_signals_before_it_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr("search.main.signals.install", lambda: calls.append("signals"))
    monkeypatch.setattr(run, "main", lambda argv: calls.append(argv) or 1)
    assert main(["run", "--plan"]) == 1 and calls == ["signals", ["--plan"]]
