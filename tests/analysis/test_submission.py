"""A submission to XTREME: its runs, its files, and its list of what is missing."""

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analysis.scores.tidy import build_schema
from analysis.submission import main
from spaces.prediction_columns import PREDICTION_COLUMNS, PREDICTIONS_FILE
from tests.analysis.sweep_files import Capture, Run, refused, write_sweep

SCHEMA = build_schema(PREDICTION_COLUMNS)
# The languages of each folder, as the official evaluate.py looks for them.
FOLDERS = {
    "xnli": "ar bg de el en es fr hi ru sw th tr ur vi zh",
    "pawsx": "de en es fr ja ko zh",
    "panx": "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw yo my zh "
    "kk tr et fi hu",
    "udpos": "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh",
    "xquad": "en es de el ru tr ar vi th zh hi",
    "mlqa": "en es de ar hi vi zh",
    "tydiqa": "en ar bn fi id ko ru sw te",
    "bucc2018": "de fr ru zh",
    "tatoeba": "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et "
    "fi hu",
}
STAGES = (("xnli",), ("pawsx",), ("udpos",), ("panx",), ("xquad", "mlqa"), ("tydiqa",), ("bucc",), ("tatoeba",))
TRAINED = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa")
RETRIEVAL = ("bucc", "tatoeba")


def languages(target: str) -> list[str]:
    return FOLDERS["bucc2018" if target == "bucc" else target].split()


def predicted(target: str, word: str) -> list[tuple[int, str | None, list[str]]]:
    """(example, id, prediction) of one language; `word` tells runs apart where the kind of task has room for it."""
    rows: dict[str, list[tuple[int, str | None, list[str]]]] = {
        "xnli": [(0, None, ["entailment"]), (1, None, ["neutral"]), (2, None, ["contradiction"])],
        "pawsx": [(0, None, ["paraphrase"]), (1, None, ["different"])],
        "udpos": [(0, None, ["NOUN", "VERB"]), (1, None, ["X"]), (2, None, ["PUNCT", "PRON"])],
        "panx": [(0, None, ["B-PER", "I-PER", "O"]), (1, None, ["O"])],
        "bucc": [(4, None, ["10"]), (412, None, ["0"])],
        "tatoeba": [(0, "10", ["7"]), (1, "9", ["0"]), (2, "2", ["5"])],
    }
    return rows.get(target, [(0, "q1", [word]), (1, "q2", ["zwölf"]), (2, "q1#2", ["other"])])


def write(
    folder: Path,
    dev: Mapping[str, float | Mapping[str, float | None]],
    *,
    seeds: Iterable[int] = (0,),
    rates: Iterable[float] = (1e-5,),
    stages: Iterable[tuple[str, ...]] = STAGES,
    keep: Callable[[str, str], bool] = lambda target, language: True,
    best: Callable[[str], float] = lambda intermediate: 0.5,
    **spec: Any,
) -> Path:
    """Write a sweep of xtreme in which every chain of `dev` is whole; `dev[intermediate]` is its English dev score.

    `dev` may also give a score per target, None where the run failed.
    """
    runs = []
    for intermediate, scores in dev.items():
        for seed in seeds:
            for targets in stages:
                for rate in rates if targets[0] in TRAINED else (None,):
                    score = scores if isinstance(scores, float) else scores.get(targets[0], 0.5)
                    run = Run(
                        intermediate=intermediate,
                        test={name: dict.fromkeys(languages(name), best(intermediate)) for name in targets},
                        seed=seed,
                        kind="target" if rate else "retrieval",
                        rate=rate,
                        dev=() if score is None else (0.1, score + (0 if rate is None else rate)),
                        status="failed" if score is None else "finished",
                        extra={"benchmark": "xtreme", "model": "m"},
                    )
                    runs.append(run)
                    write_predictions(folder / "runs" / "stages" / run.key, run, keep)
    spec = {"benchmark": "xtreme", "model": "m", "test_limit": None, "retrieval": list(RETRIEVAL), **spec}
    return write_sweep(folder / "runs", runs, **spec)


def write_predictions(folder: Path, run: Any, keep: Callable[[str, str], bool]) -> None:
    rows = [
        {"stage": run.key, "target": target, "language": language, "split": "test", "example": example, "id": name}
        | {"prediction": prediction, "score": None}
        for target in run.test
        for language in languages(target)
        if keep(target, language)
        for example, name, prediction in predicted(target, f"{run.intermediate} {run.seed} {run.rate}")
    ]
    random.Random(0).shuffle(rows)  # the order of rows is no promise: `example` is
    folder.mkdir(parents=True)
    pl.DataFrame(rows, schema=SCHEMA, orient="row").write_parquet(folder / PREDICTIONS_FILE)


def submitted(out: Path, target: str = "xquad") -> str:
    """Return the intermediate, seed and rate of the submitted run."""
    answer: str = json.loads((out / target / "test-en.json").read_text())["q1"]
    return answer


def test_a_whole_submission_has_the_official_names_and_formats(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "new" / "out"
    assert main([str(write(tmp_path, {"none": 0.5, "mnli": 0.6})), str(out)]) == 0
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files == {
        f"{folder}/test-{language}.{'json' if folder in ('xquad', 'mlqa', 'tydiqa') else 'tsv'}"
        for folder, names in FOLDERS.items()
        for language in names.split()
    }
    files = {folder: out / folder / "test-zh.tsv" for folder in FOLDERS if folder != "xquad"}
    texts = {folder: file.read_text() for folder, file in files.items() if file.exists()}
    assert texts == {
        "xnli": "entailment\nneutral\ncontradiction\n",
        "pawsx": "1\n0\n",
        "udpos": "NOUN\nVERB\n\nX\n\nPUNCT\nPRON\n",
        "panx": "B-PER\nI-PER\nO\n\nO\n",
        "bucc2018": "zh-000000005\ten-000000011\nzh-000000413\ten-000000001\n",
        "tatoeba": "5\n0\n7\n",
    }
    assert json.loads((out / "mlqa" / "test-zh.json").read_text()) == {"q1": "mnli 0 1e-05", "q2": "zwölf"}
    output = capsys.readouterr().out
    assert "chosen by mean English dev score at seed 0: mnli 60.0 (7 targets)." in output
    assert "9 of 9 tasks are complete." in output
    assert re.search(r"bucc2018 +mnli +- +4/4 +2\n", output) and re.search(r"udpos +mnli +1e-05 +33/33 +3\n", output)
    assert "xquad: questions that repeat an id, answered like the first one: ar 1, de 1" in output


def test_english_dev_chooses_intermediate_and_rate_and_no_test_score_does(tmp_path: Path) -> None:
    flattered = {"none": 0.99, "mnli": 0.01, "squad": 0.98}
    sweep = write(tmp_path, {"none": 0.5, "mnli": 0.6, "squad": 0.55}, rates=(1e-5, 3e-5), best=flattered.__getitem__)
    assert main([str(sweep), str(tmp_path / "out")]) == 0
    assert submitted(tmp_path / "out") == "mnli 0 3e-05"


def test_equals_go_by_name_and_the_lowest_seed_stands(tmp_path: Path) -> None:
    sweep = write(tmp_path, {"squad": 0.6, "mnli": 0.6, "none": 0.6}, seeds=(3, 1))
    assert main([str(sweep), str(tmp_path / "out")]) == 0
    assert submitted(tmp_path / "out") == "mnli 1 1e-05"
    assert main([str(sweep), str(tmp_path / "other"), "--seed", "3", "--intermediate", "none"]) == 0
    assert submitted(tmp_path / "other") == "none 3 1e-05"


def test_per_target_each_has_its_own_and_retrieval_that_of_the_mean(tmp_path: Path, capsys: Capture) -> None:
    sweep = write(tmp_path, {"none": 0.5, "mnli": 0.6, "squad": {**dict.fromkeys(TRAINED, 0.3), "xquad": 0.9}})
    assert main([str(sweep), str(tmp_path / "out"), "--per-target"]) == 0
    assert submitted(tmp_path / "out") == submitted(tmp_path / "out", "mlqa") == "squad 0 1e-05"
    assert submitted(tmp_path / "out", "tydiqa") == "mnli 0 1e-05"
    output = capsys.readouterr().out
    assert re.search(r"tatoeba +mnli", output) and re.search(r"xquad +squad", output)


def test_more_finished_targets_come_before_a_better_mean(tmp_path: Path, capsys: Capture) -> None:
    sweep = write(tmp_path, {"none": 0.5, "mnli": {**dict.fromkeys(TRAINED, 0.9), "panx": None}})
    assert main([str(sweep), str(tmp_path / "out")]) == 0
    assert submitted(tmp_path / "out") == "none 0 1e-05"
    assert main([str(sweep), str(tmp_path / "mnli"), "--intermediate", "mnli"]) == 1
    assert "panx: no finished run after mnli, seed 0." in capsys.readouterr().out
    assert not (tmp_path / "mnli" / "panx").exists() and (tmp_path / "mnli" / "udpos").is_dir()


def test_a_control_is_submitted_only_when_asked_for(tmp_path: Path) -> None:
    sweep = write(tmp_path, {"none": 0.5, "shuffled": 0.9}, controls=["shuffled"])
    main([str(sweep), str(tmp_path / "out")])
    assert submitted(tmp_path / "out") == "none 0 1e-05"
    main([str(sweep), str(tmp_path / "asked"), "--intermediate", "shuffled"])
    assert submitted(tmp_path / "asked") == "shuffled 0 1e-05"


def test_what_is_missing_is_listed_and_the_rest_written(tmp_path: Path, capsys: Capture) -> None:
    sweep = write(tmp_path, {"none": 0.5}, stages=STAGES[:-1], keep=lambda *cell: cell != ("xnli", "ur"))
    (tmp_path / "runs" / "stages" / "target-tydiqa-none-0-1e-05" / PREDICTIONS_FILE).unlink()
    torn = tmp_path / "runs" / "stages" / "target-pawsx-none-0-1e-05" / PREDICTIONS_FILE
    rows = pl.read_parquet(torn)
    rows.filter((pl.col("language") != "ko") | (pl.col("example") > 0)).write_parquet(torn)
    assert main([str(sweep), str(tmp_path / "out")]) == 1
    output = capsys.readouterr().out
    assert "xnli: no predictions in ur." in output
    assert "tatoeba: not a target of this sweep." in output
    assert "tydiqa: no predictions of the run after none, seed 0 (stage target-tydiqa-none-0-1e-05)." in output
    assert "pawsx: ko has 1 predictions, but not exactly one for each example from 0 to 0." in output
    assert "5 of 9 tasks are complete: the submission is incomplete." in output
    assert len(list((tmp_path / "out" / "xnli").iterdir())) == 14


def test_a_mined_language_without_pairs_is_an_empty_file(tmp_path: Path) -> None:
    sweep = write(tmp_path, {"none": 0.5}, keep=lambda target, language: (target, language) != ("bucc", "ru"))
    assert main([str(sweep), str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "bucc2018" / "test-ru.tsv").read_text() == ""


def test_cut_and_foreign_test_sets_are_named(tmp_path: Path, capsys: Capture) -> None:
    main([str(write(tmp_path, {"none": 0.5}, test_limit=3, limit=9)), str(tmp_path / "out")])
    output = capsys.readouterr().out
    assert "limited: at most 9 training rows of a task, 3 dev and test rows of a language." in output
    main([str(write(tmp_path, {"mnli": 0.5}, name="whole")), str(tmp_path / "whole")])
    output = capsys.readouterr().out
    assert "limited" not in output and "xnli: 3 English rows, the published test set has 5010." in output
    assert "udpos: The hub adds treebanks to el, zh, fr, ru, pt and de that XTREME's own files do not have." in output


def test_nothing_is_overwritten(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write(tmp_path, {"none": 0.5}), tmp_path / "out"
    out.mkdir()
    (out / "notes").touch()
    assert main([str(sweep), str(out)]) == 2
    assert "is not empty" in capsys.readouterr().err and list(out.iterdir()) == [out / "notes"]
    assert main([str(sweep), str(out / "notes")]) == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [(["--intermediate", "mnly"], "did you mean mnli"), (["--seed", "7"], "the seeds of this sweep are 0")],
)
def test_an_unknown_name_or_seed_is_bad_usage(tmp_path: Path, capsys: Capture, flags: list[str], words: str) -> None:
    assert main([str(write(tmp_path, {"none": 0.5, "mnli": 0.6})), str(tmp_path / "out"), *flags]) == 2
    assert words in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_the_miniature_and_other_folders_are_refused(tmp_path: Path, capsys: Capture) -> None:
    assert "benchmark miniature. Only a sweep of xtreme can be submitted" in refused(
        capsys, main, write(tmp_path, {"none": 0.5}, benchmark="miniature"), tmp_path / "out"
    )
    assert main([str(tmp_path), str(tmp_path / "out")]) == 2
    assert "it has no sweep.json" in capsys.readouterr().err and not (tmp_path / "out").exists()
