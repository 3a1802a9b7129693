"""Tokenizers, words, recipes and tasks for tests of the kinds of task."""

import torch

from spaces.encoders import PROFILES
from spaces.task import Recipe, Task
from tests.subwords import train_subwords
from trainables.miniature import world

TOKENIZER = world.build_tokenizer(world.build_world())
WORDS = [word for word in TOKENIZER.get_vocab() if word.isalpha()][:40]
BLANKS = train_subwords(["an old town", "who", "an old town"] * 2, 40)  # blanks belong to words
MINIATURE, PRETRAINED = PROFILES["miniature"], PROFILES["pretrained"]
CPU = torch.device("cpu")


def recipe(length: int = 24) -> Recipe:
    return Recipe(steps=10, max_length=length, stride=4)


def task(kind: str, labels: tuple[str, ...] = (), **fields: object) -> Task:
    return Task(name="t", kind=kind, about="", labels=labels, official_metrics=("accuracy",), recipe=recipe(), **fields)  # type: ignore[arg-type]
