import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analysis.scores.load import load
from analysis.scores.scale import FileOptions
from spaces.errors import UsageError
from spaces.prediction_columns import PREDICTIONS_FILE
from tests.analysis.sweep_files import Run, ranked, write_file, write_sweep

NONE = ("none", "xnli", 0, "de", "acc", 0.5)
NLI = ("nli", "xnli", 0, "de", "acc", 0.6)


def sweep(folder: Path, name: str = "sweep", seeds: tuple[int, ...] = (0,), extra: Any = None, **spec: object) -> Path:
    """Write a small sweep with a gain of 10 points; keywords go to its spec."""
    tests = {"none": {"xnli": {"en": 0.5}}, "nli": {"xnli": {"en": 0.6}}}
    runs = [Run(intermediate=n, test=test, seed=s, extra=extra or {}) for n, test in tests.items() for s in seeds]
    return write_sweep(folder, runs, name=name, **spec)


def test_a_minimal_file(tmp_path: Path) -> None:
    scores = load([write_file(tmp_path, [NONE, NLI, ("random-encoder", *NLI[1:])])])
    assert (scores.intermediates, scores.targets, scores.seeds) == (("nli",), ("xnli",), (0,))
    assert (scores.benchmark, scores.model, scores.stage_counts, scores.is_limited) == (None, None, None, False)
    assert scores.target_rows["status"].unique().to_list() == ["finished"]
    assert scores.target_rows["split"].unique().to_list() == ["test"]


def test_a_folder_of_files_with_other_columns_and_types(tmp_path: Path) -> None:
    write_file(tmp_path, [(*NONE, "x")], "comment", name="one.parquet")
    file = write_file(tmp_path, [NLI], name="two.parquet")
    casts = {"seed": pl.UInt8, "value": pl.Float32, "target": pl.Categorical}
    pl.read_parquet(file).cast(casts).write_parquet(file)  # type: ignore[arg-type]
    assert ranked(tmp_path).gains["nli", "xnli"].mean == pytest.approx(10, abs=1e-4)


def test_paths_are_read_together_and_copies_count_once(tmp_path: Path) -> None:
    first, second = write_file(tmp_path, [NONE], name="one.parquet"), write_file(tmp_path, [NLI], name="two.parquet")
    scores = load([first, second, first])
    assert ranked(scores).gains["nli", "xnli"].seeds == 1
    assert scores.rows.collect().height == 2


def test_sweeps_of_other_seeds_add_up(tmp_path: Path) -> None:
    estimate = ranked(load([sweep(tmp_path, "a", (0, 1)), sweep(tmp_path, "b", (2,))])).gains["nli", "xnli"]
    assert (estimate.mean, estimate.seeds) == (pytest.approx(10), 3)


def test_the_spec_of_a_sweep_says_what_should_be_there(tmp_path: Path) -> None:
    folder = sweep(
        tmp_path, intermediates=["none", "nli", "qa"], targets=["xnli", "panx"], seeds=[0, 1], controls=["qa"], limit=5
    )
    scores = load([folder])
    assert (scores.intermediates, scores.targets, scores.seeds) == (("nli", "qa"), ("xnli", "panx"), (0, 1))
    assert (scores.benchmark, scores.model, scores.is_limited) == ("miniature", "miniature", True)
    assert scores.controls == {"qa"}


def test_a_longer_baseline_is_a_control(tmp_path: Path) -> None:
    rows = [NONE, NLI, ("none~x2", *NLI[1:5], 0.9), ("none~x2:salt", *NLI[1:5], 0.7)]
    scores = load([write_file(tmp_path, rows)])
    assert scores.controls == {"none~x2"} and scores.intermediates == ("nli", "none~x2", "none~x2:salt")
    assert ranked(scores).contests["mean"].leader == "none~x2:salt"


def test_a_limited_row_makes_it_limited(tmp_path: Path) -> None:
    assert not load([sweep(tmp_path)]).is_limited
    assert load([sweep(tmp_path, extra={"limited": True})]).is_limited


def test_targets_that_only_share_a_training_stay_out(tmp_path: Path) -> None:
    both = {"xquad": {"en": 0.5}, "mlqa": {"en": 0.5}}
    runs = [Run(intermediate=task, test=both) for task in ("none", "nli")]
    # A spec names all retrieval targets of its benchmark, asked for or not.
    folder = write_sweep(tmp_path, runs, targets=["xquad"], retrieval=["tatoeba"])
    assert ranked(folder).transfer.targets == ("xquad",)


def test_stages_that_are_not_done_are_missing(tmp_path: Path) -> None:
    folder = sweep(tmp_path, seeds=(0, 1))
    (tmp_path / "stages" / "target-xnli-nli-1-0.001" / "scores.parquet").unlink()
    scores = load([folder])
    assert scores.stage_counts == (3, 4)
    estimate = ranked(scores).gains["nli", "xnli"]
    assert [(hole.seed, hole.status) for hole in estimate.holes] == [(1, "missing")]


def test_results_may_be_moved_and_no_name_in_them_leads_elsewhere(tmp_path: Path) -> None:
    folder = sweep(tmp_path)
    record = json.loads((folder / "sweep.json").read_text())
    (tmp_path / "far").mkdir()
    for name in (folder.name, "stages"):
        (tmp_path / name).rename(tmp_path / "far" / name)
    moved = tmp_path / "far" / folder.name
    assert load([moved]).stage_counts == (2, 2)
    for name in ("../stages/x", "/etc", "", ".."):
        (moved / "sweep.json").write_text(json.dumps({**record, "stages": {name: "s"}}))
        with pytest.raises(UsageError, match="is not a stage key"):
            load([moved])


def test_all_stages_are_scanned_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sweep(tmp_path, seeds=tuple(range(20)))
    scans = []
    scan = pl.scan_parquet
    monkeypatch.setattr(pl, "scan_parquet", lambda files, **options: scans.append(files) or scan(files, **options))
    assert load([folder]).stage_counts == (40, 40)
    assert len(scans) == 1


def test_rows_of_an_older_version_that_lack_a_column(tmp_path: Path) -> None:
    folder = sweep(tmp_path)
    file = tmp_path / "stages" / "target-xnli-nli-0-0.001" / "scores.parquet"
    pl.read_parquet(file).drop("limited", "examples").write_parquet(file)
    assert ranked(folder).gains["nli", "xnli"].mean == pytest.approx(10)


def test_values_above_one_are_points(tmp_path: Path) -> None:
    file = write_file(tmp_path, [(*NONE[:5], 50.0), (*NLI[:5], 60.0)])
    scores = load([file])
    assert ranked(scores).gains["nli", "xnli"].mean == pytest.approx(10)
    assert "read as points" in scores.notes[0]
    with pytest.raises(UsageError, match=r"of acc is at most 1, found 60\. Use --scale points"):
        load([file], FileOptions(scale="share"))
    assert ranked(load([write_file(tmp_path, [NONE, NLI])], FileOptions(scale="points"))).gains[
        "nli", "xnli"
    ].mean == pytest.approx(0.1)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_missing_and_never_zero(tmp_path: Path, value: float | None) -> None:
    more = [("none", "panx", 0, "de", "acc", 0.5), ("nli", "panx", 0, "de", "acc", 0.7)]
    ranking = ranked(write_file(tmp_path, [NONE, (*NLI[:5], value), *more]))
    assert ranking.gains["nli", "xnli"].mean is None
    assert ranking.gains["nli", "mean"].mean is None
    assert ranking.cell_counts == {"finished": 3, "missing": 1}


def broken(file: Path, change: dict[str, object]) -> Path:
    frame = pl.read_parquet(file)
    frame.with_columns(**{name: pl.lit(value) for name, value in change.items()}).write_parquet(file)
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "a"}, "column seed must hold whole numbers, it holds String"),
        ({"seed": 0.5}, r"column seed must hold whole numbers, it holds 0\.5"),
        ({"value": "0.5"}, "column value must hold numbers"),
        ({"language": None}, "column language is empty in 2 rows"),
        ({"status": "done"}, r"column status has 'done'\. Allowed are finished, stopped, degenerate, failed"),
        ({"split": "validation"}, r"column split has 'validation'\. Allowed are dev, test"),
        ({"version": 99}, "rows of version 99, this program reads up to 1"),
        ({"value": 1000.0}, r"shares \(up to 1\) or points \(up to 100\), found 1000"),
        ({"intermediate": "nli"}, "no rows of the baseline `none`"),
        ({"intermediate": "none"}, "only the baseline `none` has rows"),
        ({"target": None}, "has no scores of targets"),
    ],
)
def test_bad_columns_get_one_clear_line(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        load([broken(write_file(tmp_path, [NONE, NLI]), change)])
    assert "\n" not in str(caught.value)


def test_absent_columns_are_named(tmp_path: Path) -> None:
    pl.DataFrame({"task": ["nli"], "target": ["xnli"], "seed": [0]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(UsageError, match=r"no column intermediate, language, metric, value.*has task, target, seed"):
        load([tmp_path / "a.parquet"])


def test_unreadable_paths_get_one_clear_line(tmp_path: Path) -> None:
    folder = sweep(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.parquet").write_bytes(b"PAR1 and no more")
    for path, message in (
        (tmp_path / "swep", "does not exist.*unknown sweep 'swep': did you mean sweep"),
        (tmp_path / "empty", "is not a sweep .* and holds no Parquet files"),
        (tmp_path / "bad", r"x\.parquet cannot be read as Parquet"),
        (tmp_path, r"holds sweeps\. Name one of them: .*sweep"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            load([path])
        assert "\n" not in str(caught.value)
    for file in tmp_path.glob("stages/*/scores.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UsageError, match=r"stages/target-xnli-.*/scores.parquet cannot be read as Parquet"):
        load([folder])


@pytest.mark.parametrize("damage", ["cut", "empty", "garbage", "foreign", "of another sweep", "other types"])
def test_a_damaged_file_of_a_sweep_is_named_and_its_stage_is_missing(tmp_path: Path, damage: str) -> None:
    folder = sweep(tmp_path, seeds=(0, 1))
    key = "target-xnli-nli-1-0.001"
    file = tmp_path / "stages" / key / "scores.parquet"
    other = tmp_path / "stages" / "target-xnli-nli-0-0.001" / "scores.parquet"
    content = {"cut": file.read_bytes()[:-50], "empty": b"", "garbage": b"PAR1" + bytes(500) + b"PAR1"}
    content["foreign"] = other.read_bytes()
    if damage in content:
        file.write_bytes(content[damage])
    elif damage == "of another sweep":
        pl.read_parquet(file).with_columns(stage=pl.lit("elsewhere")).write_parquet(file)
    else:
        pl.read_parquet(file).with_columns(value=pl.lit("high")).write_parquet(file)
    scores = load([folder])
    assert scores.stage_counts == (3, 4)
    (note,) = scores.notes
    assert note.startswith(f"stages/{key}/scores.parquet") and "counts as missing" in note
    assert [(hole.seed, hole.status) for hole in ranked(scores).gains["nli", "xnli"].holes] == [(1, "missing")]


def test_rows_of_a_newer_version_are_no_damage(tmp_path: Path) -> None:
    folder = sweep(tmp_path, seeds=(0, 1))
    file = tmp_path / "stages" / "target-xnli-nli-1-0.001" / "scores.parquet"
    pl.read_parquet(file).with_columns(version=pl.lit(99)).write_parquet(file)
    with pytest.raises(UsageError, match="rows of version 99"):
        load([folder])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", "is not a valid sweep record"),
        ("[]", "is not a valid sweep record"),
        ('{"version": 1, "stages": {}}', "is not a valid sweep record .*spec"),
        (
            '{"version": 1, "stages": {}, "spec": {"intermediates": "nli", "targets": [], "seeds": []}}',
            "must be a list",
        ),
        ('{"version": 9, "stages": {}, "spec": {"intermediates": [], "targets": [], "seeds": []}}', "has version 9"),
        (
            '{"version": 1, "stages": {"k": 0}, "spec": {"intermediates": [], "targets": [], "seeds": []}}',
            "none of its 1",
        ),
    ],
)
def test_bad_records_get_one_clear_line(tmp_path: Path, record: str, message: str) -> None:
    (tmp_path / "sweep.json").write_text(record)
    with pytest.raises(UsageError, match=message) as caught:
        load([tmp_path])
    assert "\n" not in str(caught.value)


def test_experiments_are_not_mixed(tmp_path: Path) -> None:
    other = broken(write_file(tmp_path, [NONE, NLI]), {"model": "xlm-r"})
    with pytest.raises(UsageError, match=r"2 models \(miniature, xlm-r\): rank one at a time"):
        load([sweep(tmp_path), other])


def test_one_score_with_two_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nli -> xnli, seed 0: acc in de .* has the values 0\.6 and 0\.7"):
        ranked(write_file(tmp_path, [NONE, NLI, (*NLI[:5], 0.7)]))
    status = [(*NONE, "finished"), (*NLI, "finished"), (*NLI[:3], "fr", "acc", 0.5, "failed")]
    with pytest.raises(UsageError, match="nli -> xnli, seed 0: has the statuses failed and finished"):
        ranked(write_file(tmp_path, status, "status"))


def test_kept_predictions_are_no_scores(tmp_path: Path) -> None:
    write_file(tmp_path, [("none", "xnli", 0, "de", "accuracy", 0.5), ("mnli", "xnli", 0, "de", "accuracy", 0.6)])
    before = load([tmp_path]).rows.collect()
    pl.DataFrame({"stage": ["k"], "prediction": [["neutral"]]}).write_parquet(tmp_path / PREDICTIONS_FILE)
    assert load([tmp_path]).rows.collect().equals(before)


def test_phases_of_different_budgets_do_not_pass_for_one_chain(tmp_path: Path) -> None:
    def sweep(tmp_path, name: str, steps: int | None, *chains: str) -> Path:
        runs = [Run(intermediate=chain, test={"xnli": {"en": 0.5}}) for chain in ("none", *chains)]
        return write_sweep(
            tmp_path / name, runs, budget={"steps": steps, "examples": None}, intermediates=["none", *chains]
        )

    cases = (("one", None, "mnli"), ("other", 400, "mnli"), ("apart", 400, "squad"))
    one, other, apart = (sweep(tmp_path, *case) for case in cases)
    with pytest.raises(UsageError, match="'mnli' has different budgets in these sweeps"):
        load([one, other])
    assert load([one, apart]).intermediates == ("mnli", "squad")
