"""SIB-200's sentences for probes: parallel in 205 languages, and test rows of no target.

They are the training rows of the opt-in target `sib200`, and half of FLORES-200 (Adelani et al. 2024; NLLB Team 2022).
The same `index_id` is the same sentence in every language, and in the same split.
"""

from collections.abc import Iterable, Sequence

from spaces.dataset import SplitPart
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.probe_columns import SIB200
from spaces.xtreme_data import DATASETS
from trainables.data import load_rows
from trainables.data.locate import locate_part
from trainables.data.split_files import Origin, SplitLocation
from trainables.features.examples import ProbeSentences, Translations

PART = SplitPart(dataset=SIB200, splits=("train",))  # 701 sentences: more than probes read


def find_sentence_languages(languages: Iterable[str], origin: Origin) -> tuple[str, ...]:
    """Return those of the languages that have sentences, English too; empty if English has none."""
    with_rows = tuple(name for name in languages if locate_part(PART, name, origin) is not None)
    return with_rows if ENGLISH in with_rows else ()


def load_sentences(languages: Iterable[str], origin: Origin) -> ProbeSentences | None:
    """Return the sentences in each of the languages, beside English; None if the data have none.

    Raises UsageError for files that cannot be read, and for an id that stands twice in a language.
    """
    texts = {name: _read_texts(name, origin) for name in find_sentence_languages(languages, origin)}
    english = texts.pop(ENGLISH, {})
    by_language: dict[str, Translations] = {}
    for name, foreign in texts.items():
        shared = [row_id for row_id in english if row_id in foreign]
        by_language[name] = tuple(english[row_id] for row_id in shared), tuple(foreign[row_id] for row_id in shared)
    return ProbeSentences(PART.dataset, by_language) if by_language else None


def describe_missing(targets: Sequence[str]) -> str:
    """Say what probes read instead, and how to get the sentences."""
    repo_id = DATASETS[PART.dataset].repo_id
    return (
        f"--probes alignment: {repo_id} is missing, so test rows of {' or '.join(targets)} are read, which are "
        f"a target's own sentences. Get it with `hf download --repo-type dataset {repo_id} --local-dir DIR/{repo_id}`."
    )


def _read_texts(language: str, origin: Origin) -> dict[int, str]:
    location = locate_part(PART, language, origin)
    assert location is not None
    rows = load_rows.load(location, language)
    texts = {row_id: text.strip() for row_id, text in rows.iter_columns("item", "text") if text and text.strip()}
    _check_ids(location, rows.column("item"))
    return texts


def _check_ids(location: SplitLocation, ids: list[int]) -> None:
    if len(set(ids)) < len(ids):
        raise UsageError(f"{location}: {len(ids) - len(set(ids))} rows repeat an index_id: get the published file.")
