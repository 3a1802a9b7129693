"""Which split a text may appear in: decided by the text itself, so that no test item can be in any training set."""

import hashlib
from typing import Literal

Split = Literal["train", "dev", "test"]
_BUCKETS: tuple[Split, ...] = ("train",) * 6 + ("dev", "test")


def split_of(english: str) -> Split:
    """The only split for an item with this English text: train for six in eight, dev and test for one each."""
    return _BUCKETS[hashlib.md5(english.encode(), usedforsecurity=False).digest()[0] % len(_BUCKETS)]
