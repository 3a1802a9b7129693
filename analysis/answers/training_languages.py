"""The answer of training_languages.py: intermediate training in other languages than English."""

import numpy as np

from analysis.questions.step_share import measure_step_share
from analysis.questions.training_languages import TESTED_RELATIONS, TrainingLanguages
from analysis.statistics.detectable import find_detectable_effect, find_detectable_mean
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.significance import ALPHA
from analysis.tables import training_languages as tables
from analysis.tables.answer import Answer
from analysis.tables.detectable import describe_detectable
from analysis.tables.numbers import format_difference, format_p, number_from_effect, summarise_seeds
from analysis.tables.source import describe_source, group_by_reason, list_names, pluralise
from spaces.chain import NONE
from spaces.language import ENGLISH
from spaces.pretraining_sizes import is_pretrained_on_cc100
from spaces.step_share import describe_step_share

QUESTION = "Does it help to train the intermediate task in another language than English?"


def build_answer(training: TrainingLanguages) -> Answer:
    """Return the answer: the own language, what is special to it, resources, and mixtures with English."""
    sentences = (
        training.budget_warning,
        _describe_own_language(training),
        _describe_extra(training),
        _describe_size(training),
        _describe_resources(training),
        _describe_pretraining_size(training),
        _describe_mixtures(training),
    )
    return Answer(
        question=QUESTION,
        sentences=tuple(filter(None, sentences)),
        source_lines=describe_source(training.transfer.loaded_scores),
        tables=(
            tables.build_relation_table(training),
            tables.build_mixture_table(training),
            tables.build_matrix(training, f"Gain over {NONE}", training.gains),
            tables.build_matrix(training, f"Gain over {training.task} in English", training.gains_over_english),
            tables.build_target_table(training),
        ),
        notes=(*_explain_tables(), *_list_missing(training)),
    )


def _describe_own_language(training: TrainingLanguages) -> str:
    """Return what training in the evaluation language itself gains there, and what it costs in English."""
    if training.english_set is None:
        return (
            f"{training.task} is not trained in English here, so its other languages cannot be compared with English."
        )
    own, pairs = training.average_by_relation("own language", training.gains_over_english)
    if not pairs:
        return "No target is scored in a training language other than English: there is no own language to compare."
    change = summarise_seeds(own)
    english, _ = training.average_by_relation("English", training.gains_over_english)
    numbers = (
        f"{format_difference(change)} points there ({pluralise(pairs, 'language')}), "
        f"{format_difference(summarise_seeds(english))} in English"
    )
    start = f"Training {training.task} in the evaluation language itself"
    if change.low is None or change.high is None:
        return f"{start}, compared with English: {numbers}. This may be chance ({_explain_no_interval(training)})."
    verdict = "better" if change.low > 0 else "worse" if change.high < 0 else "not shown to be better or worse"
    return f"{start} is {verdict} than training it in English: {numbers}."


def _describe_extra(training: TrainingLanguages) -> str:
    """Return what is special to the language, whatever the quality of its training set."""
    own = training.extra_effects["own language"]
    if own is None:
        return (
            "It is unknown whether a language gains especially from its own training set: the sets in one language do "
            "not separate that from a generally better set."
        )
    if own.interval is None:
        reason = _explain_no_interval(training)
        verdict = f"It is unknown whether a language gains especially from training in that language ({reason})"
    elif own.p < ALPHA:
        verb = "gains" if own.value > 0 else "loses"
        verdict = f"A language {verb} especially from training in it ({format_p(own.p)})"
    else:
        verdict = f"A language is not shown to gain especially from training in it ({format_p(own.p)})"
    extras = ", ".join(
        f"{name} {format_difference(number_from_effect(effect))}"
        for name in TESTED_RELATIONS
        if (effect := training.extra_effects[name])
    )
    return (
        f"{verdict}. Points beyond what a training set gives in every language, and a language takes from every "
        f"training set: {extras}."
    )


def _describe_size(training: TrainingLanguages) -> str:
    """Return what the two verdicts could have found, and the share of the phases' steps in their chains."""
    own, pairs = training.average_by_relation("own language", training.gains_over_english)
    effects = {
        "in the language itself": find_detectable_mean(own),
        "beyond set and language": find_detectable_effect(training.extra_effects["own language"]),
    }
    seeds = pluralise(int(np.isfinite(own).sum()), "seed")
    share = measure_step_share(training.transfer, [each.chain for each in training.sets])
    detectable = describe_detectable(effects, f"{pluralise(pairs, 'pair')} of languages, {seeds}")
    return f"{detectable} {describe_step_share(share)}"


def _describe_resources(training: TrainingLanguages) -> str | None:
    """Return training in low-resource languages against training in high-resource ones."""
    values, low, high = tables.compute_low_less_high(training)
    if not low or not high:
        return None
    return (
        f"Low-resource instead of high-resource training languages ({list_names(low)}; {list_names(high)}): "
        f"{format_difference(summarise_seeds(values))} points, mean over the evaluation languages other than English. "
        "The interval is over seeds, not over languages."
    )


def _describe_pretraining_size(training: TrainingLanguages) -> str | None:
    """Return the slope on the size of the pretraining text, and whether the encoder was pretrained on it."""
    effect, model = training.size_effect, training.transfer.loaded_scores.model
    if effect is None:
        return None
    p = "" if effect.interval is None else f", {format_p(effect.p)}"
    foreign = (
        ""
        if is_pretrained_on_cc100(model)
        else (
            f" {model or 'The encoder'} is not known to be pretrained on CC-100: for it this is a size of the language."
        )
    )
    return (
        "Ten times as much text of the training language in CC-100, which XLM-R was pretrained on: "
        f"{format_difference(number_from_effect(effect))} points (slope over {effect.rows} languages other than "
        f"English{p}), mean over the evaluation languages other than English.{foreign}"
    )


def _describe_mixtures(training: TrainingLanguages) -> str | None:
    """Return English with one other language, against each alone."""
    pairs = [each for each in training.sets if len(each.languages) == 2 and ENGLISH in each.languages]
    if not pairs:
        return None
    mixtures = np.array([tables.compare_mixture(training, each) for each in pairs])
    mean = tables.MixtureGains(*mixtures.mean(axis=0))
    shown = (mean.over_english, mean.over_each, mean.in_english)
    over_english, over_each, in_english = (format_difference(summarise_seeds(values)) for values in shown)
    return (
        f"Mixing English with another language, points in that language: {over_english} over English alone, "
        f"{over_each} over that language alone; in English: {in_english} over English alone."
    )


def _explain_no_interval(training: TrainingLanguages) -> str:
    seeds = len(training.transfer.seeds)
    if seeds < MIN_SEEDS:
        return f"{pluralise(seeds, 'seed')}, and an interval needs {MIN_SEEDS}"
    return "too few pairs of languages"


def _explain_tables() -> tuple[str, ...]:
    return (
        "A score in a language is the mean over the targets that are scored in it. Every target is then trained in "
        "English, and runs are chosen on English dev, whatever the language of the intermediate task.",
        "A pair of languages has the first relation that applies: own language, English (as evaluation), same family, "
        "same script, other. Training sets are in one language other than English, except for extras, whose model also "
        "counts the training set in English.",
        "Extra: what a relation adds beyond the training set's gain everywhere (so a better translation or native "
        "text is not in it) and the evaluation language's gain from all training sets (so an easy language is not in "
        "it). The model adds these two effects; English is no evaluation language in it.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over {MIN_SEEDS} or more seeds; for extras over pairs of "
        "languages and seeds, for text in CC-100 over training languages and seeds (least squares, each row with a "
        "variance of its own). * The interval excludes 0, as "
        f"{1 - CONFIDENCE_LEVEL:.0%} do by chance. ~ Seeds are missing that others have.",
    )


def _list_missing(training: TrainingLanguages) -> tuple[str, ...]:
    lines = []
    languages = {name for training_set in training.sets for name in training_set.languages}
    if unknown := sorted(languages - training.known_languages.keys()):
        lines.append(
            "Training languages of unknown family, script and resources, because no table of the benchmark has them: "
            f"{list_names(unknown)}."
        )
    if training.left_out:
        lines.append(f"Not compared by training language: {group_by_reason(training.left_out)}.")
    if other_tasks := [training_set.chain for training_set in training.sets if training_set.task != training.task]:
        lines.append(
            f"Of another task than {training.task}, with the same labels: {list_names(other_tasks)}. Their gains also "
            "come from their text and the way it was made."
        )
    return tuple(lines)
