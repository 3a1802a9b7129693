"""Promises of every kind of storage: a folder, a local S3 server, and the tests' own in memory."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3_server import S3Server
from tests.virtual.memory_storage import MemoryStorage
from trainables.storage import lease
from trainables.storage.base import LockedError, Storage, check_name, join_url, quarantine, write_text
from trainables.storage.lease import Lease
from trainables.storage.local_storage import LocalStorage
from trainables.storage.open import open_storage


@pytest.fixture(params=["folder", "s3", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "memory":
        return MemoryStorage()
    if request.param == "folder":
        return open_storage(str(tmp_path))
    server: S3Server = request.getfixturevalue("s3")
    return open_storage(server.bucket())


def test_what_is_written_is_read(storage: Storage) -> None:
    assert storage.read("a/b.txt") is None and not storage.has("a/b.txt") and not storage.has("a")
    write_text(storage, "a/b.txt", "one")
    write_text(storage, "a/b.txt", "two")
    assert storage.read("a/b.txt") == b"two" and storage.has("a/b.txt")
    with storage.open_local("a/b.txt") as path:
        assert path.read_text() == "two"
    assert storage.list_sizes() == storage.list_sizes("a") == {"a/b.txt": 3}
    assert storage.list_sizes("nothing") == {}


def test_a_folder_that_cannot_be_listed_is_not_empty(local: LocalStorage, locked_folder: str) -> None:
    write_text(local, f"{locked_folder}/a.txt", "1")
    with pytest.raises(PermissionError, match=locked_folder):
        local.list_sizes()


@pytest.mark.parametrize("storage", ["folder", "s3"], indirect=True)
def test_what_is_opened_elsewhere_is_the_same_place(storage: Storage) -> None:
    write_text(storage, "x", "1")
    assert open_storage(storage.url).read("x") == b"1"


def test_a_write_that_fails_leaves_what_was_there(storage: Storage) -> None:
    write_text(storage, "a/b.txt", "old")

    def fail(path: Path) -> None:
        path.write_text("ne")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        storage.write_file("a/b.txt", fail)
    with pytest.raises(ZeroDivisionError):
        storage.write_folder("c", lambda path: fail(path / "file"))
    assert storage.list_sizes() == {"a/b.txt": 3} and storage.read("a/b.txt") == b"old"


def test_a_folder_is_replaced_as_a_whole(storage: Storage) -> None:
    def fill(*names: str) -> None:
        storage.write_folder("stages/k/encoder", lambda folder: [(folder / name).write_text(name) for name in names])

    fill("config.json", "weights")
    fill("weights")
    assert storage.has("stages/k/encoder")
    with storage.open_local("stages/k/encoder") as folder:
        assert {path.name for path in folder.iterdir()} - {".whole"} == {"weights"}
    storage.remove("stages/k/encoder")
    assert not storage.has("stages/k/encoder") and storage.list_sizes() == {}
    with pytest.raises(FileNotFoundError), storage.open_local("stages/k/encoder"):
        pass


def test_a_file_that_is_set_aside_is_never_lost(storage: Storage) -> None:
    for content in ("first", "second"):
        write_text(storage, "outcome.json", content)
        quarantine(storage, "outcome.json")
    assert not storage.has("outcome.json")
    assert {storage.read(name) for name in storage.list_sizes()} == {b"first", b"second"}


def test_a_folder_that_is_set_aside_is_whole(storage: Storage) -> None:
    storage.write_folder("stages/a/encoder", lambda folder: (folder / "weights").write_bytes(b"x"))
    new_name = quarantine(storage, "stages/a/encoder")
    assert new_name == "stages/a/encoder.damaged" and storage.has(new_name) and not storage.has("stages/a/encoder")
    with storage.open_local(new_name) as folder:
        assert (folder / "weights").read_bytes() == b"x"


def test_removing_what_is_not_there_is_no_error(storage: Storage) -> None:
    write_text(storage, "something", "x")
    storage.remove("nothing")
    assert storage.list_sizes() == {"something": 1}


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", "a\\..\\x", "a\0b"])
def test_no_name_leads_out_of_the_storage(storage: Storage, name: str) -> None:
    for use in (storage.read, storage.has, storage.remove, lambda name: write_text(storage, name, "x")):
        with pytest.raises(ValueError, match="is not a name inside a results folder"):
            use(name)
    assert storage.list_sizes() == {}


def test_plain_names_stay_as_they_are() -> None:
    assert check_name("stages/0123/outcome.json") == "stages/0123/outcome.json"


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("/a/b", "/a/b/sweep"),
        ("s3://bucket/a/", "s3://bucket/a/sweep"),
        ("s3://bucket?region=x", "s3://bucket/sweep?region=x"),
    ],
)
def test_addresses_keep_their_query(url: str, whole: str) -> None:
    assert join_url(url, "sweep") == whole


@pytest.mark.parametrize("url", ["s3://", "nosuch://bucket/x", "s3://bucket/x?nonsense=1"])
def test_an_address_of_nothing_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address of object storage"):
        open_storage(url)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("RENEW_SECONDS", 0.02), ("EXPIRY_SECONDS", 0.3), ("SETTLE_SECONDS", 0.02)):
        monkeypatch.setattr(lease, name, seconds)


@pytest.mark.usefixtures("quick")
def test_one_at_a_time(storage: Storage) -> None:
    lock = storage.lock("stages/k/lock")
    with pytest.raises(LockedError, match=r"process \d+ on "):
        storage.lock("stages/k/lock", wait=0.05)
    lock.release()
    storage.lock("stages/k/lock").release()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalStorage]:
    yield LocalStorage(tmp_path)


@pytest.mark.usefixtures("quick")
def test_a_lease_that_nobody_renews_is_taken(local: LocalStorage) -> None:
    write_text(local, "lease", '{"id": "x", "process": 1, "host": "another machine", "beat": 7}')
    Lease(local, "lease").release()
    assert local.read("lease") is None


@pytest.mark.usefixtures("quick")
def test_a_lease_of_a_dead_process_of_this_machine_is_taken_at_once(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    import platform
    import subprocess

    ended = subprocess.Popen(["true"])
    ended.wait()
    monkeypatch.setattr(lease, "EXPIRY_SECONDS", 1000.0)
    write_text(local, "lease", f'{{"id": "x", "process": {ended.pid}, "host": "{platform.node()}", "beat": 7}}')
    mine = Lease(local, "lease")
    assert mine.id.encode() in (local.read("lease") or b"")
    mine.release()


@pytest.mark.usefixtures("quick")
def test_a_holder_that_was_taken_for_dead_does_not_fight(local: LocalStorage) -> None:
    first = Lease(local, "lease")
    write_text(local, "lease", '{"id": "another", "process": 1, "host": "another machine", "beat": 7}')
    first.release()
    assert b"another" in (local.read("lease") or b"")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff"])
def test_a_damaged_lease_is_nobodys(local: LocalStorage, text: str) -> None:
    (local.root / "lease").write_text(text, encoding="latin-1")
    mine = Lease(local, "lease")
    assert mine.id.encode() in (local.read("lease") or b"")
    mine.release()


def test_a_file_system_without_locks_gets_leases(
    local: LocalStorage, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    lock = local.lock("stages/k/lock")
    with pytest.raises(LockedError):
        local.lock("stages/k/lock", wait=0.05)
    lock.release()
