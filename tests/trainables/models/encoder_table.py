"""The table of docs/encoders.md: what each kind of task does with each architecture. Run it to print the table anew.

python -m tests.trainables.models.encoder_table > table.md
"""

import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from spaces.encoders import PROFILES
from spaces.task import Recipe, Task
from tests.architectures import ARCHITECTURES
from tests.encoder_folders import TEXTS
from trainables.features.examples import (
    ChoiceExample,
    Example,
    PairExample,
    PassageExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from trainables.features.features import collate
from trainables.features.tokenizer_rules import hash_tokenizer
from trainables.kinds import KINDS
from trainables.models.encoder import Encoder, load_encoder, save_encoder
from trainables.models.encoder_check import check_encoder
from trainables.models.encoder_shape import count_layers
from trainables.models.tokenizer_check import ALL_KINDS
from trainables.models.weight_files import RefusedEncoderError
from trainables.retrieval.embeddings import embed

RECIPE = Recipe(steps=1, max_length=64, stride=8)
PROFILE = PROFILES["pretrained"]
EXAMPLES: dict[str, list[Example]] = {
    "pair": [PairExample(TEXTS[0], TEXTS[1], 0), PairExample(TEXTS[2], TEXTS[0], 1)],
    "text": [TextExample(TEXTS[0], 0), TextExample(TEXTS[2], 1)],
    "choice": [ChoiceExample(TEXTS[0], "who lives", ("an old town", "the north"), i) for i in (0, 1)],
    "tagging": [TaggingExample(tuple(text.split()), (0, 1) * (len(text.split()) // 2) + (0,)) for text in TEXTS[:1]],
    "span": [SpanExample("q", "who lives in the north", TEXTS[2], ("towns",), (4,))],
    "mlm": [PassageExample(text) for text in TEXTS[:2]],
}


@dataclass(frozen=True, slots=True)
class TriedEncoder:
    """What the check and a step of each kind of task said of an architecture."""

    cells: tuple[str, ...]  # by kind of task
    refusal: str = ""
    notes: tuple[str, ...] = ()


def try_encoder(folder: Path) -> TriedEncoder:
    """Check a folder for each kind of task, and take a step of each kind that is accepted."""
    refusal, cells, notes = "", [], ()
    try:
        notes = check_encoder(folder, RECIPE.max_length).notes
    except RefusedEncoderError as error:
        refusal = str(error)
    encoder = None
    for kind in ALL_KINDS:
        if refusal:
            try:
                notes += check_encoder(folder, RECIPE.max_length, (kind,)).notes
            except RefusedEncoderError:
                cells.append("refused")
                continue
        encoder = encoder or _load_as_handed_on(folder)
        _embed_texts(encoder) if kind == "retrieval" else _take_step(encoder, kind)
        is_new_head = kind == "mlm" and not encoder.masked_word_head.is_trained
        cells.append("new head" if is_new_head else "works")
    return TriedEncoder(tuple(cells), refusal, tuple(dict.fromkeys(notes)))


def _load_as_handed_on(folder: Path) -> Encoder:
    """Return the encoder after a stage has saved it: nothing may have changed."""
    first = load_encoder(str(folder))
    with tempfile.TemporaryDirectory() as place:
        save_encoder(first, Path(place))
        second = load_encoder(place)
    assert hash_tokenizer(first.tokenizer) == hash_tokenizer(second.tokenizer)
    assert first.masked_word_head.is_trained == second.masked_word_head.is_trained
    for one, other in ((first.model, second.model), (first.masked_word_head, second.masked_word_head)):
        tensors = other.state_dict()
        assert all(torch.equal(value, tensors[name]) for name, value in one.state_dict().items())
    return second


def _take_step(encoder: Encoder, kind: str) -> None:
    labels = ("no", "yes")
    task = Task(name="t", kind=kind, about="", official_metrics=("accuracy",), labels=labels, recipe=RECIPE)  # type: ignore[arg-type]
    functions = KINDS[kind]
    features = functions.encode(encoder.tokenizer, EXAMPLES[kind], RECIPE, PROFILE)
    batch = collate(features, encoder.pad_id, per_position=functions.per_position, device=encoder.device)
    torch.manual_seed(0)
    head = functions.build_head(encoder, task, PROFILE)
    encoder.model.train()
    logits = encoder.compute_logits(head, batch)
    loss = functions.compute_loss(logits, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    gradient = encoder.model.get_input_embeddings().weight.grad
    assert gradient is not None and torch.isfinite(gradient).all() and gradient.abs().sum() > 0
    encoder.model.zero_grad()
    encoder.model.eval()
    guesses = functions.decode(logits.detach(), batch, features)
    assert len(guesses) == len(features)


def _embed_texts(encoder: Encoder) -> None:
    layers = range(count_layers(encoder.model) + 1)
    vectors = embed(encoder, [TEXTS[0], "an old town", ""], layers)
    assert torch.isfinite(vectors).all() and (vectors[:, 0] - vectors[:, 1]).abs().amax(-1).gt(1e-5).all()


def format_row(name: str, tried: TriedEncoder) -> str:
    return f"| {' | '.join((name, *tried.cells))} |"


def format_lines(name: str, tried: TriedEncoder) -> list[str]:
    """Return the lines that a user sees, as the page has them."""
    refused = ", ".join(kind for kind, cell in zip(ALL_KINDS, tried.cells, strict=True) if cell == "refused")
    scope = "" if len(refused.split(", ")) == len(ALL_KINDS) else f" ({refused})"
    lines = [f"- {name}{scope}: {tried.refusal}"] if tried.refusal else []
    return lines + [f"- {name}: {note.removeprefix('encoder: ')}" for note in tried.notes]


def print_table(tell: Callable[[str], object] = print) -> None:
    tried = {}
    for name, write in ARCHITECTURES.items():
        with tempfile.TemporaryDirectory() as place:
            tried[name] = try_encoder(write(Path(place) / "encoder"))
    tell(f"| architecture | {' | '.join(ALL_KINDS)} |")
    tell("|---" * (len(ALL_KINDS) + 1) + "|")
    for name, result in tried.items():
        tell(format_row(name, result))
    tell("")
    for name, result in tried.items():
        for line in format_lines(name, result):
            tell(textwrap.fill(line, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


if __name__ == "__main__":
    print_table()
