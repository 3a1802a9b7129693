"""The special tokens that a tokenizer puts around a text and between two texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

PROBE = "All human beings are born free"  # UDHR, article 1


@dataclass(frozen=True, slots=True)
class Template:
    """Ids of the special tokens before and after a text, and before, between and after two texts."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    of_pair: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def read_template(tokenizer: PreTrainedTokenizerBase) -> Template:
    """Return the special tokens, read off an example. Raises ValueError if there are some inside a text."""
    before, after = _split(*_encode(tokenizer, PROBE), segment=0)
    ids, segments = _encode(tokenizer, PROBE, PROBE)
    first, rest = _split(ids, segments, segment=0)
    between, last = _split(rest, segments[len(ids) - len(rest) :], segment=1)
    return Template(before, after, (first, between, last))


def _encode(tokenizer: PreTrainedTokenizerBase, *texts: str) -> tuple[tuple[int, ...], list[int | None]]:
    coded = tokenizer(*texts)
    return tuple(coded["input_ids"]), coded.sequence_ids(0)


def _split(
    ids: Sequence[int], segments: Sequence[int | None], *, segment: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the ids before and after a text. `segments` holds the number of the text of each id, None for specials."""
    positions = [i for i, number in enumerate(segments) if number == segment]
    if not positions or positions[-1] - positions[0] + 1 != len(positions):
        raise ValueError("the tokenizer does not keep the pieces of a text together.")
    return tuple(ids[: positions[0]]), tuple(ids[positions[-1] + 1 :])
