"""What the small stages of the tests share: a few steps on the miniature, from a tiny encoder."""

from typing import Any

from spaces.stage import Stage

BASE: dict[str, Any] = {
    "benchmark": "miniature",
    "seed": 0,
    "profile": "miniature",
    "precision": "fp32",
    "data": {"fingerprint": "f"},
    "start": {"name": "tiny", "fingerprint": "t", "random": False},
    "version": 1,
}
RECIPE = {"steps": 20, "batch_size": 8, "max_length": 64, "stride": 16}
TARGET = Stage(
    kind="target",
    task="squad-en",
    intermediate="none",
    learning_rate=1e-3,
    targets={"xquad": ("en", "qfa"), "mlqa": ("en",)},
    recipe=RECIPE,
    **BASE,
)
