"""The datasets that tasks are trained on in other languages than English: translations, native ones, plain texts.

Row numbers are the published ones: a folder with fewer rows is reported as cut.
"""

from spaces.dataset import Dataset
from spaces.table import Table

_NLI = {"first": "premise", "second": "hypothesis", "label": "label"}
TRANSLATED = ("ar", "bg", "de", "el", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")  # XNLI's own
BEYOND = ("az", "cs", "da", "et", "fi", "hu", "lt", "lv", "nl", "no", "pl", "sv", "uz")
AMERICAN = ("aym", "bzd", "cni", "gn", "hch", "nah", "oto", "quy", "shp", "tar")

FOREIGN_DATASETS = Table(
    "dataset",
    (
        Dataset(
            name="wikipedia",
            hub="wikimedia/wikipedia",
            configs=("20231101.{code}",),
            columns={"text": "text"},
            language_in="config",
            most=20_000,  # of English alone there are six million
            licence="CC BY-SA 4.0",
            note="texts are the beginnings of at most the first 20,000 articles of each language's Wikipedia.",
        ),
        Dataset(
            name="verses",
            hub="local/bible-text",
            configs=("{code}",),
            columns={"text": "text"},
            language_in="config",
            licence="of each edition, see its card",
            note="texts are verses of the Bible, as there is no Wikipedia: the same ones in every language.",
        ),
        Dataset(
            name="mnli_translated",
            hub="facebook/xnli",
            configs=("{code}",),
            columns=_NLI,
            labels="names",
            language_in="config",
            codes={name: name for name in TRANSLATED},
            rows={"train": 392_702},
            licence="CC BY-NC 4.0",
            note="MultiNLI as translated by machine for XNLI: its quality differs between languages.",
        ),
        Dataset(
            name="mnli_translated_local",
            hub="local/mnli-translated",
            configs=("{code}",),
            columns=_NLI,
            labels="names",
            language_in="config",
            codes={name: name for name in BEYOND},
            rows={"train": 392_702},
            licence="CC BY-NC 4.0, as XNLI",
            note="MultiNLI as translated by machine beyond XNLI's languages: its quality differs between them.",
            obtain=(
                "the hub has MultiNLI in XNLI's languages only; convert a translation of it to Parquet with one pair a "
                "row, in the order of nyu-mll/glue: `premise`, `hypothesis`, `label`"
            ),
        ),
        Dataset(
            name="ocnli",
            hub="clue/clue",
            configs=("ocnli",),
            columns={"first": "sentence1", "second": "sentence2", "label": "label"},
            labels="names",  # neutral comes first here
            language="zh",
            rows={"train": 50_437},
            licence="CC BY-NC 2.0",
        ),
        Dataset(
            name="indonli",
            hub="afaji/indonli",
            configs=("indonli",),
            columns=_NLI,
            labels="names",
            language="id",
            rows={"train": 10_330},
            licence="CC BY-SA 4.0",
        ),
        Dataset(
            name="americasnli",
            hub="nala-cub/americas_nli",
            configs=("{code}",),
            columns=_NLI,
            labels="names",
            language_in="config",
            codes={name: name for name in AMERICAN},
            licence="CC BY-SA 4.0",
            note=(
                "AmericasNLI has no training split: its validation rows are trained on. They translate rows of XNLI's "
                "dev set, on whose English selection for xnli looks."
            ),
        ),
    ),
)
