"""winner.py --push: the folder goes to the hub, whole and private, or is refused in one line."""

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.utils._http import default_client_factory

from analysis.winner import main
from tests.analysis.sweep_files import Capture, printed, refused
from tests.loopback_hub import Fault, LoopbackHub, use_hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    server = LoopbackHub()
    use_hub(server, tmp_path / "cache", monkeypatch)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)  # large files go by HTTP
    monkeypatch.setattr(huggingface_hub.hf_api.api, "endpoint", server.endpoint)
    huggingface_hub.set_client_factory(default_client_factory)  # the library's own, as in the command
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    yield server
    server.stop()


@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # of the hub's client
def test_push_uploads_every_file_into_a_private_repository(
    sweep: Path, tmp_path: Path, capsys: Capture, hub: LoopbackHub
) -> None:
    text = printed(capsys, main, sweep, "-o", tmp_path / "winner", "--push", "me/winner")
    assert text.endswith(f"uploaded: {hub.endpoint}/me/winner")
    repository = hub.model("me/winner")
    files = repository.commits[repository.branches["main"]]
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "winner").iterdir()}
    assert repository.is_private and "model.safetensors" in files


def test_push_without_a_token_or_with_a_bad_id_is_refused_before_anything_is_written(
    sweep: Path, tmp_path: Path, capsys: Capture, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "winner"
    assert "--push a/b/c:" in refused(capsys, main, sweep, "-o", out, "--push", "a/b/c")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    assert "--push needs a token" in refused(capsys, main, sweep, "-o", out, "--push", "me/winner")
    assert not out.exists() and not hub.requests


@pytest.mark.parametrize("fault", [Fault(403, {"X-Error-Message": "You may not."}), Fault(is_reset=True)])
def test_what_the_hub_refuses_is_written_and_exits_with_1(
    sweep: Path, tmp_path: Path, capsys: Capture, hub: LoopbackHub, fault: Fault
) -> None:
    hub.fault = lambda method, path, number: fault
    assert main([str(sweep), "-o", str(tmp_path / "winner"), "--push", "me/winner"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is written, but not uploaded: " in said and "secret" not in said
    assert (tmp_path / "winner" / "README.md").is_file()
