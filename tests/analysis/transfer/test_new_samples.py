"""Gains for other languages and other targets: what is a sample, what the intervals contain, and what is said."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.page import headline
from analysis.statistics.interval import t_quantile
from analysis.tables import ranking_export, ranking_report
from analysis.transfer.new_samples import NewSamples
from analysis.transfer.ranking import Ranking
from tests.analysis.sweep_files import ranked, write_file

Gains = dict[str, dict[str, float]]  # target -> language -> gain in points
# German and Dutch are of one family, Finnish and Estonian of another, Turkish and Kazakh of a third.
GAINS: Gains = {
    "xnli": {"en": 50.0, "de": 2.0, "nl": 4.0, "fi": 8.0, "et": 10.0, "tr": 5.0, "kk": 7.0},
    "panx": {"en": 50.0, "de": 1.0, "nl": 3.0, "fi": 7.0, "et": 9.0, "tr": 4.0, "kk": 6.0},
}
FAMILY_MEANS = (2.5, 8.5, 5.5)


def rank(folder: Path, gains: Gains, seeds: int = 3, spread: float = 0.0) -> Ranking:
    """Scores of `a` above those of `none`; the gain at a seed moves by `spread` points a seed."""
    rows = [
        (task, target, seed, language, "accuracy", 0.3 + (gain + spread * seed) / 100 * (task == "a"), split)
        for task in ("none", "a")
        for target, languages in gains.items()
        for seed in range(seeds)
        for language, gain in languages.items()
        for split in ("dev", "test")
    ]
    return ranked(write_file(folder, rows, "split"))


def samples_of(folder: Path, gains: Gains, seeds: int = 3, spread: float = 0.0) -> NewSamples:
    return rank(folder, gains, seeds, spread).new_samples


def test_families_are_the_sample_and_english_is_not_in_it(tmp_path: Path) -> None:
    samples = samples_of(tmp_path, GAINS)
    gain = samples.by_language["a"]
    assert samples.families == ("IE: Germanic", "Turkic", "Uralic") and "en" not in samples.languages
    half = float(t_quantile(2)) * np.std(FAMILY_MEANS, ddof=1) / 3**0.5
    assert gain.mean == pytest.approx(5.5)
    assert gain.interval == pytest.approx((5.5 - half, 5.5 + half))


def test_targets_are_the_other_sample(tmp_path: Path) -> None:
    gain = samples_of(tmp_path, GAINS).by_target["a"]
    means = [np.mean([*languages.values()]) for languages in GAINS.values()]
    half = float(t_quantile(1)) * np.std(means, ddof=1) / 2**0.5
    assert gain.mean == pytest.approx(np.mean(means))
    assert gain.interval == pytest.approx((np.mean(means) - half, np.mean(means) + half))


def test_the_error_over_seeds_is_in_both(tmp_path: Path) -> None:
    still, moving = samples_of(tmp_path, GAINS), samples_of(tmp_path, GAINS, spread=3.0)
    seeds = float(t_quantile(2)) * 3 / 3**0.5
    for name in ("by_language", "by_target"):
        (low, high), (lower, higher) = (getattr(each, name)["a"].interval for each in (still, moving))
        assert (higher - lower) / 2 == pytest.approx(np.hypot((high - low) / 2, seeds))


@pytest.mark.parametrize(
    ("gains", "reason"),
    [
        ({"xnli": {"en": 1.0, "de": 2.0, "nl": 3.0}}, "its 2 languages other than English are of one family"),
        ({"xnli": {"en": 1.0, "de": 2.0}}, "de is the only language other than English"),
        ({"xnli": {"en": 1.0}}, "no language but English is scored"),
    ],
)
def test_one_language_or_family_or_target_cannot_be_estimated(tmp_path: Path, gains: Gains, reason: str) -> None:
    ranking = rank(tmp_path, gains)
    assert ranking.new_samples.by_language["a"].interval is None
    assert ranking.new_samples.by_language["a"].missing == reason
    assert ranking.new_samples.by_target["a"].missing == "xnli is the only target"
    text = " ".join(ranking_report.as_text(ranking, 118).split())
    assert f"cannot be estimated, because {reason}." in text
    assert "For other targets like this one: a" in text and "because xnli is the only target." in text


def test_too_few_seeds_are_said(tmp_path: Path) -> None:
    samples = samples_of(tmp_path, GAINS, seeds=1)
    for gain in (samples.by_language["a"], samples.by_target["a"]):
        assert (gain.interval, gain.missing) == (None, "it takes 3 seeds, and there are 1")


def test_a_language_of_no_known_family_counts_as_one_and_is_named(tmp_path: Path) -> None:
    ranking = rank(tmp_path, {"xnli": {"en": 1.0, "de": 2.0, "zz": 3.0, "fi": 9.0}})
    assert ranking.new_samples.alone == ("zz",)
    assert "zz" in ranking.new_samples.families
    assert "no known family, each counted as one: zz" in " ".join(ranking_report.as_text(ranking, 118).split())


def test_a_target_without_a_gain_has_a_reason(tmp_path: Path) -> None:
    rows = [("none", target, seed, "de", "accuracy", 0.5) for target in ("xnli", "panx") for seed in range(3)]
    rows += [("a", "xnli", seed, "de", "accuracy", 0.6) for seed in range(3)]
    gain = ranked(write_file(tmp_path, rows)).new_samples.by_target["a"]
    assert (gain.mean, gain.missing) == (None, "it has no gain on every target at any seed")


def test_both_claims_stand_in_the_answer_the_page_and_json(tmp_path: Path) -> None:
    ranking = rank(tmp_path, GAINS, spread=1.0)
    text = " ".join(ranking_report.as_text(ranking, 118).split())
    sample = "(6 languages of 3 families, English not counted)"
    claim = f"For other languages of such families {sample}: a +6.5 points (95% interval"
    assert claim in text and "For other targets like these 2: a " in text
    assert "English not counted), and for other targets" not in text  # the table of all tasks
    by_family = " ".join(ranking_report.as_text(ranked(ranking.loaded_scores, "family"), 118).split())
    assert f"{sample}, and for other targets like these 2, below each" in by_family
    page = str(headline.build_section(ranking).blocks)
    assert "For other languages of such families" in page and "For other targets like these 2" in page
    document = json.loads(ranking_export.as_json(ranking))["new_samples"]
    low, high = ranking.new_samples.by_language["a"].interval or (0, 0)
    fields = document["other_languages"]["gains"]["a"]
    assert (fields["low"], fields["high"], fields["missing"]) == (low, high, None)
    assert document["other_targets"]["targets"] == ["panx", "xnli"]
