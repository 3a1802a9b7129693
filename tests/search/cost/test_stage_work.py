"""The work of a plan's stages, with inputs that are written down instead of sampled."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from search.cost.input_sizes import InputSizes
from search.cost.pass_speed import Load, MachineSpeed, PassSpeed
from search.cost.stage_work import StageWork, WorkEstimator, choose_languages, find_seconds
from search.request.request import SweepRequest
from spaces.encoders import EncoderShape
from spaces.method import METHODS
from spaces.stage import TENTHS
from spaces.task import Recipe, Split, Task
from tests.search.asked import request_of

SHAPE = EncoderShape(name="small", layers=3, width=8, inner=16, vocabulary=100)
SPEED = MachineSpeed(
    step=PassSpeed(1.0, 0.1), forward=PassSpeed(0.5, 0.01), per_cosine=2.0, per_stored_byte=0.25, encoder_bytes=8,
    open_encoder=3.0, pretraining=1_000.0,
)  # fmt: skip


class TenSubTokens:
    """Every input has ten sub-tokens, and every split this number of rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.asked: list[tuple[str, Split, str]] = []

    def sizes_of(self, task: Task, split: Split, language: str, recipe: Recipe, *, languages: int = 1) -> InputSizes:
        self.asked.append((task.name, split, language))
        return InputSizes(row_count=self.rows, lengths=np.array([10]), options=np.array([task.option_count]))

    def count_tokens(self, sentences: Sequence[str]) -> float:
        return 10.0


def works_of(request: SweepRequest, rows: int = 40) -> dict[str, StageWork]:
    return WorkEstimator(request=request, sizes=TenSubTokens(rows), shape=SHAPE, batch_tokens=20).estimate()


@pytest.fixture
def request_of_chains(tmp_path: Path) -> SweepRequest:
    chains = "mnli,mnli~freelb,mlm,none~x2"
    return request_of(
        *("--intermediates", chains, "--targets", "xnli,tatoeba", "--seeds", "0", "--results", tmp_path),
        *("--learning-rates", "1e-3"),
    )


def test_a_stage_is_its_steps_ten_dev_sets_and_the_test_of_every_language(request_of_chains: SweepRequest) -> None:
    works, request = works_of(request_of_chains), request_of_chains
    recipe, task = request.maker.phases["mnli"].recipe, request.benchmark.targets["xnli"]
    steps, batch = recipe["steps"], recipe["batch_size"]
    phase = works["intermediate.mnli..0"]
    assert phase.training == Load(steps, pytest.approx(10 * batch * steps), pytest.approx(100 * batch * steps))
    assert phase.dev == Load(20 * TENTHS, 400 * TENTHS, 4_000 * TENTHS)  # 40 rows, two in a batch
    target = works["target.xnli-en.none.0"]
    assert (target.dev.tokens, target.test.tokens) == (400 * TENTHS, pytest.approx(400 * len(task.languages)))
    assert works["target.xnli-en.none~x2.0"].training.batches == 2 * target.training.batches


def test_methods_and_masked_words_cost_more_than_a_plain_step(request_of_chains: SweepRequest) -> None:
    works = works_of(request_of_chains)
    plain, method = works["intermediate.mnli..0"].training, works["intermediate.mnli~freelb..0"].training
    assert method.tokens == pytest.approx(METHODS["freelb"].passes * plain.tokens) and method.batches == plain.batches
    masked = works["intermediate.mlm..0"].training
    recipe, extra = request_of_chains.maker.phases["mlm"].recipe, 0.15 * SHAPE.vocabulary * SHAPE.width
    per_step = 10 * recipe["batch_size"] * (1 + extra / SHAPE.layer_parameters)
    assert masked.tokens == pytest.approx(per_step * masked.batches)


def test_a_pool_is_embedded_once_and_searched_from_both_sides(request_of_chains: SweepRequest) -> None:
    work, languages = works_of(request_of_chains)["retrieval.tatoeba.none.0"], request_of_chains.maker.languages
    pairs, count = 100, len(languages["tatoeba"])  # of the miniature's pools
    assert work.test.tokens == pytest.approx(2 * pairs * 10 * count)
    assert work.cosines == pytest.approx(2 * pairs**2 * count * (SHAPE.layers + 1))
    source = dataclasses.replace(request_of_chains.context.source, pool_limit=20)
    bounded = dataclasses.replace(
        request_of_chains, context=dataclasses.replace(request_of_chains.context, source=source)
    )
    assert works_of(bounded)["retrieval.tatoeba.none.0"].test.tokens == pytest.approx(2 * 20 * 10 * count)


def test_probes_cost_what_they_read(tmp_path: Path) -> None:
    base = ("--intermediates", "mnli", "--targets", "xnli", "--seeds", "0", "--results", tmp_path)

    def probing(*flags: str) -> float:
        return works_of(request_of(*base, *flags))["target.xnli-en.none.0"].probing.tokens

    similarity, alignment = probing("--probes", "similarity"), probing("--probes", "alignment")
    assert probing() == 0 < similarity
    assert probing("--probes", "similarity,alignment") == pytest.approx(similarity + alignment)
    assert probing("--probes", "alignment", "--probe-limit", "8") < alignment / 2
    assert probing("--probes", "similarity", "--probe-limit", "8") == similarity


@pytest.mark.parametrize(("flags", "part"), [(("--limit", "16"), "training"), (("--test-limit", "4"), "test")])
def test_fewer_rows_are_less_work_and_more_rows_more(tmp_path: Path, flags: tuple[str, str], part: str) -> None:
    base = ("--intermediates", "mnli", "--targets", "xnli", "--seeds", "0", "--results", tmp_path)
    plain, bounded = (works_of(request_of(*base, *extra)) for extra in ((), flags))
    more = works_of(request_of(*base), rows=80)
    for id_, work in plain.items():
        if not work.pretrains:
            assert getattr(bounded[id_], part).tokens <= getattr(work, part).tokens <= getattr(more[id_], part).tokens
    if part == "test":
        assert bounded["target.xnli-en.none.0"].test.tokens * 10 == plain["target.xnli-en.none.0"].test.tokens


def test_seconds_are_the_sums_of_a_hand_worked_stage() -> None:
    work = StageWork(
        training=Load(10, 100, 0), dev=Load(2, 100, 0), test=Load(2, 100, 0), cosines=1.5, state_copies=3.0,
        rungs=(4, 7), stores_encoder=True,
    )  # fmt: skip
    found = find_seconds(work, SPEED)  # a checkpoint takes 6 s, a tenth 2.2: none is due but at the rungs
    assert found.spent == {
        "training": 10 + 10, "dev": 1 + 1, "test": 1 + 1 + 3, "probing": 0, "loading": 3, "storing": 2,
        "checkpoints": 12,
    }  # fmt: skip
    assert found.total == 44 and found.checkpoint_bytes == 2 * 3 * 8
    assert find_seconds(StageWork(pretrains=True), SPEED).total == 1_000
    assert find_seconds(dataclasses.replace(work, training=Load(2_000)), SPEED).checkpoint_bytes == 10 * 3 * 8


def test_languages_are_sampled_at_equal_distances() -> None:
    assert choose_languages(["en"]) == ["en"]
    assert choose_languages(list("abcdefgh")) == list("aceg")
    assert len(choose_languages([str(i) for i in range(40)])) == 4
    assert choose_languages([]) == []
