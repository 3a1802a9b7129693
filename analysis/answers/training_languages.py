"""The printed answer of training_languages.py: intermediate training in other languages."""

from analysis.questions.trained_in import TESTED, TrainedIn
from analysis.scores.choose import ENGLISH
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.statistics.significance import ALPHA
from analysis.tables import training_sets
from analysis.tables.answer import Answer
from analysis.tables.grid import Column, Number, written
from analysis.tables.over_seeds import of_p, over_seeds
from analysis.tables.source import many, read_from
from analysis.tables.training_sets import LOW_LESS_HIGH
from spaces.chain import NONE

QUESTION = "Does it help to train the intermediate task in another language than English?"


def answer(found: TrainedIn) -> Answer:
    """What is printed."""
    tables = (
        training_sets.relations(found),
        training_sets.mixtures(found),
        training_sets.matrix(found, f"Gain over {NONE}", found.gains),
        training_sets.matrix(found, f"Gain over {found.task} in English", found.beside),
        training_sets.by_target(found),
    )
    return Answer(
        question=QUESTION,
        answer=tuple(filter(None, (found.uneven, _own(found), _extra(found), _resources(found), _mixtures(found)))),
        read=read_from(found.found.read),
        tables=tuple(table for table in tables if table.rows),
        notes=(*_how_to_read(), *_missing(found)),
    )


def _own(found: TrainedIn) -> str:
    """What a training in the language itself brings there, and what it costs in English."""
    if found.english is None:
        return f"No {found.task} in English is here: what its other languages gain over it cannot be told."
    own, pairs = found.abroad("own language", found.beside)
    if not pairs:
        return "No target is scored in a language of training other than English: its own gain cannot be told."
    there = over_seeds(own)
    english, _ = found.abroad("English", found.beside)
    verdict = ""
    if there.low is not None and there.high is not None:
        better = "better" if there.low > 0 else "worse" if there.high < 0 else "not shown to be better or worse"
        verdict = f" is {better} than English"
    few = "" if verdict else f": {_few(found)}"
    return (
        f"{found.task} in the evaluation language itself{verdict or ' beside English'}: {_points(there)} points there, "
        f"over {many(pairs, 'language')}; in English it brings {_points(over_seeds(english))}{few}."
    )


def _extra(found: TrainedIn) -> str:
    """What is special to the language, whatever the quality of its training set."""
    said = [f"{name} {_points(training_sets.of_effect(one))}" for name in TESTED if (one := found.extra[name])]
    own = found.extra["own language"]
    if own is None:
        return "What is special to the own language cannot be told from what single training sets give everywhere."
    if own.interval is None:
        verdict = f"whether that is more than chance cannot be told ({_few(found)})"
    elif own.p < ALPHA:
        verdict = f"a language {'gains' if own.value > 0 else 'loses'} by training in it beyond that ({of_p(own.p)})"
    else:
        verdict = f"a language is not shown to gain by training in it beyond that ({of_p(own.p)})"
    return (
        f"Beyond what a training set gives in every language and a language takes from every training set: "
        f"{', '.join(said)} points; {verdict}."
    )


def _resources(found: TrainedIn) -> str | None:
    """Training in languages of few resources against those of many."""
    values, low, high = training_sets.low_less_high(found)
    if not low or not high:
        return None
    return (
        f"{LOW_LESS_HIGH.capitalize()}: {_points(over_seeds(values))} points, mean over the evaluation languages other "
        f"than English ({', '.join(low)} less {', '.join(high)}; over seeds, not over other languages than these)."
    )


def _mixtures(found: TrainedIn) -> str | None:
    """English with one other language, against each alone."""
    pairs = [one for one in found.sets if len(one.languages) == 2 and ENGLISH in one.languages]
    lines = [training_sets.mixture(found, one) for one in pairs]
    if not lines:
        return None
    english, alone, _, at_home = (over_seeds(sum(line[place] for line in lines) / len(lines)) for place in range(4))
    return (
        f"English mixed with another language, in that language: {_points(english)} points over English alone, "
        f"{_points(alone)} over it alone; in English {_points(at_home)} over English alone."
    )


def _points(one: Number) -> str:
    return written(one, Column("", "difference", interval=True))


def _few(found: TrainedIn) -> str:
    seeds = len(found.found.seeds)
    return f"{many(seeds, 'seed')}, and an interval needs {FEWEST}" if seeds < FEWEST else "too few pairs of languages"


def _how_to_read() -> tuple[str, ...]:
    return (
        "A score in a language is the mean over the targets that are scored in it. Every target is trained in English "
        "afterwards, and runs are chosen on English dev, whatever the language of the intermediate task.",
        "A pair of languages is of the first sort that applies: own language, English (as evaluation), same family, "
        "same script, other. All are of training sets in one language other than English, but for extras, in whose "
        "model the training set in English counts too.",
        "Extra: what a sort adds beyond the training set's gain everywhere (so a better translation, or native text, "
        "is none of it) and the evaluation language's from all training sets (so an easy language is none of it). Two "
        "effects add up in this model; English is no evaluation language in it.",
        f"Intervals: {LEVEL:.0%}, Student's t over seeds, with {FEWEST} or more; of extras over pairs of languages and "
        f"seeds (least squares, each pair with a variance of its own). * The interval excludes 0, as {1 - LEVEL:.0%} "
        f"do by chance. ~ Seeds are missing that others have.",
    )


def _missing(found: TrainedIn) -> tuple[str, ...]:
    lines = []
    if strange := sorted({name for one in found.sets for name in one.languages} - found.known.keys()):
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
