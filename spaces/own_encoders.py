"""How the project's own encoders are pretrained: the miniature's, and the small one for real text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniatureRecipe:
    """The miniature's encoder: XLM-R in small, about 0.13 M parameters, masked words in texts and translation pairs."""

    texts: int = 60_000
    held_out: int = 300  # texts that score the pretraining itself
    steps: int = 2600
    batch_size: int = 64
    learning_rate: float = 4e-3
    masking: float = 0.3  # share of the words to guess
    layers: int = 3
    width: int = 64
    heads: int = 4
    inner: int = 128  # inner size of the feed-forward part


MINIATURE_PRETRAINING = MiniatureRecipe()


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallRecipe:
    """The small encoder for real text: word vectors in closed form from aligned text, kept while the layers train.

    It is no encoder that was pretrained on masked words alone: what it knows across languages comes from translated
    verses and, with `sentences`, from translated sentences of facebook/xnli's training set (without its labels).
    """

    languages: tuple[str, ...] = ()  # empty: every language that the verses are there in
    vocabulary: int = 24_000
    layers: int = 4
    width: int = 192
    heads: int = 4
    inner: int = 768  # inner size of the feed-forward part
    longest: int = 512  # sub-tokens with a position of their own
    sentences: int = 15_000  # rows of facebook/xnli's training set to learn word vectors from; 0: verses only
    steps: int = 250
    tokens: int = 1_536  # per step
    learning_rate: float = 7e-4
    masking: float = 0.2  # share of the words to guess
    joined: float = 0.3  # share of the verse pairs that are one input; the others are drawn together
    contrast: float = 0.5  # weight of drawing them together
    held_out: int = 300  # verses that nothing is trained on
    seed: int = 0
