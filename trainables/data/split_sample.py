"""A few examples of a split, spread over its rows, with the number of all its rows: for estimates before a sweep runs.

Files that are on the hub only are not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spaces.task import Split, Task
from trainables.data import load_rows
from trainables.data.locate import is_translated, locate_split, prefix_errors
from trainables.data.rows import convert_rows
from trainables.data.task_data import DataSource, load_examples
from trainables.features.examples import Example


@dataclass(frozen=True, slots=True)
class SplitSample:
    """Examples of a split, in its order, and the number of rows that it has in all."""

    examples: Sequence[Example]
    row_count: int


def sample_split(
    source: DataSource, task: Task, split: Split, language: str, count: int, *, first: int | None = None
) -> SplitSample | None:
    """Return about `count` examples of the `first` rows of a split (None: of all); None if its rows are not here.

    Of mixed and perturbed targets these are the rows that they are made of. Raises UsageError as `load_examples` does.
    """
    if source.is_miniature:
        examples, _ = load_examples(replace(source, test_limit=None), task, split, language)
        chosen = _spread(min(len(examples), first or len(examples)), count)
        return SplitSample([examples[i] for i in chosen], len(examples))
    language = task.split_language(language)[0]
    locations = locate_split(task, split, language, source.origin)
    if not locations or any(location.is_remote for location in locations):
        return None
    parts = [load_rows.load(location, language) for location in locations]
    total, sampled = sum(map(len, parts)), list[Example]()
    labels_elsewhere = is_translated(task, split, language)
    for location, rows in zip(locations, parts, strict=True):
        share = max(1, round(count * len(rows) / max(1, total)))
        chosen = _spread(min(len(rows), first or len(rows)), share)
        with prefix_errors(task, location):
            few = replace(rows, table=rows.table.select(chosen))
            sampled += convert_rows(few, task, training=split == "train" and not labels_elsewhere).examples
    return SplitSample(sampled, total)


def _spread(rows: int, count: int) -> range:
    """Return at most `count` row numbers at equal distances."""
    return range(0, rows, max(1, -(-rows // max(1, count))))
