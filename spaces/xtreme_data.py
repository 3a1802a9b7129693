"""Which rows a task of the benchmarks `xtreme` and `xtreme-r` reads: for training, for English dev, for its test."""

from dataclasses import replace

from spaces.dataset import HELD_OUT, SplitPart, TaskSplits
from spaces.english_data import ENGLISH_DATASETS
from spaces.foreign_data import FOREIGN_DATASETS
from spaces.table import Table
from spaces.target_data import TARGET_DATASETS

DATASETS = Table("dataset", (*ENGLISH_DATASETS.values(), *FOREIGN_DATASETS.values(), *TARGET_DATASETS.values()))


def _build_part(dataset: str, *splits: str, optional: bool = False, otherwise: SplitPart | None = None) -> SplitPart:
    return SplitPart(dataset=dataset, splits=splits, is_optional=optional, fallback=otherwise)


def _build_english_splits(name: str, dev: str = "validation") -> TaskSplits:
    """A task with a training set and an English dev set of its own; without one the last training rows stand in."""
    return TaskSplits(name=name, train=(_build_part(name, "train"),), dev=(_build_part(name, dev, HELD_OUT),))


_MNLI_DEV = (_build_part("mnli", "validation_matched", HELD_OUT),)
_ROUNDS = ("r1", "r2", "r3")
_SQUAD_SPLITS = _build_english_splits("squad")


def _build_tagging_splits(name: str, other: str) -> TaskSplits:
    """A tagging target; languages that only XTREME-R has lie elsewhere."""
    return TaskSplits(
        name=name,
        train=(_build_part(name, "train"),),
        dev=(_build_part(name, "validation"),),
        test=(_build_part(name, "test", otherwise=_build_part(other, "test")),),
    )


def _build_text_part(split: str) -> SplitPart:
    """Texts without labels: of Wikipedia, or of a folder's verses where it has no Wikipedia in the language."""
    return _build_part("wikipedia", split, otherwise=_build_part("verses", split))


TASK_SPLITS = Table(
    "task",
    (
        TaskSplits(name="mlm", train=(_build_text_part("train"),), dev=(_build_text_part(HELD_OUT),)),
        TaskSplits(
            name="mnli",
            train=(_build_part("mnli", "train"),),
            translated=_build_part("mnli_translated", "train", otherwise=_build_part("mnli_translated_local", "train")),
            dev=_MNLI_DEV,
        ),
        # Native inference: whatever the language of its rows, selection sees MultiNLI's English dev.
        TaskSplits(name="ocnli", train=(_build_part("ocnli", "train"),), dev=_MNLI_DEV),
        TaskSplits(name="indonli", train=(_build_part("indonli", "train"),), dev=_MNLI_DEV),
        TaskSplits(name="americasnli", train=(_build_part("americasnli", "validation"),), dev=_MNLI_DEV),
        TaskSplits(name="random", train=(_build_part("mnli", "train"),), dev=_MNLI_DEV),
        # ANLI+ of Phang et al. 2020: the three rounds of ANLI with MultiNLI and SNLI, one head for all.
        TaskSplits(
            name="anli",
            train=(
                *(_build_part("anli", f"train_{one}") for one in _ROUNDS),
                _build_part("mnli", "train"),
                _build_part("snli", "train", optional=True),
            ),
            dev=(
                *(_build_part("anli", f"dev_{one}") for one in _ROUNDS),
                *_MNLI_DEV,
                _build_part("snli", "validation", optional=True),
            ),
        ),
        _build_english_splits("qqp"),
        _build_english_splits("squad2"),
        _SQUAD_SPLITS,
        _build_english_splits("hellaswag"),
        _build_english_splits("ccg"),
        _build_english_splits("cosmosqa"),
        _build_english_splits("csqa"),
        TaskSplits(
            name="xnli",
            train=(_build_part("mnli", "train"),),
            dev=(_build_part("xnli", "validation"),),
            test=(_build_part("xnli", "test"),),
        ),
        TaskSplits(
            name="pawsx",
            train=(_build_part("pawsx", "train"),),
            dev=(_build_part("pawsx", "validation"),),
            test=(_build_part("pawsx", "test"),),
        ),
        _build_tagging_splits("udpos", "udpos_local"),
        _build_tagging_splits("panx", "wikiann"),
        replace(
            _SQUAD_SPLITS,
            name="xquad",
            test=(_build_part("xquad", "validation", otherwise=_build_part("xquad_own", "validation")),),
        ),
        # Nothing is selected on MLQA, so that its dev questions can stand in where the test ones are absent.
        replace(_SQUAD_SPLITS, name="mlqa", test=(_build_part("mlqa", "test", "validation"),)),
        # TyDiQA publishes one evaluation split only. XTREME selects on its English rows and then scores them; here
        # selection sees the last tenth of the training rows instead, so that the English score stays clean.
        TaskSplits(
            name="tydiqa",
            train=(_build_part("tydiqa", "train"),),
            dev=(_build_part("tydiqa", HELD_OUT),),
            test=(_build_part("tydiqa", "validation"),),
        ),
        # XTREME chooses BUCC's threshold on the shared task's sample (its dev) and scores the training data (its test).
        TaskSplits(name="bucc", dev=(_build_part("bucc", "dev", optional=True),), test=(_build_part("bucc", "test"),)),
        TaskSplits(
            name="tatoeba", test=(_build_part("tatoeba", "validation", otherwise=_build_part("tatoeba_mteb", "test")),)
        ),
        # XTREME-R trains on Social IQa and then on English COPA; here both are one training set.
        TaskSplits(
            name="xcopa",
            train=(_build_part("siqa", "train"), _build_part("copa", "train", optional=True)),
            dev=(_build_part("siqa", "validation"), _build_part("copa", "validation", optional=True)),
            test=(_build_part("xcopa", "test"),),
        ),
        TaskSplits(name="lareqa", test=(_build_part("xquad_r", "validation"),)),
        TaskSplits(
            name="mewslix", test=(_build_part("mewslix", "test"),), pool=(_build_part("mewslix_index", "test"),)
        ),
    ),
)
