"""The printed answer of training_languages.py: intermediate training in other languages."""

from analysis.questions.training_languages import TESTED_RELATIONS, TrainingLanguages
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.significance import ALPHA
from analysis.tables import training_languages
from analysis.tables.answer import Answer
from analysis.tables.grid import GridColumn, GridNumber, format_value
from analysis.tables.numbers import format_p, summarise_seeds
from analysis.tables.source import describe_source, pluralise
from analysis.tables.training_languages import LOW_LESS_HIGH
from spaces.chain import NONE
from spaces.language import ENGLISH

QUESTION = "Does it help to train the intermediate task in another language than English?"


def build_answer(found: TrainingLanguages) -> Answer:
    """What is printed."""
    tables = (
        training_languages.build_relation_table(found),
        training_languages.build_mixture_table(found),
        training_languages.build_matrix(found, f"Gain over {NONE}", found.gains),
        training_languages.build_matrix(found, f"Gain over {found.task} in English", found.gains_over_english),
        training_languages.build_target_table(found),
    )
    return Answer(
        question=QUESTION,
        sentences=tuple(
            filter(
                None,
                (
                    found.budget_warning,
                    _describe_own_language(found),
                    _describe_extra(found),
                    _describe_resources(found),
                    _describe_mixtures(found),
                ),
            )
        ),
        source_lines=describe_source(found.transfer.loaded_scores),
        tables=tuple(table for table in tables if table.rows),
        notes=(*_explain_tables(), *_list_missing(found)),
    )


def _describe_own_language(found: TrainingLanguages) -> str:
    """What a training in the language itself brings there, and what it costs in English."""
    if found.english_set is None:
        return f"No {found.task} in English is here: what its other languages gain over it cannot be told."
    own, pairs = found.average_by_relation("own language", found.gains_over_english)
    if not pairs:
        return "No target is scored in a language of training other than English: its own gain cannot be told."
    there = summarise_seeds(own)
    english, _ = found.average_by_relation("English", found.gains_over_english)
    verdict = ""
    if there.low is not None and there.high is not None:
        better = "better" if there.low > 0 else "worse" if there.high < 0 else "not shown to be better or worse"
        verdict = f" is {better} than English"
    few = "" if verdict else f": {_explain_no_interval(found)}"
    return (
        f"{found.task} in the evaluation language itself{verdict or ' beside English'}: {_format_points(there)} points there, "
        f"over {pluralise(pairs, 'language')}; in English it brings {_format_points(summarise_seeds(english))}{few}."
    )


def _describe_extra(found: TrainingLanguages) -> str:
    """What is special to the language, whatever the quality of its training set."""
    said = [
        f"{name} {_format_points(training_languages.number_from_effect(one))}"
        for name in TESTED_RELATIONS
        if (one := found.extra_effects[name])
    ]
    own = found.extra_effects["own language"]
    if own is None:
        return "What is special to the own language cannot be told from what single training sets give everywhere."
    if own.interval is None:
        verdict = f"whether that is more than chance cannot be told ({_explain_no_interval(found)})"
    elif own.p < ALPHA:
        verdict = (
            f"a language {'gains' if own.value > 0 else 'loses'} by training in it beyond that ({format_p(own.p)})"
        )
    else:
        verdict = f"a language is not shown to gain by training in it beyond that ({format_p(own.p)})"
    return (
        f"Beyond what a training set gives in every language and a language takes from every training set: "
        f"{', '.join(said)} points; {verdict}."
    )


def _describe_resources(found: TrainingLanguages) -> str | None:
    """Training in languages of few resources against those of many."""
    values, low, high = training_languages.compute_low_less_high(found)
    if not low or not high:
        return None
    return (
        f"{LOW_LESS_HIGH.capitalize()}: {_format_points(summarise_seeds(values))} points, mean over the evaluation languages other "
        f"than English ({', '.join(low)} less {', '.join(high)}; over seeds, not over other languages than these)."
    )


def _describe_mixtures(found: TrainingLanguages) -> str | None:
    """English with one other language, against each alone."""
    pairs = [one for one in found.sets if len(one.languages) == 2 and ENGLISH in one.languages]
    lines = [training_languages.compare_mixture(found, one) for one in pairs]
    if not lines:
        return None
    english, alone, _, at_home = (
        summarise_seeds(sum(line[place] for line in lines) / len(lines)) for place in range(4)
    )
    return (
        f"English mixed with another language, in that language: {_format_points(english)} points over English alone, "
        f"{_format_points(alone)} over it alone; in English {_format_points(at_home)} over English alone."
    )


def _format_points(one: GridNumber) -> str:
    return format_value(one, GridColumn("", "difference", interval=True))


def _explain_no_interval(found: TrainingLanguages) -> str:
    seeds = len(found.transfer.seeds)
    return (
        f"{pluralise(seeds, 'seed')}, and an interval needs {MIN_SEEDS}"
        if seeds < MIN_SEEDS
        else "too few pairs of languages"
    )


def _explain_tables() -> tuple[str, ...]:
    return (
        "A score in a language is the mean over the targets that are scored in it. Every target is trained in English "
        "afterwards, and runs are chosen on English dev, whatever the language of the intermediate task.",
        "A pair of languages is of the first sort that applies: own language, English (as evaluation), same family, "
        "same script, other. All are of training sets in one language other than English, but for extras, in whose "
        "model the training set in English counts too.",
        "Extra: what a sort adds beyond the training set's gain everywhere (so a better translation, or native text, "
        "is none of it) and the evaluation language's from all training sets (so an easy language is none of it). Two "
        "effects add up in this model; English is no evaluation language in it.",
        f"Intervals: {CONFIDENCE_LEVEL:.0%}, Student's t over seeds, with {MIN_SEEDS} or more; of extras over pairs of languages and "
        f"seeds (least squares, each pair with a variance of its own). * The interval excludes 0, as {1 - CONFIDENCE_LEVEL:.0%} "
        f"do by chance. ~ Seeds are missing that others have.",
    )


def _list_missing(found: TrainingLanguages) -> tuple[str, ...]:
    lines = []
    if strange := sorted({name for one in found.sets for name in one.languages} - found.known_languages.keys()):
        lines.append(
            f"Training languages that no table of the benchmark has, so of unknown family, script and resources: "
            f"{', '.join(strange)}."
        )
    reasons: dict[str, list[str]] = {}
    for chain, why in found.left_out.items():
        reasons.setdefault(why, []).append(chain)
    if reasons:
        said = "; ".join(f"{', '.join(names)} ({why})" for why, names in reasons.items())
        lines.append(f"Not compared by training language: {said}.")
    if native := [one.chain for one in found.sets if one.task != found.task]:
        lines.append(
            f"Of another task than {found.task}, with the same labels: {', '.join(native)}. What they gain is also due "
            f"to their text and its makers."
        )
    return tuple(lines)
