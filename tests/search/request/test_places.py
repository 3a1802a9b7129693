"""Names and paths that a file system does not allow are refused before the start, with the rule and what to do."""

import dataclasses
import os
from pathlib import Path

import pytest

from search.request.options import RunOptions
from search.request.places import check_hub_cache, check_names, check_writable, find_existing, read_limits
from search.run import main
from spaces.errors import UsageError
from tests.search.asked import request_of
from trainables.storage.local_storage import LocalStorage
from trainables.storage.open import open_storage

FLAGS = ("--space", "quick", "--plan")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--name", "n" * 256], "it has 256 bytes, and the name of a folder in"),
        (["--results", "r" * 256], "a part of this path has 256 bytes, and its file system allows 255"),
        (["--results", "ö" * 128], "a part of this path has 256 bytes"),
        (["--results", "/".join(["r" * 250] * 17)], "and the system allows 4095. Name a folder with a shorter path."),
        (["--scratch", "s" * 256], "--scratch /"),
        (["--results", "s3://bucket/" + "p/" * 500 + "?region=us-east-1"], "and the system allows 1023"),
    ],
)
def test_what_is_too_long_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], flags: list[str], expected: str
) -> None:
    assert main([*FLAGS, *flags]) == 2
    message = capsys.readouterr().err
    assert expected in message and message.count("\n") == 1


def test_the_longest_names_that_are_allowed_work(tmp_path: Path) -> None:
    request = request_of(*FLAGS, "--name", "n" * 255, "--results", tmp_path / ("r" * 255))
    check_names(request)
    storage = LocalStorage(Path(request.context.results.url))
    stratum = max((stratum.id for stratum in request.plan), key=len)
    storage.write_file(f"{request.name}/rungs/{stratum}.json", lambda path: path.write_text("[]", encoding="utf-8"))
    assert storage.has(f"{request.name}/rungs/{stratum}.json")


def test_the_file_system_says_how_long_a_name_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encrypted ones allow 143 bytes: a long mixture that fits elsewhere is refused there."""
    monkeypatch.setattr(os, "pathconf", lambda _, name: 143 if name == "PC_NAME_MAX" else 4096)
    assert read_limits(tmp_path / "not" / "there") == (143, 4096)
    request = request_of(*FLAGS, "--results", tmp_path)
    check_names(request)
    mixture = "+".join(f"mnli@{number:04}" for number in range(14))
    longer = [dataclasses.replace(stratum, intermediate=mixture) for stratum in request.plan]
    with pytest.raises(UsageError, match=r"needs a file name of 1\d\d bytes, and .* allows 143\. Take chains with"):
        check_names(dataclasses.replace(request, plan=tuple(longer)))


def test_object_storage_that_does_not_answer_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening it asks for the bucket's region."""

    def refuse(_: str) -> None:
        raise OSError("When resolving region for bucket 'bucket': no answer")

    monkeypatch.setattr("search.request.request.open_storage", refuse)
    assert main([*FLAGS, "--results", "s3://bucket/p"]) == 2
    assert capsys.readouterr().err == (
        "run.py: --results s3://bucket/p cannot be reached: When resolving region for bucket 'bucket': no answer.\n"
    )


def test_a_cache_of_the_hub_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    xtreme = RunOptions(benchmark="xtreme")
    for cache in (tmp_path, tmp_path / "new" / "hub"):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
        check_hub_cache(xtreme)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    with pytest.raises(UsageError, match=r"file is not a writable folder\. Set HF_HOME to a folder"):
        check_hub_cache(xtreme)
    check_hub_cache(RunOptions())  # the miniature needs no file of the hub
    check_hub_cache(dataclasses.replace(xtreme, data=str(tmp_path), model=str(tmp_path)))


def test_odd_characters_in_paths_work(tmp_path: Path) -> None:
    folder = tmp_path / "a b[c]*?#%41\nö"
    check_names(request_of(*FLAGS, "--results", folder))
    check_writable(open_storage(str(folder)), str(folder / "scratch"))


def test_folders_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name in ("file", "file/below"):
        with pytest.raises(UsageError, match=r"the results folder .* is not a writable folder"):
            check_writable(LocalStorage(tmp_path / name))
        with pytest.raises(UsageError, match=r"the folder of --scratch .* cannot be written"):
            check_writable(open_storage(str(tmp_path)), str(tmp_path / name))
    assert find_existing(tmp_path / ("x" * 300) / "y") == tmp_path
