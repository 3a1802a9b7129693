"""analysis/alignment.py: planted effects are found, nothing is found in null worlds, and missing data are reported."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analysis.alignment import main
from analysis.answers.alignment import has_risen
from analysis.questions.alignment import ACROSS_LANGUAGES, ACROSS_TASKS, FROM_START, assess_alignment
from analysis.questions.alignment_values import MEASURES, PRIMARY_MEASURE, PROBES, build_alignment
from analysis.scores.load import load
from analysis.scores.probes import SCHEMA
from analysis.statistics.significance import ALPHA
from tests.analysis.alignment_worlds import Truth, world
from tests.analysis.sweep_files import Capture, Run, printed, read_transfer, refused, write_sweep

RISES = {"anli": 0.02, "mnli": 0.06, "qqp": 0.10, "squad": 0.14, "ccg": 0.18, "random": 0.0, "mlm": 0.01}
FOREIGN = {"qna": 0.5, "qnb": 0.8, "qma": 1.0, "qmb": 1.3, "qfa": 1.4}  # of a task's rise
TARGETS = ("xnli", "udpos")
START_LEVEL, LAYERS = 0.3, (0, 1)


def probes(folder: Path, stage: str, after: dict[str, float], *, chain: str = "none") -> None:
    """Write a stage's probes, all with equal values: START_LEVEL, and a level by language afterwards."""
    rows = [
        {
            **dict.fromkeys(SCHEMA),
            **{"stage": stage, "kind": "target", "intermediate": chain, "seed": 0, "family": "alignment"},
            **{"probe": probe, "when": when, "layer": layer, "language": language, "value": value + 0.01 * layer},
        }
        for probe in PROBES
        for layer in LAYERS
        for when, level in (("before", dict.fromkeys(FOREIGN, START_LEVEL)), ("after", after))
        for language, value in level.items()
    ]
    pl.DataFrame(rows, schema=SCHEMA).write_parquet(folder / "stages" / stage / "probes.parquet")


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A sweep in which alignment rises by RISES x FOREIGN, and gain is a quarter of the rise, but for noise."""
    draw = np.random.default_rng(0)
    runs, levels = [], {}
    for seed in range(4):
        for chain in ("none", *RISES):
            rise = {language: RISES.get(chain, 0.0) * share for language, share in FOREIGN.items()}
            if chain != "none":
                above = Run(intermediate=chain, test={}, seed=seed, kind="intermediate")
                runs.append(above)
                levels[above.key] = (rise, chain)
                # A worse rate, whose encoder nobody went on from.
                lost = Run(intermediate=chain, test={}, seed=seed, kind="intermediate", rate=9e-3, dev=(0.1,))
                runs.append(lost)
                levels[lost.key] = (dict.fromkeys(FOREIGN, -0.3), chain)
            for target in (*TARGETS, "tatoeba"):
                gain = {language: 0.25 * value + 0.002 * draw.normal() for language, value in rise.items()}
                test = {target: {"en": 0.8, **{language: 0.6 + gain[language] for language in FOREIGN}}}
                more = {"kind": "retrieval", "rate": None} if target == "tatoeba" else {}
                run = Run(
                    intermediate=chain, test=test, seed=seed, parent=None if chain == "none" else above.key, **more
                )
                runs.append(run)
                if target != "tatoeba":
                    levels[run.key] = (rise, chain)
    folder = write_sweep(tmp_path, runs, controls=["random"], retrieval=["tatoeba"])
    for stage, (rise, chain) in levels.items():
        noise = 0.003 * draw.normal()
        probes(tmp_path, stage, {name: START_LEVEL + value + noise for name, value in rise.items()}, chain=chain)
    return folder


def test_what_was_planted_is_found(planted: Path, capsys: Capture) -> None:
    alignment = build_alignment(read_transfer(planted))
    assert alignment.chains == tuple(RISES) and alignment.controls == ("random", "mlm")
    assert alignment.targets == TARGETS and alignment.languages == tuple(sorted(FOREIGN))  # no retrieval, no English
    assert alignment.at_start[0] == pytest.approx(np.array([[30.0] * 5, [31.0] * 5]))
    rises = alignment.phase_change[0].mean(axis=(1, 2, 3))
    assert rises == pytest.approx([100 * rise for rise in RISES.values()], abs=0.6)  # of winners, not of worse rates
    findings = assess_alignment(alignment, np.random.default_rng(0))
    assert has_risen(findings) and findings.rises.keys() == {FROM_START, "random", "mlm"}
    assert findings.rises[FROM_START][PRIMARY_MEASURE].mean == pytest.approx(10, abs=0.5)
    assert findings.rises["mlm"][PRIMARY_MEASURE].mean == pytest.approx(9, abs=0.5)
    for name in (ACROSS_TASKS, ACROSS_LANGUAGES):
        p, one = findings.adjusted_relations[name][PRIMARY_MEASURE], findings.relations[name][PRIMARY_MEASURE]
        assert p is not None and p < ALPHA and one.correlation is not None and one.correlation > 0.5, name
    said = printed(capsys, main, planted)
    assert "Alignment rises more than in the controls random and mlm." in said
    assert "A larger rise goes with a larger gain, both across intermediate tasks and across languages:" in said
    assert "Every layer" not in said


def test_json_has_every_layer(planted: Path, capsys: Capture) -> None:
    assert main([str(planted), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    layers = {one["row"]: one["value"] for one in document["records"] if one["table"].startswith("Every layer")}
    assert len(layers) == len(MEASURES) * len(LAYERS)


def test_a_rise_that_the_controls_share_is_none_of_the_tasks(planted: Path, capsys: Capture) -> None:
    for seed in range(4):  # random labels align as much as the tasks do in the mean
        stage = f"intermediate--random-{seed}-0.001"
        levels = {name: START_LEVEL + 0.1 * share for name, share in FOREIGN.items()}
        probes(planted.parent, stage, levels, chain="random")
    assert "Alignment rises, but it is not shown to rise more than in the controls." in printed(capsys, main, planted)


def test_a_fall_is_called_one(planted: Path, capsys: Capture) -> None:
    for file in planted.parent.glob("stages/intermediate-*/probes.parquet"):
        rows = pl.read_parquet(file)
        after = pl.when(pl.col("when") == "after").then(2 * START_LEVEL - pl.col("value")).otherwise("value")
        rows.with_columns(value=after).write_parquet(file)
    assert "Alignment falls." in printed(capsys, main, planted)


def test_a_stage_without_probes_is_a_hole_and_said(planted: Path, capsys: Capture) -> None:
    (planted.parent / "stages" / "intermediate--mnli-2-0.001" / "probes.parquet").unlink()
    findings = assess_alignment(build_alignment(read_transfer(planted)), np.random.default_rng(0))
    assert findings.rises[FROM_START][PRIMARY_MEASURE].seeds == 3
    by_chain = findings.rises_by_chain[FROM_START]
    assert by_chain["mnli"].seeds == 3 and by_chain["qqp"].seeds == 4
    assert "1 intermediate run of 28 left no probes.parquet" in printed(capsys, main, planted)


def test_measuring_on_a_targets_own_sentences_is_said(planted: Path, capsys: Capture) -> None:
    for name, sentence in (
        (None, "Alignment was measured by a former version, on a target's own sentences:"),
        ("tatoeba", "Alignment was measured on a target's own sentences (tatoeba): its score shares their noise."),
        ("probe", None),  # the miniature's own
        ("sib200", None),
    ):
        for file in planted.parent.glob("stages/*/probes.parquet"):
            pl.read_parquet(file).with_columns(target=pl.lit(name, pl.String)).write_parquet(file)
        said = printed(capsys, main, planted)
        assert said.count("own sentences") == (sentence is not None) and (sentence or "") in said


def test_without_probes_it_says_how_to_get_them(planted: Path, capsys: Capture) -> None:
    for file in planted.parent.glob("stages/*/probes.parquet"):
        file.unlink()
    said = refused(capsys, main, planted)
    assert "--probes alignment" in said and "--results" in said


def test_a_damaged_file_is_named(planted: Path, capsys: Capture) -> None:
    file = next(planted.parent.glob("stages/*-mnli-*-0.001/probes.parquet"))
    file.write_bytes(file.read_bytes()[:50])
    assert str(file) in refused(capsys, main, planted)


def test_without_an_intermediate_stage_there_is_nothing_to_say(tmp_path: Path, capsys: Capture) -> None:
    runs = [Run(intermediate=chain, test={"xnli": {"en": 0.8, "qna": 0.5}}) for chain in ("none", "salted")]
    folder = write_sweep(tmp_path, runs)
    probes(tmp_path, runs[0].key, {"qna": 0.3})
    assert "no target starts from an intermediate stage" in refused(capsys, main, folder)


@pytest.mark.parametrize("truth", [Truth(tasks=0.0), Truth(rise=3.0)], ids=["nothing rises", "rises and helps apart"])
def test_in_null_worlds_little_is_found(truth: Truth) -> None:
    draw = np.random.default_rng(1)
    worlds = 40
    hits = dict.fromkeys((FROM_START, "random", ACROSS_TASKS, ACROSS_LANGUAGES), 0)
    for _ in range(worlds):
        findings = assess_alignment(world(draw, truth), draw)
        for name in (FROM_START, "random"):
            p = findings.rises[name][PRIMARY_MEASURE].p
            hits[name] += p is not None and p < ALPHA
        for name in (ACROSS_TASKS, ACROSS_LANGUAGES):
            p = findings.adjusted_relations[name][PRIMARY_MEASURE]
            hits[name] += p is not None and p < ALPHA
    most = worlds * ALPHA + 3 * np.sqrt(worlds * ALPHA * (1 - ALPHA))
    assert hits[ACROSS_TASKS] <= most and hits[ACROSS_LANGUAGES] <= most
    if truth.rise == 0:
        assert hits[FROM_START] <= most and hits["random"] <= most
    else:
        assert hits[FROM_START] > worlds / 2


def test_a_folder_of_stages_is_read_without_its_probes(planted: Path) -> None:
    read, folder = load([planted]), load([planted.parent / "stages"])
    assert folder.target_rows.height == read.target_rows.height and folder.targets == tuple(sorted(read.targets))
