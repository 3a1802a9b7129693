"""The kinds of task: each is a module with the same functions (see kind.py). And the head of a task."""

from collections.abc import Mapping

from torch import nn

from spaces.encoders import EncoderProfile
from spaces.task import Task
from trainables.kinds import choice, mlm, pair, span, tagging, text
from trainables.kinds.kind import KindOfTask
from trainables.models.encoder import Encoder
from trainables.models.layer_fusion import LayerFusion

KINDS: Mapping[str, KindOfTask] = {
    "pair": pair,
    "text": text,
    "choice": choice,
    "tagging": tagging,
    "span": span,
    "mlm": mlm,
}


def build_task_head(encoder: Encoder, task: Task, profile: EncoderProfile, *, fuse_layers: bool) -> nn.Module:
    """Return a fresh head for the task's kind that reads the last layer, or all layers (the method `layers`)."""
    head = KINDS[task.kind].build_head(encoder, task, profile)
    return LayerFusion(head, encoder.width) if fuse_layers else head
