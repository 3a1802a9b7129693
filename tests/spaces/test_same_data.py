"""Which chains train on the rows of a target's own training set."""

import pytest

from spaces.benchmark import BENCHMARKS
from spaces.same_data import shares_training_rows
from spaces.xtreme_data import DATASETS

XTREME = BENCHMARKS["xtreme"]
PLAIN = (*XTREME.intermediates, "multitask")


def targets_of(chain: str, benchmark: str = "xtreme", **options: list[str]) -> set[str]:
    """The targets of a full sweep whose rows a chain trains on."""
    names = BENCHMARKS[benchmark].target_names()
    return {name for name in names if shares_training_rows(BENCHMARKS[benchmark], chain, name, **options)}


@pytest.mark.parametrize("benchmark", ["xtreme", "xtreme-r"])
def test_inference_shares_rows_with_xnli_and_squad_with_xquad_and_mlqa(benchmark: str) -> None:
    shared = {name: targets for name in PLAIN if (targets := targets_of(name, benchmark))}
    inference = {name for name, targets in shared.items() if targets == {"xnli"}}
    questions = {name for name, targets in shared.items() if targets == {"xquad", "mlqa"}}
    assert inference - {"sham"} == {"anli", "mnli", "random"}
    assert questions == {"squad", "squad2"}
    assert shared.keys() - inference - questions == {"multitask"}
    assert shared["multitask"] == {"xnli", "xquad", "mlqa"}


@pytest.mark.parametrize(
    ("chain", "targets"),
    [
        ("mnli@sw", {"xnli"}),  # translations of the same rows
        ("mnli~freelb", {"xnli"}),
        ("mnli:salt", {"xnli"}),
        ("mnli+mlm", {"xnli"}),
        ("csqa+squad", {"xquad", "mlqa"}),
        ("none", set()),
        ("none:salt", set()),  # no phase: the rows are seen once
        ("qqp+ccg", set()),
        ("ocnli+indonli+americasnli", set()),
        ("random-encoder", set()),
        ("my own chain", set()),
    ],
)
def test_every_name_of_a_chain_tells(chain: str, targets: set[str]) -> None:
    assert targets_of(chain) == targets


def test_a_mix_of_all_tasks_shares_what_its_tasks_share() -> None:
    assert targets_of("multitask", mixture=["qqp", "squad2"]) == {"xquad", "mlqa"}
    assert not targets_of("multitask", mixture=["qqp", "ccg"])


def test_shifted_targets_share_what_their_clean_target_shares() -> None:
    assert shares_training_rows(XTREME, "mnli", "xnli-mixed")
    assert shares_training_rows(XTREME, "mnli", "xnli-perturbed")
    assert not shares_training_rows(XTREME, "mnli", "pawsx-mixed")


def test_nothing_is_shared_with_a_target_without_training_or_an_unknown_one() -> None:
    assert not shares_training_rows(XTREME, "mnli", "tatoeba")
    assert not shares_training_rows(XTREME, "mnli", "my-target")


def test_a_dataset_contains_known_ones() -> None:
    assert all(inner in DATASETS for dataset in DATASETS.values() for inner in dataset.contains)


def test_the_miniature_shares_no_training_row() -> None:
    """By name; `trainables/miniature/test_world.py` compares the rows."""
    miniature = BENCHMARKS["miniature"]
    assert not any(targets_of(name, "miniature") for name in (*miniature.intermediates, "multitask", "mnli@qna"))
