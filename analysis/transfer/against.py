"""Gains measured against another chain than `none`, such as a control or a baseline that trains longer."""

import dataclasses

from analysis.transfer.array import Transfer
from analysis.transfer.common_seeds import keep_seeds
from spaces.errors import UsageError
from spaces.table import describe_unknown


def measure_against(transfer: Transfer, chain: str) -> Transfer:
    """Return the transfer matrix with `chain` as its baseline; the former baseline becomes a chain like the others.

    It is no candidate there, and its seeds that `chain` was not to get are left out with a note. Raise UsageError for a
    chain that is neither the baseline nor an intermediate task.
    """
    known = transfer.chains[: 1 + len(transfer.intermediates)]
    if chain not in known:
        raise UsageError(f"--against: {describe_unknown('chain', chain, known)}")
    if chain == transfer.baseline:
        return transfer
    own = transfer.planned[known.index(chain)]
    others = transfer.planned[[i for i, name in enumerate(known) if name != transfer.baseline]]
    kept = own | others.any(axis=0)
    if not kept.all():
        listed = ", ".join(str(seed) for seed, is_kept in zip(transfer.seeds, kept, strict=True) if not is_kept)
        note = f"Left out, because only `{transfer.baseline}` has them: seeds {listed}."
        transfer = keep_seeds(transfer, kept, note)
    order = [known.index(chain), *(i for i, name in enumerate(transfer.chains) if name != chain)]
    scores, former = transfer.loaded_scores, transfer.baseline
    return dataclasses.replace(
        transfer,
        loaded_scores=dataclasses.replace(
            scores,
            baseline=chain,
            intermediates=(former, *(name for name in scores.intermediates if name != chain)),
            controls=scores.controls | {former},
        ),
        chains=tuple(transfer.chains[i] for i in order),
        scores=transfer.scores[order],
        planned=transfer.planned[order],
    )
