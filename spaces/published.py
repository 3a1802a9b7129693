"""Published scores on XTREME's test sets: what each system was trained on, where its row stands, and its baseline.

Rows are comparable only within a setting. In `zero-shot` a target is trained on its English rows alone; in
`translate-train` on these and their machine translations into the other languages.

Sources. The trained targets with exact match and F1: table 16 of Chung et al. 2021 ("Rethinking Embedding Coupling in
Pre-trained Language Models", RemBERT), which lists the leaderboard; its rows of VECO and FILTER are translate-train.
Means of groups: table 7 there. Rows with F1 alone: the README of mT5 (Xue et al. 2021). XLM-R's retrieval and mean: Luo
et al. 2021 ("VECO"), who cite Hu et al. 2020. The mean of X-STILTs: Phang et al. 2020, second version; its two
retrieval scores are in none of these, so only their mean is known, from the mean over nine targets.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from spaces.table import Table
from spaces.task import ANSWERING, CLASSIFICATION, STRUCTURED
from spaces.xtreme import TARGETS

PublishedSetting = Literal["zero-shot", "translate-train"]
SETTINGS: tuple[PublishedSetting, ...] = get_args(PublishedSetting)
RETRIEVAL_TARGETS = ("bucc", "tatoeba")
AVERAGED_TARGETS = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", *RETRIEVAL_TARGETS)  # of the mean
_LEADERBOARD = "table 16 of Chung et al. 2021"
_MT5 = "README of mT5 (Xue et al. 2021)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSystem:
    """A published system: its metrics in points by target, and its means where they are published."""

    name: str
    about: str
    setting: PublishedSetting
    source: str
    measured_against: str | None = None  # the row that its own paper compares it with; None: not known
    metrics: Mapping[str, Mapping[str, float]]  # target -> metric -> points
    mean: float | None = None  # over AVERAGED_TARGETS
    group_means: Mapping[str, float] = field(default_factory=dict)  # group of targets -> points, as published

    def score_of(self, target: str, metrics: Collection[str] = ()) -> float | None:
        """Return the mean of `metrics` (default: the official ones, i.e. the task score); None if one is unknown."""
        known = self.metrics.get(target, {})
        wanted = metrics or TARGETS[target].official_metrics
        return sum(known[name] for name in wanted) / len(wanted) if known.keys() >= set(wanted) else None

    def retrieval_mean(self) -> float | None:
        """Return the mean of both retrieval targets, from their scores or from the published mean over all targets."""
        known = [score for target in AVERAGED_TARGETS if (score := self.score_of(target)) is not None]
        if len(known) == len(AVERAGED_TARGETS):
            return sum(known[-len(RETRIEVAL_TARGETS) :]) / len(RETRIEVAL_TARGETS)
        if self.mean is None or len(known) != len(AVERAGED_TARGETS) - len(RETRIEVAL_TARGETS):
            return None
        return (self.mean * len(AVERAGED_TARGETS) - sum(known)) / len(RETRIEVAL_TARGETS)


def list_common_metrics(first: PublishedSystem, second: PublishedSystem, target: str) -> tuple[str, ...]:
    """Return the official metrics of a target that both systems published: two systems are compared by these alone."""
    names = first.metrics.get(target, {}).keys() & second.metrics.get(target, {}).keys()
    return tuple(name for name in TARGETS[target].official_metrics if name in names)


def _parse_metrics(numbers: str) -> dict[str, dict[str, float]]:
    """Return the metrics of the first targets of AVERAGED_TARGETS.

    `60.8/76.6` are exact match and F1, `-` is a number that was not published, also in `-/77.3`.
    """
    metrics = {}
    for target, text in zip(AVERAGED_TARGETS, numbers.split(), strict=False):
        names = sorted(TARGETS[target].official_metrics)  # exact_match before f1
        values = zip(names, text.split("/"), strict=text != "-")
        metrics[target] = {name: float(value) for name, value in values if value != "-"}
    return metrics


SYSTEMS = Table(
    "published system",
    (
        PublishedSystem(
            name="XLM-R Large",
            about="the baseline of XTREME (Hu et al. 2020), by XTREME's recipe",
            setting="zero-shot",
            source=f"{_LEADERBOARD}; retrieval and mean from Luo et al. 2021",
            metrics=_parse_metrics("79.2 86.4 73.8 65.4 60.8/76.6 53.2/71.6 45.0/65.1 66.0 57.3"),
            mean=68.1,
            group_means={CLASSIFICATION: 82.8, STRUCTURED: 69.0, ANSWERING: 62.3},
        ),
        PublishedSystem(
            name="X-STILTs",
            about="XLM-R Large with the best intermediate task for each target (Phang et al. 2020, second version)",
            setting="zero-shot",
            source=f"{_LEADERBOARD}; mean from Phang et al. 2020",
            measured_against="XLM-R Large of Hu et al. 2020, by XTREME's recipe, not by its own",
            metrics=_parse_metrics("80.0 87.9 74.9 64.0 63.3/78.7 53.7/72.4 59.5/76.0"),
            mean=73.5,
            group_means={CLASSIFICATION: 83.9, STRUCTURED: 69.4, ANSWERING: 67.2},
        ),
        PublishedSystem(
            name="X-STILTs (other row)",
            about="the same system as mT5's authors cite it, most likely from the first arXiv version",
            setting="zero-shot",
            source=_MT5,
            measured_against="XLM-R Large of Hu et al. 2020, by XTREME's recipe, not by its own",
            metrics=_parse_metrics("80.4 87.7 - 64.7 -/77.2 -/72.3 -/76.0"),
        ),
        PublishedSystem(
            name="VECO (zero-shot)",
            about="pretrained with cross-attention between languages (Luo et al. 2021)",
            setting="zero-shot",
            source=_MT5,
            metrics=_parse_metrics("79.9 88.7 - 65.7 -/77.3 -/71.7 -/67.6"),
        ),
        PublishedSystem(
            name="RemBERT",
            about="pretrained with decoupled embeddings (Chung et al. 2021)",
            setting="zero-shot",
            source=_LEADERBOARD,
            measured_against="XLM-R Large of Hu et al. 2020",
            metrics=_parse_metrics("80.8 87.5 76.5 70.1 64.0/79.6 55.0/73.1 63.0/77.0"),
        ),
        PublishedSystem(
            name="FILTER",
            about="English and translated training data, read side by side (Fang et al. 2021)",
            setting="translate-train",
            source=_LEADERBOARD,
            measured_against="XLM-R Large trained on the same translations",
            metrics=_parse_metrics("83.9 91.4 76.2 67.7 68.0/82.4 57.7/76.2 50.9/68.3"),
        ),
        PublishedSystem(
            name="VECO (translate-train)",
            about="the same encoder, trained on English and translated rows (Luo et al. 2021)",
            setting="translate-train",
            source=_LEADERBOARD,
            metrics=_parse_metrics("83.0 91.1 75.1 65.7 66.3/79.9 54.9/73.1 58.9/75.0"),
        ),
    ),
)
BASELINE, X_STILTS, X_STILTS_OTHER = (SYSTEMS[name] for name in ("XLM-R Large", "X-STILTs", "X-STILTs (other row)"))
