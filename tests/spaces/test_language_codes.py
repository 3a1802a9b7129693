"""Codes of languages in other spellings."""

import pytest

from spaces.benchmark import BENCHMARKS
from spaces.flores_codes import FLORES_CODES
from spaces.language_codes import CODES, canonical_code

TABLE = {name for benchmark in BENCHMARKS.values() for name in benchmark.languages}


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("EN", "en"), ("deu", "de"), ("ger", "de"), ("DEU", "de"), ("de-DE", "de"), ("de_DE", "de"), ("pt-br", "pt"),
        ("zh-Hant-TW", "zh"), ("zho_Hans", "zh"), ("arb_Arab", "ar"), ("es-419", "es"), ("en_XX", "en"), ("iw", "he"),
        ("de-en", "de-en"), ("deu-eng", "de-en"), ("DE-EN", "de-en"), ("en-us", "en"), ("de-de", "de"), (" en ", "en"),
        ("klingon", None), ("qna", None), ("", None), ("all", None), ("de-perturbed", None), ("xx-DE", None),
        ("arz", None),
    ],
)  # fmt: skip
def test_codes(code: str, name: str | None) -> None:
    assert canonical_code(code, TABLE) == name


def test_every_natural_language_of_a_benchmark_is_its_own_code() -> None:
    """Those of the miniature, and those that ISO 639-1 lacks, have three letters and are known by their tables."""
    longer = {name for name in TABLE if len(name) == 3}
    assert {name for name in TABLE if canonical_code(name, TABLE) != name} == longer
    assert not longer & CODES.keys()


def test_codes_of_flores_are_read_as_the_names_that_languages_have_here() -> None:
    assert len(FLORES_CODES) == len({*FLORES_CODES.values()}) == 205
    for name, code in FLORES_CODES.items():
        base, _, script = name.partition("_")
        assert canonical_code(code) in (base, None if len(base) == 3 else base), code
        assert not script or (code.endswith(f"_{script}") and base in FLORES_CODES)
    xtreme = BENCHMARKS["xtreme"].languages
    assert {*xtreme} <= {*FLORES_CODES} and {*BENCHMARKS["xtreme-r"].languages} <= {*FLORES_CODES}


def test_no_code_is_given_twice() -> None:
    from spaces.language_codes import _GROUPS

    longer = [code for _, codes in _GROUPS for code in codes.split(",")]
    assert len(longer) == len(set(longer)) and not set(longer) & set(CODES.values())
