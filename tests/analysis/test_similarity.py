"""Does distance predict gain? Planted sweeps in which it does, and what a sweep without probes can still say."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analysis.answers.similarity import build_answer
from analysis.questions.distances import read_probed_stages
from analysis.questions.predictors import (
    ALL_DISTANCES,
    FIRST_TENTH,
    GAIN_ELSEWHERE,
    LOG_TRAIN_SIZE,
    GainMatrix,
    Predictor,
    average_gains_elsewhere,
    build_gain_matrix,
    build_predictors,
)
from analysis.questions.similarity import PredictorComparison, compare_predictors, judge_predictors
from analysis.scores.probes import SCHEMA
from analysis.similarity import main
from spaces.errors import UsageError
from spaces.probe_columns import PROBES_FILE
from tests.analysis.sweep_files import Capture, Run, add_run, printed, printed_rows, read_transfer, refused, write_sweep

TASKS = ("mnli", "qqp", "squad", "ccg", "csqa", "hellaswag")
TARGETS = ("xnli", "pawsx", "panx", "udpos")
SEEDS = (0, 1, 2)
KINDS = {"mnli": "pair", "qqp": "pair", "xnli": "pair", "pawsx": "pair"}


def draw_closeness(rng: np.random.Generator) -> np.ndarray:
    """Each target orders the tasks its own way."""
    return np.stack([rng.permutation(len(TASKS)) for _ in TARGETS], axis=1).astype(float)


def sweep(results: Path, near: np.ndarray, slope: float, rng: np.random.Generator, **spec: Any) -> Path:
    """A sweep whose gains are `slope` points per step of closeness."""
    runs = []
    for seed in SEEDS:
        for i, task in enumerate(TASKS):
            runs.append(Run(intermediate=task, test={}, kind="intermediate", seed=seed, dev=(0.9,)))
            parent = runs[-1].key
            for t, target in enumerate(TARGETS):
                score = 0.5 + slope / 100 * near[i, t] + rng.normal(0, 0.002)
                test = {target: {"en": score, "qna": score}}
                dev = (score - 0.2 + rng.normal(0, 0.01), score)
                runs.append(Run(intermediate=task, test=test, seed=seed, parent=parent, dev=dev))
        for target in TARGETS:
            runs.append(Run(intermediate="none", test={target: {"en": 0.5, "qna": 0.5}}, seed=seed))
    return write_sweep(results, runs, **spec)


def probe(results: Path, near: np.ndarray) -> None:
    """Two vectors whose angle is the smaller the closer; LEEP where both sides are pairs."""
    for seed in SEEDS:
        for i, task in enumerate(TASKS):
            size = {("train_size", "before"): float(10 ** (i % 3 + 2))}
            turned = {("textemb", "before"): np.eye(len(TASKS))[i], ("taskemb:a", "after"): np.eye(len(TASKS))[i]}
            write_probes(results, f"intermediate--{task}-{seed}-0.001", {**size, **turned})
            for t, target in enumerate(TARGETS):
                fits = {("logme", "before"): near[i, t] - 9}
                both = KINDS.get(task) == KINDS.get(target) == "pair"
                answers = {("leep", "before"): near[i, t] - 9} if both else {}
                write_probes(results, f"target-{target}-{task}-{seed}-0.001", {**fits, **answers})
        for t, target in enumerate(TARGETS):
            embedded = {("textemb", "before"): near[:, t] + 1, ("taskemb:a", "after"): near[:, t] + 1}
            write_probes(results, f"target-{target}-none-{seed}-0.001", embedded)


def write_probes(results: Path, stage: str, found: Mapping[tuple[str, str], Any]) -> None:
    common = dict.fromkeys(SCHEMA) | {"stage": stage, "family": "similarity"}
    rows = [
        {**common, "probe": probe, "when": when, "value" if isinstance(value, float) else "vector": value}
        for (probe, when), value in found.items()
    ]
    rows.append({**common, "family": "alignment", "probe": "logme", "when": "before", "value": -99.0})
    pl.DataFrame(rows, schema=SCHEMA, orient="row").write_parquet(results / "stages" / stage / PROBES_FILE)


def planted(results: Path, seed: int, slope: float, **spec: Any) -> tuple[Path, np.ndarray]:
    """A sweep with probes that say how close its tasks are, and this closeness."""
    rng = np.random.default_rng(seed)
    near = draw_closeness(rng)
    folder = sweep(results, near, slope, rng, **spec)
    probe(results, near)
    return folder, near


def judge(folder: Path, focus: str | None = None) -> PredictorComparison:
    return compare_predictors(read_transfer(folder), np.random.default_rng(0), focus)


def by_name(comparison: PredictorComparison) -> dict[str, Any]:
    return {one.predictor.name: one for one in comparison.judgements}


def test_a_planted_distance_is_found(tmp_path: Path) -> None:
    folder, _ = planted(tmp_path, 0, 2.0)
    judgements = by_name(judge(folder))
    others = [ALL_DISTANCES, FIRST_TENTH, LOG_TRAIN_SIZE, GAIN_ELSEWHERE]
    assert list(judgements) == ["TextEmb", "TaskEmb", "LogME", "LEEP", *others]
    for name in ("TextEmb", "TaskEmb", "LogME", ALL_DISTANCES):
        one, quality = judgements[name], judgements[name].mean_ordering
        assert one.correlation.mean_by_seed() == pytest.approx(np.ones(3), abs=0.02)
        assert one.holm < 0.05 and one.errors.out_of_sample_r2 > 0.9
        assert quality.regrets[0] == pytest.approx(0, abs=0.5) and quality.blind_regrets[0] > 3
        assert quality.ndcg > quality.blind_ndcg + 0.005
    assert judgements["LEEP"].correlation.column_mask.sum() == 0  # two tasks for a target are no order
    assert judgements[FIRST_TENTH].correlation.mean_by_seed().mean() > 0.8
    assert judgements[GAIN_ELSEWHERE].p is None and judgements[GAIN_ELSEWHERE].holm is None


def test_distances_are_what_the_probes_say(tmp_path: Path) -> None:
    folder, near = planted(tmp_path, 1, 1.0)
    transfer = read_transfer(folder)
    matrix = build_gain_matrix(transfer)
    values = {one.name: one.values for one in build_predictors(transfer, matrix)}
    assert (matrix.candidates, matrix.targets) == (TASKS, TARGETS)
    lengths = np.sqrt(((near + 1) ** 2).sum(axis=0))
    assert values["TextEmb"] == pytest.approx(np.repeat((near + 1)[:, :, None] / lengths[:, None], 3, axis=2))
    assert values["LogME"][:, :, 0] == pytest.approx(near - 9)
    ranks = len(TASKS) - near  # 1 for the closest
    assert values["TaskEmb"][:, :, 0] == pytest.approx(1 / (60 + ranks))
    assert values[ALL_DISTANCES][:, :, 0] == pytest.approx(3 / (60 + ranks))  # LEEP has not every task: no part of it
    there = np.isfinite(values["LEEP"]).all(axis=2)
    assert [(TASKS[i], TARGETS[t]) for i, t in np.argwhere(there)] == [
        (task, target) for task in ("mnli", "qqp") for target in ("xnli", "pawsx")
    ]
    assert values[LOG_TRAIN_SIZE][:3, 0, 0] == pytest.approx(np.log([100, 1000, 10_000]))


def test_only_the_runs_that_count_are_read(tmp_path: Path) -> None:
    """A second learning rate that English dev did not choose has other probes."""
    folder, _ = planted(tmp_path, 2, 1.0)
    phase = "intermediate--mnli-0-0.001"
    lost = Run(intermediate="mnli", test={"xnli": {"en": 0.9, "qna": 0.9}}, rate=2e-3, dev=(0.1,), parent=phase)
    add_run(folder, lost)
    write_probes(tmp_path, lost.key, {("logme", "before"): 999.0})
    probed = read_probed_stages(read_transfer(folder))
    assert 999.0 not in probed.values.values() and -99.0 not in probed.values.values()
    assert probed.task_stages["mnli", 0] == phase


def test_the_first_tenth_is_that_of_the_run_that_counts(tmp_path: Path) -> None:
    runs = []
    for i, task in enumerate(("none", "mnli", "qqp", "ccg")):
        test = {"xnli": {"en": 0.5 + i / 10, "qna": 0.5}}
        runs.append(Run(intermediate=task, test=test, dev=(0.1 * i, 0.7)))
        runs.append(Run(intermediate=task, test=test, dev=(0.55, 0.6), rate=2e-3))
    transfer = read_transfer(write_sweep(tmp_path, runs))
    predictors = build_predictors(transfer, build_gain_matrix(transfer))
    (first,) = [one.values for one in predictors if one.name == FIRST_TENTH]
    assert first[:, 0, 0] == pytest.approx([10, 20, 30])


def test_the_mean_elsewhere_leaves_the_target_out() -> None:
    gains = np.array([[1.0, 2.0, 6.0], [3.0, 0.0, 2.0]])[:, :, None]
    # Less the means of the targets (2, 1, 4) the first is -1, 1, 2, and the second the other way round.
    assert average_gains_elsewhere(gains)[:, :, 0] == pytest.approx(np.array([[1.5, 0.5, 0], [-1.5, -0.5, 0]]))
    assert np.isnan(average_gains_elsewhere(gains[:, :1])).all()
    gains[0, 2] = np.nan
    assert average_gains_elsewhere(gains)[:, :, 0] == pytest.approx(np.array([[1, -1, 0], [-0.5, 0.5, 0]]))


def test_candidates_are_plain_tasks_and_targets_are_trained(tmp_path: Path) -> None:
    chains = "none mnli qqp ccg random multitask mnli+ccg mnli@qmb squad~x2 none:salt a~b :".split()
    runs = [Run(intermediate=chain, test={"xnli": {"en": 0.5}}, stage=f"x{i}") for i, chain in enumerate(chains)]
    retrieval = {"test": {"bucc": {"de": 0.5}}, "kind": "retrieval", "rate": None}
    runs += [Run(intermediate=chain, stage=f"b{i}", **retrieval) for i, chain in enumerate(chains)]
    matrix = build_gain_matrix(read_transfer(write_sweep(tmp_path, runs, controls=["random"], retrieval=["bucc"])))
    assert (matrix.candidates, matrix.targets) == (("mnli", "qqp", "ccg"), ("xnli",))
    assert matrix.left_out == tuple(chains[4:])


def test_a_target_that_lacks_a_language_has_no_gain(tmp_path: Path) -> None:
    runs = [Run(intermediate=task, test={"xnli": {"en": 0.5, "qna": 0.4}}) for task in ("none", "mnli", "qqp")]
    runs.append(Run(intermediate="ccg", test={"xnli": {"en": 0.9}}))
    matrix = build_gain_matrix(read_transfer(write_sweep(tmp_path, runs)))
    assert matrix.gains[:, 0, 0] == pytest.approx([0, 0, np.nan], nan_ok=True)
    assert matrix.baseline == pytest.approx(45)


def test_too_few_candidates_and_unknown_targets_are_refused(tmp_path: Path) -> None:
    runs = [Run(intermediate=task, test={"xnli": {"en": 0.5}}) for task in ("none", "mnli", "qqp")]
    with pytest.raises(UsageError, match="takes 3 plain intermediate tasks"):
        judge(write_sweep(tmp_path, runs))
    folder = sweep(tmp_path, np.zeros((6, 4)), 0.0, np.random.default_rng(0))
    with pytest.raises(UsageError, match="pawsx"):
        judge(folder, "pawx")


def test_what_is_printed(tmp_path: Path, capsys: Capture) -> None:
    folder, near = planted(tmp_path, 3, 2.0, controls=[])
    flat = printed(capsys, main, folder, width=118)
    assert flat.startswith(f"Distance predicts gain, by TextEmb, TaskEmb, LogME, {ALL_DISTANCES} (permutation test")
    assert "Among tasks of one kind, distance is not shown to predict gain" in flat  # pairs of tasks only
    assert "p 0.500 where only tasks of the same kind exchange places (4 relabellings)" in flat
    assert "pawsx is not shown to be predicted differently from the other targets." in flat
    assert f"By {ALL_DISTANCES} its rank correlation is +1.00, the mean of the others +1.00." in flat
    assert "Not for every candidate and target: LEEP." in flat
    assert "Candidates: mnli, qqp, squad, ccg, csqa, hellaswag. Targets: xnli, pawsx, panx, udpos." in flat
    rows = printed_rows(capsys, main, folder, "--target", "panx", "--matrices")
    assert {row["table"] for row in rows} >= {"Gain", "panx against the mean of the other targets"}
    cell = [row for row in rows if row["table"].startswith("LogME") and (row["row"], row["column"]) == ("ccg", "panx")]
    assert float(cell[0]["value"]) == pytest.approx(near[3, 2] - 9)


def test_without_probes_the_rest_is_said(tmp_path: Path, capsys: Capture) -> None:
    folder = sweep(tmp_path, draw_closeness(np.random.default_rng(4)), 2.0, np.random.default_rng(4))
    flat = printed(capsys, main, folder)
    assert flat.startswith("It is unknown whether distance predicts gain: no distance was measured")
    assert "run with --probes similarity" in flat
    assert f"Rank correlations of predictors that need no distance: {FIRST_TENTH} +0.9" in flat
    assert f"{LOG_TRAIN_SIZE} cannot order the tasks" in flat


def test_a_damaged_file_of_probes_is_one_clear_line(tmp_path: Path, capsys: Capture) -> None:
    folder, _ = planted(tmp_path, 5, 1.0)
    (tmp_path / "stages" / "target-xnli-mnli-0-0.001" / PROBES_FILE).write_bytes(b"PAR1")
    assert "target-xnli-mnli-0-0.001/probes.parquet cannot be read" in refused(capsys, main, folder)


def test_in_null_worlds_few_tables_have_a_finding() -> None:
    """Several predictors that share what they know of the tasks: after Holm one table in twenty has a finding."""
    rng = np.random.default_rng(6)
    findings = []
    for _ in range(200):
        gains = rng.normal(size=(5, 1, 1)) + rng.normal(size=(5, 4, 1)) + 0.5 * rng.normal(size=(5, 4, 3))
        task = rng.normal(size=(5, 1, 1))
        known = [task + 0.5 * rng.normal(size=(5, 4, 1)) for _ in range(3)]
        predictors = [Predictor(name=f"p{i}", category="distance", values=values) for i, values in enumerate(known)]
        axes = {"candidates": tuple("abcde"), "targets": tuple("abcd"), "seeds": (0, 1, 2), "left_out": ()}
        matrix = GainMatrix(**axes, gains=gains, baseline=np.full((4, 3), 50.0))
        findings.append(any((one.holm or 1) < 0.05 for one in judge_predictors(predictors, matrix, 1, rng)))
    assert np.mean(findings) == pytest.approx(0.04, abs=0.04)


def test_what_only_differs_between_kinds_predicts_nothing_within_them() -> None:
    """Tasks of two kinds: gains and distance say which kind, and nothing else."""
    rng = np.random.default_rng(8)
    kinds = ("pair",) * 4 + ("choice",) * 4
    level = np.repeat([0.0, 10.0], 4)[:, None, None]
    axes = {"candidates": tuple("abcdefgh"), "targets": ("x", "y"), "seeds": (0, 1, 2), "left_out": (), "kinds": kinds}
    between, within = [], []
    for _ in range(40):
        gains, values = (level + rng.normal(size=(8, 1, 1)) + np.zeros((8, 2, 3)) for _ in range(2))
        matrix = GainMatrix(**axes, gains=gains, baseline=np.full((2, 3), 50.0))
        (one,) = judge_predictors([Predictor("p", "distance", values)], matrix, None, rng)
        assert one.kind_relabellings == 24 * 24 and one.p is not None and one.kind_p is not None
        between.append(one.p < 0.05)
        within.append(one.kind_p < 0.05)
    assert np.mean(between) > 0.4 and np.mean(within) < 0.2
    unknown = replace(matrix, kinds=None)
    (one,) = judge_predictors([Predictor("p", "distance", values)], unknown, None, rng)
    assert one.kind_p is None


def test_a_predictor_of_one_target_is_not_called_the_best(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    folder = sweep(tmp_path, draw_closeness(rng), 2.0, rng)
    probe(tmp_path, draw_closeness(rng))  # other closeness than that of the gains
    comparison = judge(folder)
    one = by_name(comparison)["LogME"]
    cells = np.full_like(one.correlation.correlations, np.nan)
    cells[0] = 1.0
    correlation = replace(one.correlation, correlations=cells)
    lucky = replace(one, predictor=replace(one.predictor, name="Lucky"), correlation=correlation)
    both = replace(comparison, judgements=(*comparison.judgements, lucky))
    said = build_answer(read_transfer(folder), both, with_matrices=False).sentences[0]
    assert "The best measure is " in said and "Lucky" not in said
