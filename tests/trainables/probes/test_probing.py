"""Probes of finished stages: the file, one measurement per encoder, and no effect on anything else."""

import dataclasses
from pathlib import Path

import polars as pl
import pytest

from spaces.probe_columns import PROBE_COLUMNS, PROBES_FILE
from spaces.probe_columns import PROBE_FAMILIES as NAMED
from spaces.stage import TENTHS
from tests.score_rows import drop_costs
from tests.tiny_stages import TARGET, folder_after, intermediate_stage
from trainables import stage_run
from trainables.probes import probing
from trainables.probes.family import FamilyResult, Measurement, Prober, ProbeSubject
from trainables.record.context import ENCODER, SCORES, StageContext
from trainables.record.outcome import read_outcome
from trainables.stage_trial import context_from_json, context_to_json
from trainables.storage.local_storage import LocalStorage
from trainables.worker.stage_clock import StageClock

INTERMEDIATE = intermediate_stage("squad")


@pytest.fixture
def weighed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """The encoders that a family measured: when, and a number that changes with training."""
    encoders: list[tuple[str, float]] = []

    def measure(subject: ProbeSubject) -> FamilyResult:
        weight = float(sum(p.detach().double().square().sum() for p in subject.encoder.model.parameters()))
        encoders.append((subject.when, weight))
        pair = Measurement(probe="pair", vector=(1.0, weight))
        return FamilyResult([Measurement(probe="weight", value=weight), pair], ["a note"])

    family = Prober(measure=measure, probes_start=lambda stage: stage.intermediate == "none", encoder_only=True)
    monkeypatch.setattr(probing, "PROBERS", {"weights": family})
    monkeypatch.setattr(probing, "_start_results", type(probing._start_results)())
    return encoders


def probed(place: StageContext) -> StageContext:
    return dataclasses.replace(place, probes=("weights",))


def test_every_named_family_is_there() -> None:
    assert probing.PROBERS.keys() == set(NAMED)


def test_probing_changes_neither_key_nor_scores(
    context: StageContext, tmp_path: Path, weighed: list[tuple[str, float]]
) -> None:
    plain = folder_after(context, TARGET)
    again = folder_after(dataclasses.replace(probed(context), results=LocalStorage(tmp_path / "probed")), TARGET)
    assert plain.name == again.name and not (plain / PROBES_FILE).exists()
    scores, probed_scores = (drop_costs(pl.read_parquet(folder / SCORES)) for folder in (plain, again))
    assert scores.equals(probed_scores)


def test_the_encoder_is_measured_after_training_and_the_start_where_a_family_asks_for_it(
    context: StageContext, weighed: list[tuple[str, float]]
) -> None:
    folder = folder_after(probed(context), TARGET)
    rows = pl.read_parquet(folder / PROBES_FILE)
    assert rows.columns == [column.name for column in PROBE_COLUMNS]
    shared = rows.select("stage", "kind", "intermediate", "training", "seed", "family").unique()
    assert shared.rows() == [(TARGET.key, "target", "none", "squad-en", 0, "weights")]
    values = dict(rows.filter(probe="weight").select("when", "value").iter_rows())
    assert [*values.items()] == weighed and len(set(values.values())) == 2
    assert rows.filter(probe="pair")["vector"].to_list() == [[1.0, value] for value in values.values()]
    outcome = read_outcome(probed(context), TARGET.key)
    assert outcome is not None and outcome.note == "a note"


def test_a_start_is_measured_once_and_what_an_intermediate_stage_left_by_that_stage(
    context: StageContext, weighed: list[tuple[str, float]]
) -> None:
    stages = (TARGET, dataclasses.replace(TARGET, seed=1), INTERMEDIATE)
    rows = [pl.read_parquet(folder_after(probed(context), stage) / PROBES_FILE) for stage in stages]
    before = [each.filter(when="before", probe="weight")["value"].to_list() for each in rows]
    assert before[0] == before[1] and len(before[0]) == 1 and before[2] == []
    assert [when for when, _ in weighed] == ["after", "before", "after", "after"]


def test_random_starts_differ_by_seed(context: StageContext, weighed: list[tuple[str, float]]) -> None:
    start = {**TARGET.start, "random": True}
    stages = [dataclasses.replace(TARGET, start=start, seed=seed) for seed in (0, 1)]
    folders = [folder_after(probed(context), stage) for stage in stages]
    tables = [pl.read_parquet(folder / PROBES_FILE).filter(when="before") for folder in folders]
    assert len({rows["value"][0] for rows in tables}) == 2


def test_what_an_intermediate_stage_hands_on_is_what_it_measured(
    context: StageContext, weighed: list[tuple[str, float]]
) -> None:
    folder = folder_after(probed(context), INTERMEDIATE)
    rows = pl.read_parquet(folder / PROBES_FILE)
    assert set(rows["when"]) == {"after"} and rows["training"].null_count() == rows.height
    child = dataclasses.replace(TARGET, intermediate="none", parent=INTERMEDIATE.key)  # the family reads the name
    of_child = pl.read_parquet(folder_after(probed(context), child) / PROBES_FILE)
    start = of_child.filter(when="before", probe="weight")["value"][0]
    assert (folder / ENCODER).is_dir()
    assert start == rows.filter(probe="weight")["value"][0]


def test_a_diverged_run_is_not_probed(context: StageContext, weighed: list[tuple[str, float]]) -> None:
    wild = dataclasses.replace(TARGET, learning_rate=1e30)
    folder = folder_after(probed(context), wild)
    outcome = read_outcome(context, wild.key)
    assert outcome is not None and outcome.status == "degenerate" and outcome.tenth < TENTHS
    assert not (folder / PROBES_FILE).exists() and not weighed


def test_what_probing_costs_is_no_cost_of_the_stage(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def measure(subject: ProbeSubject) -> FamilyResult:
        now[0] += 1_000
        return FamilyResult([Measurement(probe="slow", value=1.0)])

    monkeypatch.setattr(stage_run, "StageClock", lambda: StageClock(lambda: now[0]))
    monkeypatch.setattr(probing, "PROBERS", {"weights": Prober(measure=measure, probes_start=lambda stage: True)})
    folder_after(probed(context), TARGET)
    outcome = read_outcome(context, TARGET.key)
    assert now == [2_000] and outcome is not None and outcome.seconds == 0 and outcome.spent["probing"] == 2_000


def test_what_is_asked_for_reaches_the_workers(context: StageContext) -> None:
    assert context_from_json(context_to_json(probed(context))) == probed(context)
