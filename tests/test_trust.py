"""Nothing that is read is executed: no results, checkpoints, data or encoders. The only exception is a space file."""

import ast
import os
import pickle
import stat
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from search.request.options import build_parser
from spaces.named_spaces import find_space
from spaces.whole_files import write_file, write_folder
from tests.paths import ROOT
from trainables.data import parquet_files
from trainables.models.encoder import load_encoder
from trainables.storage.base import check_name

FOLDERS = ("spaces", "trainables", "search", "analysis")
CODE = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
EXECUTING = {"exec", "eval", "compile", "__import__"}
UNPICKLING = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "runpy", "imp"}
# Exceptions, (file, name): the user's own space, and a file that this run's own Tune has just written.
ALLOWED = {("spaces/named_spaces.py", "runpy"), ("search/driver/searcher.py", "cloudpickle")}


def faults(tree: ast.AST) -> Iterator[str]:
    """Yield the names of calls and imports in a program that could execute what it reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names if name.name.partition(".")[0] in UNPICKLING)
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0], *(name.name for name in node.names)}
            yield from names & UNPICKLING
        elif isinstance(node, ast.Call):
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg}
            called = ast.unparse(node.func)
            owner, _, name = called.rpartition(".")
            if called in EXECUTING or called in ("builtins.exec", "builtins.eval"):
                yield called
            if owner == "torch" and name == "load" and keywords.get("weights_only") != "True":
                yield "torch.load"
            if owner == "yaml" and name in ("load", "load_all", "unsafe_load", "full_load"):
                yield called
            if name in ("from_pretrained", "from_config") and keywords.get("trust_remote_code") != "False":
                yield f"{called} that may ask for trust"
            if any(keywords.get(name, "False") != "False" for name in ("trust_remote_code", "allow_pickle")):
                yield f"{called} with trust"
            if keywords.get("weights_only", "True") != "True" or keywords.get("shell", "False") != "False":
                yield f"{called} with trust"


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_code_executes_what_it_reads(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    faulty = {(name, fault) for fault in faults(ast.parse(path.read_text()))}
    assert faulty <= ALLOWED


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from torch import load, pickle",
        "import dill.source",
        "from ray import cloudpickle",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=trusting)",
        "AutoModel.from_pretrained(place, trust_remote_code=True)",
        "AutoModel.from_pretrained(place)",
        "yaml.load(text)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_search_for_it_finds_it(line: str) -> None:
    assert list(faults(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["torch.load(path, weights_only=True)", "np.load(path, allow_pickle=False)", "re.compile(x)"]
)
def test_and_nothing_else(line: str) -> None:
    assert not list(faults(ast.parse(line)))


class Bomb:
    """An object that leaves a folder behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def test_the_bomb_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_pickled_weights_of_a_given_encoder_execute_nothing(tmp_path: Path, encoder_copy: Path, zipped: bool) -> None:
    (encoder_copy / "model.safetensors").unlink()
    bomb = {"embeddings.word_embeddings.weight": Bomb(tmp_path / "mark")}
    torch.save(bomb, encoder_copy / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(Exception, match=r"(?i)weights_only|unpickl|unsupported|not allowed"):
        load_encoder(str(encoder_copy))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_given_encoder_is_not_executed(
    tmp_path: Path, encoder_copy: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    monkeypatch.setattr("builtins.input", lambda *_: "y")  # it must not ask for consent either
    (encoder_copy / "own.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'mark')!r})\n")
    fields = json.loads((encoder_copy / file).read_text())
    classes = {"AutoConfig": "own.Config", "AutoModel": "own.Model", "AutoTokenizer": ["own.Slow", "own.Fast"]}
    fields |= {"auto_map": classes, "model_type": "own-model", "tokenizer_class": "OwnTokenizer"}
    (encoder_copy / file).write_text(json.dumps(fields))
    with pytest.raises(ValueError):
        load_encoder(str(encoder_copy))
        raise ValueError("loaded without it")
    assert not (tmp_path / "mark").exists()


def test_metadata_of_a_parquet_file_execute_nothing(tmp_path: Path) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "mark"))
    names = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": bomb}
    field = pa.field("sentence", pa.string(), metadata=names)
    table = pa.table({"sentence": ["a"]}, schema=pa.schema([field], {b"huggingface": bomb, b"pandas": bomb}))
    file = tmp_path / "train.parquet"
    pq.write_table(table, file)
    for read in (
        lambda: parquet_files.read_column_names((file,)),
        lambda: parquet_files.read_column((file,), "sentence"),
        lambda: parquet_files.read_column_types((file,), ("sentence",)),
    ):
        try:
            read()
        except ValueError:  # refusing the file is fine
            continue
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", "..", "a\\..\\b", "a\0b"])
def test_no_name_leads_out_of_the_results(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name inside a results folder"):
        check_name(name)


def test_a_space_file_is_executed_and_says_so(tmp_path: Path) -> None:
    help_text = " ".join(build_parser().format_help().split())
    assert "a Python file, which is executed" in help_text
    assert "executed" in (find_space.__doc__ or "")


def test_nothing_is_writable_for_everybody(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        (tmp_path / "stages").mkdir()
        write_file(tmp_path / "stages" / "file", lambda path: path.write_text("x"))
        write_folder(tmp_path / "stages" / "folder", lambda path: (path / "file").write_text("x"))
    finally:
        os.umask(before)
    assert [path for path in tmp_path.rglob("*") if path.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP)] == []


@pytest.fixture
def encoder_copy(tmp_path: Path) -> Path:
    from tests.trainables.conftest import tiny_encoder
    from trainables.models.encoder import save_encoder

    folder = tmp_path / "encoder"
    folder.mkdir()
    save_encoder(tiny_encoder(), folder)
    return folder
