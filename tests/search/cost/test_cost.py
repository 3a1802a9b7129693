"""The work of a plan's arms, counted before they run."""

from pathlib import Path

import pytest

from search.cost.cost import TrainingWork, estimate_work
from search.request.request import SweepRequest
from spaces.benchmark import BENCHMARKS
from spaces.phase import passes_of
from tests.search.asked import request_of

CHAINS = "mnli,mnli~freelb,mnli:layers,mnli+squad,none~x2"


@pytest.fixture
def request_of_chains(tmp_path: Path) -> SweepRequest:
    flags = ["--intermediates", CHAINS, "--targets", "xnli,tatoeba", "--seeds", "0,1", "--results", str(tmp_path)]
    return request_of(*flags, "--learning-rates", "1e-3,2e-3")


def test_every_stratum_has_the_work_of_one_of_its_arms(request_of_chains: SweepRequest) -> None:
    works = estimate_work(request_of_chains)
    assert list(works) == [stratum.id for stratum in request_of_chains.plan]
    mnli = BENCHMARKS["miniature"].intermediates["mnli"].recipe
    assert mnli is not None and mnli.steps is not None
    for seed in (0, 1):
        plain = works[f"intermediate.mnli..{seed}"]
        assert plain == TrainingWork(mnli.steps, mnli.steps * mnli.batch_size * mnli.max_length)
        passes = passes_of(request_of_chains.maker.phases["mnli~freelb"].recipe)
        assert passes > 1
        assert works[f"intermediate.mnli~freelb..{seed}"] == TrainingWork(mnli.steps, round(plain.tokens * passes))
        assert (
            works[f"retrieval.tatoeba.mnli.{seed}"] == works[f"retrieval.tatoeba.none~x2.{seed}"] == TrainingWork(0, 0)
        )
        target = works[f"target.xnli-en.none.{seed}"]
        assert target is not None
        assert works[f"target.xnli-en.none~x2.{seed}"] == TrainingWork(2 * target.steps, 2 * target.tokens)
