"""Languages of foreign files: codes in other spellings are read as ours, and codes that are not known are named."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from analysis.scores.duplicates import SCORE_COLUMNS
from analysis.scores.tidy import CATEGORY_TYPES
from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.language import ENGLISH, split_pair
from spaces.language_codes import canonical_code
from spaces.table import shorten_list

KNOWN_LANGUAGES = {name: row for benchmark in BENCHMARKS.values() for name, row in benchmark.languages.items()}
_BY_ENGLISH_NAME = {row.english_name.casefold(): name for name, row in KNOWN_LANGUAGES.items()}


@dataclass(frozen=True, slots=True)
class LanguageNames:
    """How the languages of a path are read."""

    renamed: Mapping[str, str]  # code as written -> our code, where they differ
    notes: tuple[str, ...]

    def rename(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows in the columns of `tidy.SCORED_COLUMNS` with our codes."""
        if not self.renamed:
            return frame
        language = pl.col("language").cast(pl.String).replace(self.renamed)
        return frame.with_columns(language.cast(CATEGORY_TYPES["language"]))


def read_languages(scored: pl.DataFrame, source: str) -> LanguageNames:
    """Return how to read the languages of `scored`; raise UsageError if two spellings of English have other scores.

    Varieties that are scored side by side, such as `zho_Hans` and `zho_Hant`, stay apart as they are written.
    """
    codes = sorted(scored["language"].drop_nulls().unique().cast(pl.String))
    renamed = {code: name for code in codes if (name := _find_name(code)) not in (None, code)}
    notes = []
    spellings = defaultdict(list)
    for code in codes:
        spellings[renamed.get(code, code)].append(code)
    for name, same in spellings.items():
        if len(same) > 1 and _are_side_by_side(scored, same):
            if name == ENGLISH:
                raise UsageError(
                    f"{source}: {' and '.join(same)} are both English and have scores of the same runs. "
                    f"Keep one of them as `{ENGLISH}`."
                )
            notes.append(f"{source}: {' and '.join(same)} are varieties of {name} and stay apart, as they are written.")
            renamed = {code: to for code, to in renamed.items() if code not in same}
    if renamed:
        pairs = shorten_list([f"{code} as {name}" for code, name in renamed.items()])
        notes.insert(0, f"{source}: languages read: {pairs}.")
    unknown = [name for name in dict.fromkeys(renamed.get(code, code) for code in codes) if not _is_known(name)]
    if unknown:
        notes.append(
            f"{source}: unknown languages, in no table of a benchmark (so of unknown family, script and resources): "
            f"{shorten_list(unknown)}."
        )
    return LanguageNames(renamed, tuple(notes))


def _find_name(code: str) -> str | None:
    if _is_known(code):
        return code
    return canonical_code(code, KNOWN_LANGUAGES) or _BY_ENGLISH_NAME.get(code.strip().casefold())


def _is_known(name: str) -> bool:
    return all(part in KNOWN_LANGUAGES for part in split_pair(name))


def _are_side_by_side(scored: pl.DataFrame, codes: Collection[str]) -> bool:
    """Return True if any run has scores of one metric in several of the codes."""
    rows = scored.with_columns(pl.col("language").cast(pl.String)).filter(pl.col("language").is_in(codes))
    keys = [name for name in SCORE_COLUMNS if name != "language"]
    return bool(rows.group_by(keys).agg(several=pl.col("language").n_unique() > 1)["several"].any())
