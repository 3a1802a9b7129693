"""Notes on a task's data for readers of its scores: languages without rows, cut training sets, stand-in splits."""

from collections.abc import Iterator, Sequence

from spaces.language import ENGLISH
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables.data import load_rows, locate, real_data, row_languages
from trainables.data.labels import count_dropped_entities
from trainables.data.locate import DataSplit, locate_split
from trainables.data.split_files import CONVERTED_BRANCH, LOCAL_CONFIG_PREFIX, Origin, SplitLocation


def collect_notes(task: Task, origin: Origin, language: str | None = None) -> list[str]:
    """Return what a reader of the task's scores must know of its data; raises UsageError if they cannot be read."""
    lines: list[str] = []
    for split in () if task.kind == "retrieval" else locate.TRAINING_SPLITS:
        lines += _iter_split_notes(task, split, locate.list_split_languages(task, split, language)[-1], origin)
    if locate.parts_of(task, "test", ENGLISH):
        lines += _iter_test_notes(task, origin)
    return list(dict.fromkeys(lines))


def training_name_of(task: Task, language: str) -> str:
    """Return the task's name, with the language of its training rows if that is not its own: `mnli@sw`."""
    return task.name if language == task.own_language else f"{task.name}@{language}"


def _iter_test_notes(task: Task, origin: Origin) -> Iterator[str]:
    with_rows = real_data.find_test_languages(task, origin)
    without_rows = [name for name in task.test_languages if name not in with_rows]
    if without_rows:
        yield f"{task.name}: no test rows for {', '.join(without_rows)}: not evaluated in these languages."
    languages_of: dict[str, list[str]] = {}  # a note on several languages is written once
    for language in with_rows:
        for note in _iter_split_notes(task, "test", language, origin):
            languages_of.setdefault(note, []).append(language)
    for note, languages in languages_of.items():
        yield note if languages == list(with_rows) else f"{note.removesuffix('.')} ({', '.join(languages)})."
    yield from _iter_dropped_notes(task, with_rows, origin)
    if task.retrieval_mode == "mine":
        without_dev = [name for name in with_rows if not locate_split(task, "dev", name, origin)]
        if without_dev:
            yield (
                f"{task.name}: no dev rows for {', '.join(without_dev)}: the threshold is chosen on the test pairs "
                "themselves, so these scores are too high."
            )


def _iter_dropped_notes(task: Task, languages: Sequence[str], origin: Origin) -> Iterator[str]:
    """Yield a note on entities of types that the task lacks, with their numbers in the files that are here."""
    counts: dict[str, dict[str, int]] = {}  # type -> language -> entities
    for language in languages:
        for location in locate_split(task, "test", language, origin):
            if location.spec.dropped_entities and not location.is_remote:
                for name, count in count_dropped_entities(load_rows.load(location, language)).items():
                    counts.setdefault(name, {})[language] = count
    for name, by_language in counts.items():
        numbers = ", ".join(f"{language} {count:,}" for language, count in by_language.items())
        yield (
            f"{task.name}: entities of type {name} count as none, since the training set lacks them: "
            f"{sum(by_language.values()):,} in the test ({numbers})."
        )


def _iter_split_notes(task: Task, split: DataSplit, language: str, origin: Origin) -> Iterator[str]:
    locations = locate_split(task, split, language, origin)
    for location in locations:
        yield from _iter_location_notes(task, split, location, language)
    for part in locate.parts_of(task, split, language):
        if locations and part.is_optional and locate.locate_part(part, language, origin) is None:
            yield f"{task.name}: {split} without {DATASETS[part.dataset].repo_id} {part.splits[0]}, which is missing."


def _iter_location_notes(task: Task, split: DataSplit, location: SplitLocation, language: str) -> Iterator[str]:
    dataset = location.spec
    usual_splits = {name for part in locate.parts_of(task, split, language) for name in part.splits[:1]}
    if location.portion == "tail":
        most = load_rows.MAX_HELD_OUT_ROWS
        held_out = f"English dev is the last tenth of {location} (at most {most:,} rows)"
        trained = "which training has seen: only the last weights may be kept"
        yield f"{task.name}: {held_out}, {trained if locate.splits_of(task).trains_on_dev else 'held out of training'}."
    elif location.split not in usual_splits:
        usual = ", ".join(sorted(usual_splits))
        yield f"{task.name}: {split} is the {location.split} split of {location.repo_id}, as there is no {usual} split."
    if location.snapshot is not None and location.snapshot.branch == CONVERTED_BRANCH:
        yield f"{task.name}: {location} is what the hub converted ({CONVERTED_BRANCH}): main has it in another form."
    if location.config.startswith(LOCAL_CONFIG_PREFIX):
        yield f"{task.name}: {split} is {location}, a config that the hub does not have."
    elif dataset.note and not _is_borrowed(task, split):
        yield f"{task.name}: {dataset.note}"
    yield from _iter_tokenised_notes(task, location, language)
    yield from _iter_unread_language_notes(task, split, location)
    published = dataset.published_rows.get(location.split)
    if split == "train" and published is not None:
        rows = load_rows.count_rows(location) if location.is_remote else len(load_rows.load(location, language))
        if rows < published:
            name = training_name_of(task, language)
            yield f"{name}: trained on {rows:,} of {published:,} published rows of {location}."


def _iter_tokenised_notes(task: Task, location: SplitLocation, language: str) -> Iterator[str]:
    """Yield a note on tokenised texts, which are read detokenised. Files that are not here are not judged yet."""
    if location.is_remote or not location.spec.may_be_tokenised:
        return
    tokenised = load_rows.load(location, language).tokenised
    if tokenised is not None:
        yield (
            f"{task.name}: {location} is tokenised ({tokenised.share:.0%} of its first hypotheses have a blank before "
            "a mark): it is read detokenised, as tests are written."
        )


def _iter_unread_language_notes(task: Task, split: DataSplit, location: SplitLocation) -> Iterator[str]:
    """Yield a note on rows in languages that the task does not have, which no stage reads."""
    dataset = location.spec
    if _is_borrowed(task, split) or location.is_remote or row_languages.language_column_of(dataset) is None:
        return
    known = {dataset.code_of(name) for name in task.test_languages}
    counts = row_languages.count_rows_by_language(dataset, location.files)
    unread = ", ".join(f"{code or 'none'} ({counts[code]:,})" for code in sorted(counts) if code not in known)
    if unread:
        yield f"{task.name}: {split} {location} has rows in languages that the task does not have, not read: {unread}."


def _is_borrowed(task: Task, split: DataSplit) -> bool:
    """Return True for the rows that train and select a wide target: another target's, which has their notes."""
    return task.wide_of is not None and split != "test"
