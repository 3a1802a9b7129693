"""Published scores on XTREME's test sets, for comparison with own results.

All rows are zero-shot from English, with one score per target in points. The trained targets are from table 16 of
Chung et al. 2021 ("Rethinking Embedding Coupling in Pre-trained Language Models", RemBERT), which lists the leaderboard
(exact match and F1 of the question answering targets apart). XLM-R's retrieval and mean are as Luo et al. 2021
("VECO") cite them from Hu et al. 2020. The mean of X-STILTs is that of Phang et al. 2020, second version. Its two
retrieval scores are not in these sources, so only their mean is known, from the mean over nine targets.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from spaces.table import Table

RETRIEVAL_TARGETS = ("bucc", "tatoeba")
AVERAGED_TARGETS = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", *RETRIEVAL_TARGETS)  # of the mean


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSystem:
    """A published system: its metrics in points by target (exact match before F1), and its mean if published."""

    name: str
    about: str
    metrics: Mapping[str, tuple[float, ...]]
    mean: float | None = None

    def score_of(self, target: str) -> float | None:
        """Return the task score, which is the mean of the target's metrics; None if it was not published."""
        values = self.metrics.get(target)
        return sum(values) / len(values) if values else None

    def retrieval_mean(self) -> float | None:
        """Return the mean of both retrieval targets, from their scores or from the published mean over all targets."""
        known = [score for target in AVERAGED_TARGETS if (score := self.score_of(target)) is not None]
        if len(known) == len(AVERAGED_TARGETS):
            return sum(known[-len(RETRIEVAL_TARGETS) :]) / len(RETRIEVAL_TARGETS)
        if self.mean is None or len(known) != len(AVERAGED_TARGETS) - len(RETRIEVAL_TARGETS):
            return None
        return (self.mean * len(AVERAGED_TARGETS) - sum(known)) / len(RETRIEVAL_TARGETS)


def _parse_metrics(numbers: str) -> dict[str, tuple[float, ...]]:
    """Return the metrics of the first targets of AVERAGED_TARGETS; `60.8/76.6` are exact match and F1."""
    texts = zip(AVERAGED_TARGETS, numbers.split(), strict=False)
    return {target: tuple(map(float, text.split("/"))) for target, text in texts}


SYSTEMS = Table(
    "published system",
    (
        PublishedSystem(
            name="XLM-R Large",
            about="the baseline of XTREME (Hu et al. 2020)",
            metrics=_parse_metrics("79.2 86.4 73.8 65.4 60.8/76.6 53.2/71.6 45.0/65.1 66.0 57.3"),
            mean=68.1,
        ),
        PublishedSystem(
            name="X-STILTs",
            about="XLM-R Large with the best intermediate task for each target (Phang et al. 2020, second version)",
            metrics=_parse_metrics("80.0 87.9 74.9 64.0 63.3/78.7 53.7/72.4 59.5/76.0"),
            mean=73.5,
        ),
        PublishedSystem(
            name="FILTER",
            about="translated training data, read side by side (Fang et al. 2021)",
            metrics=_parse_metrics("83.9 91.4 76.2 67.7 68.0/82.4 57.7/76.2 50.9/68.3"),
        ),
        PublishedSystem(
            name="VECO",
            about="pretrained with cross-attention between languages (Luo et al. 2021)",
            metrics=_parse_metrics("83.0 91.1 75.1 65.7 66.3/79.9 54.9/73.1 58.9/75.0"),
        ),
        PublishedSystem(
            name="RemBERT",
            about="pretrained with decoupled embeddings (Chung et al. 2021)",
            metrics=_parse_metrics("80.8 87.5 76.5 70.1 64.0/79.6 55.0/73.1 63.0/77.0"),
        ),
    ),
)
BASELINE, X_STILTS = SYSTEMS["XLM-R Large"], SYSTEMS["X-STILTs"]
