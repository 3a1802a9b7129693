"""The preview of a phase: what is measured, when, and that nothing else changes."""

import dataclasses
import math
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from spaces.probe_columns import PREVIEW_COLUMNS, PREVIEW_FILE, PREVIEW_PROBES
from spaces.stage import TENTHS, Stage
from tests.on_disk import folder_of
from tests.score_rows import drop_costs
from tests.tiny_stages import RECIPE, TARGET, folder_after, intermediate_stage, run_stage, target_stage
from trainables import preview
from trainables.probes import similarity
from trainables.record.context import SCORES, StageContext, write_spec
from trainables.record.preview_file import append_measurements, is_previewed
from trainables.stage_run import StageRun
from trainables.stage_trial import context_from_json, context_to_json
from trainables.storage.local_storage import LocalStorage

PHASE = intermediate_stage("squad")
TAGGING = target_stage("udpos-en", {"udpos": ("en",)})


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short trainings, and small samples."""
    monkeypatch.setattr(preview, "SHORT_STEPS", 10)
    monkeypatch.setattr(preview, "MAX_INPUTS", 40)
    monkeypatch.setattr(similarity, "FISHER_EXAMPLES", 4)


def previewed(context: StageContext, tenth: int, *targets: Stage) -> StageContext:
    texts = tuple(target.to_json() for target in targets or (TARGET, TAGGING))
    return dataclasses.replace(context, preview_tenth=tenth, preview_targets=texts)


def read(context: StageContext, stage: Stage = PHASE) -> pl.DataFrame:
    return pl.read_parquet(folder_of(context, stage.key) / PREVIEW_FILE)


def test_every_target_is_measured_by_every_probe_after_the_tenth(context: StageContext) -> None:
    place = previewed(context, 2)
    run_stage(place, PHASE, tenths=1)
    assert not is_previewed(PHASE.key, place)
    outcome = run_stage(place, PHASE, tenths=1)
    assert outcome.status == "stopped" and outcome.tenth == 2 and is_previewed(PHASE.key, place)
    rows = read(place)
    assert rows.columns == [column.name for column in PREVIEW_COLUMNS]
    assert rows.select("stage", "intermediate", "seed", "tenth").unique().rows() == [(PHASE.key, "squad", 0, 2)]
    expected = {(training, probe) for training in ("squad-en", "udpos-en") for probe in PREVIEW_PROBES}
    assert {*rows.select("training", "probe").iter_rows()} == expected and rows.height == len(expected)
    values = {(t, p): v for t, p, v in rows.select("training", "probe", "value").iter_rows()}
    assert all(math.isfinite(value) for value in values.values())
    assert 0 <= values["udpos-en", "knn"] <= 1 and values["udpos-en", "speed"] < 0
    assert values["squad-en", "taskemb"] > values["udpos-en", "taskemb"]  # the phase's own task is the closest


def test_a_phase_goes_on_as_if_it_had_not_been_measured(context: StageContext, tmp_path: Path) -> None:
    plain = drop_costs(pl.read_parquet(folder_after(context, PHASE) / SCORES))
    other = dataclasses.replace(context, results=LocalStorage(tmp_path / "previewed"))
    run_stage(previewed(other, 3), PHASE, tenths=3)
    assert drop_costs(pl.read_parquet(folder_after(other, PHASE) / SCORES)).equals(plain)
    at_the_end = dataclasses.replace(context, results=LocalStorage(tmp_path / "end"))
    assert drop_costs(pl.read_parquet(folder_after(previewed(at_the_end, TENTHS), PHASE) / SCORES)).equals(plain)


def test_within_one_process_it_goes_on_as_well(context: StageContext, tmp_path: Path) -> None:
    plain = drop_costs(pl.read_parquet(folder_after(context, PHASE) / SCORES))
    place = previewed(dataclasses.replace(context, results=LocalStorage(tmp_path / "previewed")), 1)
    assert drop_costs(pl.read_parquet(folder_after(place, PHASE) / SCORES)).equals(plain)  # no pause between


def test_a_phase_that_came_so_far_before_is_measured_without_training(context: StageContext) -> None:
    run_stage(context, PHASE, tenths=4)
    outcome = run_stage(previewed(context, 1), PHASE, tenths=1)
    assert outcome.tenth == 4 and {*read(context)["tenth"]} == {4}


def test_measurements_of_earlier_tenths_are_kept(context: StageContext) -> None:
    run_stage(previewed(context, 1), PHASE, tenths=1)
    first = read(context)
    run_stage(previewed(context, TENTHS), PHASE)
    both = read(context)
    assert both.filter(tenth=1).equals(first) and {*both["tenth"]} == {1, TENTHS}
    assert both.filter(tenth=1)["value"].to_list() != both.filter(tenth=TENTHS)["value"].to_list()


def test_a_phase_is_measured_once(context: StageContext) -> None:
    place = previewed(context, 1)
    write_spec(place, PHASE)
    with closing(StageRun(place, PHASE.key)) as run:
        run.advance()
        run.advance()
    assert {*read(place)["tenth"]} == {1}


def test_only_phases_are_measured(context: StageContext) -> None:
    folder = folder_after(previewed(context, 1), TARGET)
    assert not (folder / PREVIEW_FILE).exists()


def test_the_same_phase_is_measured_alike_again(context: StageContext, tmp_path: Path) -> None:
    tables = []
    for name in ("one", "other"):
        place = previewed(dataclasses.replace(context, results=LocalStorage(tmp_path / name)), 1)
        run_stage(place, PHASE, tenths=1)
        tables.append(read(place))
    assert tables[0].equals(tables[1])


def test_another_seed_reads_other_samples(context: StageContext) -> None:
    place, other = previewed(context, 1, TAGGING), dataclasses.replace(PHASE, seed=1)
    for phase in (PHASE, other):
        run_stage(place, phase, tenths=1)
    assert read(place)["value"].to_list() != read(place, other)["value"].to_list()


def test_a_mixture_has_no_task_embedding_of_its_own(context: StageContext) -> None:
    inputs = {"squad": [64, 16], "mnli": [64, 16]}
    mixture = intermediate_stage("squad", ingredients=[["squad", "en"], ["mnli", "en"]], inputs=inputs, shares=[1, 1])
    run_stage(previewed(context, 1, TAGGING), mixture, tenths=1)
    values = dict(read(context, mixture).select("probe", "value").iter_rows())
    assert values["taskemb"] is None and values["logme"] is not None


def test_masked_words_have_no_task_embedding(context: StageContext) -> None:
    words = intermediate_stage("mlm", ingredients=[["mlm", "en"]], masked={"share": 1.0, "smoothing": 0.3})
    run_stage(previewed(context, 1, TAGGING), words, tenths=1)
    values = dict(read(context, words).select("probe", "value").iter_rows())
    assert values["taskemb"] is None and values["speed"] is not None


def test_a_short_training_that_diverges_ends_no_phase(context: StageContext) -> None:
    wild = dataclasses.replace(TAGGING, learning_rate=1e30)
    outcome = run_stage(previewed(context, 1, wild, TARGET), PHASE, tenths=1)
    assert outcome.status == "stopped"
    probes = {training: {*rows["probe"]} for (training,), rows in read(context).group_by("training")}
    assert probes["udpos-en"] == {"logme", "knn"} and probes["squad-en"] == {*PREVIEW_PROBES}


def test_the_method_of_a_target_is_not_part_of_its_short_training(context: StageContext) -> None:
    with_method = dataclasses.replace(TAGGING, recipe={**RECIPE, "method": {"name": "fgm", "epsilon": 1.0}})
    run_stage(previewed(context, 1, TAGGING), PHASE, tenths=1)
    plain = read(context)["value"].to_list()
    (folder_of(context, PHASE.key) / PREVIEW_FILE).unlink()
    run_stage(previewed(context, 1, with_method), PHASE, tenths=1)
    assert read(context)["value"].to_list() == plain


def test_a_damaged_file_is_measured_again(context: StageContext) -> None:
    place = previewed(context, 1)
    append_measurements(PHASE.key, [{"stage": PHASE.key, "tenth": 1}], place)
    assert is_previewed(PHASE.key, place)
    (folder_of(place, PHASE.key) / PREVIEW_FILE).write_bytes(b"PAR1 cut")
    assert not is_previewed(PHASE.key, place)
    run_stage(place, PHASE, tenths=1)
    assert read(place).height == 2 * len(PREVIEW_PROBES)


def test_what_is_asked_for_reaches_the_workers(context: StageContext) -> None:
    place = previewed(context, 3)
    assert context_from_json(context_to_json(place)) == place
