"""The mean of the last tenths' weights: by hand, continued bit for bit, and judged as the last tenth."""

import pytest
import torch

from spaces.method import METHODS
from spaces.stage import TENTHS
from tests.trainables.trainings import assert_continues, training_of
from trainables.training.averaging import WeightAverage
from trainables.training.fine_tuning import FineTuning
from trainables.training.trained_weights import TrainedWeights

TENTHS_AVERAGED = int(METHODS["average"].settings["tenths"])


def averaged() -> FineTuning:
    return training_of("csqa", averaged_tenths=TENTHS_AVERAGED)


def test_the_mean_of_the_last_tenths_by_hand() -> None:
    model = torch.nn.Linear(2, 1)
    weights, average = TrainedWeights(model, frozen=False), WeightAverage(3)
    for tenth in range(1, TENTHS + 1):
        torch.nn.init.constant_(model.weight, float(tenth))
        average.add(weights, tenth)
        expected = {8: 8.0, 9: 8.5}.get(tenth)
        assert (average.mean["weight"].unique().tolist() if average.mean else None) == (expected and [expected])
    assert model.weight.unique().tolist() == [9.0], "the mean of 8, 9 and 10"


def test_without_tenths_nothing_is_averaged() -> None:
    model = torch.nn.Linear(2, 1)
    average = WeightAverage(0)
    average.add(TrainedWeights(model, frozen=False), TENTHS)
    assert not average.mean


def test_the_last_tenth_is_that_of_the_mean_and_counts() -> None:
    plain, after = training_of("csqa"), list[dict[str, torch.Tensor]]()
    for _ in range(TENTHS):
        plain.advance()
        after.append({name: value.clone() for name, value in plain.model.state_dict().items()})
    training = averaged()  # begun now, as both draw from one generator
    for _ in range(TENTHS):
        training.advance()
    assert training.selection.best_tenth == TENTHS and training.curve[:-1] == plain.curve[:-1]
    for name, value in training.model.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, sum(each[name] for each in after[-3:]) / 3)  # type: ignore[arg-type]
    training.restore_best()
    assert all(
        torch.equal(value, training.selection.best_weights[name]) for name, value in training.weights.read().items()
    )


@pytest.mark.parametrize("cut", [1, 7, 8, 9])
def test_it_continues_bit_for_bit(cut: int) -> None:
    assert_continues(cut, averaged)
