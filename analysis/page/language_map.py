"""The map of languages: a tile with its gain for each one, by family, beside the mean of the family.

The page writes it for the first intermediate task over all targets; `language_map.js` fills it for the others.
"""

from collections.abc import Sequence
from typing import Literal

import polars as pl

from analysis.page.blocks import ABSENT, LanguageFamily, LanguageMap, LanguageTile, SelectControl
from analysis.tables.source import refer_to_baseline
from analysis.transfer.columns import group_languages, languages_of
from analysis.transfer.ranking import Ranking
from spaces.language import ENGLISH


def build_map(ranking: Ranking, names: Sequence[str], targets: Sequence[str], frame: pl.DataFrame) -> LanguageMap:
    """Return the map of the rows of `frame` (of by_language.py); the first of `names` and `targets` are shown at first.

    Families are in the order of rank.py: English alone first, then by name, unknown ones last. Languages of a family
    are in the order of their gain; the only one of a family shares its tile.
    """
    first = frame.filter(intermediate=names[0], target=targets[0])
    shown = {(row["level"], row["key"]): row for row in first.iter_rows(named=True)}
    known = languages_of(ranking.transfer)

    def build_tile(level: Literal["language", "family"], key: str, title: str) -> LanguageTile:
        row = shown.get((level, key))
        return LanguageTile(level, key, title, row["label"] if row else ABSENT, row["step"] if row else None)

    families = []
    for family, members in group_languages(ranking.transfer, "family").items():
        codes = sorted(members, key=lambda code: (-_gain_of(shown.get(("language", code))), code))
        titles = [known[code].english_name if code in known else code for code in codes]
        tiles = tuple(build_tile("language", code, title) for code, title in zip(codes, titles, strict=True))
        name = "Trained in" if family == ENGLISH else family
        title = f"{name}: {titles[0]}" if len(tiles) == 1 else name
        families.append(LanguageFamily(build_tile("family", family, title), tiles if len(tiles) > 1 else ()))
    return LanguageMap(
        name="language-map",
        title=f"Gain by language and family, points over {refer_to_baseline(ranking.loaded_scores)}",
        data="languages",
        choices=(
            SelectControl("intermediate", "Intermediate task", tuple((name, name) for name in names)),
            SelectControl("target", "Target", tuple((name, name) for name in targets)),
        ),
        families=tuple(families),
    )


def _gain_of(row: dict[str, float] | None) -> float:
    return row["gain"] if row else float("-inf")
