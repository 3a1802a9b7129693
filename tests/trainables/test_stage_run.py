"""A stage from its folder to its outcome: what it writes, when it is done, what it does with damage."""

import dataclasses
import json
import shutil
import weakref
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
import torch

from spaces.benchmark import BENCHMARKS
from spaces.columns import COLUMNS
from spaces.stage import TENTHS
from spaces.task import Task
from tests.on_disk import folder_of
from tests.score_rows import drop_costs
from tests.tiny_stages import RECIPE, RETRIEVAL, TARGET, intermediate_stage, run_stage, start_stage
from trainables import retrieval_stage
from trainables.data.task_data import DataSource, load_pool
from trainables.features.examples import Pool
from trainables.record.checkpoints import STATE, read_state
from trainables.record.context import CHECKPOINT, ENCODER, SCORES, SPEC, StageContext, read_spec, write_spec
from trainables.record.outcome import read_outcome
from trainables.record.scores import encode_scores
from trainables.retrieval.embeddings import embed
from trainables.stage_run import StageRun
from trainables.stage_start import load_parent
from trainables.storage.local_storage import LocalStorage
from trainables.training.fine_tuning import FineTuning

INTERMEDIATE = intermediate_stage("csqa")
TATOEBA = BENCHMARKS["miniature"].targets["tatoeba"]


def test_a_target_stage_leaves_scores_in_every_language_of_every_target(context: StageContext) -> None:
    outcome = run_stage(context, TARGET)
    assert outcome.status in ("finished", "degenerate") and len(outcome.curve) == TENTHS
    rows = pl.read_parquet(folder_of(context, TARGET.key) / SCORES)
    assert rows.columns == [column.name for column in COLUMNS]
    test = rows.filter(pl.col("split") == "test")
    cells = set(test.select("target", "language").unique().iter_rows())
    assert cells == {("xquad", "en"), ("xquad", "qfa"), ("mlqa", "en")}
    assert set(test["metric"]) == {"f1", "exact_match", "majority"}
    assert set(test.filter("official")["metric"]) == {"f1", "exact_match"}
    floor = test.filter(pl.col("metric") == "majority")
    assert len(floor) == 3 and floor["value"].is_between(0, 0.5).all() and (floor["value"] > 0).any()
    assert set(test["tenth"]) == {outcome.best_tenth} and set(test["examples"]) == {20}
    dev = rows.filter(pl.col("split") == "dev")
    assert set(dev["language"]) == {"en"} and sorted(set(dev["tenth"])) == list(range(1, 11))
    assert rows["limited"].sum() == 0  # the stage says so itself: its limit is part of its key


def test_a_stage_computes_in_its_own_precision(context: StageContext) -> None:
    short = dataclasses.replace(RETRIEVAL, precision="bf16")
    embeddings = []
    for stage in (RETRIEVAL, short):
        assert run_stage(context, stage).status == "finished"
        encoder = load_parent(stage, context)
        assert encoder.precision == stage.precision
        embeddings.append(embed(encoder, ["w1 w2", "w3"], [2])[0])
    assert not torch.equal(*embeddings) and embeddings[1].dtype == torch.float32
    torch.testing.assert_close(*embeddings, rtol=0.02, atol=0.02)


def test_the_curve_is_the_mean_of_the_official_dev_metrics(context: StageContext) -> None:
    outcome = run_stage(context, TARGET)
    dev = pl.read_parquet(folder_of(context, TARGET.key) / SCORES).filter(pl.col("split") == "dev", pl.col("official"))
    means = dev.filter(pl.col("target") == "xquad").group_by("tenth").agg(pl.col("value").mean()).sort("tenth")
    assert means["value"].to_list() == pytest.approx(list(outcome.curve))


def test_an_intermediate_stage_hands_its_encoder_on(context: StageContext) -> None:
    run_stage(context, INTERMEDIATE)
    child = dataclasses.replace(TARGET, parent=INTERMEDIATE.key, intermediate="csqa")
    assert (folder_of(context, INTERMEDIATE.key) / ENCODER / "model.safetensors").exists()
    assert run_stage(context, child).tenth == TENTHS
    starts = []
    for stage in (INTERMEDIATE, child):
        starts.append(load_parent(stage, context).model.state_dict())
    assert any(not torch.equal(starts[0][name], starts[1][name]) for name in starts[0])


def test_a_phase_keeps_the_dev_score_of_each_task_and_of_the_trivial_answer(context: StageContext) -> None:
    assert INTERMEDIATE.recipe is not None
    recipe = {**INTERMEDIATE.recipe, "ingredients": [["csqa", "en"], ["squad", "en"]]}
    mix = dataclasses.replace(INTERMEDIATE, task="csqa+squad", intermediate="csqa+squad", recipe=recipe)
    best_tenths, values = {}, {}
    for stage in (INTERMEDIATE, mix):
        best_tenths[stage.task] = run_stage(context, stage).best_tenth
        rows = pl.read_parquet(folder_of(context, stage.key) / SCORES)
        assert rows["target"].null_count() == len(rows) and set(rows["split"]) == {"dev"}
        at_best = rows.filter(tenth=best_tenths[stage.task])
        values[stage.task] = dict(at_best.select("metric", "value").iter_rows())
        official = {"accuracy"} if stage is INTERMEDIATE else {"mean_task_score"}
        assert set(rows.filter("official")["metric"]) == official
    assert values["csqa"].keys() == {"accuracy", "majority"}
    own = values["csqa+squad"]
    for kind in ("task_score", "majority"):
        whole = own["mean_task_score" if kind == "task_score" else kind]
        assert whole == pytest.approx((own[f"csqa_{kind}"] + own[f"squad_{kind}"]) / 2)
    assert own["csqa_majority"] == values["csqa"]["majority"] and 0 < own["squad_majority"] < 1


def test_a_mix_keeps_each_tasks_dev_score_and_the_trivial_answer(context: StageContext) -> None:
    recipe = {**RECIPE, "ingredients": [["csqa", "en"], ["squad", "en"]]}
    stage = dataclasses.replace(INTERMEDIATE, task="csqa+squad", intermediate="csqa+squad", recipe=recipe)
    outcome = run_stage(context, stage)
    kept = pl.read_parquet(folder_of(context, stage.key) / SCORES).filter(tenth=outcome.best_tenth, split="dev")
    scores = {name: (value, examples) for name, value, examples in kept.select("metric", "value", "examples").rows()}
    assert kept.filter("official")["metric"].to_list() == ["mean_task_score"]
    assert len(scores) == kept.height == 6 and set(kept["language"]) == {"en"}
    for name, of_mix in (("{}_task_score", "mean_task_score"), ("{}_majority", "majority")):
        (csqa, one), (squad, other) = (scores[name.format(task)] for task in ("csqa", "squad"))
        assert scores[of_mix] == (pytest.approx((csqa + squad) / 2), 40) and (one, other) == (20, 20)


def test_a_phase_that_is_short_of_examples_says_so(context: StageContext) -> None:
    assert INTERMEDIATE.recipe is not None
    stage = dataclasses.replace(INTERMEDIATE, recipe={**INTERMEDIATE.recipe, "examples": 10**6})
    assert "of the 1000000 requested examples" in str(run_stage(context, stage).note)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors", "masked_words.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "empty", "garbage", "missing"])
def test_a_damaged_encoder_of_the_parent_is_named_and_set_aside(
    context: StageContext, encoder_folder: Path, file: str, damage: str
) -> None:
    handed_on = folder_of(context, INTERMEDIATE.key) / ENCODER
    shutil.copytree(encoder_folder, handed_on)
    content = (handed_on / file).read_bytes()
    if damage == "missing":
        (handed_on / file).unlink()
    else:
        (handed_on / file).write_bytes({"cut": content[:-20], "empty": b"", "garbage": b"x" * 1000}[damage])
    child = dataclasses.replace(TARGET, parent=INTERMEDIATE.key, intermediate="csqa")
    name = f"stages/{INTERMEDIATE.key}/encoder"
    with pytest.raises(ValueError, match=rf"{name}\.damaged is a damaged encoder \({file}.*--retry-failed"):
        run_stage(context, child, tenths=1)
    assert not handed_on.exists() and handed_on.with_name("encoder.damaged").is_dir()
    with pytest.raises(ValueError, match=f"the encoder of stage {INTERMEDIATE.key} is missing.*--retry-failed"):
        run_stage(context, child, tenths=1)


def test_retrieval_is_one_piece(context: StageContext) -> None:
    outcome = run_stage(context, RETRIEVAL, tenths=1)
    assert outcome.status == "finished" and outcome.note is None
    rows = pl.read_parquet(folder_of(context, RETRIEVAL.key) / SCORES)
    official = rows.filter("official").select("target", "language", "metric", "split").rows()
    assert official == [("tatoeba", language, "accuracy", "test") for language in ("qna", "qfa")]
    names = ["accuracy", "margin_accuracy", "reverse_accuracy"]
    names += [f"{name}_layer_{layer}" for layer in range(3) for name in names]
    assert rows["metric"].to_list() == names * 2 and rows["target"].n_unique() == 1


def test_mining_without_a_dev_part_says_where_its_threshold_is_from(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = dataclasses.replace(RETRIEVAL, task="bucc", targets={"bucc": ("qna", "qfa")})
    with_dev = run_stage(context, stage, tenths=1)
    before = pl.read_parquet(folder_of(context, stage.key) / SCORES).filter("official")
    assert with_dev.note is None and before["metric"].to_list() == ["f1", "f1"]

    def lacking(source: DataSource, task: Task, language: str) -> Pool | None:
        return load_pool(source, task, "dev", language) if language == "qna" else None

    monkeypatch.setattr(retrieval_stage, "load_dev_pool", lacking)
    again = dataclasses.replace(stage, seed=1)
    assert run_stage(context, again, tenths=1).note == "no dev pool in qfa: the threshold was chosen on the test pool"
    after = pl.read_parquet(folder_of(context, again.key) / SCORES).filter("official")
    assert after["value"][0] == before["value"][0] and after["value"][1] >= before["value"][1]


def test_what_no_pool_could_use_reaches_the_outcome(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def holey(source: DataSource, task: Task, split: str, language: str) -> Pool:
        left_out = {"answer in no sentence": 3} if language == "qfa" else {}
        return dataclasses.replace(load_pool(source, task, "test", language), left_out=left_out)

    monkeypatch.setattr(retrieval_stage, "load_pool", holey)
    assert run_stage(context, RETRIEVAL, tenths=1).note == "left out of tatoeba qfa: answer in no sentence (3)"


def test_a_stage_continues_where_it_was_cut(context: StageContext, tmp_path: Path) -> None:
    whole = run_stage(context, TARGET)
    again = dataclasses.replace(context, results=LocalStorage(tmp_path / "again"))
    run_stage(again, TARGET, tenths=4)
    state = read_state(again.results, again.folder_name(TARGET.key))
    assert state is not None
    assert (folder_of(again, TARGET.key) / CHECKPOINT).exists() and read_outcome(again, TARGET.key) is None
    outcome = run_stage(again, TARGET, tenths=6)
    assert outcome.curve == whole.curve and outcome.written >= state.written > 0
    files = (folder_of(each, TARGET.key) / SCORES for each in (context, again))
    scores, scores_again = (drop_costs(pl.read_parquet(file)) for file in files)
    assert scores.equals(scores_again)
    assert not (folder_of(again, TARGET.key) / CHECKPOINT).exists()


def test_a_done_stage_is_left_alone(context: StageContext) -> None:
    first = run_stage(context, TARGET)
    before = (folder_of(context, TARGET.key) / SCORES).stat().st_mtime_ns
    assert run_stage(context, TARGET, tenths=1) == first
    assert (folder_of(context, TARGET.key) / SCORES).stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "foreign"])
def test_a_damaged_checkpoint_is_set_aside_and_the_stage_starts_anew(
    context: StageContext, tmp_path: Path, damage: str
) -> None:
    whole = run_stage(dataclasses.replace(context, results=LocalStorage(tmp_path / "whole")), TARGET)
    run_stage(context, TARGET, tenths=3)
    checkpoint = folder_of(context, TARGET.key) / CHECKPOINT
    if damage == "foreign":
        run_stage(context, INTERMEDIATE, tenths=2)
        shutil.rmtree(checkpoint)
        (folder_of(context, INTERMEDIATE.key) / CHECKPOINT).rename(checkpoint)
    else:
        content = (checkpoint / STATE).read_bytes()
        (checkpoint / STATE).write_bytes({"truncated": content[:-100], "empty": b"", "garbage": b"x" * 1000}[damage])
    outcome = run_stage(context, TARGET)
    assert outcome.curve == whole.curve
    assert "the checkpoint was damaged and quarantined: training started again" in str(outcome.note)
    assert checkpoint.with_name(f"{CHECKPOINT}.damaged").exists()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, torch.AcceleratorError])
def test_a_checkpoint_is_not_blamed_for_what_the_device_did(
    context: StageContext, tmp_path: Path, error: type[RuntimeError], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_stage(dataclasses.replace(context, results=LocalStorage(tmp_path / "whole")), INTERMEDIATE)
    run_stage(context, INTERMEDIATE, tenths=3)

    def fail(*_: object) -> None:
        raise error("made up")

    with monkeypatch.context() as patched, closing(StageRun(context, INTERMEDIATE.key)) as stage_run:
        patched.setattr(FineTuning, "continue_from", fail)
        with pytest.raises(error, match="made up"):
            stage_run.advance()
    assert run_stage(context, INTERMEDIATE, tenths=TENTHS - 3).curve == whole.curve  # it goes on from there


def test_a_stage_that_is_closed_leaves_the_device_to_others(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_run = start_stage(context, INTERMEDIATE)
    held = weakref.ref(stage_run.training)
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(held() is None))
    stage_run.close()
    assert emptied == [True]  # once, after the weights were let go


def test_a_changed_spec_is_refused(context: StageContext) -> None:
    write_spec(context, TARGET)
    path = folder_of(context, TARGET.key) / SPEC
    fields = json.loads(path.read_text())
    path.write_text(json.dumps({**fields, "learning_rate": 1.0}))
    with pytest.raises(ValueError, match=r"was changed: it belongs to stage \w+. Start the sweep again"):
        read_spec(context, TARGET.key)


def test_undocumented_columns_are_refused() -> None:
    with pytest.raises(KeyError, match="undocumented"):
        encode_scores([{"intermediat": "mnli"}])
