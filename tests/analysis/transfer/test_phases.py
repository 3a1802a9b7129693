"""English dev of intermediate phases beside the trivial answer: hand-worked numbers, and what a reader is told."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analysis.page import phases as page
from analysis.page.cautions import write_warnings
from analysis.tables import phases, ranking_export, ranking_report, ranking_summary
from analysis.transfer.phases import PhaseScore
from analysis.transfer.ranking import Ranking
from tests.analysis.sweep_files import Run, ranked, write_sweep

MIX = "mnli+squad"


@dataclass(frozen=True, kw_only=True)
class Phase(Run):
    """An intermediate stage: official metrics by tenth, others at the tenth that was kept."""

    kind: str = "intermediate"
    test: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    official: Mapping[str, tuple[float, ...]]
    beside: Mapping[str, float] = field(default_factory=dict)
    kept: int = 2
    examples: Mapping[str, int] = field(default_factory=dict)  # of single metrics
    count: int | None = 100

    def rows(self) -> list[dict[str, Any]]:
        common = {**super().rows()[0], "official": True}
        rows = [
            {**common, "metric": metric, "tenth": tenth, "value": value}
            for metric, values in self.official.items()
            for tenth, value in enumerate(values, start=1)
        ]
        at_kept = {**common, "official": False, "tenth": self.kept}
        rows += [{**at_kept, "metric": metric, "value": value} for metric, value in self.beside.items()]
        return [{**row, "examples": self.examples.get(row["metric"], self.count)} for row in rows]


def mnli(seed: int, best: float, **fields: Any) -> Phase:
    beside = {"majority": 0.35, "beside": 0.99}
    return Phase(
        **{"intermediate": "mnli", "seed": seed, "official": {"accuracy": (0.5, best, 0.6)}, "beside": beside, **fields}
    )


def squad(seed: int, **fields: Any) -> Phase:
    official = {"exact_match": (0.08, 0.1, 0.02), "f1": (0.1, 0.14, 0.05)}
    return Phase(**{"intermediate": "squad", "seed": seed, "official": official, "beside": {"majority": 0.1}, **fields})


def mix(seed: int, **fields: Any) -> Phase:
    tasks = {"mnli_task_score": 0.6 + 0.1 * seed, "squad_task_score": 0.12}
    trivial = {"majority": 0.225, "mnli_majority": 0.35, "squad_majority": 0.1}
    own = dict.fromkeys((*tasks, "mnli_majority", "squad_majority"), 100)
    given = {"intermediate": MIX, "seed": seed, "official": {"mean_task_score": (0.1, 0.36 + 0.05 * seed)}}
    return Phase(**{**given, "beside": tasks | trivial, "examples": own, "count": 200, **fields})


def control(seed: int, best: float = 0.5) -> Phase:
    return Phase(intermediate="random", seed=seed, official={"accuracy": (0.4, best)}, beside={"majority": 0.48})


def rank(folder: Path, stages: Iterable[Phase], *more: Run) -> Ranking:
    """Rank the chains of these phases, each with a target; all start from the stage of their seed."""
    stages = list(stages)
    lift = {name: 0.01 * place for place, name in enumerate(dict.fromkeys(stage.intermediate for stage in stages), 1)}
    runs = [
        Run(intermediate=name, test={"xnli": {"en": score, "de": score}}, seed=seed, parent=parent)
        for name, seed, parent, score in (
            *(("none", seed, None, 0.5) for seed in sorted({stage.seed for stage in stages})),
            *((each.intermediate, each.seed, each.key, 0.5 + lift[each.intermediate]) for each in stages),
        )
    ]
    spec = {"intermediates": ["none", *lift], "targets": ["xnli"], "controls": ["random"]}
    return ranked(write_sweep(folder, [*stages, *runs, *more], **spec))


def whole(seeds: Iterable[int] = (0, 1)) -> list[Phase]:
    return [each for seed in seeds for each in (mnli(seed, 0.7 + 0.1 * seed), squad(seed), mix(seed), control(seed))]


def score_of(ranking: Ranking, phase: str, task: str | None = None) -> PhaseScore:
    (score,) = (each for each in ranking.phases[phase] if each.task == task)
    return score


def test_a_score_worked_by_hand(tmp_path: Path) -> None:
    score = score_of(rank(tmp_path, whole()), "mnli")
    assert score.values == pytest.approx({0: 70, 1: 80})
    assert (score.mean, score.trivial, score.difference) == pytest.approx((75, 35, 40))
    assert score.examples == 100
    assert score.error == pytest.approx(4.330, abs=1e-3)  # 100 sqrt(.75 x .25 / 100)
    # Shares: .001875 by the examples of the run, .002275 of the trivial answer, .005 / 2 by the seeds.
    assert score.difference_error == pytest.approx(8.155, abs=1e-3)
    assert score.is_learnt


def test_official_metrics_are_averaged_and_a_small_lead_is_not_enough(tmp_path: Path) -> None:
    score = score_of(rank(tmp_path, whole()), "squad")
    assert score.values == pytest.approx({0: 12, 1: 12})
    assert score.difference == pytest.approx(2)
    assert score.difference_error == pytest.approx(4.423, abs=1e-3)  # .12 x .88 / 100 + .1 x .9 / 100
    assert score.is_learnt is False


def test_a_mix_has_a_score_per_task(tmp_path: Path) -> None:
    ranking = rank(tmp_path, whole())
    assert [score.task for score in ranking.phases[MIX]] == [None, "mnli", "squad"]
    mean, first, second = ranking.phases[MIX]
    assert (mean.mean, mean.trivial, mean.examples) == (pytest.approx(38.5), pytest.approx(22.5), 200)
    # (.65 x .35 + .12 x .88) / 100, over two squared
    assert mean.error == pytest.approx(2.886, abs=1e-3)
    assert (first.mean, first.trivial, first.examples, first.is_learnt) == (pytest.approx(65), 35, 100, True)
    assert (second.mean, second.trivial, second.is_learnt) == (pytest.approx(12), pytest.approx(10), False)


def test_a_row_that_counts_the_whole_mix_takes_the_size_from_the_task_alone(tmp_path: Path) -> None:
    counts_all = [mix(seed, examples={}) for seed in (0, 1)]
    ranking = rank(tmp_path, [*counts_all, *(mnli(seed, 0.7) for seed in (0, 1))])
    assert score_of(ranking, MIX, "mnli").examples == 100 and score_of(ranking, MIX, "mnli").is_learnt
    unknown = score_of(ranking, MIX, "squad")
    assert (unknown.examples, unknown.error, unknown.is_learnt) == (None, None, None)
    assert score_of(ranking, MIX).error is None


def test_the_tenth_is_the_one_whose_weights_were_kept(tmp_path: Path) -> None:
    last = score_of(rank(tmp_path / "last", [mnli(0, 0.7, kept=3)]), "mnli")
    best = score_of(rank(tmp_path / "best", [mnli(0, 0.7, kept=3, beside={})]), "mnli")
    assert (last.mean, best.mean) == (pytest.approx(60), pytest.approx(70))


def test_only_the_runs_that_targets_started_from_count(tmp_path: Path) -> None:
    idle = mnli(0, 0.65, rate=1e-4)
    target = {"intermediate": "mnli", "test": {"xnli": {"en": 0.9, "de": 0.9}}, "dev": (0.2,)}
    score = score_of(rank(tmp_path, [mnli(0, 0.7)], idle, Run(**target, rate=1e-4, parent=idle.key)), "mnli")
    assert score.values == pytest.approx({0: 70})


def test_chains_of_one_phase_share_its_score(tmp_path: Path) -> None:
    stage = mnli(0, 0.7)
    other = Run(intermediate="mnli:salt", test={"xnli": {"en": 0.6, "de": 0.6}}, parent=stage.key)
    folder = write_sweep(
        tmp_path, [stage, other, *(Run(intermediate="none", test={"xnli": {"en": 0.5, "de": 0.5}}) for _ in (0,))]
    )
    ranking = ranked(folder)
    assert list(ranking.phases) == ["mnli"] and len(phases.list_scores(ranking, ranking.intermediates)) == 1


def test_one_seed_has_no_part_over_seeds(tmp_path: Path) -> None:
    score = score_of(rank(tmp_path, [mnli(0, 0.7)]), "mnli")
    assert score.difference_error == pytest.approx(6.614, abs=1e-3)  # (.7 x .3 + .35 x .65) / 100
    assert "1 seed" in ranking_report.as_text(rank(tmp_path, [mnli(0, 0.7)]), 100)


def test_what_was_not_learnt_is_named_in_every_text(tmp_path: Path) -> None:
    ranking = rank(tmp_path, whole())
    line = (
        "Not shown to be learnt by English dev: squad in mnli+squad (12.0, trivial answer 10.0 points), squad (12.0, "
        "10.0). Their gains say little about these tasks."
    )
    assert phases.warn_of_unlearnt(ranking) == [line]
    for text in (ranking_report.as_text(ranking, 100), ranking_summary.as_summary(ranking, 100, "runs")):
        assert " ".join(text.split()).count(line) == 1
    assert line in write_warnings(ranking)
    lines = phases.describe_phases(ranking)
    assert lines[1] == "Control random (50.0, trivial answer 48.0 points) is at chance on English dev, as it should be."
    assert lines[2].startswith("Learnt: English dev, mean over seeds, is above the trivial answer by more than 2.5 ")


def test_what_was_learnt_needs_no_warning(tmp_path: Path) -> None:
    ranking = rank(tmp_path, [each for seed in (0, 1) for each in (mnli(seed, 0.7), control(seed))])
    assert phases.warn_of_unlearnt(ranking) == []
    assert phases.describe_phases(ranking)[0] == "Every intermediate task was learnt, by English dev."
    assert "English dev" not in ranking_summary.as_summary(ranking, 100, "runs").split("Gain over")[0]


def test_a_control_above_chance_is_said(tmp_path: Path) -> None:
    ranking = rank(tmp_path, [control(0, 0.9), control(1, 0.9)])
    (line, _) = phases.describe_phases(ranking)
    assert line.startswith("Control random (90.0, trivial answer 48.0 points) is ABOVE the trivial answer")


def test_older_rows_say_less(tmp_path: Path) -> None:
    older = [
        each
        for seed in (0, 1)
        for each in (mnli(seed, 0.7, beside={}), mix(seed, beside={}, examples={}, intermediate="multitask"))
    ]
    ranking = rank(tmp_path, older)
    score, (mean,) = score_of(ranking, "mnli"), ranking.phases["multitask"]
    assert (score.mean, score.error) == (pytest.approx(70), pytest.approx(4.583, abs=1e-3))
    assert (score.trivial, score.difference, score.is_learnt, mean.error, mean.is_learnt) == (None,) * 5
    assert phases.warn_of_unlearnt(ranking) == []
    (line,) = phases.describe_phases(ranking)
    assert line.startswith("Whether the intermediate tasks were learnt is not said: the scores do not hold the trivial")


def test_a_trivial_answer_at_some_seeds_is_no_mean(tmp_path: Path) -> None:
    ranking = rank(tmp_path, [mnli(0, 0.7), mnli(1, 0.7, beside={}), *(squad(seed) for seed in (0, 1))])
    assert score_of(ranking, "mnli").trivial is None
    assert any(line.startswith("Whether mnli was learnt is not said") for line in phases.describe_phases(ranking))


def test_without_phases_there_is_no_table(tmp_path: Path) -> None:
    runs = [Run(intermediate=name, test={"xnli": {"en": 0.5, "de": 0.5}}) for name in ("none", "mnli")]
    ranking = ranked(write_sweep(tmp_path, runs))
    assert ranking.phases == {} and phases.build_tables(ranking) == () and phases.describe_phases(ranking) == []
    (block,) = page.build_section(ranking).blocks
    assert getattr(block, "text", "") == "These scores hold no English dev of intermediate phases."


def test_every_format_has_the_table(tmp_path: Path) -> None:
    ranking = rank(tmp_path, whole())
    text = ranking_report.as_text(ranking, 100)
    assert f"{phases.TITLE} in points, ± the standard error" in text
    assert "| mnli | 75.0 ±4.3 | 70.0 80.0 2 seeds | 35.0 | +40.0 ±8.2 | yes | 100 |" in ranking_report.as_markdown(
        ranking
    )
    assert (
        r"+ squad (in mnli+squad) & 12.0 $\pm$3.2 & 12.0 12.0 2 seeds & 10.0 & +2.0 $\pm$4.4 & not shown & 100 \\"
        in (ranking_report.as_latex(ranking))
    )
    document = json.loads(ranking_export.as_json(ranking))["phases"]
    assert [(each["phase"], each["task"], each["learnt"]) for each in document[:2]] == [
        ("random", None, False),
        (MIX, None, True),
    ]
    assert document[0]["values"] == {"0": pytest.approx(50), "1": pytest.approx(50)}
    table = page.build_section(ranking).blocks[-1]
    rows = {row[0]: row for row in getattr(table, "rows", ())}
    assert rows["squad"][2].text == "12.0 to 12.0 (2 seeds)" and rows["squad"][4] == pytest.approx(10)
    assert "squad in mnli+squad" in rows
