"""winner.py: the chain of rank.py at the seed that English dev prefers, in a folder that plain transformers loads."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import torch
from pyarrow import fs
from transformers import AutoModel, AutoTokenizer

from analysis.rank import main as rank
from analysis.scores.archive import Archive, write_archive
from analysis.scores.load import load
from analysis.scores.probes import SCHEMA
from analysis.takeaway.card import describe_origin
from analysis.takeaway.training_data import find_licence, list_training_data
from analysis.winner import main
from spaces.model_files import ENCODER_FOLDER, OWN_HEAD_FILES
from tests.analysis.sweep_files import Capture, printed, refused
from tests.analysis.takeaway.winning_sweeps import phase_key, swept
from tests.s3_server import S3Server


def test_the_winner_is_that_of_rank_at_the_seed_with_the_best_english_dev(
    sweep: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "winner"
    text = printed(capsys, main, sweep, "-o", out)
    assert rank([str(sweep), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["contests"]["mean"]["leader"] == "mnli"
    assert text.startswith("Best by the mean over 4 targets: mnli, +4.0 points") and "better than no" in text
    assert "Seed 1: the best English dev score of its chain, over 3 trained targets (70.0; seed 0 50.0, seed 2" in text
    source = sweep.parent / "stages" / phase_key("mnli", 1) / ENCODER_FOLDER
    own = {path.name for path in source.iterdir()} - {*OWN_HEAD_FILES}
    assert {path.name for path in out.iterdir()} == own | {"README.md"}
    assert all((out / name).read_bytes() == (source / name).read_bytes() for name in own)


def test_plain_transformers_loads_it_in_a_fresh_process_with_equal_states(
    sweep: Path, model: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "winner"
    printed(capsys, main, sweep, "-o", out)
    code = (
        "import sys, torch\nfrom transformers import AutoModel, AutoTokenizer\n"
        "model, tokenizer = AutoModel.from_pretrained('.').eval(), AutoTokenizer.from_pretrained('.')\n"
        "states = model(**tokenizer('an old town', return_tensors='pt')).last_hidden_state\n"
        "assert not {'spaces', 'trainables', 'analysis'} & set(sys.modules)\n"
        "torch.save(states, 'states.pt')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=out, env={"HF_HUB_OFFLINE": "1"}, check=True)
    batch = AutoTokenizer.from_pretrained(model)("an old town", return_tensors="pt")
    with torch.no_grad():
        expected = AutoModel.from_pretrained(model).eval()(**batch).last_hidden_state
    torch.testing.assert_close(torch.load(out / "states.pt"), expected, rtol=0, atol=1e-6)


def test_where_nothing_is_shown_to_help_that_is_said_and_the_best_is_written(
    tmp_path: Path, model: Path, capsys: Capture
) -> None:
    sweep = swept(tmp_path / "runs", model, {"none": 0.0, "mnli": 0.001, "squad": -0.001}, spread=0.03)
    text = printed(capsys, main, sweep, "-o", tmp_path / "winner")
    said = "No chain is shown to be better than no intermediate training: this is the best of them, perhaps by chance."
    assert said in text and said in (tmp_path / "winner" / "README.md").read_text()


def test_the_card_tells_data_licences_rates_gains_commands_and_versions(
    tmp_path: Path, model: Path, capsys: Capture
) -> None:
    sweep = swept(tmp_path / "runs", model, benchmark="xtreme", model="me/encoder", learning_rates=[1e-5, 2e-5])
    record = json.loads((sweep / "sweep.json").read_text())
    record["sources"] = {
        "intermediate mnli@en": ["train en nyu-mll/glue mnli train all 0", "dev en nyu-mll/glue a b c"]
    }
    record |= {"repositories": {"nyu-mll/glue": "f" * 40, "me/encoder": "e" * 40}, "versions": {"torch": "2.9"}}
    (sweep / "sweep.json").write_text(json.dumps(record))
    printed(capsys, main, sweep, "-o", tmp_path / "winner")
    card = (tmp_path / "winner" / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\n") and "\nbase_model: me/encoder\n---\n" in card
    assert f"| mnli | nyu-mll/glue mnli | {'f' * 40} | {find_licence('mnli', 'nyu-mll/glue')} |" in card
    assert "| learning rate of the phase | 2e-05 |" in card and f"commit {'e' * 40}" in card
    assert "| udpos | +4.0 | " in card and " | 3 | de, en |" in card
    assert "python search/run.py --space full --benchmark xtreme" in card and "Versions: torch 2.9." in card
    assert f"python analysis/winner.py {sweep} -o {tmp_path / 'winner'}" in card


def test_a_mix_lists_the_data_of_its_ingredients_in_their_languages_and_no_others() -> None:
    lines = {name: [f"train en repo-{name[-2:]} c s all 0", "dev en other c s"] for name in ("mnli@en", "mnli@sw")}
    sources = {f"intermediate {name}": lines for name, lines in lines.items()}
    sources["intermediate squad@en"] = ["train en rajpurkar/squad plain_text train all 0"]
    record = {"spec": {"benchmark": "xtreme", "mixture": {"multitask": ["mnli", "squad"]}}, "sources": sources}
    found = {chain: [each.repository for each in list_training_data(record, chain)] for chain in CHAINS_OF_DATA}
    assert found == CHAINS_OF_DATA


CHAINS_OF_DATA = {
    "mnli~freelb": ["repo-en"],
    "mnli@sw": ["repo-sw"],
    "mnli@sw+squad~x2": ["repo-sw", "rajpurkar/squad"],
    "multitask": ["repo-en", "rajpurkar/squad"],
    "mnli@sw|squad~x2": ["repo-sw", "rajpurkar/squad"],
    "folder:mine|mnli": ["repo-en"],
    "folder:mine": [],
    "none": [],
}


@pytest.mark.parametrize(
    ("chain", "origin"),
    [
        ("none:salt", "The encoder `e5`"),
        ("mnli~x2:salt", "The encoder `e5`, trained on the intermediate phase `mnli~x2`"),
        ("mnli|squad", "The mean of the encoders that `e5` became on the intermediate phases `mnli` and `squad`"),
        ("hub:org/x@0f", "The ready encoder `hub:org/x@0f`, in the place of a phase of `e5`"),
    ],
)
def test_a_card_says_where_the_encoder_comes_from(chain: str, origin: str) -> None:
    assert describe_origin("e5", chain) == origin


def test_a_missing_encoder_says_how_to_have_it_again(sweep: Path, tmp_path: Path, capsys: Capture) -> None:
    shutil.rmtree(sweep.parent / "stages" / phase_key("mnli", 1) / ENCODER_FOLDER)
    said = refused(capsys, main, sweep, "-o", tmp_path / "winner")
    assert "the encoder after mnli, seed 1 (stage mnli-1) is not there. --keep none or search/clean.py" in said
    assert f"Remove {sweep.parent}/stages/mnli-1/outcome.json" in said and "python search/run.py --space full" in said
    assert not (tmp_path / "winner").exists()


def test_a_cut_file_of_weights_is_refused(sweep: Path, tmp_path: Path, capsys: Capture) -> None:
    file = sweep.parent / "stages" / phase_key("mnli", 1) / ENCODER_FOLDER / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    assert "damaged" in refused(capsys, main, sweep, "-o", tmp_path / "winner")
    assert [path.name for path in tmp_path.iterdir() if "winner" in path.name] == []


def test_what_is_no_sweep_folder_and_what_is_not_empty_are_refused(
    sweep: Path, tmp_path: Path, capsys: Capture
) -> None:
    scores = load([sweep])
    write_archive(tmp_path / "a.parquet", Archive(scores.records, scores.rows.collect(), pl.DataFrame(schema=SCHEMA)))
    assert "is not the folder of a sweep" in refused(capsys, main, tmp_path / "a.parquet", "-o", tmp_path / "winner")
    assert "is not empty" in refused(capsys, main, sweep, "-o", sweep)
    assert "Name another place with -o" in refused(capsys, main, sweep, "-o", tmp_path / "no" / "folder")


def test_an_encoder_comes_from_object_storage_too(sweep: Path, tmp_path: Path, capsys: Capture, s3: S3Server) -> None:
    prefix, _, settings = s3.bucket().partition("?")
    system, path = fs.FileSystem.from_uri(f"{prefix}?{settings}")
    fs.copy_files(str(sweep.parent), path, destination_filesystem=system)
    printed(capsys, main, f"{prefix}/sweep?{settings}", "-o", tmp_path / "remote")
    printed(capsys, main, sweep, "-o", tmp_path / "local")
    remote, local = ({f.name: f.read_bytes() for f in (tmp_path / n).iterdir()} for n in ("remote", "local"))
    card = remote.pop("README.md").decode()
    assert f"--results {prefix} --name sweep" in card
    local.pop("README.md")
    assert remote == local
    system.delete_dir(f"{path}/stages/mnli-1/encoder")
    said = refused(capsys, main, f"{prefix}/sweep?{settings}", "-o", tmp_path / "again")
    assert f"Remove {prefix}/stages/mnli-1/outcome.json" in said
