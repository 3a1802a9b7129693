"""Which rows a task of the benchmarks `xtreme` and `xtreme-r` reads: for training, for English dev, for its test."""

from dataclasses import replace

from spaces.dataset import HELD_OUT, Part, Parts
from spaces.english_data import ENGLISH_DATASETS
from spaces.foreign_data import FOREIGN_DATASETS
from spaces.table import Table
from spaces.target_data import TARGET_DATASETS

DATASETS = Table("dataset", (*ENGLISH_DATASETS.values(), *FOREIGN_DATASETS.values(), *TARGET_DATASETS.values()))


def _part(dataset: str, *splits: str, optional: bool = False, otherwise: Part | None = None) -> Part:
    return Part(dataset=dataset, splits=splits, optional=optional, otherwise=otherwise)


def _english(name: str, dev: str = "validation") -> Parts:
    """A task with a training set and an English dev set of its own; without one the last training rows stand in."""
    return Parts(name=name, train=(_part(name, "train"),), dev=(_part(name, dev, HELD_OUT),))


_MNLI_DEV = (_part("mnli", "validation_matched", HELD_OUT),)
_ROUNDS = ("r1", "r2", "r3")
_SQUAD = _english("squad")


def _tagging(name: str, other: str) -> Parts:
    """A tagging target; languages that only XTREME-R has lie elsewhere."""
    return Parts(
        name=name,
        train=(_part(name, "train"),),
        dev=(_part(name, "validation"),),
        test=(_part(name, "test", otherwise=_part(other, "test")),),
    )


def _texts(split: str) -> Part:
    """Texts without labels: of Wikipedia, or of a folder's verses where it has no Wikipedia in the language."""
    return _part("wikipedia", split, otherwise=_part("verses", split))


PARTS = Table(
    "task",
    (
        Parts(name="mlm", train=(_texts("train"),), dev=(_texts(HELD_OUT),)),
        Parts(
            name="mnli",
            train=(_part("mnli", "train"),),
            translated=_part("mnli_translated", "train", otherwise=_part("mnli_translated_local", "train")),
            dev=_MNLI_DEV,
        ),
        # Native inference: whatever the language of its rows, selection sees MultiNLI's English dev.
        Parts(name="ocnli", train=(_part("ocnli", "train"),), dev=_MNLI_DEV),
        Parts(name="indonli", train=(_part("indonli", "train"),), dev=_MNLI_DEV),
        Parts(name="americasnli", train=(_part("americasnli", "validation"),), dev=_MNLI_DEV),
        Parts(name="random", train=(_part("mnli", "train"),), dev=_MNLI_DEV),
        # ANLI+ of Phang et al. 2020: the three rounds of ANLI with MultiNLI and SNLI, one head for all.
        Parts(
            name="anli",
            train=(
                *(_part("anli", f"train_{one}") for one in _ROUNDS),
                _part("mnli", "train"),
                _part("snli", "train", optional=True),
            ),
            dev=(
                *(_part("anli", f"dev_{one}") for one in _ROUNDS),
                *_MNLI_DEV,
                _part("snli", "validation", optional=True),
            ),
        ),
        _english("qqp"),
        _english("squad2"),
        _SQUAD,
        _english("hellaswag"),
        _english("ccg"),
        _english("cosmosqa"),
        _english("csqa"),
        Parts(
            name="xnli",
            train=(_part("mnli", "train"),),
            dev=(_part("xnli", "validation"),),
            test=(_part("xnli", "test"),),
        ),
        Parts(
            name="pawsx",
            train=(_part("pawsx", "train"),),
            dev=(_part("pawsx", "validation"),),
            test=(_part("pawsx", "test"),),
        ),
        _tagging("udpos", "udpos_local"),
        _tagging("panx", "wikiann"),
        replace(_SQUAD, name="xquad", test=(_part("xquad", "validation", otherwise=_part("xquad_own", "validation")),)),
        # Nothing is selected on MLQA, so that its dev questions can stand in where the test ones are absent.
        replace(_SQUAD, name="mlqa", test=(_part("mlqa", "test", "validation"),)),
        # TyDiQA publishes one evaluation split only. XTREME selects on its English rows and then scores them; here
        # selection sees the last tenth of the training rows instead, so that the English score stays clean.
        Parts(
            name="tydiqa",
            train=(_part("tydiqa", "train"),),
            dev=(_part("tydiqa", HELD_OUT),),
            test=(_part("tydiqa", "validation"),),
        ),
        # XTREME chooses BUCC's threshold on the shared task's sample (its dev) and scores the training data (its test).
        Parts(name="bucc", dev=(_part("bucc", "dev", optional=True),), test=(_part("bucc", "test"),)),
        Parts(name="tatoeba", test=(_part("tatoeba", "validation", otherwise=_part("tatoeba_mteb", "test")),)),
        # XTREME-R trains on Social IQa and then on English COPA; here both are one training set.
        Parts(
            name="xcopa",
            train=(_part("siqa", "train"), _part("copa", "train", optional=True)),
            dev=(_part("siqa", "validation"), _part("copa", "validation", optional=True)),
            test=(_part("xcopa", "test"),),
        ),
        Parts(name="lareqa", test=(_part("xquad_r", "validation"),)),
        Parts(name="mewslix", test=(_part("mewslix", "test"),), pool=(_part("mewslix_index", "test"),)),
    ),
)
