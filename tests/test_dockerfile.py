"""The Dockerfile copies what exists, installs the pinned versions, and runs the commands as a user without rights."""

import fnmatch
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator

import pytest

from search.request.options import build_parser
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def iter_instructions() -> Iterator[tuple[str, str]]:
    """Yield the name and the arguments of each instruction, continued lines joined and comments left out."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, arguments = line.partition(" ")
        yield name, arguments


INSTRUCTIONS = list(iter_instructions())


def arguments_of(name: str) -> list[str]:
    return [arguments for each, arguments in INSTRUCTIONS if each == name]


def list_copied() -> list[str]:
    return [source for arguments in arguments_of("COPY") for source in arguments.split()[:-1]]


def is_sent(path: str) -> bool:
    """True if .dockerignore lets a path at the top through: the last line that fits decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#") and fnmatch.fnmatch(path, line.removeprefix("!")):
            sent = line.startswith("!")
    return sent


def test_what_is_copied_exists_and_is_sent_and_nothing_else_is() -> None:
    copied = set(list_copied())
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert {path.name for path in ROOT.iterdir() if is_sent(path.name)} == copied
    packages = {pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    named = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    assert packages | named | {"pyproject.toml", "constraints.txt"} <= copied


def test_every_package_has_the_pinned_version() -> None:
    """Torch comes from an index of its own; the dependencies of pyproject.toml are read there, not repeated here."""
    installs = [part for arguments in arguments_of("RUN") for part in arguments.split("&&") if "pip install" in part]
    assert len(installs) == 3 and all("--constraint constraints.txt" in part for part in installs)
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.search(r"^torch==[\d.]+$", constraints, re.MULTILINE) and "://" not in constraints


def test_the_python_of_the_image_is_one_of_the_project() -> None:
    defaults = dict(arguments.split("=", 1) for arguments in arguments_of("ARG"))
    found = re.fullmatch(r"python:(3)\.(\d+)-slim", defaults["BASE_IMAGE"])
    least = re.fullmatch(r">=(3)\.(\d+)", PROJECT["project"]["requires-python"])
    assert found and least and tuple(map(int, found.groups())) >= tuple(map(int, least.groups()))
    assert arguments_of("FROM") == ["${BASE_IMAGE}"]


def test_commands_run_without_rights_and_results_lie_in_the_volume() -> None:
    names = [name for name, _ in INSTRUCTIONS]
    defaults = dict(arguments.split("=", 1) for arguments in arguments_of("ARG"))
    assert arguments_of("USER") == ["${USER_ID}"] and int(defaults["USER_ID"]) > 0
    assert "RUN" not in names[names.index("USER") :]
    results = build_parser().parse_args([]).results
    assert arguments_of("VOLUME") == [f'["{arguments_of("WORKDIR")[-1]}/{results}"]']


def test_a_command_is_run_as_it_is() -> None:
    """NVIDIA's images have an entry point that prints."""
    assert arguments_of("ENTRYPOINT") == ["[]"]
    assert (
        arguments_of("CMD") == ['["transfer-search", "--help"]'] and "transfer-search" in PROJECT["project"]["scripts"]
    )


def test_the_commands_of_the_page_fit_the_image_and_the_code() -> None:
    text = PAGE.replace("\\\n", " ")
    builds, runs = (re.findall(rf"^    docker {name} .+$", text, re.MULTILINE) for name in ("build", "run"))
    known = {arguments.partition("=")[0] for arguments in arguments_of("ARG")}
    assert builds and all(name in known for line in builds for name in re.findall(r"--build-arg (\w+)=", line))
    sweeps = [line for line in runs if "search/run.py" in line]
    assert sweeps and all("--shm-size" in line and "/app/runs" in line for line in sweeps)
    for line in sweeps:
        build_parser().parse_args(shlex.split(line.partition("search/run.py")[2]))


def test_the_linter_finds_nothing() -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not installed: it is in the extra `test` where it has a wheel")
    done = subprocess.run(["hadolint", str(ROOT / "Dockerfile")], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
