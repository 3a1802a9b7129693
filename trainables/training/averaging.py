"""The mean of a run's weights after its last tenths, which takes the place of the last weights.

It costs no training. Weights along the end of a run lie around a point that may transfer better than any of them
(Izmailov et al. 2018, Kaddour 2022).
"""

from collections.abc import Mapping

from torch import Tensor

from spaces.stage import TENTHS
from trainables.training.trained_weights import TrainedWeights, Weights
from trainables.worker.memory import copy_to_host


class WeightAverage:
    """The mean of the weights after each of the last `count` tenths so far, in the memory of the host; 0: of none."""

    def __init__(self, count: int) -> None:
        self.first = TENTHS - count + 1  # the first tenth that counts
        self.mean = Weights()

    def add(self, weights: TrainedWeights, tenth: int) -> None:
        """Count the weights after a tenth. After the last one the model is given the mean."""
        if tenth < self.first:
            return
        current = copy_to_host(weights.read())
        if not self.mean:
            self.mean = current
        for name, mean in self.mean.items():
            if mean.is_floating_point():  # others, such as positions, are the same everywhere
                mean.lerp_(current[name], 1 / (tenth - self.first + 1))
        if tenth == TENTHS:
            weights.load(self.mean)
            self.mean = Weights()

    def load(self, mean: Mapping[str, Tensor]) -> None:
        """Continue from the mean of a state, which is empty before the first tenth that counts."""
        self.mean = copy_to_host(mean)
