"""What stands on an encoder while it is trained."""

from torch import nn

from spaces.encoders import EncoderProfile
from spaces.task import Task
from trainables.kinds import KINDS
from trainables.models.encoder import Encoder
from trainables.models.layer_fusion import LayerFusion


def build_task_head(encoder: Encoder, task: Task, profile: EncoderProfile, *, fuse_layers: bool) -> nn.Module:
    """The head of a task's kind, on the last layer or on all of them (the method `layers`)."""
    head = KINDS[task.kind].build_head(encoder, task, profile)
    return LayerFusion(head, encoder.width) if fuse_layers else head
