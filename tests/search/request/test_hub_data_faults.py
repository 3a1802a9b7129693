"""Data or an encoder that a hub refuses, lacks or has in another form: found before the start, never called absent."""

from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import Features, Value

from search.request.request import SweepRequest
from spaces.errors import ExitCode, UsageError
from tests.hub_layout import PAIR, TEXT, Layout
from tests.loopback_hub import Fault, LoopbackHub
from tests.search.request.conftest import ENCODER, GLUE, Check, keys_of, rows_of


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_what_cannot_be_asked_is_never_left_out(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], check: Check, status: int
) -> None:
    fault = Fault(status, {"Retry-After": "0"})
    hub.fault = lambda method, path, number: fault if GLUE in path else None
    with pytest.raises(UsageError, match=f"{GLUE}: the hub answers {status}"):
        asked("--skip-missing", "--intermediates", "mnli,squad")
    code, output = check(intermediates="mnli,squad")
    assert code == ExitCode.USAGE and f"{GLUE}: the hub answers {status}" in output
    hub.fault = lambda method, path, number: Fault(404, {"X-Error-Code": "RepoNotFound"}) if GLUE in path else None
    # XNLI is trained on MultiNLI, so that XQuAD alone is left.
    left = asked("--skip-missing", "--intermediates", "mnli,squad", "--targets", "xnli,xquad")
    assert left.axes.intermediates == ("none", "squad") and left.axes.targets == ("xquad",)
    assert any("the hub has no repository nyu-mll/glue" in line for line in left.skipped_tasks)


def test_a_gated_encoder_is_found_before_anything_starts(hub: LoopbackHub, check: Check) -> None:
    hub.model(ENCODER).is_gated = True
    code, output = check()
    assert code == ExitCode.USAGE and f"--model {ENCODER}" in output
    assert "the repository is gated. Accept its terms on its page of the hub, and set HF_TOKEN" in output


def test_an_encoder_that_is_no_encoder_is_found_from_its_headers(hub: LoopbackHub, check: Check) -> None:
    weights = hub.model(ENCODER).commits[hub.model(ENCODER).branches["main"]]["model.safetensors"]
    hub.model(ENCODER).commit({"model.safetensors": weights.replace(b"embeddings.word", b"embeddings.sord")})
    code, output = check()
    assert code == ExitCode.USAGE and f"--model {ENCODER}: " in output and "embeddings" in output


def test_a_missing_training_set_is_told_with_its_task(hub: LoopbackHub, check: Check) -> None:
    hub.dataset("rajpurkar/squad").commit({"plain_text/train-00000-of-00001.parquet": b""})
    code, output = check(intermediates="squad")
    assert code == ExitCode.USAGE and "squad: no train rows in 'en': rajpurkar/squad has no plain_text/train" in output


def test_unknown_labels_are_found_from_the_header(hub: LoopbackHub, check: Check, tmp_path: Path) -> None:
    from datasets import ClassLabel

    odd = Features({**PAIR, "label": ClassLabel(names=["yes", "no", "maybe"])})
    hub.dataset(GLUE).commit({"mnli/train-00000-of-00001.parquet": rows_of(20, tmp_path, odd)})
    code, output = check()
    assert code == ExitCode.USAGE and "mnli: nyu-mll/glue mnli train: unknown label" in output


@pytest.mark.parametrize("name", ["train.jsonl", "train.jsonl.gz", "train-00000-of-00001.parquet.gz", "train.csv"])
def test_data_in_another_form_are_never_absent(hub: LoopbackHub, asked: Callable[..., SweepRequest], name: str) -> None:
    hub.dataset(GLUE).commit({"mnli/train-00000-of-00001.parquet": b"", f"mnli/{name}": b"{}"})
    with pytest.raises(UsageError, match=f"mnli/{name} is there, in a form that is not read"):
        asked("--skip-missing", "--intermediates", "mnli,squad", "--targets", "xquad")


def test_a_pointer_is_named(hub: LoopbackHub, asked: Callable[..., SweepRequest]) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    hub.dataset(GLUE).commit({"mnli/train-00000-of-00001.parquet": pointer})
    with pytest.raises(UsageError, match="it is a git-lfs pointer"):
        asked("--skip-missing", "--intermediates", "mnli,squad", "--targets", "xquad")


def test_a_file_without_number_is_read(hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path) -> None:
    before = keys_of(asked())
    train = rows_of(20, tmp_path)
    files = {"mnli/train-00000-of-00001.parquet": b"", "mnli/train.parquet": train}
    hub.dataset(GLUE).commit(files)
    assert keys_of(asked()) == before


def test_a_repository_with_a_script_is_read_where_the_hub_converted_it(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    hub.dataset(GLUE).commit({"mnli/train-00000-of-00001.parquet": b"", "glue.py": b"raise SystemExit"})
    with pytest.raises(UsageError, match="nyu-mll/glue has only a loading script, which is not executed"):
        asked()
    hub.dataset(GLUE).commit({"mnli/train/0000.parquet": rows_of(20, tmp_path)}, branch="refs/convert/parquet")
    request = asked()
    assert any("is what the hub converted" in note for note in request.notes)
    assert f"dataset {GLUE} refs/convert/parquet" in request.repositories


def test_a_split_in_another_form_is_read_where_the_hub_converted_it(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    """As masakhane/afrixnli: the card of main declares tab-separated files, whose labels are bare numbers."""
    card = b"---\nconfigs:\n- config_name: hau\n  data_files:\n  - {split: test, path: data/hau/test.tsv}\n---\n"
    hub.dataset("masakhane/afrixnli").commit({"README.md": card, "data/hau/test.tsv": b"premise\n"})
    wide = ("--benchmark", "xtreme-wide", "--targets", "afrixnli")
    with pytest.raises(UsageError, match=r"data/hau/test\.tsv is there, in a form that is not read"):
        asked(*wide)
    bare = Features({**PAIR, "label": Value("int64")})
    files = {"hau/test/0000.parquet": rows_of(2, tmp_path, bare)}
    hub.dataset("masakhane/afrixnli").commit(files, branch="refs/convert/parquet")
    request = asked(*wide)
    assert request.maker.languages["afrixnli"] == ("ha",)
    assert any("afrixnli hau test is what the hub converted" in note for note in request.notes)
    assert "dataset masakhane/afrixnli refs/convert/parquet" in request.repositories


def test_a_script_without_converted_files_gives_way_to_another_repository(
    hub: LoopbackHub, tmp_path: Path, asked: Callable[..., SweepRequest]
) -> None:
    option = dict.fromkeys(("context", "question", "answerA", "answerB", "answerC"), TEXT)
    rows = [{**dict.fromkeys(option, "a"), "label": "1"}] * 20
    layout = Layout(tmp_path / "siqa")
    for split in ("train", "validation"):
        layout.write(f"lighteval/siqa/data/{split}", Features({**option, "label": TEXT}), rows)
    xcopa = {**dict.fromkeys(("premise", "question", "choice1", "choice2"), TEXT), "label": Value("int64")}
    row = {**dict.fromkeys(xcopa, "a"), "question": "cause", "label": 0}
    layout.write("cambridgeltl/xcopa/it/test", Features(xcopa), [row])
    hub.serve_folder(layout.folder)
    hub.dataset("allenai/social_i_qa").commit({"social_i_qa.py": b"raise SystemExit"})
    request = asked("--benchmark", "xtreme-r", "--targets", "xcopa")
    assert any("lighteval/siqa default train" in line for line in request.provenance["target xcopa"])
    assert request.repositories["dataset allenai/social_i_qa refs/convert/parquet"] is None


def test_an_optional_part_is_left_out_only_if_it_is_certainly_not_there(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    rounds = {f"plain_text/{split}_r{i}-00000-of-00001.parquet" for split in ("train", "dev") for i in (1, 2, 3)}
    hub.dataset("facebook/anli").commit(dict.fromkeys(rounds, rows_of(20, tmp_path)))
    notes = asked("--intermediates", "anli").notes
    assert any("train without stanfordnlp/snli train, which is missing" in note for note in notes)
    hub.fault = lambda method, path, number: Fault(500) if "snli" in path else None
    with pytest.raises(UsageError, match="stanfordnlp/snli: the hub answers 500"):
        asked("--intermediates", "anli", "--skip-missing")
