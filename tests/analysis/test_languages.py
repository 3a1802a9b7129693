import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.languages import main
from analysis.questions.evenness import Evenness, list_unknown_languages, measure_evenness
from analysis.scores.load import load
from analysis.transfer.array import build_transfer
from spaces.errors import UsageError

# Two XTREME targets and one for retrieval; of families: de Germanic, fr es Romance, ru bg Slavic.
XNLI = {"en": 0.9, "de": 0.8, "fr": 0.7, "es": 0.6, "ru": 0.5, "bg": 0.4}
PANX = {"en": 0.8, "de": 0.6, "fr": 0.5}
BUCC = {"de": 0.3, "fr": 0.5}


def rows(task: str, seed: int, gain: float = 0.0, english: float = 0.0) -> list[tuple[Any, ...]]:
    """`gain` is added in every language but English, `english` in English."""
    return [
        (task, target, seed, language, "accuracy", score + (english if language == "en" else gain), "xtreme")
        for target, scores in (("xnli", XNLI), ("panx", PANX), ("bucc", BUCC))
        for language, score in scores.items()
    ]


@pytest.fixture
def measure(write_file: Callable[..., Path]) -> Callable[..., Evenness]:
    def measure(rows: list[tuple[Any, ...]], by: Any = "language", target: str | None = None) -> Evenness:
        return measure_evenness(build_transfer(load([write_file(rows, "benchmark")])), by, target)

    return measure


THREE = [row for seed in range(3) for row in (*rows("none", seed), *rows("mnli", seed, 0.04 + seed / 100, 0.01))]


def test_measures_by_hand(measure: Callable[..., Evenness]) -> None:
    evenness = measure(THREE)
    assert evenness.measured_targets == ("panx", "xnli")  # in retrieval nothing is English
    xnli = {measure: evenness.average_over_targets(measure, ("xnli",))[0] for measure in evenness.measures}
    assert xnli["english"] == pytest.approx([90] * 3)
    assert xnli["others"] == pytest.approx([60] * 3)
    assert xnli["gap"] == pytest.approx([30] * 3)
    assert xnli["worst"] == pytest.approx([40] * 3)
    assert xnli["quarter"] == pytest.approx([45] * 3)  # two of five languages: a quarter, rounded up
    assert xnli["spread"] == pytest.approx([np.std([80, 70, 60, 50, 40], ddof=1)] * 3)
    assert evenness.average_over_targets("gap", evenness.measured_targets)[0] == pytest.approx([(30 + 25) / 2] * 3)
    assert evenness.average_over_targets("worst", ("bucc",))[0] == pytest.approx([30] * 3)
    assert np.isnan(evenness.average_over_targets("gap", ("bucc",))).all()


def test_a_change_is_paired_with_the_baseline_of_its_seed(measure: Callable[..., Evenness]) -> None:
    evenness = measure(THREE)
    assert evenness.compute_change("gap", ("xnli",))[1] == pytest.approx([1 - 4, 1 - 5, 1 - 6])
    assert evenness.compute_change("gap", evenness.measured_targets)[0] == pytest.approx([0, 0, 0])


def test_what_a_seed_does_to_both_chains_is_in_no_change(measure: Callable[..., Evenness]) -> None:
    both = [
        (task, target, seed, language, metric, score + 0.03 * seed * (language == "en"), name)
        for task, target, seed, language, metric, score, name in THREE
    ]
    evenness = measure(both)
    assert evenness.average_over_targets("gap", ("xnli",))[0] == pytest.approx([30, 33, 36])
    assert evenness.compute_change("gap", ("xnli",))[1] == pytest.approx([1 - 4, 1 - 5, 1 - 6])


def test_the_worst_language_is_never_english(measure: Callable[..., Evenness]) -> None:
    poor = [(row[0], row[1], row[2], row[3], row[4], 0.1 if row[3] == "en" else row[5], row[6]) for row in THREE]
    evenness = measure(poor)
    assert evenness.worst_languages["none", "xnli"] == "bg"
    assert evenness.average_over_targets("worst", ("xnli",))[0] == pytest.approx([40] * 3)


def test_english_is_in_no_group_and_a_group_is_averaged_within_its_targets(measure: Callable[..., Evenness]) -> None:
    evenness = measure(THREE, "family")
    assert evenness.groups["en"] == ("en",)
    assert evenness.groups["IE: Germanic"] == ("de",)
    assert evenness.targets_by_group["IE: Romance"] == ("bucc", "panx", "xnli")
    assert evenness.targets_by_group["IE: Slavic"] == ("xnli",)
    assert evenness.scores["none", "IE: Germanic"].mean == pytest.approx((80 + 60 + 30) / 3)
    assert evenness.scores["none", "IE: Romance"].mean == pytest.approx((65 + 50 + 50) / 3)
    assert evenness.gains["mnli", "IE: Slavic"].mean == pytest.approx(5)
    assert evenness.gains["mnli", "en"].mean == pytest.approx(1)


def test_groups_are_compared_on_their_own_targets(measure: Callable[..., Evenness]) -> None:
    # Retrieval gains 30 points in all its languages, xnli 5 in ru and bg alone.
    lifts = {"bucc": 0.3}
    mnli = [
        (task, target, seed, language, metric, score + lifts.get(target, 0.05 * (language in ("ru", "bg"))), name)
        for seed in range(3)
        for task, target, seed, language, metric, score, name in rows("mnli", seed)
    ]
    evenness = measure([*(row for seed in range(3) for row in rows("none", seed)), *mnli], "family")
    assert evenness.gains["mnli", "IE: Germanic"].mean == pytest.approx(10)  # by bucc, one of its three targets
    assert evenness.gains["mnli", "IE: Slavic"].mean == pytest.approx(5)
    # On xnli the five other languages gain 2 on average.
    assert evenness.relative_gains["IE: Slavic"] == pytest.approx([5 - 2] * 3)
    assert evenness.relative_gains["IE: Germanic"] == pytest.approx([-2 / 3] * 3)
    assert evenness.relative_gains["en"] == pytest.approx([-1] * 3)


def test_a_seed_without_every_task_compares_no_groups(measure: Callable[..., Evenness]) -> None:
    more = [row for seed in range(2) for row in rows("qqp", seed, 0.1)]
    assert np.isfinite(measure([*THREE, *more]).relative_gains["de"]).tolist() == [True, True, False]


def test_one_target(measure: Callable[..., Evenness]) -> None:
    evenness = measure(THREE, "family", "panx")
    assert evenness.measured_targets == ("panx",)
    assert set(evenness.targets_by_group) == {"en", "IE: Germanic", "IE: Romance"}
    assert evenness.scores["none", "IE: Romance"].mean == pytest.approx(50)
    with pytest.raises(UsageError, match="did you mean panx"):
        measure(THREE, "family", "pan")


def test_a_language_that_no_table_knows_is_grouped_as_unknown(measure: Callable[..., Evenness]) -> None:
    strange = [(task, "xnli", seed, "xx", "accuracy", 0.2, "xtreme") for task in ("none", "mnli") for seed in range(3)]
    evenness = measure([*THREE, *strange], "script")
    assert list_unknown_languages(evenness) == ("xx",)
    assert evenness.scores["none", "unknown"].mean == pytest.approx(20)
    assert list_unknown_languages(measure([*THREE, *strange])) == ()


def test_a_missing_language_leaves_its_seed_out_of_what_compares_languages(measure: Callable[..., Evenness]) -> None:
    short = [row for row in THREE if row[:4] != ("mnli", "xnli", 1, "bg")]
    evenness = measure(short)
    for measure in evenness.measures:
        assert np.isfinite(evenness.average_over_targets(measure, ("xnli",))).tolist() == [
            [True] * 3,
            [True, False, True],
        ], measure
    assert np.isfinite(evenness.average_over_targets("gap", evenness.measured_targets)[1]).tolist() == [
        True,
        False,
        True,
    ]


def test_a_missing_target_leaves_its_seed_out_of_the_mean(measure: Callable[..., Evenness]) -> None:
    evenness = measure([row for row in THREE if row[:3] != ("mnli", "panx", 2)])
    assert np.isfinite(evenness.average_over_targets("others", evenness.measured_targets)[1]).tolist() == [
        True,
        True,
        False,
    ]
    assert evenness.gains["mnli", "de"].seeds == 2
    assert evenness.gains["mnli", "ru"].seeds == 3  # panx is not scored in it


def test_a_target_without_english_alone_has_no_gap(
    capsys: pytest.CaptureFixture[str], write_file: Callable[..., Path]
) -> None:
    file = write_file([row for row in THREE if row[1] == "bucc"], "benchmark")
    assert main([str(file)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Transfer gap: no seed of the baseline has every target in English")
    assert "Gain over none by language" in out


def test_what_is_printed(capsys: pytest.CaptureFixture[str], write_file: Callable[..., Path]) -> None:
    strange = [("none", "xnli", seed, "xx", "accuracy", 0.2, "xtreme") for seed in range(3)]
    less = [row for row in THREE if row[:3] != ("mnli", "panx", 2)]
    file = write_file([*less, *strange], "benchmark")
    assert main([str(file), "--by", "family"]) == 0
    out = capsys.readouterr().out
    flat = " ".join(out.split())
    assert "Of unknown family, because no table of the benchmark has them: xx." in flat
    assert "Not in the gap, because there is no en: bucc." in flat
    assert "Cells (chain x target x seed) without a score: 1 missing." in flat
    assert "Cells that lack a language that others have, so in no gap, worst or spread: 3." in flat
    assert "IE: Romance (es fr)" in flat
    assert max(map(len, out.splitlines())) <= 118

    assert main([str(file), "--by", "family", "--format", "csv"]) == 0
    records = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    (slavic,) = [row for row in records if row["row"] == "IE: Slavic (bg ru)" and row["column"] == "mnli"]
    assert (float(slavic["value"]), slavic["seeds"]) == (pytest.approx(5), "3")
    assert float(slavic["low"]) < 5 < float(slavic["high"])


def test_the_answer_names_who_narrows_and_who_widens(
    capsys: pytest.CaptureFixture[str], write_file: Callable[..., Path]
) -> None:
    wide = [row for seed in range(3) for row in rows("qqp", seed, -0.1 - seed / 100)]
    assert main([str(write_file([*THREE, *wide], "benchmark"))]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "the other languages score 27.5 points below English (95% interval 27.5 to 27.5)" in flat
    assert (
        "By its 95% interval the gap is narrower with mnli and wider with qqp (by chance alone with 0.1 of 2 tasks)."
        in flat
    )


def test_few_seeds_give_no_verdict(capsys: pytest.CaptureFixture[str], write_file: Callable[..., Path]) -> None:
    assert main([str(write_file([row for row in THREE if row[2] < 2], "benchmark"))]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "It takes 3 seeds to test whether an intermediate task changes this gap." in flat


@pytest.mark.parametrize("flags", [["--target", "nope"], ["--metric", "xnli"], ["--learning-rate", "1"]])
def test_bad_flags_are_one_line(
    capsys: pytest.CaptureFixture[str], write_file: Callable[..., Path], flags: list[str]
) -> None:
    assert main([str(write_file(THREE, "benchmark")), *flags]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("languages.py: ") and len(captured.err.splitlines()) == 1
