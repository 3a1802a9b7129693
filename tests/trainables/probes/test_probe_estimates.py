"""LogME, neighbours, NCE and LEEP against cases by hand, brute force and their properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from trainables.probes.transferability import leave_one_out_accuracy, leep, logme, nce

seeds = st.integers(0, 10_000)


def evidence(features: np.ndarray, y: np.ndarray) -> float:
    """The maximum of the log evidence per row over both precisions, by a search instead of the fixed point."""

    def negative_evidence(logs: np.ndarray) -> float:
        alpha, beta = np.exp(logs)
        covariance = np.eye(len(y)) / beta + features @ features.T / alpha
        return -float(multivariate_normal(np.zeros(len(y)), covariance).logpdf(y)) / len(y)

    return -min(minimize(negative_evidence, start).fun for start in ([0.0, 0.0], [3.0, 1.0], [-2.0, 2.0]))


def test_logme_is_the_best_evidence_of_a_linear_model() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 5))
    labels = (features[:, 0] + rng.normal(size=60) > 0).astype(np.int64)
    best = np.mean([evidence(features, (labels == label).astype(float)) for label in (0, 1)])
    assert logme(features, labels) == pytest.approx(best, abs=1e-4)


def test_logme_with_fewer_rows_than_features_settles_near_the_best_evidence() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(30, 50))
    labels = (features[:, 0] > 0).astype(np.int64)
    best = np.mean([evidence(features, (labels == label).astype(float)) for label in (0, 1)])
    assert best - 0.02 < logme(features, labels) <= best + 1e-6


def test_logme_prefers_features_that_explain_labels() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 200)
    noise = rng.normal(size=(200, 8))
    evidences = [logme(noise + strength * np.eye(8)[labels], labels) for strength in (0.0, 1.0, 3.0)]
    assert evidences == sorted(evidences) and evidences[2] > evidences[0] + 0.3


def test_logme_of_a_perfect_fit_is_a_number_and_of_one_class_an_error() -> None:
    labels = np.array([0, 1, 0, 1])
    assert np.isfinite(logme(np.eye(2)[labels], labels))
    with pytest.raises(ValueError, match="two classes"):
        logme(np.eye(4), np.zeros(4, dtype=np.int64))


@given(seeds, st.integers(1, 6))
@settings(max_examples=50)
def test_neighbours_by_brute_force(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(20, 3))
    labels, groups = rng.integers(0, 3, 20), np.repeat(np.arange(10), 2)
    correct = 0
    for i in range(20):
        others = [j for j in range(20) if groups[j] != groups[i]]
        unit = [features[j] / np.sqrt((features[j] ** 2).sum()) for j in range(20)]
        nearest = sorted(others, key=lambda j: -float(unit[i] @ unit[j]))[:count]
        votes = [int(labels[j]) for j in nearest]
        correct += max(votes, key=lambda label: (votes.count(label), -votes.index(label))) == labels[i]
    assert leave_one_out_accuracy(features, labels, groups, count) == pytest.approx(correct / 20)


def test_neighbours_of_the_same_input_do_not_vote() -> None:
    features = np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [0.01, 1.0]])
    labels, groups = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
    assert leave_one_out_accuracy(features, labels, groups, 1) == 0
    assert leave_one_out_accuracy(features, labels, np.arange(4), 1) == 1
    with pytest.raises(ValueError, match="two inputs"):
        leave_one_out_accuracy(features, labels, np.zeros(4, dtype=np.int64))


def test_nce_by_hand() -> None:
    predictions, labels = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    # Three rows of answer 0 with labels 2 : 1, one of answer 1 with label 1 alone.
    assert nce(predictions, labels) == pytest.approx(3 / 4 * (2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3)))
    assert nce(labels, labels) == 0
    assert nce(np.zeros(4, dtype=np.int64), labels) == pytest.approx(-np.log(2))


def test_leep_by_hand() -> None:
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6]])
    # p(y = 0 | z) is .8 / 1.2 and .2 / .8, p(y = 1 | z) is .4 / 1.2 and .6 / .8.
    first = np.log(0.8 * 2 / 3 + 0.2 / 4)
    second = np.log(0.4 / 3 + 0.6 * 3 / 4)
    assert leep(probabilities, np.array([0, 1])) == pytest.approx((first + second) / 2)


@given(seeds)
@settings(max_examples=100)
def test_what_holds_of_nce_and_leep(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 40)
    probabilities = rng.dirichlet(np.full(4, 0.3), size=40)
    predictions = probabilities.argmax(axis=1)
    assert nce(predictions, labels) <= 1e-12
    assert leep(probabilities, labels) <= 1e-12
    # Certain predictions leave nothing to average over: both are the same number.
    assert leep(np.eye(4)[predictions], labels) == pytest.approx(nce(predictions, labels))
    constant = np.zeros(40, dtype=np.int64)
    assert nce(predictions, labels) >= nce(constant, labels) - 1e-12  # more knowledge is never worse
