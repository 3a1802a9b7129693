"""Datasets that targets are evaluated on, in all their languages. Some targets are trained on their English part.

Row numbers are the published ones of the English part: a folder with fewer rows is reported as cut.
"""

from spaces.dataset import DatasetSpec
from spaces.english_data import COPA_WORDING, QA_COLUMNS
from spaces.flores_codes import FLORES_CODES
from spaces.table import Table
from spaces.xtreme_languages import LANGUAGES

# google/xtreme lacks the languages that only XTREME-R has: they are read from other repositories.
_UDPOS_CODES = {language.name: language.english_name for language in LANGUAGES.values()}
_TATOEBA_CODES = {
    **{"af": "afr", "ar": "ara", "az": "aze", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "es": "spa"},
    **{"et": "est", "eu": "eus", "fa": "pes", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun"},
    **{"id": "ind", "it": "ita", "ja": "jpn", "jv": "jav", "ka": "kat", "kk": "kaz", "ko": "kor", "lt": "lit"},
    **{"ml": "mal", "mr": "mar", "nl": "nld", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sw": "swh"},
    **{"ta": "tam", "te": "tel", "th": "tha", "tl": "tgl", "tr": "tur", "uk": "ukr", "ur": "urd", "vi": "vie"},
    "zh": "cmn",
}
_NUSAX_CODES = {
    **{"ace": "ace", "ban": "ban", "bbc": "bbc", "bjn": "bjn", "bug": "bug", "en": "eng", "id": "ind", "jv": "jav"},
    **{"mad": "mad", "min": "min", "nij": "nij", "su": "sun"},
}
_TYDIQA_CODES = {name: _UDPOS_CODES[name].lower() for name in "ar bn en fi id ko ru sw te".split()}

TARGET_DATASETS = Table(
    "dataset",
    (
        DatasetSpec(
            name="xnli",
            repo_id="google/xtreme",
            configs=("XNLI",),
            columns={"first": "sentence1", "second": "sentence2", "label": "gold_label", "language": "language"},
            label_format="names",
            label_aliases={"contradictory": "contradiction"},
            published_rows={"validation": 2_490, "test": 5_010},
            licence="CC BY-NC 4.0",
        ),
        DatasetSpec(
            name="pawsx",
            repo_id="google/xtreme",
            configs=("PAWS-X.{code}",),
            columns={"first": "sentence1", "second": "sentence2", "label": "label"},
            label_format="digits",
            digit_labels=("different", "paraphrase"),
            published_rows={"train": 49_401, "validation": 2_000, "test": 2_000},
            licence="free for any purpose, acknowledge Google LLC",
        ),
        DatasetSpec(
            name="udpos",
            repo_id="google/xtreme",
            configs=("udpos.{code}",),
            columns={"words": "tokens", "tags": "pos_tags"},
            label_format="names",
            codes=_UDPOS_CODES,
            published_rows={"train": 21_253, "validation": 3_974, "test": 5_440},
            licence="per treebank: mostly CC BY-SA, several CC BY-NC-SA",
            note="The hub adds treebanks to el, zh, fr, ru, pt and de that XTREME's own files do not have.",
        ),
        DatasetSpec(
            name="udpos_local",
            repo_id="local/udpos",
            configs=("{code}",),
            columns={"words": "tokens", "tags": "pos_tags"},
            label_format="names",
            licence="per treebank: mostly CC BY-SA, several CC BY-NC-SA",
            how_to_obtain=(
                "the hub has XTREME's 33 languages only; convert Universal Dependencies 2.7 to Parquet with one "
                "sentence per row: `tokens` (list of words) and `pos_tags` (list of tags such as NOUN, as text)"
            ),
        ),
        DatasetSpec(
            name="panx",
            repo_id="google/xtreme",
            configs=("PAN-X.{code}",),
            columns={"words": "tokens", "tags": "ner_tags"},
            label_format="names",
            codes={name: name for name in LANGUAGES},
            published_rows={"train": 20_000, "validation": 10_000, "test": 10_000},
            licence="not stated (derived from Wikipedia)",
        ),
        DatasetSpec(
            name="wikiann",
            repo_id="unimelb-nlp/wikiann",
            configs=("{code}",),
            columns={"words": "tokens", "tags": "ner_tags"},
            label_format="names",
            published_rows={"train": 20_000, "validation": 10_000, "test": 10_000},
            licence="not stated (derived from Wikipedia)",
        ),
        DatasetSpec(
            name="xquad",
            repo_id="google/xtreme",
            configs=("XQuAD.{code}",),
            columns=QA_COLUMNS,
            codes={name: name for name in "ar de el en es hi ru th tr vi zh".split()},
            published_rows={"validation": 1_190},
            licence="CC BY-SA 4.0",
        ),
        DatasetSpec(
            name="xquad_own",
            repo_id="google/xquad",  # the only repository with Romanian
            configs=("xquad.{code}",),
            columns=QA_COLUMNS,
            published_rows={"validation": 1_190},
            licence="CC BY-SA 4.0",
        ),
        DatasetSpec(
            name="mlqa",
            repo_id="google/xtreme",
            configs=("MLQA.{code}.{code}",),
            columns=QA_COLUMNS,
            published_rows={"validation": 1_148, "test": 11_590},
            licence="CC BY-SA 3.0",
        ),
        DatasetSpec(
            name="tydiqa",
            repo_id="google/xtreme",
            configs=("tydiqa",),
            columns=QA_COLUMNS,
            has_language_ids=True,
            codes=_TYDIQA_CODES,
            published_rows={"train": 3_696, "validation": 440},
            licence="Apache-2.0",
        ),
        DatasetSpec(
            name="bucc",
            repo_id="local/bucc2018",
            fallbacks=("mteb/BUCC",),
            configs=("{code}-en",),
            # One row holds everything: two lists of sentences, and pairs of indices into them, counted from 1.
            columns={"query": "sentence1", "candidate": "sentence2", "gold": "gold"},
            codes={name: name for name in ("de", "fr", "ru", "zh")},
            licence="terms of the shared task, not stated",
            how_to_obtain=(
                "the threshold is chosen on the shared task's sample, which the hub lacks: put it into the folder as "
                "the split dev, and its training data, on which XTREME scores, as the split test, with the columns of "
                "mteb/BUCC"
            ),
        ),
        DatasetSpec(
            name="tatoeba",
            repo_id="google/xtreme",
            configs=("tatoeba.{code}",),
            # As in XTREME's script and label files, the queries are English sentences.
            columns={"query": "target_sentence", "candidate": "source_sentence"},
            codes={name: code for name, code in _TATOEBA_CODES.items() if name in LANGUAGES},
            licence="CC BY 2.0 FR",
        ),
        DatasetSpec(
            name="tatoeba_mteb",
            repo_id="mteb/tatoeba-bitext-mining",
            configs=("{code}-eng",),
            columns={"query": "sentence2", "candidate": "sentence1"},
            codes=_TATOEBA_CODES,
            licence="CC BY 2.0 FR",
        ),
        DatasetSpec(
            name="sib200",  # its training rows are also the sentences of the alignment probes
            repo_id="Davlan/sib200",
            configs=("{code}",),
            columns={"item": "index_id", "text": "text", "label": "category"},
            label_format="names",
            codes=FLORES_CODES,
            published_rows={"train": 701, "validation": 99, "test": 204},
            licence="CC BY-SA 4.0",
        ),
        DatasetSpec(
            name="nusax",
            repo_id="indonlp/NusaX-senti",
            configs=("{code}",),
            columns={"text": "text", "label": "label"},
            label_format="names",
            codes=_NUSAX_CODES,
            published_rows={"train": 500, "validation": 100, "test": 400},
            licence="CC BY-SA 4.0",
        ),
        DatasetSpec(
            name="xcopa",
            repo_id="cambridgeltl/xcopa",
            configs=("{code}",),
            columns={"context": "premise", "question": "question", "options": "choice1 choice2", "label": "label"},
            label_format="places",
            question_wording=COPA_WORDING,
            published_rows={"validation": 100, "test": 500},
            licence="CC BY 4.0",
        ),
        DatasetSpec(
            name="xquad_r",
            repo_id="local/xquad-r",
            configs=("{code}",),
            columns={**QA_COLUMNS, "sentences": "sentence_breaks"},
            published_rows={"validation": 1_190},
            licence="CC BY-SA 4.0",
            how_to_obtain=(
                "the hub has XQuAD-R without its sentence breaks; convert the files xquad-r/*.json of the repository "
                "google-research-datasets/lareqa to Parquet with one question per row: `id`, `question`, `context`, "
                "`answers` (text, answer_start) and `sentence_breaks` (list of [start, end])"
            ),
        ),
        DatasetSpec(
            name="mewslix",
            repo_id="local/mewslix",
            configs=("{code}",),
            columns={"mention": "mention", "entity": "entity"},
            licence="per edition of Wikipedia and Wikinews",
            how_to_obtain=(
                "Mewsli-X is in no repository of the hub; run its own download script and convert its mentions to "
                "Parquet: `mention` (the sentence with the mention in braces) and `entity` (its id)"
            ),
        ),
        DatasetSpec(
            name="mewslix_index",
            repo_id="local/mewslix",
            configs=("index",),
            columns={"entity": "entity", "candidate": "text"},
            licence="per edition of Wikipedia",
            how_to_obtain=(
                "convert Mewsli-X's index of entities to Parquet: `entity` (its id) and `text` (its description)"
            ),
        ),
    ),
)
