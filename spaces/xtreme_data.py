"""Rows of the tasks of `xtreme`, `xtreme-r` and `xtreme-wide`: for training, for English dev and for the test."""

from dataclasses import replace

from spaces.dataset import HELD_OUT, SplitPart, TaskSplits
from spaces.english_data import ENGLISH_DATASETS
from spaces.foreign_data import FOREIGN_DATASETS
from spaces.table import Table
from spaces.target_data import TARGET_DATASETS
from spaces.wide_data import WIDE_DATASETS, WIDE_SPLITS

DATASETS = Table(
    "dataset",
    (
        *ENGLISH_DATASETS.values(),
        *FOREIGN_DATASETS.values(),
        *TARGET_DATASETS.values(),
        *WIDE_DATASETS.values(),
    ),
)


def _build_part(dataset: str, *splits: str, is_optional: bool = False, fallback: SplitPart | None = None) -> SplitPart:
    return SplitPart(dataset=dataset, splits=splits, is_optional=is_optional, fallback=fallback)


def _build_english_splits(name: str) -> TaskSplits:
    """Return the splits of a task with its own training set. The last training rows replace a missing dev set."""
    return TaskSplits(name=name, train=(_build_part(name, "train"),), dev=(_build_part(name, "validation", HELD_OUT),))


_MNLI_TRANSLATED = _build_part("mnli_translated", "train", fallback=_build_part("mnli_translated_local", "train"))
_MNLI_DEV = (_build_part("mnli", "validation_matched", HELD_OUT),)
_SQUAD_SPLITS = _build_english_splits("squad")


def _build_target_splits(name: str, *, train: str | None = None, fallback: str | None = None) -> TaskSplits:
    """Return the splits of a target. `fallback` is the dataset of languages that only XTREME-R has."""
    return TaskSplits(
        name=name,
        train=(_build_part(train or name, "train"),),
        dev=(_build_part(name, "validation"),),
        test=(_build_part(name, "test", fallback=_build_part(fallback, "test") if fallback else None),),
    )


def _build_text_part(split: str) -> SplitPart:
    """Return texts of Wikipedia, or a folder's verses of the Bible where it has no Wikipedia in the language."""
    return _build_part("wikipedia", split, fallback=_build_part("verses", split))


TASK_SPLITS = Table(
    "task",
    (
        TaskSplits(name="mlm", train=(_build_text_part("train"),), dev=(_build_text_part(HELD_OUT),)),
        TaskSplits(
            name="mnli",
            train=(_build_part("mnli", "train"),),
            translated=_MNLI_TRANSLATED,
            dev=_MNLI_DEV,
        ),
        # Native inference: selection sees MultiNLI's English dev, whatever the language of the training rows.
        TaskSplits(name="ocnli", train=(_build_part("ocnli", "train"),), dev=_MNLI_DEV),
        TaskSplits(name="indonli", train=(_build_part("indonli", "train"),), dev=_MNLI_DEV),
        TaskSplits(name="americasnli", train=(_build_part("americasnli", "validation"),), dev=_MNLI_DEV),
        TaskSplits(name="random", train=(_build_part("mnli", "train"),), dev=_MNLI_DEV),
        TaskSplits(name="sham", train=(_build_part("mnli", "train"),), dev=_MNLI_DEV),
        # ANLI+ of Phang et al. 2020: the three rounds of ANLI with MultiNLI and SNLI, one head for all.
        TaskSplits(
            name="anli",
            train=(
                *(_build_part("anli", f"train_{number}") for number in ("r1", "r2", "r3")),
                _build_part("mnli", "train"),
                _build_part("snli", "train", is_optional=True),
            ),
            dev=(
                *(_build_part("anli", f"dev_{number}") for number in ("r1", "r2", "r3")),
                *_MNLI_DEV,
                _build_part("snli", "validation", is_optional=True),
            ),
        ),
        *map(_build_english_splits, ("qqp", "squad2", "squad", "hellaswag", "ccg", "cosmosqa", "csqa", "massive")),
        replace(_build_target_splits("xnli", train="mnli"), translated=_MNLI_TRANSLATED),
        *map(_build_target_splits, ("pawsx", "sib200", "nusax")),
        _build_target_splits("udpos", fallback="udpos_local"),
        _build_target_splits("panx", fallback="wikiann"),
        replace(
            _SQUAD_SPLITS,
            name="xquad",
            test=(_build_part("xquad", "validation", fallback=_build_part("xquad_own", "validation")),),
        ),
        # Nothing is selected on MLQA, so its dev questions may replace missing test questions.
        replace(_SQUAD_SPLITS, name="mlqa", test=(_build_part("mlqa", "test", "validation"),)),
        # TyDiQA publishes a single evaluation split. XTREME selects on its English rows and then scores them. Here
        # selection sees the last tenth of the training rows instead, so that the English score stays clean.
        TaskSplits(
            name="tydiqa",
            train=(_build_part("tydiqa", "train"),),
            dev=(_build_part("tydiqa", HELD_OUT),),
            test=(_build_part("tydiqa", "validation"),),
        ),
        # Named by other recipes than `ours` (jiant_recipes.py, xtreme_recipes.py).
        replace(_build_target_splits("xnli", train="mnli"), name="xnli selected on mnli", dev=_MNLI_DEV),
        replace(_build_english_splits("hellaswag_in_parts"), name="hellaswag in parts"),
        TaskSplits(
            name="tydiqa with all rows",
            train=(_build_part("tydiqa", "train"),),
            dev=(_build_part("tydiqa", HELD_OUT),),
            test=(_build_part("tydiqa", "validation"),),
            trains_on_dev=True,
        ),
        # XTREME chooses BUCC's threshold on the shared task's sample (its dev) and scores the training data (its test).
        TaskSplits(
            name="bucc", dev=(_build_part("bucc", "dev", is_optional=True),), test=(_build_part("bucc", "test"),)
        ),
        TaskSplits(
            name="tatoeba", test=(_build_part("tatoeba", "validation", fallback=_build_part("tatoeba_mteb", "test")),)
        ),
        # XTREME-R trains on Social IQa and then on English COPA; here both are one training set.
        TaskSplits(
            name="xcopa",
            train=(_build_part("siqa", "train"), _build_part("copa", "train", is_optional=True)),
            dev=(_build_part("siqa", "validation"), _build_part("copa", "validation", is_optional=True)),
            test=(_build_part("xcopa", "test"),),
        ),
        TaskSplits(name="lareqa", test=(_build_part("xquad_r", "validation"),)),
        TaskSplits(
            name="mewslix", test=(_build_part("mewslix", "test"),), pool=(_build_part("mewslix_index", "test"),)
        ),
        *WIDE_SPLITS,
    ),
)


def published_rows_of(part: SplitPart) -> int | None:
    """Return the published rows of the first split that the part may be read from, None if they are not known."""
    return DATASETS[part.dataset].published_rows.get(part.splits[0])


def count_published_rows(task: str) -> int | None:
    """Return the training rows of a task in one language, None if a part's are not known or there is no such task."""
    rows = [published_rows_of(part) for part in TASK_SPLITS[task].train] if task in TASK_SPLITS else [None]
    known = [number for number in rows if number is not None]
    return sum(known) if len(known) == len(rows) else None
