"""`search/run.py` with every recipe cut to a few steps: the real command, Ray and all, in seconds instead of minutes.

Only the driver is changed: workers read the stages' specifications.
"""

import dataclasses
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])

from search.process import signals

if __name__ == "__main__":  # before the slow imports, as in run.py
    signals.install()

from search.request import start_encoder
from search.run import main
from spaces import encoders
from spaces.command import run_command
from spaces.plan import StageFactory, Stratum

short = dataclasses.replace(encoders.MINIATURE_PRETRAINING, steps=60, texts=1000, held_out=50)
start_encoder.MINIATURE_PRETRAINING = short
_recipe = StageFactory.recipe_of
STEPS = int(os.environ.get("TINY_STEPS", "30"))


def _short_recipe(self: StageFactory, stratum: Stratum) -> Mapping[str, Any] | None:
    recipe = _recipe(self, stratum)
    if recipe is None or stratum.kind == "pretrain" or "steps" not in recipe:
        return recipe
    return {**recipe, "steps": min(recipe["steps"], STEPS)}


StageFactory.recipe_of = _short_recipe  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(run_command(main))
