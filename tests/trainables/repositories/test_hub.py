"""Repositories at one commit: found once, fetched at that commit, verified; and every way in which the hub may fail."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from spaces.errors import UsageError
from tests.loopback_hub import Fault, LoopbackHub, use_hub
from trainables.repositories import questions
from trainables.repositories.client import REQUESTS
from trainables.repositories.download import fetch_file
from trainables.repositories.hub import Hub, open_recorded_hub
from trainables.repositories.questions import HubError, NoNetworkError
from trainables.repositories.remote_file import RemoteFile
from trainables.repositories.snapshot import hash_contents, snapshots_from_json, snapshots_to_json
from trainables.worker.failures import INPUT, classify

REPO = "org/data"
ROWS = "en/train-00000-of-00001.parquet"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with one dataset."""
    server = LoopbackHub()
    server.dataset(REPO).commit({ROWS: b"first rows" * 100, "README.md": b"a card"})
    use_hub(server, tmp_path / "cache", monkeypatch)
    yield server
    server.stop()


def fetch(hub: Hub, name: str = ROWS) -> bytes:
    snapshot = hub.find("dataset", REPO)
    assert snapshot is not None
    return fetch_file(snapshot, name).read_bytes()


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


def test_a_hub_that_is_cut_off_is_asked_once_more_only_at_first(server: LoopbackHub) -> None:
    server.stop()
    for _ in range(2):
        with pytest.raises(NoNetworkError, match=f"{REPO}: cannot reach the hub"):
            Hub().find("dataset", REPO)
    assert REQUESTS.repeated == questions.TRIES_WITHOUT_NETWORK - 1


REFUSALS: dict[str, tuple[Fault, str, bool]] = {
    "gated": (Fault(403, {"X-Error-Code": "GatedRepo"}), "Accept its terms", False),
    "token": (Fault(401, {"X-Error-Message": "Invalid username or password."}), "HF_TOKEN", False),
    "forbidden": (Fault(403, {"X-Error-Message": "no rights"}), "no rights", False),
    "many": (Fault(429, {"Retry-After": "0"}), "answers 429: too many requests", True),
    "fault": (Fault(500), "answers 500", True),
    "gateway": (Fault(504), "answers 504", True),
    "slow": (Fault(delay=0.4), "no answer from the hub within", True),
    "reset": (Fault(is_reset=True), "the connection to the hub broke", True),
    "strange": (Fault(418), "answers 418", False),
    "page": (Fault(200), "the answer is not the hub's", False),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_asked_is_never_absent(server: LoopbackHub, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fault, words, may_pass = REFUSALS[name]
    monkeypatch.setattr(questions, "WAITS", (0.0,))
    server.fault = lambda method, path, number: fault
    with pytest.raises(HubError) as caught:
        Hub().find("dataset", REPO)
    text = str(caught.value)
    assert text.startswith(f"{REPO}: ") and words in text
    assert "\n" not in text and "secret-id" not in text and "Request ID" not in text
    assert classify(caught.value) is INPUT  # a worker's stage is tried again
    server.fault = lambda method, path, number: fault if number == len(server.requests) - 1 == before else None
    before = len(server.requests)
    with pytest.raises(HubError):  # other tasks need not ask again
        Hub().find("dataset", REPO)
    assert len(server.requests) == before
    questions.FAILED.clear()
    if may_pass:
        assert Hub().find("dataset", REPO) is not None
    else:
        with pytest.raises(HubError):
            Hub().find("dataset", REPO)


@pytest.mark.parametrize(
    ("fault", "words", "may_pass"),
    [
        (
            Fault(is_cut=True),
            "the download ended before the whole file was there|the connection to the hub broke",
            True,
        ),
        (Fault(has_no_headers=True), "the answer lacks the hub's headers", False),
        (Fault(404, {"X-Error-Code": "EntryNotFound"}), "The commit that this sweep reads is gone", False),
        (Fault(503), "answers 503", True),
    ],
)
def test_a_file_that_cannot_be_had_is_named(
    server: LoopbackHub, fault: Fault, words: str, may_pass: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits before it goes on with a file
    hub = Hub()
    hub.find("dataset", REPO)
    server.fault = lambda method, path, number: fault
    with pytest.raises(HubError, match=words) as caught:
        fetch(hub)
    assert f"{REPO} {ROWS}" in str(caught.value) and "\n" not in str(caught.value)
    questions.FAILED.clear()
    start = len(server.requests)
    server.fault = lambda method, path, number: fault if number < start + 2 and method == "GET" else None
    if may_pass:
        assert fetch(hub) == b"first rows" * 100


def test_a_wait_that_is_too_long_is_not_waited(server: LoopbackHub) -> None:
    server.fault = lambda method, path, number: Fault(429, {"Retry-After": "3600"})
    with pytest.raises(HubError, match="Start again in 3600 seconds"):
        Hub().find("dataset", REPO)
    server.fault = lambda *_: None
    questions.FAILED.clear()
    hub = Hub()
    hub.find("dataset", REPO)
    server.fault = lambda method, path, number: Fault(429, {"Retry-After": "3600"})
    with pytest.raises(HubError, match="Start again in 3600 seconds"):
        fetch(hub)


def test_only_404_is_absent_and_a_private_repository_is_not(server: LoopbackHub) -> None:
    assert Hub().find("dataset", "org/absent") is None
    assert Hub().find("dataset", REPO, "refs/convert/parquet") is None
    server.dataset(REPO).is_private = True
    with pytest.raises(HubError, match="does not exist: check the name"):
        Hub().find("dataset", REPO)


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


def test_a_hub_with_a_full_disk_says_so(server: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    hub = Hub()
    hub.find("dataset", REPO)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(HubError, match=r"No space left on device.*HF_HOME"):
        fetch(hub)


def test_a_fault_of_the_xet_storage_names_the_way_around(server: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("Data processing error: CAS service error : Reqwest Error: 500 (xet) Request ID: abc-1")

    hub = Hub()
    hub.find("dataset", REPO)
    shutil.rmtree(huggingface_hub.constants.HF_HUB_CACHE, ignore_errors=True)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(HubError, match="HF_HUB_DISABLE_XET=1") as caught:
        fetch(hub)
    assert "abc-1" not in str(caught.value)
