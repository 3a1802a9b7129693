from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.languages import main
from analysis.questions.evenness import Evenness, list_unknown_languages, measure_evenness
from spaces.errors import UsageError
from tests.analysis.sweep_files import Capture, printed, printed_rows, read_transfer, refused, write_file

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


def measure(folder: Path, rows: list[tuple[Any, ...]], by: Any = "language", target: str | None = None) -> Evenness:
    return measure_evenness(read_transfer(write_file(folder, rows, "benchmark")), by, target)


THREE = [row for seed in range(3) for row in (*rows("none", seed), *rows("mnli", seed, 0.04 + seed / 100, 0.01))]


def test_measures_by_hand(tmp_path: Path) -> None:
    evenness = measure(tmp_path, THREE)
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


def test_gain_is_ranked_beside_the_text_of_pretraining(tmp_path: Path, capsys: Capture) -> None:
    """XNLI gains more the less text a language has in CC-100: ru, de, bg, fr, es is its order there."""
    order = {"ru": 1, "de": 2, "bg": 3, "fr": 4, "es": 5}
    raised = [
        (*row[:5], row[5] + order.get(row[3], 0) / 100 * (row[0] == "mnli"), row[6])
        for seed in range(3)
        for row in (*rows("none", seed), *rows("mnli", seed))
        if row[1] == "xnli"
    ]
    file = write_file(tmp_path, raised, "benchmark")
    said = printed(capsys, main, file)
    assert "text in CC-100 (the encoder is not known to have read it): -1.00 over 5 languages (p 0.017)" in said
    assert "CC-100" not in printed(capsys, main, file, "--by", "family")


def test_a_change_is_paired_with_the_baseline_of_its_seed(tmp_path: Path) -> None:
    evenness = measure(tmp_path, THREE)
    assert evenness.compute_change("gap", ("xnli",))[1] == pytest.approx([1 - 4, 1 - 5, 1 - 6])
    assert evenness.compute_change("gap", evenness.measured_targets)[0] == pytest.approx([0, 0, 0])


def test_what_a_seed_does_to_both_chains_is_in_no_change(tmp_path: Path) -> None:
    both = [(*row[:5], row[5] + 0.03 * row[2] * (row[3] == "en"), row[6]) for row in THREE]
    evenness = measure(tmp_path, both)
    assert evenness.average_over_targets("gap", ("xnli",))[0] == pytest.approx([30, 33, 36])
    assert evenness.compute_change("gap", ("xnli",))[1] == pytest.approx([1 - 4, 1 - 5, 1 - 6])


def test_the_worst_language_is_never_english(tmp_path: Path) -> None:
    poor = [(*row[:5], 0.1 if row[3] == "en" else row[5], row[6]) for row in THREE]
    evenness = measure(tmp_path, poor)
    assert evenness.worst_languages["none", "xnli"] == "bg"
    assert evenness.average_over_targets("worst", ("xnli",))[0] == pytest.approx([40] * 3)


def test_english_is_in_no_group_and_a_group_is_averaged_within_its_targets(tmp_path: Path) -> None:
    evenness = measure(tmp_path, THREE, "family")
    assert evenness.groups["en"] == ("en",)
    assert evenness.groups["IE: Germanic"] == ("de",)
    assert evenness.targets_by_group["IE: Romance"] == ("bucc", "panx", "xnli")
    assert evenness.targets_by_group["IE: Slavic"] == ("xnli",)
    assert evenness.scores["none", "IE: Germanic"].mean == pytest.approx((80 + 60 + 30) / 3)
    assert evenness.scores["none", "IE: Romance"].mean == pytest.approx((65 + 50 + 50) / 3)
    assert evenness.gains["mnli", "IE: Slavic"].mean == pytest.approx(5)
    assert evenness.gains["mnli", "en"].mean == pytest.approx(1)


def test_groups_are_compared_on_their_own_targets(tmp_path: Path) -> None:
    # Retrieval gains 30 points in all its languages, xnli 5 in ru and bg alone.
    lifts = {"bucc": 0.3}
    mnli = [
        (task, target, seed, language, metric, score + lifts.get(target, 0.05 * (language in ("ru", "bg"))), name)
        for seed in range(3)
        for task, target, seed, language, metric, score, name in rows("mnli", seed)
    ]
    evenness = measure(tmp_path, [*(row for seed in range(3) for row in rows("none", seed)), *mnli], "family")
    assert evenness.gains["mnli", "IE: Germanic"].mean == pytest.approx(10)  # by bucc, one of its three targets
    assert evenness.gains["mnli", "IE: Slavic"].mean == pytest.approx(5)
    # On xnli the five other languages gain 2 on average.
    assert evenness.relative_gains["IE: Slavic"] == pytest.approx([5 - 2] * 3)
    assert evenness.relative_gains["IE: Germanic"] == pytest.approx([-2 / 3] * 3)
    assert evenness.relative_gains["en"] == pytest.approx([-1] * 3)


def test_a_seed_without_every_task_compares_no_groups(tmp_path: Path) -> None:
    more = [row for seed in range(2) for row in rows("qqp", seed, 0.1)]
    assert np.isfinite(measure(tmp_path, [*THREE, *more]).relative_gains["de"]).tolist() == [True, True, False]


def test_one_target(tmp_path: Path) -> None:
    evenness = measure(tmp_path, THREE, "family", "panx")
    assert evenness.measured_targets == ("panx",)
    assert set(evenness.targets_by_group) == {"en", "IE: Germanic", "IE: Romance"}
    assert evenness.scores["none", "IE: Romance"].mean == pytest.approx(50)
    with pytest.raises(UsageError, match="did you mean panx"):
        measure(tmp_path, THREE, "family", "pan")


def test_a_language_that_no_table_knows_is_grouped_as_unknown(tmp_path: Path) -> None:
    strange = [(task, "xnli", seed, "xx", "accuracy", 0.2, "xtreme") for task in ("none", "mnli") for seed in range(3)]
    evenness = measure(tmp_path, [*THREE, *strange], "script")
    assert list_unknown_languages(evenness) == ("xx",)
    assert evenness.scores["none", "unknown"].mean == pytest.approx(20)
    assert list_unknown_languages(measure(tmp_path, [*THREE, *strange])) == ()


def test_a_missing_language_leaves_its_seed_out_of_what_compares_languages(tmp_path: Path) -> None:
    short = [row for row in THREE if row[:4] != ("mnli", "xnli", 1, "bg")]
    evenness = measure(tmp_path, short)
    for name in evenness.measures:
        there = np.isfinite(evenness.average_over_targets(name, ("xnli",)))
        assert there.tolist() == [[True] * 3, [True, False, True]], name
    gaps = evenness.average_over_targets("gap", evenness.measured_targets)[1]
    assert np.isfinite(gaps).tolist() == [True, False, True]


def test_a_missing_target_leaves_its_seed_out_of_the_mean(tmp_path: Path) -> None:
    evenness = measure(tmp_path, [row for row in THREE if row[:3] != ("mnli", "panx", 2)])
    means = evenness.average_over_targets("others", evenness.measured_targets)[1]
    assert np.isfinite(means).tolist() == [True, True, False]
    assert evenness.gains["mnli", "de"].seeds == 2
    assert evenness.gains["mnli", "ru"].seeds == 3  # panx is not scored in it


def test_a_target_without_english_alone_has_no_gap(capsys: Capture, tmp_path: Path) -> None:
    file = write_file(tmp_path, [row for row in THREE if row[1] == "bucc"], "benchmark")
    out = printed(capsys, main, file)
    assert out.startswith("Transfer gap: no seed of the baseline has every target in English")
    assert "Gain over none by language" in out


def test_what_is_printed(capsys: Capture, tmp_path: Path) -> None:
    strange = [("none", "xnli", seed, "xx", "accuracy", 0.2, "xtreme") for seed in range(3)]
    less = [row for row in THREE if row[:3] != ("mnli", "panx", 2)]
    file = write_file(tmp_path, [*less, *strange], "benchmark")
    flat = printed(capsys, main, file, "--by", "family", width=118)
    assert "Of unknown family, because no table of the benchmark has them: xx." in flat
    assert "Not in the gap, because there is no en: bucc." in flat
    assert "Cells (chain x target x seed) without a score: 1 missing." in flat
    assert "Cells that lack a language that others have, so in no gap, worst or spread: 3." in flat
    assert "IE: Romance (es fr)" in flat
    records = printed_rows(capsys, main, file, "--by", "family")
    (slavic,) = [row for row in records if row["row"] == "IE: Slavic (bg ru)" and row["column"] == "mnli"]
    assert (float(slavic["value"]), slavic["seeds"]) == (pytest.approx(5), "3")
    assert float(slavic["low"]) < 5 < float(slavic["high"])


def test_the_answer_names_who_narrows_and_who_widens(capsys: Capture, tmp_path: Path) -> None:
    wide = [row for seed in range(3) for row in rows("qqp", seed, -0.1 - seed / 100)]
    flat = printed(capsys, main, write_file(tmp_path, [*THREE, *wide], "benchmark"))
    assert "the other languages score 27.5 points below English (95% interval 27.5 to 27.5)" in flat
    assert (
        "By its 95% interval the gap is narrower with mnli and wider with qqp (by chance alone with 0.1 of 2 tasks)."
        in flat
    )


def test_few_seeds_give_no_verdict(capsys: Capture, tmp_path: Path) -> None:
    flat = printed(capsys, main, write_file(tmp_path, [row for row in THREE if row[2] < 2], "benchmark"))
    assert "It takes 3 seeds to test whether an intermediate task changes this gap." in flat


@pytest.mark.parametrize("flags", [["--target", "nope"], ["--metric", "xnli"], ["--learning-rate", "1"]])
def test_bad_flags_are_one_line(capsys: Capture, tmp_path: Path, flags: list[str]) -> None:
    assert refused(capsys, main, write_file(tmp_path, THREE, "benchmark"), *flags).startswith("languages.py: ")
