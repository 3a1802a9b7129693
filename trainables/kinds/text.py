"""Single texts: one label for one text (topic, sentiment, intent).

A text gives one row with one distribution over the labels, as a sentence pair does. Their tokens differ, and so does
what is pooled of them; macro F1 is reported beside the accuracy.
"""

from collections.abc import Sequence

from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.examples import TextExample
from trainables.features.features import Feature
from trainables.kinds import pair
from trainables.kinds.pooling import PooledHead, count_segments
from trainables.models.encoder import Encoder
from trainables.scoring.metrics import macro_f1

compute_loss, flatten_logits, decode = pair.compute_loss, pair.flatten_logits, pair.decode
merge, compute_parts = pair.merge, pair.compute_parts
per_position = False


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[TextExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """Return one feature per text. A long text is cut at its end."""
    coded = tokenizer([example.text for example in examples], truncation=True, max_length=recipe.max_length)
    return pair.build_features(coded, examples, profile)


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """Return a head with one output per label."""
    return PooledHead(encoder.width, len(task.labels), encoder.dropout, count_segments("text", profile))


def score(task: Task, examples: Sequence[TextExample], predictions: Sequence[int], language: str) -> dict[str, float]:
    """Return the accuracy, and the mean F1 of the labels."""
    gold = [example.label for example in examples]
    return {**pair.score(task, examples, predictions, language), "macro_f1": macro_f1(gold, predictions)}
