"""The weights of a model that a training changes: all of them, or those of adapters and heads.

A frozen encoder is no part of a training's state: the stage that continues has it from its parent.
"""

from collections.abc import Mapping

from torch import Tensor, nn

Weights = dict[str, Tensor]


class TrainedWeights:
    """The weights that a training of `model` changes, by the names of its state.

    With `frozen`, what has no gradient is left out. Else all tensors of the model count.
    """

    def __init__(self, model: nn.Module, *, frozen: bool) -> None:
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self.model, self.trained = model, list(trained.values())
        self.frozen_names = frozenset(model.state_dict().keys() - trained.keys()) if frozen else frozenset()

    def read(self) -> Weights:
        """Return the weights, without copying them."""
        return {name: value for name, value in self.model.state_dict().items() if name not in self.frozen_names}

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Put weights by `read` into the model. Raises RuntimeError for those of another one."""
        state = self.model.state_dict()
        self.model.load_state_dict({name: state[name] for name in self.frozen_names} | dict(weights))
