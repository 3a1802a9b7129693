"""Tokenised texts are read as they are usually written, and only where they are tokenised."""

from collections.abc import Callable
from pathlib import Path

import pytest

from spaces.xtreme import INTERMEDIATES
from tests.hub_layout import PAIR, pair_rows
from trainables.data import detokenise as rule
from trainables.data import fingerprint, real_data
from trainables.data.data_notes import collect_notes
from trainables.data.detokenise import detokenise, find_tokenised, share_with_blank
from trainables.features.examples import PairExample

Write = Callable[..., Path]
MNLI = INTERMEDIATES["mnli"]


@pytest.mark.parametrize(
    ("language", "tokenised", "expected"),
    [
        ("en", "you know they 're here , too .", "you know they're here, too."),
        (
            "en",
            "( Read for Slate ' s take on Jackson 's findings . )",
            "(Read for Slate's take on Jackson's findings.)",
        ),
        ("en", 'She said " Yes , and perhaps it doesn \'t ! " again', 'She said "Yes, and perhaps it doesn\'t!" again'),
        ("en", "develop students ' critical thinking", "develop students' critical thinking"),
        ("en", "net value is $ 4 .", "net value is $4."),
        ("en", "wait ... what ?", "wait... what?"),
        ("sw", "Yeah they ' re getting up in the mia dollar range", "Yeah they're getting up in the mia dollar range"),
        ("sw", "Bidhaa na geography ndio hufanya kazi .", "Bidhaa na geography ndio hufanya kazi."),
        ("fr", "Qu' est-ce que tu en sais ? L' air , oui .", "Qu'est-ce que tu en sais ? L'air, oui."),
        ("tr", "Walkman ' im kırıldı , ama vegas ' ta değil .", "Walkman'im kırıldı, ama vegas'ta değil."),
        ("ar", "وكيف تعرف ذلك ? نعم , انا .", "وكيف تعرف ذلك؟ نعم، انا."),
        ("ur", "ہم یہ ہیں ۔ کیا ؟", "ہم یہ ہیں۔ کیا؟"),
        ("zh", "网球鞋 有 一 系列 , 的 价格 .", "网球鞋有一系列，的价格。"),
        ("zh", "三 个 a , 1.5 和 TX 队 ...", "三个a，1.5和TX队..."),
        ("de", "", ""),
    ],
)
def test_marks_clitics_quotes_and_chinese_words_by_hand(language: str, tokenised: str, expected: str) -> None:
    assert detokenise(tokenised, language) == expected


@pytest.mark.parametrize("language", ["en", "sw", "de", "vi"])
def test_what_is_written_as_usual_stays(language: str) -> None:
    text = "He paid $4.50 (or 5%), at 10:45; \"really?\" said the Joneses' U.S. friend, who can't tell."
    assert detokenise(text, language) == text
    assert find_tokenised([text] * 9 + ["well , yes ."], language) is None


def test_most_of_the_first_texts_decide() -> None:
    assert find_tokenised(["so , yes .", "yes", None, "no ."], "en") == rule.TokenisedTexts("en", 0.5)
    assert find_tokenised(["yes", None, "no .", "a"], "en") is None
    assert find_tokenised([], "en") is None
    later = [*["fine."] * rule.SAMPLE_ROWS, *["not so ."] * 9_000]
    assert find_tokenised(later, "en") is None and share_with_blank(later) == 0.9


def _tokenise(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [
        {**row, "premise": f"{row['premise']} , they 're .", "hypothesis": f"{row['hypothesis']} ."} for row in rows
    ]


def test_training_languages_and_dev_are_read_alike_and_it_is_said(write: Write) -> None:
    write("nyu-mll/glue/mnli/train", PAIR, pair_rows(25))
    data = write("facebook/xnli/sw/train", PAIR, _tokenise(pair_rows(25)))
    english, swahili = (real_data.load_split(MNLI, "train", name, origin=data).examples for name in ("en", "sw"))
    assert [pair.second for pair in swahili if isinstance(pair, PairExample)] == [
        f"{pair.second}." for pair in english if isinstance(pair, PairExample)
    ]
    first = swahili[0]  # a clitic that English alone joins stays apart
    assert isinstance(first, PairExample) and first.first.endswith(", they 're.")
    (note,) = (line for line in collect_notes(MNLI, data, "sw") if "is tokenised (" in line)
    assert note.startswith("mnli: facebook/xnli sw train is tokenised (100% of its first hypotheses")
    assert "read detokenised, as tests are written" in note
    write("nyu-mll/glue/mnli/train", PAIR, _tokenise(pair_rows(25)))
    dev = real_data.load_split(MNLI, "dev", "en", origin=data).examples
    assert all(isinstance(pair, PairExample) and pair.first.endswith(", they're.") for pair in dev)


def test_the_rule_is_in_the_fingerprint_of_what_is_read_by_it(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write("nyu-mll/glue/mnli/train", PAIR, pair_rows(25))
    write("nyu-mll/glue/mnli/validation_matched", PAIR, pair_rows(5))
    before = fingerprint.compute_fingerprint(MNLI, data)
    lines = fingerprint.describe_locations(MNLI, data)
    assert lines and all(line.endswith(rule.VERSION) for line in lines)
    monkeypatch.setattr(rule, "VERSION", "detokenised-2")
    assert fingerprint.compute_fingerprint(MNLI, data) != before
