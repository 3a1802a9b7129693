from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.questions.training_languages import TrainingLanguages, compare_training_languages, estimate_extra_effects
from analysis.questions.training_sets import TrainingSet, relate_languages
from analysis.tables.training_languages import compare_mixture, compute_low_less_high
from analysis.training_languages import main
from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.foreign_data import LOCAL_MNLI_LANGUAGES
from spaces.pretraining_sizes import CC100_GIB, is_pretrained_on_cc100
from spaces.xtreme_languages import XTREME_R_LANGUAGES
from tests.analysis.sweep_files import Capture, printed, read_transfer, refused, write_file

KNOWN = BENCHMARKS["miniature"].languages
FOREIGN = tuple(name for name in KNOWN if name != "en")
ALONE = ("mnli", *(f"mnli@{name}" for name in FOREIGN))
PAIRS = tuple(f"mnli@en+mnli@{name}" for name in FOREIGN)
WHOLE = "+".join(("mnli@en", *ALONE[1:]))
SIZED = ("mnli@de", "mnli@fr", "mnli@sw", "mnli@ur", "mnli@th", "mnli@vi")
Rows = list[tuple[Any, ...]]


def trained(chain: str) -> list[str]:
    return [one.partition("@")[2] or "en" for one in chain.split("+")]


def scores(
    chains: tuple[str, ...] = (*ALONE, *PAIRS, WHOLE),
    *,
    own: float = 0.0,
    family: float = 0.0,
    seeds: int = 3,
    noise: float = 0.2,
    targets: tuple[str, ...] = ("xnli", "panx"),
) -> Rows:
    """Every chain gains something everywhere, every language something from all; beyond that, points for own rows."""
    rng = np.random.default_rng(2)
    everywhere, taken = {name: rng.normal(0, 2) for name in chains}, {name: rng.normal(0, 2) for name in KNOWN}
    rows: Rows = []
    for chain in ("none", *chains):
        languages = trained(chain) if chain != "none" else []
        for target in targets:
            for seed in range(seeds):
                for language in KNOWN:
                    gain = 0.0 if chain == "none" else everywhere[chain] + taken[language]
                    gain += own * (language in languages)
                    if language != "en" and language not in languages:
                        gain += family * any(
                            relate_languages(one, language, KNOWN) == "same family" for one in languages
                        )
                    value = 0.5 + (gain + rng.normal(0, noise)) / 100
                    rows.append((chain, target, seed, language, "accuracy", float(value), "miniature"))
    return rows


def compare(folder: Path, rows: Rows, target: str | None = None) -> TrainingLanguages:
    return compare_training_languages(read_transfer(write_file(folder, rows, "benchmark")), target)


def test_relations_of_languages() -> None:
    assert relate_languages("qna", "qna", KNOWN) == "own language"
    assert relate_languages("en", "en", KNOWN) == "own language"
    assert relate_languages("qna", "en", KNOWN) == "English"
    assert relate_languages("qna", "qnb", KNOWN) == "same family"
    assert relate_languages("en", "qna", KNOWN) == "same script"
    assert relate_languages("qfa", "qna", KNOWN) == "other"
    assert relate_languages("aym", "qna", KNOWN) == relate_languages("qna", "aym", KNOWN) == "unknown"
    assert relate_languages("aym", "aym", KNOWN) == "own language" and relate_languages("aym", "en", KNOWN) == "English"


def test_what_the_own_language_and_the_family_add_is_found(tmp_path: Path) -> None:
    training = compare(tmp_path, scores(own=4.0, family=2.0))
    own, family, script = (training.extra_effects[name] for name in ("own language", "same family", "same script"))
    assert own is not None and own.value == pytest.approx(4.0, abs=0.3) and own.p < 0.001
    assert family is not None and family.value == pytest.approx(2.0, abs=0.3) and family.p < 0.001
    assert script is not None and abs(script.value) < 0.3 and script.p > 0.05


def test_a_good_training_set_and_an_easy_language_are_no_own_language(tmp_path: Path) -> None:
    rows = [
        (*row[:5], row[5] + 0.1 * (row[0] == "mnli@qfa") + 0.1 * (row[3] == "qfa" and row[0] != "none"), row[6])
        for row in scores(("mnli", "mnli@qfa", "mnli@qna"), noise=0.05)
    ]
    training = compare(tmp_path, rows)
    own = training.extra_effects["own language"]
    assert own is not None and abs(own.value) < 0.2
    plain, _ = training.average_by_relation("own language", training.gains)
    others, _ = training.average_by_relation("other", training.gains)
    assert (plain - others).mean() > 1.5  # what a plain comparison would take for it


def test_english_is_no_evaluation_language_of_the_extra(tmp_path: Path) -> None:
    plain = compare(tmp_path, scores()).extra_effects["own language"]
    rows = [(*row[:5], row[5] + 0.2 * (row[0] == "mnli" and row[3] == "en"), row[6]) for row in scores()]
    assert compare(tmp_path, rows).extra_effects["own language"] == plain


def test_a_mix_is_compared_with_the_single_languages_that_are_there(tmp_path: Path) -> None:
    training = compare(tmp_path, scores(("mnli", "mnli@qna", "mnli@en+mnli@qmb", "mnli@en+mnli@qna")))
    missing, there = (compare_mixture(training, each)[1] for each in training.sets if not each.is_single_language)
    assert np.isnan(missing).all() and np.isfinite(there).all()


def sized_scores(slope: float, seeds: int = 3, chains: tuple[str, ...] = SIZED) -> Rows:
    """Gains outside English that rise with the text of the training language; English itself gains anything."""
    rng = np.random.default_rng(3)
    rows: Rows = []
    for chain in ("none", "mnli", *chains):
        language = trained(chain)[0]
        size = CC100_GIB.get(language, 50.0)
        for seed in range(seeds):
            for read in ("en", "de", "sw"):
                gain = 0.0 if chain == "none" else rng.normal(0, 0.1)
                if chain.startswith("mnli@"):
                    gain += slope * np.log10(size) if read != "en" else rng.normal(0, 9)
                rows.append((chain, "xnli", seed, read, "accuracy", float(0.5 + gain / 100), "xtreme"))
    return rows


def test_the_slope_on_the_text_of_pretraining_is_found(tmp_path: Path) -> None:
    for slope in (2.0, 0.0):
        effect = compare(tmp_path, sized_scores(slope)).size_effect
        assert effect is not None and effect.rows == len(SIZED)  # English is no training language here
        assert effect.value == pytest.approx(slope, abs=0.2)
        assert (effect.p < 0.01) == (slope > 0)


def test_a_language_without_text_and_a_set_of_another_task_are_in_no_slope(tmp_path: Path) -> None:
    others = compare(tmp_path, sized_scores(2.0, chains=(*SIZED, "mnli@yo", "ocnli", "indonli")))
    assert {"mnli@yo"} <= {each.chain for each in others.sets}
    assert others.size_effect is not None and others.size_effect.rows == len(SIZED)
    assert compare(tmp_path, sized_scores(2.0, chains=SIZED[:3])).size_effect is None  # three points, no slope
    assert compare(tmp_path, scores()).size_effect is None  # the miniature's languages have no text in the world


def test_an_encoder_of_other_text_is_named(tmp_path: Path, capsys: Capture) -> None:
    out = printed(capsys, main, write_file(tmp_path, sized_scores(2.0), "benchmark"))
    text = " ".join(out.split())
    assert "Ten times as much text of the training language in CC-100" in text
    assert "is not known to be pretrained on CC-100" in text
    names = ("FacebookAI/xlm-roberta-large", "intfloat/multilingual-e5-small", "microsoft/Multilingual-MiniLM-L12-H384")
    assert all(map(is_pretrained_on_cc100, names))
    assert not any(
        map(is_pretrained_on_cc100, (None, "google-bert/bert-base-multilingual-cased", "miniature", "folder"))
    )


def test_every_size_is_of_a_known_language_and_those_that_xlm_r_never_read_have_none() -> None:
    known = {*XTREME_R_LANGUAGES, *LOCAL_MNLI_LANGUAGES}
    assert set(CC100_GIB) <= known and all(size > 0 for size in CC100_GIB.values())
    assert known - set(CC100_GIB) == {"ht", "qu", "wo", "yo"}
    assert max(CC100_GIB, key=lambda name: CC100_GIB[name]) == "en"


def test_gains_by_hand(tmp_path: Path) -> None:
    gains = {("mnli", "en"): 5, ("mnli", "qmb"): 1, ("mnli@qmb", "en"): 2, ("mnli@qmb", "qmb"): 4}
    gains |= {("mnli@en+mnli@qmb", "en"): 4, ("mnli@en+mnli@qmb", "qmb"): 3, ("mnli@en+mnli@qmb", "qna"): 7}
    rows = [
        (chain, "xnli", seed, language, "accuracy", 0.5 + (gains.get((chain, language), 0) + seed) / 100, "miniature")
        for chain in ("none", "mnli", "mnli@qmb", "mnli@en+mnli@qmb")
        for seed in range(3)
        for language in ("en", "qmb", "qna")
    ]
    training = compare(tmp_path, rows)
    assert training.task == "mnli" and training.english_set is not None and training.english_set.chain == "mnli"
    assert training.languages == ("en", "qmb", "qna")
    own, pairs = training.average_by_relation("own language", training.gains_over_english)
    assert (own.tolist(), pairs) == (pytest.approx([3] * 3), 1)
    assert training.average_by_relation("own language", training.gains)[0] == pytest.approx([4] * 3)
    assert training.average_by_relation("English", training.gains_over_english)[0] == pytest.approx([-3] * 3)
    mix = next(each for each in training.sets if not each.is_single_language)
    assert [values[0] for values in compare_mixture(training, mix)] == pytest.approx([2, -1, 7, -1])


def test_low_resources_against_high(tmp_path: Path) -> None:
    rows = [(*row[:5], 0.5 + 0.05 * (row[0] == "mnli@qmb") + 0.01 * (row[0] == "mnli"), row[6]) for row in scores()]
    values, low, high = compute_low_less_high(compare(tmp_path, rows))
    assert values == pytest.approx([5] * 3)
    assert low == ("mnli@qmb",) and "mnli" not in high and len(high) == 4  # English stands apart


def test_native_tasks_of_the_same_labels_are_compared_and_others_are_not(tmp_path: Path) -> None:
    """The three labels of inference make indonli a training set of the task; squad is none, nor is anli in English."""
    tasks = BENCHMARKS["xtreme"].intermediates
    assert tasks["anli"].labels == tasks["mnli"].labels != tasks["qqp"].labels
    chains = ("mnli", "anli", "squad", "qqp@sw", "mnli@sw", "mnli@de", "mnli+anli")
    rows = [(*row[:6], "xtreme") for row in scores(chains)]
    training = compare_training_languages(read_transfer(write_file(tmp_path, rows, "benchmark")))
    assert {each.chain for each in training.sets} == {"mnli", "mnli@sw", "mnli@de"}
    assert {"anli", "squad", "qqp@sw", "mnli+anli"} == training.left_out.keys()


def test_a_language_that_no_table_has_is_of_unknown_family(capsys: Capture, tmp_path: Path) -> None:
    flat = printed(capsys, main, write_file(tmp_path, scores((*ALONE, "mnli@aym")), "benchmark"))
    assert (
        "Training languages of unknown family, script and resources, because no table of the benchmark has them: aym."
        in flat
    )
    assert "unknown 5" in flat  # pairs


def test_what_is_printed(capsys: Capture, tmp_path: Path) -> None:
    odd = ("my task", "squad", "mnli~freelb", "mnli@", "multitask")
    rows = scores(own=4.0) + [(name, *row[1:]) for name in odd for row in scores(("mnli",)) if row[0] == "mnli"]
    file = write_file(tmp_path, rows, "benchmark")
    flat = printed(capsys, main, file)
    assert flat.startswith("SIZE IS NOT HELD FIXED")
    assert "Training mnli in the evaluation language itself is better than training it in English:" in flat
    assert "A language gains especially from training in it (p below 0.001)." in flat
    assert "Mixing English with another language, points in that language:" in flat
    assert all(name in flat.partition("Not compared by training language:")[2] for name in odd)
    assert "Training in one language other than English, by target" in flat
    for form in ("csv", "json", "markdown", "latex"):
        assert main([str(file), "--format", form]) == 0
    assert main([str(file), "--target", "xnli"]) == 0
    capsys.readouterr()
    said = refused(capsys, main, file, "--target", "xnl")
    assert said.startswith("training_languages.py: --target: unknown target 'xnl'")


def test_nothing_planted_nothing_claimed(capsys: Capture, tmp_path: Path) -> None:
    assert "A language is not shown to gain especially from training in it (" in printed(
        capsys, main, write_file(tmp_path, scores(), "benchmark")
    )


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_give_numbers_without_intervals(capsys: Capture, tmp_path: Path, seeds: int) -> None:
    flat = printed(capsys, main, write_file(tmp_path, scores(own=4.0, seeds=seeds), "benchmark"))
    assert f"{seeds} seed" in flat and "an interval needs 3" in flat and "[" not in flat


def test_without_english_or_with_holes_there_is_an_answer(capsys: Capture, tmp_path: Path) -> None:
    assert "mnli is not trained in English here, so its other languages cannot be compared" in printed(
        capsys, main, write_file(tmp_path, [row for row in scores(own=4.0) if row[0] != "mnli"], "benchmark")
    )
    torn = [
        row[:6]
        for row in scores(own=4.0)
        if row[:4] != ("mnli@qfa", "panx", 1, "qfa") and row[:3] != ("mnli@qna", "xnli", 2)
    ]
    assert "A language gains especially from training in it (" in printed(capsys, main, write_file(tmp_path, torn))
    only = [row for row in scores(ALONE) if row[3] == "en"]
    assert "No target is scored in a training language other than English" in printed(
        capsys, main, write_file(tmp_path, only, "benchmark")
    )


def test_one_training_language_is_nothing_to_compare(capsys: Capture, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no task is trained in two languages"):
        compare(tmp_path, scores(("mnli", "squad", "qqp")))
    rows = [("my task" if row[0] == "mnli" else row[0], *row[1:]) for row in scores(("mnli",))]
    refused(capsys, main, write_file(tmp_path, rows, "benchmark"))


def test_the_own_language_is_found_in_five_of_a_hundred_null_worlds() -> None:
    """tests/bench/questions_mixes.py measures it on thousands, in other worlds too."""
    rng = np.random.default_rng(4)
    languages = tuple(KNOWN)
    sets = [TrainingSet(chain=name, task="mnli", languages=(name,)) for name in languages]
    p = []
    for _ in range(200):
        pairs = rng.normal(0, 1, (6, 6, 1))  # what a pair has of its own, at every seed
        sides = rng.normal(0, 3, (6, 1, 1)) + rng.normal(0, 3, (1, 6, 1)) + rng.normal(0, 1, (6, 1, 3))
        gains = sides + pairs + rng.normal(0, 1, (6, 6, 3))
        own = estimate_extra_effects(sets, languages, gains, KNOWN)["own language"]
        assert own is not None
        p.append(own.p)
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.09
