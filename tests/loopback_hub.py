"""A hub on this machine, for tests: repositories with commits, served to the real clients, with faults by switch."""

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.loopback_uploads import answer_upload, read_body

LARGE = (".parquet", ".safetensors", ".bin")  # stored as large files: known by their SHA-256
_API = re.compile(r"/api/(datasets|models)/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?$")
_FILE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)$")


@dataclass
class Fault:
    """What the hub does instead of answering: a status, a delay (seconds), a reset, or half of a body."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    is_reset: bool = False
    is_cut: bool = False
    has_no_headers: bool = False  # like a proxy that drops the hub's own
    commit: str | None = None  # sent instead of the one that was asked for


@dataclass
class Repository:
    """Commits, oldest first, each with its files; branches that point to them."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    is_gated: bool = False
    is_private: bool = False
    name: str | None = None  # the id that it was renamed to

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Add a commit with all of a branch's files and these, and return it. Empty contents remove a file."""
        before = self.commits.get(self.branches.get(branch, ""), {})
        after = {name: content for name, content in {**before, **files}.items() if content}
        digest = hashlib.sha1(
            f"{len(self.commits)} {branch} {sorted(after)}".encode(), usedforsecurity=False
        ).hexdigest()
        self.commits[digest], self.branches[branch] = after, digest
        return digest


class LoopbackHub:
    """The server. `fault` is asked for each request: method, path, and how many requests came before."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[str] = []
        self.uploaded: dict[str, bytes] = {}  # large files before their commit, by their SHA-256
        self.fault: Callable[[str, str, int], Fault | None] = lambda method, path, number: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.fault = lambda *_: Fault(is_reset=True)  # connections that are open still

    def dataset(self, repo_id: str) -> Repository:
        return self.repositories.setdefault(("datasets", repo_id), Repository())

    def model(self, repo_id: str) -> Repository:
        return self.repositories.setdefault(("models", repo_id), Repository())

    def serve_folder(self, folder: Path) -> None:
        """Serve every repository of a folder that is laid out like the hub."""
        for path in sorted(folder.glob("*/*")):
            if path.is_dir() and path.parent.name != "local":
                files = {
                    file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()
                }
                self.dataset(path.relative_to(folder).as_posix()).commit(files)

    def serve_model(self, folder: Path, repo_id: str) -> str:
        return self.model(repo_id).commit({file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()})

    @contextmanager
    def count(self) -> Iterator[list[str]]:
        """Collect the requests of a block."""
        before, collected = len(self.requests), []  # type: ignore[var-annotated]
        yield collected
        collected += self.requests[before:]

    def _make_handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                self.answer()

            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def do_PUT(self) -> None:
                self.answer()

            def answer(self) -> None:
                path = urlsplit(self.path).path
                number = len(hub.requests)
                hub.requests.append(f"{self.command} {path}")
                body = read_body(self)
                self.own_fault = hub.fault(self.command, path, number) or Fault()
                time.sleep(self.own_fault.delay)
                if self.own_fault.is_reset:
                    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # the connection ends with a reset
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    self.connection.close()
                    return
                if self.own_fault.status is not None:
                    self.send(self.own_fault.status, b"a fault", self.own_fault.headers)
                    return
                if self.command in ("POST", "PUT"):
                    status, content = answer_upload(hub, path, body)
                    self.send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})
                    return
                api, file = _API.match(path), _FILE.match(path)
                if api:
                    self.answer_api(*api.groups())
                elif file:
                    self.answer_file(*file.groups())
                else:
                    self.refuse(404, "EntryNotFound", "no such page")

            def find(self, kind: str, repo_id: str, revision: str, *, for_files: bool) -> tuple[Repository, str] | None:
                repository = hub.repositories.get((kind, repo_id))
                if repository is None:
                    self.refuse(404, "RepoNotFound", "Repository not found")
                elif repository.is_private:
                    self.refuse(401, "RepoNotFound", "Invalid username or password.")
                elif repository.is_gated and for_files:
                    self.refuse(401, "GatedRepo", f"Access to model {repo_id} is restricted.")
                else:
                    commit = repository.branches.get(unquote(revision), revision)
                    if commit in repository.commits:
                        return repository, commit
                    self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
                return None

            def answer_api(self, kind: str, repo_id: str, question: str | None, revision: str | None) -> None:
                found = self.find(kind, repo_id, revision or "main", for_files=False)
                if found is None:
                    return
                repository, commit = found
                entries = [_describe(name, content) for name, content in repository.commits[commit].items()]
                if question == "tree":
                    content: Any = entries
                else:
                    has_blobs = "blobs" in parse_qs(urlsplit(self.path).query)
                    content = {
                        "id": repository.name or repo_id,
                        "sha": commit,
                        "siblings": [
                            _sibling(entry) if has_blobs else {"rfilename": entry["path"]} for entry in entries
                        ],
                    }
                self.send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

            def answer_file(self, folder: str | None, repo_id: str, revision: str, name: str) -> None:
                found = self.find("datasets" if folder else "models", repo_id, revision, for_files=True)
                if found is None:
                    return
                repository, commit = found
                content = repository.commits[commit].get(unquote(name))
                if content is None:
                    self.refuse(404, "EntryNotFound", "Entry not found")
                    return
                headers = {"X-Repo-Commit": self.own_fault.commit or commit, "ETag": f'"{_content_id(name, content)}"'}
                headers = {} if self.own_fault.has_no_headers else headers
                part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                if part is None:
                    self.send(200, content, headers)
                    return
                start, stop = int(part[1]), int(part[2] or len(content) - 1) + 1
                size = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
                self.send(206, content[start:stop], {**headers, **size})

            def refuse(self, status: int, code: str, message: str) -> None:
                self.send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": message})

            def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), "X-Request-Id": "secret-id", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                if self.own_fault.is_cut:
                    self.wfile.write(body[: len(body) // 2])
                    self.close_connection = True
                else:
                    self.wfile.write(body)

        return Handler


def _content_id(name: str, content: bytes) -> str:
    if name.endswith(LARGE):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _describe(name: str, content: bytes) -> dict[str, Any]:
    """Return a file as the hub lists it in a tree."""
    entry: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": _content_id("", content)}
    if name.endswith(LARGE):
        entry["lfs"] = {"oid": _content_id(name, content), "size": len(content), "pointerSize": 130}
    return entry


def _sibling(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file of a tree as the hub lists it in the information on a repository."""
    sibling = {"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]}
    if "lfs" in entry:
        large = entry["lfs"]
        sibling["lfs"] = {"sha256": large["oid"], "size": large["size"], "pointerSize": large["pointerSize"]}
    return sibling


def use_hub(hub: LoopbackHub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clients in this process ask a loopback hub, with an empty cache and without waits between tries."""
    import huggingface_hub

    from trainables.data import remote_rows
    from trainables.repositories import client, questions

    constants = huggingface_hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    monkeypatch.setattr(questions, "WAITS", (0.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(questions, "_is_without_network", False)
    monkeypatch.setattr(questions, "FAILED", {})
    for name in ("api", "files", "repeated"):
        monkeypatch.setattr(client.REQUESTS, name, 0)
    huggingface_hub.set_client_factory(client._make_client)  # with the time limit of the test
    remote_rows.look_at.cache_clear()
