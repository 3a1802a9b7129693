"""Metrics in which lower is better, by their names."""

import re
from typing import Literal

from analysis.scores.choose import MAJORITY

LOWER_BOUNDED = frozenset(  # rates, as shares or points
    "error errors err wer cer ter mer der eer fpr fnr misclassification ece brier hter hallucination toxicity".split()
)
LOWER_UNBOUNDED = frozenset(  # in units of their own
    "loss losses nll xent entropy crossentropy mae mse rmse mape mad bpc bpb bpw bpt kl kld divergence distance "
    "deviation logloss surprisal bits bpd smape fid latency regret".split()
)
PERPLEXITIES = frozenset("perplexity ppl pplx ppx pppl".split())
HIGHER = frozenset(
    "accuracy acc f1 f2 fscore precision recall auc auroc auprc map mrr ndcg bleu chrf rouge comet em exact match "
    "mcc matthews pearson spearman kendall kappa correlation corr jaccard iou score r2 neg negative minus reduction "
    "gain similarity".split()
)

Direction = Literal["higher", "rate", "loss", "perplexity", "unknown"]

_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")


def direction_of(metric: str) -> Direction:
    """Return what a metric's name says: `rate`, `loss` and `perplexity` are better where they are lower.

    A name such as `error_f1` or `neg_log_loss`, with a word that says higher, is one in which higher is better.
    """
    words = {word.lower() for word in _WORD.findall(metric)}
    if metric == MAJORITY or words & HIGHER:
        return "higher"
    if words & PERPLEXITIES:
        return "perplexity"
    if words & LOWER_BOUNDED:
        return "rate"
    return "loss" if words & LOWER_UNBOUNDED else "unknown"


def is_lower_better(metric: str) -> bool:
    """Return True for a metric whose name says that lower is better."""
    return direction_of(metric) in ("rate", "loss", "perplexity")
