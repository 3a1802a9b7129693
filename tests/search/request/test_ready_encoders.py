"""Ready encoders as arms: their names, their contents in the keys, and those that do not go with the sweep."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save

from analysis.questions.sweep_command import build_command
from search.request.ready_encoders import describe_test_data, place_ready_encoders
from search.request.request import SweepRequest
from search.sweep.sweep_file import check_growth
from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.space import Space
from tests.encoder_folders import build_xlmr, change_fields, change_weights, write_encoder
from tests.hub_layout import PAIR, XNLI, pair_rows
from tests.loopback_hub import LoopbackHub
from tests.search.asked import request_of
from trainables.data.task_data import DataSource
from trainables.miniature import world
from trainables.training.miniature_encoder import build_config

FLAGS = ("--targets", "xnli", "--seeds", "0", "--learning-rates", "1e-3")


def write_like_miniature(folder: Path, world_seed: int = 0) -> Path:
    """A random encoder of the form of the miniature's own."""
    tokenizer = world.build_tokenizer(world.build_world(world_seed))
    config = build_config(tokenizer).to_dict()
    shape = {name: config[name] for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")}
    shape |= {name: config[name] for name in ("intermediate_size", "max_position_embeddings", "pad_token_id")}
    return write_encoder(folder, build_xlmr(len(tokenizer), **shape), tokenizer)


def keys_of(path: Path, results: Path) -> dict[str, str]:
    """The fingerprint of each ready encoder of a request."""
    request = request_of("--intermediates", f"mnli,folder:{path}", *FLAGS, "--results", results)
    (name,) = request.context.ready_encoders
    assert request.context.ready_encoders[name] == str(path.resolve()) and name in request.axes.intermediates
    assert name in [stratum.task for stratum in request.plan if stratum.kind == "intermediate"]
    return {name: request.maker.fingerprints["ready", name]}


def test_a_folder_is_known_by_its_name_and_its_contents(tmp_path: Path) -> None:
    here = write_like_miniature(tmp_path / "a" / "mine")
    there = write_like_miniature(tmp_path / "b" / "mine")
    assert keys_of(here, tmp_path) == keys_of(there, tmp_path), "the path is no part of it"
    change_weights(there, lambda tensors: {name: value + 1 for name, value in tensors.items()})
    assert keys_of(here, tmp_path) != keys_of(there, tmp_path)


@pytest.mark.parametrize(
    ("chains", "message"),
    [
        ("folder:/no/such/place", "folder:/no/such/place: there is no such folder"),
        ("hub:org/name", "the miniature reads nothing from the hub"),
        ("folder:{a}/mine,folder:{b}/mine", "has the same name"),
        ("folder:{a}/mine~x2", "there is no such folder"),
        ("mnli|folder:{a}/other", "its tokenizer has another vocabulary than that of the start encoder"),
        ("folder:{a}/wide", "its embeddings.LayerNorm.bias is 16, and that of the start encoder is 64"),
        ("folder:{a}/empty", "folder:empty: the folder has no config.json"),
    ],
)
def test_what_does_not_go_with_the_sweep_is_refused(tmp_path: Path, chains: str, message: str) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    write_like_miniature(a / "mine")
    write_like_miniature(b / "mine")
    write_like_miniature(a / "other", world_seed=3)
    write_encoder(a / "wide")
    (a / "empty").mkdir()
    with pytest.raises(UsageError, match=message):
        request_of("--intermediates", chains.format(a=a, b=b), *FLAGS, "--results", tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_the_command_that_continues_a_sweep_has_the_path_again_which_may_change(tmp_path: Path) -> None:
    specs = []
    for folder in ("a", "b"):
        mine = write_like_miniature(tmp_path / folder / "mine")
        chains = f"mnli|folder:{mine}:salt,folder:{mine}"
        specs.append(request_of("--intermediates", chains, *FLAGS, "--results", tmp_path / "runs").spec)
        words = shlex.split(build_command(str(tmp_path / "runs" / "s"), specs[-1], {}))
        assert words[words.index("--intermediates") + 1] == chains
    assert specs[0] != specs[1]
    check_growth(*specs, "s")  # raises nothing


def test_names_stay_where_nothing_is_ready() -> None:
    space = Space(name="s", intermediates=("mnli", "mnli|ccg:salt", "none:layers"))
    assert place_ready_encoders(space) == (space, {})


def test_members_of_merges_and_methods_after_the_colon_are_placed(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    chains = (f"mnli|folder:{folder}:salt", f"folder:{folder}", "hub:org/x@0f:layers")
    space, places = place_ready_encoders(Space(name="s", intermediates=chains))
    assert space.intermediates == ("mnli|folder:mine:salt", "folder:mine", "hub:org/x@0f:layers")
    assert places == {"folder:mine": str(folder), "hub:org/x@0f": "org/x@0f"}


def test_a_card_that_names_test_data_is_told(tmp_path: Path) -> None:
    source, xtreme = DataSource(benchmark="xtreme", data="/d"), BENCHMARKS["xtreme"]
    (tmp_path / "README.md").write_text("---\ndatasets:\n- multi_nli\n- facebook/xnli\n---\n")
    (note,) = describe_test_data({"folder:m": str(tmp_path)}, source, xtreme, ("xnli", "udpos"))
    assert note.startswith("folder:m: its card names facebook/xnli, from which xnli takes its test rows.")
    (tmp_path / "README.md").write_text("---\ndatasets: [\n---\n")
    (note,) = describe_test_data({"folder:m": str(tmp_path)}, source, xtreme, ("xnli",))
    assert "cannot be read" in note and "What it was trained on is unknown" in note
    assert describe_test_data({"hub:org/x": "/nowhere"}, source, xtreme, ("xnli",)) == []


def test_over_real_data_it_is_compared_with_the_given_one(
    write: Callable[..., Path], model: Path, tmp_path: Path
) -> None:
    rows = [{"language": "en", "sentence1": "a", "sentence2": "b", "gold_label": "neutral"}]
    for split in ("validation", "test"):
        write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(20))
    ready = write_encoder(tmp_path / "ready")
    flags = ("--benchmark", "xtreme", "--data", data, "--model", model, *FLAGS, "--results", tmp_path / "results")
    request = request_of("--intermediates", f"folder:{ready}", *flags)
    assert request.context.ready_encoders == {"folder:ready": str(ready)} and not request.missing_data
    moved = shutil.copytree(model, tmp_path / "moved" / model.name)
    later = request_of("--intermediates", f"folder:{ready}", *flags, "--model", moved)
    for spec, place in ((request.spec, model), (later.spec, moved)):
        assert f" --model {place} " in build_command(request.url, spec, {})
    check_growth(request.spec, later.spec, "s")  # raises nothing: the folder holds the same encoder
    change_fields(ready / "config.json", num_attention_heads=4)
    with pytest.raises(UsageError, match="it has 4 attention heads, and the start encoder has 2"):
        request_of("--intermediates", f"folder:{ready}", *flags)


def test_an_encoder_of_the_hub_is_read_at_the_commit_that_is_named(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], model: Path
) -> None:
    name = "org/ready"
    hub.serve_model(model, name)
    first = hub.model(name).branches["main"]
    weights = load_file(model / "model.safetensors")
    other = save({key: value + 1 for key, value in weights.items()}, {"format": "pt"})
    card = b"---\ndatasets:\n- xnli\n---\n"
    second = hub.model(name).commit({"model.safetensors": other, "README.md": card})

    def fingerprint(chain: str) -> str:
        request = asked("--intermediates", f"mnli,{chain}")
        assert request.context.ready_encoders == {chain: chain.removeprefix("hub:")}
        return request.maker.fingerprints["ready", chain]

    newest, old, new = (fingerprint(f"hub:{name}{commit}") for commit in ("", f"@{first}", f"@{second}"))
    assert newest == new != old
    request = asked("--intermediates", f"mnli,hub:{name}@{second}")
    assert any("its card names xnli, from which xnli takes its test rows" in note for note in request.notes)
    assert request.repositories[f"model {name} {second}"] == second


def test_a_plan_with_an_encoder_of_the_hub_downloads_no_weights(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], model: Path
) -> None:
    hub.serve_model(model, "org/ready")
    plan = asked("--plan", "--intermediates", "mnli,hub:org/ready")
    assert plan.maker.fingerprints == asked("--intermediates", "mnli,hub:org/ready").maker.fingerprints


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ("hub:org/nowhere", "hub:org/nowhere: it is neither a folder nor on the hub"),
        ("hub:org/ready@0123456789012345678901234567890123456789", "hub:org/ready@0123"),
    ],
)
def test_what_the_hub_does_not_have_is_told(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], model: Path, chain: str, message: str
) -> None:
    hub.serve_model(model, "org/ready")
    with pytest.raises(UsageError, match=message):
        asked("--intermediates", f"mnli,{chain}")
