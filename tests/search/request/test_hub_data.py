"""A sweep over a hub: what `--check`, `--plan` and a start ask it, find, leave out and record."""

from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from datasets import Features, Value

from search.request.request import SweepRequest
from search.run import main
from spaces.errors import ExitCode, UsageError
from spaces.xtreme import LANGUAGES
from tests.hub_layout import PAIR, QA, TEXT, XNLI, Layout, pair_rows, qa_row
from tests.loopback_hub import Fault, LoopbackHub, use_hub
from tests.search.asked import request_of
from trainables.data import locate
from trainables.repositories import questions
from trainables.repositories.record import write_record

GLUE, ENCODER = "nyu-mll/glue", "org/encoder"
Check = Callable[..., tuple[int, str]]


@pytest.fixture
def hub(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with MultiNLI, SQuAD, XNLI, XQuAD and a small encoder."""
    layout = Layout(tmp_path / "hub")
    rows = [{"language": name, "sentence1": "a", "sentence2": "b", "gold_label": "neutral"} for name in LANGUAGES]
    for split in ("validation", "test"):
        layout.write(f"google/xtreme/XNLI/{split}", XNLI, rows)
    for split in ("train", "validation"):
        layout.write(f"rajpurkar/squad/plain_text/{split}", QA, [qa_row("ab", ["a"], [0])] * 10)
    layout.write("google/xtreme/XQuAD.de/validation", QA, [qa_row("ab", ["a"], [0])])
    layout.write(f"{GLUE}/mnli/train", PAIR, pair_rows(20))
    server = LoopbackHub()
    server.serve_folder(layout.folder)
    server.serve_model(model, ENCODER)
    use_hub(server, tmp_path / "cache", monkeypatch)
    yield server
    server.stop()


@pytest.fixture
def asked(hub: LoopbackHub, tmp_path: Path) -> Callable[..., SweepRequest]:
    def ask(*flags: str) -> SweepRequest:
        questions.FAILED.clear()  # as in a new process
        more = () if "--model" in flags else ("--model", ENCODER)
        results = ("--benchmark", "xtreme", "--results", tmp_path / "runs")
        return request_of(*results, "--intermediates", "mnli", "--targets", "xnli", *more, *flags)

    return ask


@pytest.fixture
def check(hub: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def run(*flags: str, targets: str = "xnli", intermediates: str = "mnli") -> tuple[int, str]:
        questions.FAILED.clear()
        own = [
            "--check",
            "--benchmark",
            "xtreme",
            "--model",
            ENCODER,
            "--results",
            str(tmp_path / "runs"),
            "--targets",
            targets,
        ]
        code = main([*own, "--intermediates", intermediates, *flags])
        output = capsys.readouterr()
        return code, output.out + output.err

    return run


def rows_of(count: int, tmp_path: Path, features: Features = PAIR) -> bytes:
    """Return a Parquet file of sentence pairs."""
    folder = tmp_path / f"rows-{count}-{len(features)}"
    layout = Layout(folder)
    layout.write("a/b/c/train", features, [{name: row[name] for name in features} for row in pair_rows(count)])
    return next(folder.rglob("*.parquet")).read_bytes()


def keys_of(request: SweepRequest) -> set[str]:
    return {request.maker.make_stage(stratum, 1e-5, "p").key for stratum in request.plan}


def test_a_check_asks_for_each_listing_once_and_is_warm_the_second_time(hub: LoopbackHub, check: Check) -> None:
    with hub.count() as cold:
        code, output = check(targets="xnli,xquad")
    assert code == ExitCode.DONE and "Nothing is missing." in output
    asked = [request for request in cold if "/api/datasets" in request or "/api/models" in request]
    assert len(asked) == len(set(asked)) == 5  # four datasets, one of them not there, and the encoder
    files = [request for request in cold if "/resolve/" in request]
    assert f"The hub was asked {len(cold)} requests ({len(cold) - len(files)} to its API, {len(files)} for" in output
    with hub.count() as warm:
        assert check(targets="xnli,xquad")[0] == ExitCode.DONE
    warm = [request for request in warm if "org" in request or "datasets" in request]
    assert len(warm) == 6  # the listings, and the header of the weights
    assert not any("onnx" in request for request in cold)


def test_large_files_are_looked_at_and_not_downloaded(
    hub: LoopbackHub, check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = check(targets="xnli,xquad")[1]
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(locate, "SMALL_FILE_BYTES", 0)
    code, output = check(targets="xnli,xquad")
    assert code == ExitCode.DONE
    assert not list((tmp_path / "other").rglob("*.parquet"))

    def table(text: str) -> list[list[str]]:
        return [line.split()[:5] for line in text.splitlines() if line.rstrip().endswith("ok")]

    far, near = table(output), table(small)
    assert near[1][:5] == ["xnli", "pair", "20", "1", "15"]
    # The language of each row is not known from far away.
    assert far == [near[0], [*near[1][:3], "found", "found"], near[2]]


def test_a_plan_and_a_check_start_the_same_stages_as_a_run(asked: Callable[..., SweepRequest]) -> None:
    assert keys_of(asked("--plan")) == keys_of(asked("--check")) == keys_of(asked())


def test_keys_change_with_contents_and_not_with_cards(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    before = keys_of(asked())
    hub.dataset(GLUE).commit({"README.md": b"another card"})
    hub.model(ENCODER).commit({"README.md": b"a card", "onnx/model.onnx": b"copy"})
    assert keys_of(asked()) == before
    hub.dataset(GLUE).commit({"mnli/train-00000-of-00001.parquet": rows_of(30, tmp_path)})
    assert keys_of(asked()).isdisjoint(before)


def test_a_folder_with_the_same_files_gives_the_same_keys(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path, model: Path
) -> None:
    named = model.rename(model.parent / "named")
    from_hub = asked("--model", str(named))
    from_folder = asked("--model", str(named), "--data", str(tmp_path / "hub"))
    assert keys_of(from_hub) == keys_of(from_folder)


def test_a_sweep_goes_on_at_the_commits_that_it_recorded(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], tmp_path: Path
) -> None:
    first = asked()
    assert first.context.source.hub is not None and first.context.hub_record is not None
    write_record(first.context.results, first.context.hub_record, first.context.source.hub)
    old = first.repositories[f"dataset {GLUE} main"]
    new = hub.dataset(GLUE).commit({"mnli/train-00000-of-00001.parquet": rows_of(30, tmp_path)})
    again = asked()
    assert keys_of(again) == keys_of(first) and again.repositories == first.repositories
    (note,) = again.hub_notes
    assert f"{GLUE} has moved from commit {old} to commit {new}" in note
    newest = asked("--new-commits")
    assert newest.repositories[f"dataset {GLUE} main"] == new and keys_of(newest).isdisjoint(keys_of(first))
    with pytest.raises(UsageError, match="this sweep reads nothing from the hub"):
        asked("--new-commits", "--data", str(tmp_path / "hub"), "--model", str(tmp_path / "encoder"))
    other = asked("--name", "other")
    assert keys_of(other) == keys_of(newest) and other.hub_notes == ()


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


def test_a_mirror_that_tells_no_sizes_serves(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.loopback_hub._sibling", lambda entry: {"rfilename": entry["path"]})
    assert keys_of(asked("--plan")) == keys_of(asked())
    hub.fault = lambda method, path, number: Fault(404) if "/tree/" in path else None
    assert keys_of(asked("--plan")) == keys_of(asked())


def test_offline_a_new_sweep_reads_what_the_last_check_saw(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    online = asked("--check", "--targets", "xnli,xquad")
    asked("--name", "download")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with hub.count() as requests:
        offline = asked("--targets", "xnli,xquad", "--name", "other")
    assert requests == [] and keys_of(offline) == keys_of(online)
    assert any("as of the last answer that this machine had" in note for note in offline.hub_notes)


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


def test_offline_a_recorded_sweep_is_whole(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asked()
    assert first.context.source.hub is not None and first.context.hub_record is not None
    write_record(first.context.results, first.context.hub_record, first.context.source.hub)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with hub.count() as requests:
        again = asked()
    assert requests == [] and keys_of(again) == keys_of(first) and again.hub_notes == ()
    # A part that the record does not name cannot be asked for, and is not called absent.
    with pytest.raises(UsageError, match="nala-cub/americas_nli: HF_HUB_OFFLINE is set"):
        asked("--intermediates", "mnli,americasnli@aym", "--skip-missing")


def test_sentences_of_probes_are_asked_for_before_the_start_or_their_lack_is_said(
    hub: LoopbackHub, asked: Callable[..., SweepRequest], check: Check
) -> None:
    """A worker's hub knows only what the driver asked for."""
    request = asked("--probes", "alignment")
    assert any("Davlan/sib200 is missing, so test rows of tatoeba or xnli are read" in note for note in request.notes)
    assert request.context.source.hub is not None
    assert "Davlan/sib200" in request.context.source.hub.to_json()
    _, said = check("--probes", "alignment")
    assert "which are a target's own sentences" in said
    assert not any("sib200" in note for note in asked().notes)
