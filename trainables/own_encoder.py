"""The project's own encoders: which pretraining a `pretrain` stage stands for."""

from typing import Any

from spaces.own_encoders import MiniatureRecipe, SmallRecipe
from spaces.stage import Stage
from trainables.data import Source
from trainables.pretrain import Pretraining


def start_pretraining(stage: Stage, source: Source) -> Pretraining:
    """The pretraining of the miniature's encoder, or of the small encoder for real text, from its beginning."""
    recipe: dict[str, Any] = dict(stage.recipe or {})  # of a stage that was read back: lists where tuples were
    if stage.start["name"] == "miniature":
        from trainables.miniature import pretraining, world

        return pretraining.start(world.world(source.world_seed, source.null_world), MiniatureRecipe(**recipe))
    from trainables import small

    return small.start(SmallRecipe(**{**recipe, "languages": tuple(recipe["languages"])}), source.folder)
