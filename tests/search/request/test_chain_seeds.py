"""More seeds for the baseline and single chains: the flag, what `sweep.json` says of it, and what stays as it was."""

from pathlib import Path

import pytest

from search.cost.cost import estimate_cost
from search.cost.plan_description import describe_plan
from search.request.flag_values import parse_seeds
from search.sweep.sweep_file import check_growth
from spaces.sweep_record import parse_chain_seeds
from tests.search.asked import request_of


@pytest.mark.parametrize(
    ("text", "common", "of_chain"),
    [
        ("0,1", (0, 1), {}),
        ("0..2", (0, 1, 2), {}),
        ("7,0..2,none=0..3", (7, 0, 1, 2), {"none": (0, 1, 2, 3)}),
        ("none=0..1,mnli@sw+squad~freelb:layers=4", (), {"none": (0, 1), "mnli@sw+squad~freelb:layers": (4,)}),
        ("none=3, none = 5..6", (), {"none": (3, 5, 6)}),
    ],
)
def test_a_part_is_for_all_chains_or_for_the_one_that_it_names(
    text: str, common: tuple[int, ...], of_chain: dict[str, tuple[int, ...]]
) -> None:
    assert parse_seeds(text) == (common, of_chain)


def test_a_chain_has_its_own_seeds_beside_those_of_all(tmp_path: Path) -> None:
    flags = ["--intermediates", "mnli,ccg", "--targets", "xnli", "--learning-rates", "1e-3", "--results", tmp_path]
    plain = request_of(*flags, "--seeds", "0..2")
    assert request_of(*flags).spec["chain_seeds"] == {"none": [0, 1, 2, 3, 4, 5]}  # of the space
    request = request_of(*flags, "--seeds", "none=5,mnli=0..4,ccg=1")  # all chains keep the seeds of the space
    assert request.spec["seeds"] == [0, 1, 2]
    assert request.spec["chain_seeds"] == {"none": [0, 1, 2, 5], "mnli": [0, 1, 2, 3, 4]}
    assert parse_chain_seeds(request.spec) == request.axes.chain_seeds
    assert "chain_seeds" not in plain.spec  # nothing changes where no chain has more
    check_growth(plain.spec, request.spec, "sweep")
    check_growth(request.spec, request_of(*flags, "--seeds", "0..5").spec, "sweep")
    added = {(stratum.intermediate, stratum.seed) for stratum in {*request.plan} - {*plain.plan}}
    assert added == {("none", 5), ("mnli", 3), ("mnli", 4)} and {*plain.plan} <= {*request.plan}
    first = describe_plan(request, estimate_cost(request, 1, "winners"), 0)
    assert "seeds: 0, 1, 2; none: 0, 1, 2, 5; mnli: 0, 1, 2, 3, 4" in first[3]
    stages = [estimate_cost(each, 1, "winners").stages.total() for each in (plain, request)]
    assert stages == [16, 21]  # the baseline's seed is one stage, a task's are two


def test_a_space_file_gives_chains_more_seeds(tmp_path: Path) -> None:
    text = "SPACE = Space(name='s', intermediates=('mnli',), seeds=(0, 1), chain_seeds={'none': (2, 3)})"
    (tmp_path / "own.py").write_text(f"from spaces.space import Space\n{text}", encoding="utf-8")
    axes = request_of("--space", tmp_path / "own.py", "--results", tmp_path).axes
    assert (axes.seeds_of("none"), axes.seeds_of("mnli"), axes.all_seeds) == ((0, 1, 2, 3), (0, 1), (0, 1, 2, 3))
