"""Datasets of the wide targets: test rows in further languages, and nothing to train on.

Every note says what was read of a dataset when this table was written. `docs/wide.md` has the sources.
"""

from dataclasses import replace

from spaces.dataset import DatasetSpec, SplitPart, TaskSplits
from spaces.english_data import NLI_COLUMNS, QA_COLUMNS
from spaces.foreign_data import FOREIGN_DATASETS
from spaces.table import Table
from spaces.task import NLI_LABELS
from spaces.wide_languages import AMERICAN_CODES, INDIC_LANGUAGES, choose_african_codes

_MASAKHANE_NEWS = "bm bbj ee fon ha ig rw lg luo mos ny pcm sn sw tn tw wo xh yo zu"  # of MasakhaPOS and MasakhaNER 2

WIDE_DATASETS = Table(
    "dataset",
    (
        DatasetSpec(
            name="afrixnli",
            repo_id="masakhane/afrixnli",
            configs=("{code}",),
            columns=NLI_COLUMNS,
            label_format="digits",  # bare numbers
            digit_labels=NLI_LABELS,
            codes=choose_african_codes("am ee ha ig ln lg om rw sn st sw tw wo xh yo zu"),
            published_rows={"validation": 450, "test": 600},
            licence="Apache-2.0",
            note="AfriXNLI: its form was read from its card, not from its files.",
        ),
        DatasetSpec(
            name="indicxnli",
            repo_id="Divyanshu/indicxnli",
            configs=("{code}",),
            columns=NLI_COLUMNS,
            label_format="names",
            codes={name: name for name in INDIC_LANGUAGES},
            published_rows={"validation": 2_490, "test": 5_010},
            licence="CC0 1.0",
            note=(
                "IndicXNLI is XNLI in machine translation, whose quality differs between languages. Its form was read "
                "from the listing of its files, not from the files."
            ),
        ),
        replace(
            FOREIGN_DATASETS["americasnli"],
            name="americasnli_test",
            codes=AMERICAN_CODES,
            note=(
                "AmericasNLI's test rows are translations of XNLI's; nah has 738 of 750, oto 748. The intermediate "
                "task americasnli trains on its validation rows in the same languages, so it is not zero-shot here."
            ),
        ),
        DatasetSpec(
            name="masakhapos",
            repo_id="masakhane/masakhapos",
            configs=("{code}",),
            columns={"words": "tokens", "tags": "upos"},
            label_format="names",
            unused_labels=("_",),
            codes=choose_african_codes(_MASAKHANE_NEWS),
            licence="CC BY-NC 4.0 (hub card: AFL-3.0)",
        ),
        DatasetSpec(
            name="masakhaner",
            repo_id="masakhane/masakhaner2",
            configs=("{code}",),
            columns={"words": "tokens", "tags": "ner_tags"},
            label_format="names",
            dropped_entities=("DATE",),
            codes=choose_african_codes(_MASAKHANE_NEWS),
            licence="CC BY-NC 4.0 (hub card: AFL-3.0)",
            note="MasakhaNER 2: its form was read from its card and listing, not from its files.",
        ),
        DatasetSpec(
            name="indicqa",
            repo_id="ai4bharat/IndicQA",
            configs=("indicqa.{code}",),
            columns=QA_COLUMNS,
            has_blank_answers=True,
            codes={name: name for name in INDIC_LANGUAGES},
            licence="CC BY 4.0",
            note=(
                "IndicQA: its questions without an answer are left out, since SQuAD 1.1 trains to answer always. Its "
                "form was read from its loading script and listing, not from its files."
            ),
        ),
        DatasetSpec(
            name="afriqa",
            repo_id="masakhane/afriqa-gold-passages",
            configs=("{code}",),
            columns={"id": "id", "question": "question_lang", "context": "context", "answers": "answer_pivot"},
            codes=choose_african_codes("bem fon ha ig rw sw tw wo yo zu"),
            licence="CC BY-SA 4.0",
            note="AfriQA: questions are in the language, passages and answers in English (fon, wo: French).",
            how_to_obtain=(
                "the hub has a loading script only, which is not executed; convert the files "
                "data/gold_passages/*/gold_span_passages.afriqa.*.test.json of the repository masakhane-io/afriqa to "
                "Parquet, one question per row: `id`, `question_lang`, `context`, `answer_pivot` (text, answer_start)"
            ),
        ),
    ),
)


def _build_test_splits(name: str, dataset: str) -> TaskSplits:
    """Return the test rows of a wide target. It is trained and selected on the rows of the target that it widens."""
    return TaskSplits(name=name, test=(SplitPart(dataset=dataset, splits=("test",)),))


WIDE_SPLITS = (
    _build_test_splits("americasnli-test", "americasnli_test"),
    _build_test_splits("sib200-wide", "sib200"),
    *(
        _build_test_splits(name, name)
        for name in ("afrixnli", "indicxnli", "masakhapos", "masakhaner", "indicqa", "afriqa")
    ),
)
