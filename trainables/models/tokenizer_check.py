"""Check that a tokenizer encodes texts as the kinds of task of a sweep read them."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from spaces.task import TaskKind
from trainables.features.template import Template, read_template
from trainables.features.words import SENTENCES, find_word_style
from trainables.models.weight_files import RefusedEncoderError, check_no_pointer

ALL_KINDS: tuple[TaskKind, ...] = ("pair", "text", "choice", "tagging", "span", "mlm", "retrieval")
FIRST_TOKEN_KINDS: tuple[TaskKind, ...] = ("pair", "text", "choice", "span")  # heads on the first token of a row
PAIR_KINDS: tuple[TaskKind, ...] = ("pair", "choice", "span")  # two texts in a row
BLANKS = "blanks"


@dataclass(frozen=True, slots=True)
class EncoderFacts:
    """What must be known of an encoder that is used: marks for the keys of stages, and notes for users.

    `marks` name how it is used in another way than in former versions of this program, whose stages had no marks.
    `rules` is a hash of what its tokenizer does, None if `tokenizer.json` alone says it. `has_new_head` is True if its
    head for masked words was not recognised in former versions.
    """

    marks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rules: str | None = None
    has_new_head: bool = False


def check_tokenizer_files(folder: Path) -> None:
    """Raise RefusedEncoderError unless the folder has a tokenizer: the library would make an empty one up."""
    names = {path.name for path in folder.iterdir()}
    models = sorted(name for name in names if name.endswith(".model"))
    for name in ("tokenizer.json", "vocab.txt", *models):
        if name in names:
            check_no_pointer(folder / name)
    if "tokenizer.json" in names or "vocab.txt" in names:
        return
    if models:
        _check_sentencepiece(folder / models[0])
        return
    if "vocab.json" not in names:
        raise RefusedEncoderError("the folder has no tokenizer (tokenizer.json). Save both model and tokenizer there.")
    if "merges.txt" not in names:
        raise RefusedEncoderError(
            "the folder has vocab.json, but neither merges.txt nor tokenizer.json. Copy them too."
        )


def _check_sentencepiece(file: Path) -> None:
    """Raise RefusedEncoderError unless the file is a SentencePiece model: the library takes it for another kind."""
    from sentencepiece import SentencePieceProcessor

    try:
        SentencePieceProcessor().LoadFromFile(str(file))
    except (RuntimeError, OSError) as error:
        raise RefusedEncoderError(
            f"{file.name} ({file.stat().st_size:,} bytes) is no SentencePiece model, and there is no tokenizer.json. "
            "It is cut, or a file of another kind: copy it again."
        ) from error


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, kinds: Collection[TaskKind]) -> EncoderFacts:
    """Return how a tokenizer is used. Raise RefusedEncoderError if a kind of task could not read its encodings."""
    if not tokenizer.is_fast:
        raise RefusedEncoderError("the tokenizer has no fast implementation. Save one with a tokenizer.json there.")
    if len(tokenizer.get_vocab()) <= len(tokenizer.all_special_ids):
        raise RefusedEncoderError("the tokenizer has no tokens but special ones. Copy its vocabulary into the folder.")
    if not isinstance(tokenizer.pad_token_id, int):
        raise RefusedEncoderError(
            "the tokenizer has no padding token, which batches need. Name one (pad_token in tokenizer_config.json)."
        )
    if "mlm" in kinds and not isinstance(tokenizer.mask_token_id, int):
        raise RefusedEncoderError(
            "the tokenizer has no mask token, which masked words need. Name one (mask_token in tokenizer_config.json), "
            "or leave out mlm."
        )
    if kinds:
        _check_template(tokenizer, kinds)
    try:
        style = find_word_style(tokenizer)
    except ValueError as error:
        if "tagging" in kinds:
            raise RefusedEncoderError(str(error)) from error
        return EncoderFacts()
    note = (
        f"encoder: its tokenizer encodes words one by one as in their sentence in {style.alike} of {len(SENTENCES)} "
        "sentences; in the others, tags are read off other pieces than those of whole texts"
    )
    is_noted = "tagging" in kinds and style.alike < len(SENTENCES)
    return EncoderFacts((BLANKS,) if style.with_blanks else (), (note,) if is_noted else ())


def _check_template(tokenizer: PreTrainedTokenizerBase, kinds: Collection[TaskKind]) -> None:
    try:
        template = read_template(tokenizer)
    except ValueError as error:
        raise RefusedEncoderError(
            f"{error} Give an encoder whose template puts special tokens around texts."
        ) from error
    reading = [kind for kind in FIRST_TOKEN_KINDS if kind in kinds]
    paired = [kind for kind in PAIR_KINDS if kind in kinds]
    starts = [*([template.before] if "text" in reading else []), *([template.of_pair[0]] if paired else [])]
    shown = _describe_template(tokenizer, template)
    special = set(tokenizer.all_special_ids)
    if not all(start and start[0] in special for start in starts):
        raise RefusedEncoderError(
            f"the heads of {', '.join(reading)} tasks read the first token, which must be a special one such as <s> or "
            f"[CLS]; this tokenizer gives {shown}. Leave out these tasks, or give an encoder with such a template."
        )
    if paired and not template.of_pair[1]:
        raise RefusedEncoderError(
            f"{', '.join(paired)} tasks need a special token between two texts; this tokenizer gives {shown}. "
            "Leave out these tasks, or give an encoder with such a template."
        )


def _describe_template(tokenizer: PreTrainedTokenizerBase, template: Template) -> str:
    """Return the template of two texts, as in `<s> A </s> B </s>`."""
    groups = [tokenizer.convert_ids_to_tokens(list(ids)) for ids in template.of_pair]
    return "`" + " ".join([*groups[0], "A", *groups[1], "B", *groups[2]]) + "`"
