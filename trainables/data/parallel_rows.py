"""Rows of two languages side by side: a translated training set, and test pairs whose sentences differ in language."""

from collections import Counter

import datasets

from spaces.dataset import DatasetSpec
from spaces.errors import UsageError
from spaces.task import Task
from trainables.data.rows import NO_LABEL, ConvertedRows, iter_columns, iter_pairs, make_label_mapper, text_of
from trainables.features.examples import Example, PairExample

DIFFERENT_LABELS = "another label in the other language"
MAX_DIFFERENT_LABELS = (
    0.01  # share of rows whose label differs, above which two training sets are not translations of each other
)


def convert_translation(
    own: datasets.Dataset, own_dataset: DatasetSpec, rows: datasets.Dataset, dataset: DatasetSpec, task: Task
) -> ConvertedRows:
    """Training pairs in another language: `rows` translates `own` row by row, and counts where `own` does.

    So the same place holds the same pair in every language. The labels are those of `own`. Raises UsageError if the
    rows cannot be translations of each other: of another number, or of other labels.
    """
    check_translation(own, own_dataset, rows, dataset, task)
    left_out: Counter[str] = Counter()
    examples: list[Example] = []
    texts = iter_columns(rows, dataset, "first", "second")
    for pair, (first, second) in zip(iter_pairs(own, own_dataset, task, training=True), texts, strict=True):
        if isinstance(pair, PairExample):
            examples.append(PairExample(text_of(first), text_of(second), pair.label))
        else:
            left_out[str(pair)] += 1
    return ConvertedRows(examples, dict(left_out))


def convert_mixed_languages(
    first: datasets.Dataset, second: datasets.Dataset, dataset: DatasetSpec, task: Task
) -> ConvertedRows:
    """Test pairs with the first sentence of one language's rows and the second of another's, row by row.

    A row counts where both have one and the same label. Raises UsageError if the numbers of rows differ.
    """
    if len(first) != len(second):
        raise UsageError(f"{len(first):,} and {len(second):,} rows in two languages: row by row they must be the same.")
    left_out: Counter[str] = Counter()
    examples: list[Example] = []
    for one, other in zip(*(iter_pairs(rows, dataset, task, training=False) for rows in (first, second)), strict=True):
        if not (isinstance(one, PairExample) and isinstance(other, PairExample)):
            left_out[NO_LABEL] += 1
        elif one.label != other.label:
            left_out[DIFFERENT_LABELS] += 1
        else:
            examples.append(PairExample(one.first, other.second, one.label))
    return ConvertedRows(examples, dict(left_out))


def check_translation(
    own: datasets.Dataset, own_dataset: DatasetSpec, rows: datasets.Dataset, dataset: DatasetSpec, task: Task
) -> None:
    """Raise UsageError if `rows` cannot be a translation of `own`, row by row."""
    if len(rows) != len(own):
        raise UsageError(
            f"it has {len(rows):,} rows and {own_dataset.repo_id} has {len(own):,}: row by row they must be the same pairs."
        )
    labels = [
        [identify(value) for value in each[of.columns["label"]][:]]
        for each, of in ((own, own_dataset), (rows, dataset))
        for identify in (make_label_mapper(task, of, each.features[of.columns["label"]]),)
    ]
    differ = sum(one != other for one, other in zip(*labels, strict=True))
    if differ > MAX_DIFFERENT_LABELS * len(own):
        raise UsageError(
            f"{differ:,} of {len(own):,} rows have another label than in {own_dataset.repo_id}: row by row they must be "
            "the same pairs."
        )
