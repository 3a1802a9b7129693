"""The datasets behind the tasks of the benchmark `xtreme`, as they stand on the hub, and which part a task reads.

Row numbers are the published ones of the English part: a folder with fewer rows is reported as cut.
"""

from spaces.dataset import HELD_OUT, Dataset, Part, Parts
from spaces.table import Table

_QA = {"id": "id", "question": "question", "context": "context", "answers": "answers"}

_UDPOS_NAMES = {
    **{"af": "Afrikaans", "ar": "Arabic", "bg": "Bulgarian", "de": "German", "el": "Greek", "en": "English"},
    **{"es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French"},
    **{"he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese"},
    **{"kk": "Kazakh", "ko": "Korean", "mr": "Marathi", "nl": "Dutch", "pt": "Portuguese", "ru": "Russian"},
    **{"ta": "Tamil", "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "ur": "Urdu"},
    **{"vi": "Vietnamese", "yo": "Yoruba", "zh": "Chinese"},
}
_TATOEBA_CODES = {
    **{"af": "afr", "ar": "ara", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "es": "spa", "et": "est"},
    **{"eu": "eus", "fa": "pes", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind"},
    **{"it": "ita", "ja": "jpn", "jv": "jav", "ka": "kat", "kk": "kaz", "ko": "kor", "ml": "mal", "mr": "mar"},
    **{"nl": "nld", "pt": "por", "ru": "rus", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha", "tl": "tgl"},
    **{"tr": "tur", "ur": "urd", "vi": "vie", "zh": "cmn"},
}
_TYDIQA_NAMES = {
    **{"ar": "arabic", "bn": "bengali", "en": "english", "fi": "finnish", "id": "indonesian", "ko": "korean"},
    **{"ru": "russian", "sw": "swahili", "te": "telugu"},
}

DATASETS = Table(
    "dataset",
    (
        Dataset(
            name="mnli",
            hub="nyu-mll/glue",
            configs=("mnli",),
            columns={"first": "premise", "second": "hypothesis", "label": "label"},
            labels="names",
            renamed={"contradictory": "contradiction"},
            rows={"train": 392_702, "validation_matched": 9_815},
            licence="MultiNLI: mixed open sources, most under the OANC licence",
        ),
        Dataset(
            name="qqp",
            hub="nyu-mll/glue",
            configs=("qqp",),
            columns={"first": "question1", "second": "question2", "label": "label"},
            labels="names",
            rows={"train": 363_846, "validation": 40_430},
            licence="Quora terms of service, non-commercial",
        ),
        Dataset(
            name="squad",
            hub="rajpurkar/squad",
            # A local copy may offer a config without the paragraphs that XQuAD translates; it is preferred.
            configs=("local_no_xquad", "plain_text"),
            columns=_QA,
            rows={"train": 87_599, "validation": 10_570},
            licence="CC BY-SA 4.0",
            note="SQuAD 1.1: its validation split, which selection sees, holds the English side of XQuAD.",
        ),
        Dataset(
            name="csqa",
            hub="tau/commonsense_qa",
            configs=("default",),
            columns={"question": "question", "options": "choices", "label": "answerKey"},
            labels="letters",
            rows={"train": 9_741, "validation": 1_221},
            licence="MIT",
        ),
        Dataset(
            name="hellaswag",
            hub="Rowan/hellaswag",
            configs=("default",),
            columns={"context": "ctx", "options": "endings", "label": "label"},
            labels="places",
            rows={"train": 39_905, "validation": 10_042},
            licence="MIT",
        ),
        Dataset(
            name="cosmosqa",
            hub="allenai/cosmos_qa",
            configs=("default",),
            columns={
                "context": "context",
                "question": "question",
                "options": "answer0 answer1 answer2 answer3",
                "label": "label",
            },
            labels="places",
            rows={"train": 25_262, "validation": 2_985},
            revision="refs/convert/parquet",  # the main branch holds a loading script, which `datasets` refuses
            licence="CC BY 4.0",
        ),
        Dataset(
            name="xnli",
            hub="google/xtreme",
            configs=("XNLI",),
            columns={"first": "sentence1", "second": "sentence2", "label": "gold_label", "language": "language"},
            labels="names",
            renamed={"contradictory": "contradiction"},
            language_in="column",
            rows={"validation": 2_490, "test": 5_010},
            licence="CC BY-NC 4.0",
        ),
        Dataset(
            name="pawsx",
            hub="google/xtreme",
            configs=("PAWS-X.{code}",),
            columns={"first": "sentence1", "second": "sentence2", "label": "label"},
            labels="digits",
            digits=("different", "paraphrase"),
            language_in="config",
            rows={"train": 49_401, "validation": 2_000, "test": 2_000},
            licence="free for any purpose, acknowledge Google LLC",
        ),
        Dataset(
            name="udpos",
            hub="google/xtreme",
            configs=("udpos.{code}",),
            columns={"words": "tokens", "tags": "pos_tags"},
            labels="names",
            language_in="config",
            codes=_UDPOS_NAMES,
            rows={"train": 21_253, "validation": 3_974, "test": 5_440},
            licence="per treebank: mostly CC BY-SA, several CC BY-NC-SA",
            note="The hub adds other treebanks to el, zh, fr, ru, pt and de, which XTREME's own files do not have.",
        ),
        Dataset(
            name="panx",
            hub="google/xtreme",
            configs=("PAN-X.{code}",),
            columns={"words": "tokens", "tags": "ner_tags"},
            labels="names",
            language_in="config",
            rows={"train": 20_000, "validation": 10_000, "test": 10_000},
            licence="not stated (derived from Wikipedia)",
        ),
        Dataset(
            name="xquad",
            hub="google/xtreme",
            configs=("XQuAD.{code}",),
            columns=_QA,
            language_in="config",
            rows={"validation": 1_190},
            licence="CC BY-SA 4.0",
        ),
        Dataset(
            name="mlqa",
            hub="google/xtreme",
            configs=("MLQA.{code}.{code}",),
            columns=_QA,
            language_in="config",
            rows={"validation": 1_148, "test": 11_590},
            licence="CC BY-SA 3.0",
        ),
        Dataset(
            name="tydiqa",
            hub="google/xtreme",
            configs=("tydiqa",),
            columns=_QA,
            language_in="id",
            codes=_TYDIQA_NAMES,
            rows={"train": 3_696, "validation": 440},
            licence="Apache-2.0",
        ),
        Dataset(
            name="tatoeba",
            hub="google/xtreme",
            configs=("tatoeba.{code}",),
            # XTREME's script looks English sentences up among foreign ones, and its label files are made so.
            columns={"query": "target_sentence", "candidate": "source_sentence"},
            language_in="config",
            codes=_TATOEBA_CODES,
            licence="CC BY 2.0 FR",
        ),
    ),
)


def _part(dataset: str, *splits: str) -> Part:
    return Part(dataset=dataset, splits=splits)


PARTS = Table(
    "task",
    (
        Parts(name="mnli", train=_part("mnli", "train"), dev=_part("mnli", "validation_matched", HELD_OUT)),
        Parts(name="qqp", train=_part("qqp", "train"), dev=_part("qqp", "validation", HELD_OUT)),
        Parts(name="squad", train=_part("squad", "train"), dev=_part("squad", "validation", HELD_OUT)),
        Parts(name="csqa", train=_part("csqa", "train"), dev=_part("csqa", "validation", HELD_OUT)),
        Parts(name="hellaswag", train=_part("hellaswag", "train"), dev=_part("hellaswag", "validation", HELD_OUT)),
        Parts(name="cosmosqa", train=_part("cosmosqa", "train"), dev=_part("cosmosqa", "validation", HELD_OUT)),
        Parts(name="xnli", train=_part("mnli", "train"), dev=_part("xnli", "validation"), test=_part("xnli", "test")),
        Parts(
            name="pawsx", train=_part("pawsx", "train"), dev=_part("pawsx", "validation"), test=_part("pawsx", "test")
        ),
        Parts(
            name="udpos", train=_part("udpos", "train"), dev=_part("udpos", "validation"), test=_part("udpos", "test")
        ),
        Parts(name="panx", train=_part("panx", "train"), dev=_part("panx", "validation"), test=_part("panx", "test")),
        Parts(
            name="xquad",
            train=_part("squad", "train"),
            dev=_part("squad", "validation", HELD_OUT),
            test=_part("xquad", "validation"),
        ),
        Parts(
            name="mlqa",
            train=_part("squad", "train"),
            dev=_part("squad", "validation", HELD_OUT),
            # Nothing is selected on MLQA, so that its dev questions can stand in where the test ones are absent.
            test=_part("mlqa", "test", "validation"),
        ),
        # TyDiQA publishes one evaluation split only. XTREME selects on its English rows and then scores them; here
        # selection sees the last tenth of the training rows instead, so that the English score stays clean.
        Parts(
            name="tydiqa",
            train=_part("tydiqa", "train"),
            dev=_part("tydiqa", HELD_OUT),
            test=_part("tydiqa", "validation"),
        ),
        Parts(name="tatoeba", test=_part("tatoeba", "validation")),
    ),
)
