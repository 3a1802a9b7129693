"""What a hub answers to uploads: it makes a repository, stores large files by their hash, and takes a commit."""

import base64
import json
import re
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.loopback_hub import LoopbackHub

_QUESTION = re.compile(r"/api/models/([^/]+/[^/]+)/(preupload|commit)/main$")
LARGE_FROM = 1000  # bytes


def read_body(request: BaseHTTPRequestHandler) -> bytes:
    """Return what a request carries, in one piece or in chunks."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    body = b""
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def answer_upload(hub: "LoopbackHub", path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Answer a POST or PUT of the client; return the status and the JSON. Commits change the hub's repositories."""
    if path == "/api/repos/create":
        fields = json.loads(body)
        repo_id = f"{fields.get('organization', 'me')}/{fields['name']}"
        hub.model(repo_id).is_private = (
            fields.get("visibility", "private" if fields.get("private") else "") == "private"
        )
        return 200, {"url": f"{hub.endpoint}/{repo_id}"}
    if path == "/api/validate-yaml":
        return 200, {"warnings": [], "errors": []}
    if path.startswith("/large/"):
        hub.uploaded[path.removeprefix("/large/")] = body
        return 200, {}
    if path.endswith(".git/info/lfs/objects/batch"):
        objects = json.loads(body)["objects"]
        uploads = [{**each, "actions": {"upload": {"href": f"{hub.endpoint}/large/{each['oid']}"}}} for each in objects]
        return 200, {"transfer": "basic", "objects": uploads}
    question = _QUESTION.match(path)
    assert question is not None, path
    if question[2] == "preupload":
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["size"] > LARGE_FROM else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(body)["files"]
        ]
        return 200, {"files": files}
    entries = [json.loads(line) for line in body.splitlines()]
    small = {e["value"]["path"]: base64.b64decode(e["value"]["content"]) for e in entries if e["key"] == "file"}
    large = {e["value"]["path"]: hub.uploaded[e["value"]["oid"]] for e in entries if e["key"] == "lfsFile"}
    commit = hub.model(question[1]).commit({**small, **large})
    return 200, {"commitUrl": f"{hub.endpoint}/{question[1]}/commit/{commit}", "commitOid": commit}
