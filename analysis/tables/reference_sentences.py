"""Sentences about what places a ranking from below and above: floors and ceilings."""

from analysis.tables.source import list_names
from analysis.transfer.array import Transfer
from analysis.transfer.ranking import Ranking
from spaces.ceilings import explain_gap


def label_reference(transfer: Transfer, reference: str) -> str:
    """Return how a table labels the row of the baseline's scores, of a floor or of a ceiling."""
    return "score" if reference == transfer.baseline else "ceiling" if reference in transfer.ceilings else "floor"


def describe_floors(ranking: Ranking) -> list[str]:
    """Return a sentence per floor that the baseline does not beat in some column; none where it beats them all."""
    lines = []
    for floor in ranking.transfer.floors:
        columns = []
        for column in ranking.columns:
            lowest, baseline = (ranking.reference_scores[name, column.name].mean for name in (floor, ranking.baseline))
            if lowest is not None and baseline is not None and baseline <= lowest:
                columns.append(column.name)
        if columns:
            lines.append(
                f"The baseline `{ranking.baseline}` is not above the floor {floor}: {list_names(columns)}. Gains there "
                "may only show that the baseline learned nothing."
            )
    return lines


def describe_ceilings(ranking: Ranking) -> list[str]:
    """Return a sentence per ceiling: that it is not zero-shot, and why some trained targets have no score."""
    lines = []
    for ceiling in ranking.loaded_scores.ceilings:
        gaps = _list_ceiling_gaps(ranking, ceiling)
        gap = f" It has {explain_gap(ceiling)} for {list_names(gaps, word='and')}." if gaps else ""
        lines.append(
            f"Ceiling {ceiling} was trained on rows of other languages, too, so it is not zero-shot: it is in no gain, "
            f"mean or choice.{gap}"
        )
    return lines


def _list_ceiling_gaps(ranking: Ranking, ceiling: str) -> list[str]:
    """Return the trained targets that a sweep could not train a ceiling on, by its record."""
    scores = ranking.loaded_scores
    records = [spec["ceilings"] for spec in scores.specs if spec.get("ceilings")]
    trained = [target for target in scores.targets if target not in scores.retrieval_targets]
    return [each for each in trained if records and not any(f"{ceiling} {each}" in record for record in records)]
