"""Rows of two languages side by side: translated training sets, and test pairs that mix two languages."""

from spaces.errors import UsageError
from spaces.task import Task
from trainables.data.dataset_rows import DatasetRows
from trainables.data.labels import make_label_mapper
from trainables.data.rows import NO_LABEL, ConvertedRows, collect_examples, iter_pairs
from trainables.features.examples import Example, PairExample

DIFFERENT_LABELS = "different labels in the two languages"
MAX_DIFFERENT_LABELS = 0.01  # share of rows; two training sets that differ in more are not translations


def convert_translation(own: DatasetRows, translated: DatasetRows, task: Task) -> ConvertedRows:
    """Convert translated rows to training pairs, with the labels of the rows in the task's own language.

    A row counts if its counterpart in `own` does, so that the same index holds the same pair in every language. Raises
    UsageError if the rows cannot be translations of each other: different numbers of rows, or different labels.
    """
    _check_translation(own, translated, task)
    texts = translated.iter_columns("first", "second")
    return collect_examples(
        PairExample(first or "", second or "", pair.label) if isinstance(pair, PairExample) else pair
        for pair, (first, second) in zip(iter_pairs(own, task, training=True), texts, strict=True)
    )


def _check_translation(own: DatasetRows, translated: DatasetRows, task: Task) -> None:
    own_id = own.dataset.repo_id
    if len(translated) != len(own):
        raise UsageError(
            f"{len(translated):,} rows, but {own_id} has {len(own):,}: both must hold the same pairs, row by row."
        )
    labels = []
    for rows in (own, translated):
        label_id_of = make_label_mapper(task, rows.dataset, rows.column_type("label"))
        labels.append([label_id_of(value) for value in rows.column("label")])
    different = sum(own_label != label for own_label, label in zip(*labels, strict=True))
    if different > MAX_DIFFERENT_LABELS * len(own):
        raise UsageError(
            f"{different:,} of {len(own):,} rows have another label than in {own_id}: both must hold the same pairs, "
            "row by row."
        )


def convert_mixed_languages(first: DatasetRows, second: DatasetRows, task: Task) -> ConvertedRows:
    """Convert rows to test pairs whose first sentence is in one language and whose second is in another.

    A row counts if both languages give it the same label. Raises UsageError if the numbers of rows differ.
    """
    if len(first) != len(second):
        raise UsageError(
            f"{len(first):,} and {len(second):,} rows in two languages: both must hold the same items, row by row."
        )
    both = (iter_pairs(rows, task, training=False) for rows in (first, second))
    return collect_examples(_mix_pairs(pair, other) for pair, other in zip(*both, strict=True))


def _mix_pairs(pair: Example | str, other: Example | str) -> Example | str:
    if not (isinstance(pair, PairExample) and isinstance(other, PairExample)):
        return NO_LABEL
    return PairExample(pair.first, other.second, pair.label) if pair.label == other.label else DIFFERENT_LABELS
