"""Faults of a hub and of downloads from it: each is named with its remedy, and none makes a repository absent."""

import shutil
from typing import Any

import huggingface_hub.constants
import pytest

from tests.loopback_hub import Fault, LoopbackHub
from tests.trainables.repositories.conftest import REPO, ROWS, fetch
from trainables.repositories import questions
from trainables.repositories.client import REQUESTS
from trainables.repositories.hub import Hub
from trainables.repositories.questions import HubError, NoNetworkError
from trainables.worker.failures import INPUT, classify


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
