"""Repositories at one commit: found once, recorded, fetched at that commit, and verified."""

import json
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest

from spaces.errors import UsageError
from tests.loopback_hub import Fault, LoopbackHub
from tests.trainables.repositories.conftest import REPO, ROWS, fetch
from trainables.repositories import questions
from trainables.repositories.download import fetch_file
from trainables.repositories.hub import Hub, open_recorded_hub
from trainables.repositories.questions import HubError, NoNetworkError
from trainables.repositories.remote_file import RemoteFile
from trainables.repositories.snapshot import hash_contents, snapshots_from_json, snapshots_to_json


def test_a_repository_is_asked_for_once_and_read_at_that_commit(server: LoopbackHub) -> None:
    hub = Hub()
    first = hub.find("dataset", REPO)
    assert first is not None and first.list_folder("en").keys() == {"train-00000-of-00001.parquet"}
    server.dataset(REPO).commit({ROWS: b"later rows"})
    with server.count() as requests:
        assert fetch(hub) == b"first rows" * 100
    assert requests == [f"{method} /datasets/{REPO}/resolve/{first.commit}/{ROWS}" for method in ("HEAD", "GET")]
    with server.count() as requests:
        assert fetch(hub) == b"first rows" * 100 and hub.find("dataset", REPO) is first
    assert requests == []


def test_a_worker_reads_the_recorded_commit_and_asks_nothing_else(
    server: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Hub()
    fetch(driver)
    assert driver.find("dataset", "org/absent") is None
    text = driver.to_json()
    server.dataset(REPO).commit({ROWS: b"later rows"})
    with server.count() as requests:
        worker = open_recorded_hub(text)
        assert worker is open_recorded_hub(text)  # one for the whole process
        assert fetch(worker) == b"first rows" * 100
        assert worker.find("dataset", "org/absent") is None
        with pytest.raises(HubError, match="did not record it"):
            worker.find("dataset", "org/other")
    assert requests == []
    assert snapshots_to_json(snapshots_from_json(text)) == text
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "on another machine"))
    assert fetch(worker) == b"first rows" * 100


def test_a_sweep_goes_on_at_its_commit_and_says_what_has_moved(server: LoopbackHub) -> None:
    before = Hub()
    fetch(before)
    (old,) = before.snapshots
    new = server.dataset(REPO).commit({ROWS: b"later rows"})
    again = Hub(before.snapshots)
    assert fetch(again) == b"first rows" * 100
    (note,) = again.notes
    assert f"{REPO} has moved from commit {old.commit} to commit {new}" in note and "--new-commits" in note
    # The commits alone are enough where the record of the files is lost.
    by_commit = Hub(commits={old.key: str(old.commit)})
    assert by_commit.find("dataset", REPO) == old
    newest = Hub()
    assert fetch(newest) == b"later rows" and newest.notes == []


def test_what_was_absent_stays_so_for_the_sweep(server: LoopbackHub) -> None:
    before = Hub()
    assert before.find("dataset", "org/late") is None
    new = server.dataset("org/late").commit({ROWS: b"rows"})
    questions.FAILED.clear()
    again = Hub(before.snapshots)
    assert again.find("dataset", "org/late") is None
    (note,) = again.notes
    assert f"org/late has moved from not being on the hub to commit {new}" in note
    assert Hub().find("dataset", "org/late") is not None


def test_contents_and_not_commits_make_the_hash(server: LoopbackHub) -> None:
    def hash_rows() -> str:
        snapshot = Hub().find("dataset", REPO)
        assert snapshot is not None
        return hash_contents(snapshot.list_folder("en").values())

    before = hash_rows()
    server.dataset(REPO).commit({"README.md": b"another card"})
    assert hash_rows() == before
    server.dataset(REPO).commit({ROWS: b"other rows"})
    assert hash_rows() != before


def test_what_the_hub_sends_must_be_of_the_commit(server: LoopbackHub) -> None:
    hub = Hub()
    snapshot = hub.find("dataset", REPO)
    assert snapshot is not None
    server.fault = lambda method, path, number: Fault(commit="f" * 40) if "resolve" in path else None
    with pytest.raises(UsageError, match=f"commit {snapshot.commit} was asked for, but the hub sent {'f' * 40}"):
        fetch(hub)
    file = snapshot.find_file(ROWS)
    assert file is not None
    with pytest.raises(UsageError, match=f"the hub sent commit {'f' * 40}"):
        RemoteFile(snapshot, file).read(10)


def test_a_damaged_file_in_the_cache_is_downloaded_again(server: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    snapshot = hub.find("dataset", REPO)
    assert snapshot is not None
    path = fetch_file(snapshot, ROWS)
    path.resolve().write_bytes(b"first rowz" * 100)
    assert fetch(hub) == b"first rows" * 100
    path.resolve().write_bytes(b"cut")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="it has 3 bytes instead of 1,000"):
        fetch(hub)


@pytest.mark.parametrize("is_offline", [True, False])
def test_without_a_network_the_cache_serves(
    server: LoopbackHub, monkeypatch: pytest.MonkeyPatch, is_offline: bool
) -> None:
    recorded = Hub()
    fetch(recorded)
    huggingface_hub.hf_hub_download(REPO, ROWS, repo_type="dataset")  # which notes what the main branch is
    if is_offline:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    else:
        server.stop()
    assert fetch(Hub(recorded.snapshots)) == b"first rows" * 100
    for is_listed in (True, False):  # the last listing is kept, and without it the files of the cache tell something
        cached = Hub()
        assert fetch(cached) == b"first rows" * 100
        assert any("is read from the cache at commit" in note for note in cached.notes)
        (known,), (whole,) = cached.snapshots, recorded.snapshots
        assert known.is_whole == is_listed and known.find_file(ROWS) == whole.find_file(ROWS)
        shutil.rmtree(Path(huggingface_hub.constants.HF_HUB_CACHE) / ".transfer-search", ignore_errors=True)
    with pytest.raises(NoNetworkError):
        Hub().find("dataset", "org/other")


def test_a_renamed_repository_is_told(server: LoopbackHub) -> None:
    server.dataset(REPO).name = "org/other"
    hub = Hub()
    assert hub.find("dataset", REPO) is not None
    assert hub.notes == [f"{REPO} is called org/other on the hub by now."]


def test_a_hub_that_lists_no_sizes_is_asked_for_its_tree(server: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Hub().find("dataset", REPO)
    monkeypatch.setattr("tests.loopback_hub._sibling", lambda entry: {"rfilename": entry["path"]})
    assert Hub().find("dataset", REPO) == whole


def test_a_part_of_a_file_takes_one_request(server: LoopbackHub) -> None:
    content = bytes(range(256)) * 4096
    server.dataset(REPO).commit({ROWS: content})
    snapshot = Hub().find("dataset", REPO)
    assert snapshot is not None
    file = RemoteFile(snapshot, snapshot.list_folder("en")["train-00000-of-00001.parquet"])
    with server.count() as requests:
        file.seek(-8, 2)
        assert file.read() == content[-8:]
        file.seek(-1000, 2)
        assert file.read(100) == content[-1000:-900]
    assert len(requests) == 1
    file.seek(5)
    assert file.read(10) == content[5:15] and file.tell() == 15
    file.seek(0)
    assert file.read() == content


@pytest.mark.parametrize("text", ["", "{", "[]x", json.dumps([{"kind": "dataset"}]), "[1]"])
def test_a_record_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        snapshots_from_json(text)
