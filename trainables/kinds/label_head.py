"""The trained head of an intermediate task, stored beside its encoder for the probes: they read its predictions.

No stage starts from it: every stage has fresh heads.
"""

from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load, save_file
from torch import nn

from spaces.encoders import EncoderProfile
from spaces.model_files import LABEL_HEAD_FILE
from spaces.task import Task
from trainables.kinds import KINDS
from trainables.models.encoder import Encoder

KINDS_WITH_LABELS = ("pair", "text", "tagging")  # kinds whose head predicts labels of its own


@dataclass(frozen=True, slots=True)
class LabelHead:
    """A trained head and its task."""

    task: Task
    head: nn.Module


def save_label_head(label_head: LabelHead, folder: Path) -> None:
    """Write the head into the folder of its encoder, with the name of its task."""
    tensors = {name: value.contiguous() for name, value in label_head.head.state_dict().items()}
    save_file(tensors, folder / LABEL_HEAD_FILE, metadata={"task": label_head.task.name})


def read_label_head(content: bytes, task: Task, encoder: Encoder, profile: EncoderProfile) -> LabelHead:
    """Return the head from the contents of its file, on the encoder's device.

    Raises SafetensorError for a damaged file, and RuntimeError for the head of another task.
    """
    head = KINDS[task.kind].build_head(encoder, task, profile)
    head.load_state_dict(load(content))
    return LabelHead(task, head.eval().to(encoder.device))
