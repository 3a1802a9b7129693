"""Datasets in languages other than English: translations, native datasets, plain texts.

Row numbers are the published ones: a folder with fewer rows is reported as cut.
"""

from spaces.dataset import DatasetSpec
from spaces.english_data import NLI_COLUMNS
from spaces.table import Table

XNLI_LANGUAGES = ("ar", "bg", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
LOCAL_MNLI_LANGUAGES = ("az", "cs", "da", "et", "fi", "hu", "lt", "lv", "nl", "no", "pl", "sv", "uz")
AMERICASNLI_LANGUAGES = ("aym", "bzd", "cni", "gn", "hch", "nah", "oto", "quy", "shp", "tar")

FOREIGN_DATASETS = Table(
    "dataset",
    (
        DatasetSpec(
            name="wikipedia",
            repo_id="wikimedia/wikipedia",
            configs=("20231101.{code}",),
            columns={"text": "text"},
            max_rows=20_000,  # English alone has six million
            licence="CC BY-SA 4.0",
            note="texts are the first 20,000 articles, at most, of each Wikipedia, of each at most 20,000 characters.",
        ),
        DatasetSpec(
            name="verses",
            repo_id="local/bible-text",
            configs=("{code}",),
            columns={"text": "text"},
            licence="of each edition, see its card",
            note="texts are verses of the Bible, because there is no Wikipedia: the same verses in every language.",
        ),
        DatasetSpec(
            name="mnli_translated",
            repo_id="facebook/xnli",
            configs=("{code}",),
            columns=NLI_COLUMNS,
            label_format="names",
            codes={name: name for name in XNLI_LANGUAGES},
            may_be_tokenised=True,
            published_rows={"train": 392_702},
            licence="CC BY-NC 4.0",
            note=(
                "MultiNLI in the machine translation of XNLI: its quality differs between languages. It is tokenised, "
                "as tests are not: its blanks before marks are undone when it is read."
            ),
        ),
        DatasetSpec(
            name="mnli_translated_local",
            repo_id="local/mnli-translated",
            configs=("{code}",),
            columns=NLI_COLUMNS,
            label_format="names",
            codes={name: name for name in LOCAL_MNLI_LANGUAGES},
            may_be_tokenised=True,
            published_rows={"train": 392_702},
            licence="CC BY-NC 4.0, as XNLI",
            note="MultiNLI in machine translation into languages that XNLI lacks: its quality differs between them.",
            how_to_obtain=(
                "the hub has MultiNLI in XNLI's languages only; convert a translation of it to Parquet with one pair "
                "per row, in the order of nyu-mll/glue: `premise`, `hypothesis`, `label`"
            ),
        ),
        DatasetSpec(
            name="ocnli",
            repo_id="clue/clue",
            configs=("ocnli",),
            columns={"first": "sentence1", "second": "sentence2", "label": "label"},
            label_format="names",  # neutral comes first here
            language="zh",
            published_rows={"train": 50_437},
            licence="CC BY-NC 2.0",
        ),
        DatasetSpec(
            name="indonli",
            repo_id="afaji/indonli",
            configs=("indonli",),
            columns=NLI_COLUMNS,
            label_format="names",
            language="id",
            published_rows={"train": 10_330},
            licence="CC BY-SA 4.0",
        ),
        DatasetSpec(
            name="americasnli",
            repo_id="nala-cub/americas_nli",
            configs=("{code}",),
            columns=NLI_COLUMNS,
            label_format="names",
            codes={name: name for name in AMERICASNLI_LANGUAGES},
            licence="CC BY-SA 4.0",
            note=(
                "AmericasNLI has no training split, so its validation rows are trained on. They are translations of "
                "XNLI's dev set, whose English rows selection sees for xnli."
            ),
        ),
    ),
)
