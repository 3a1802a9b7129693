"""The sentence that closes every verdict: the effect that the sweep could have found."""

import math
from collections.abc import Mapping

from spaces.detectable_effect import POWER


def describe_detectable(effects: Mapping[str, float | None], basis: str, unit: str = "points") -> str:
    """Return what the sweep could have found, such as `+-1.2 points out of domain`; a null verdict is read with it.

    `effects` are minimal detectable effects by what they are of, in words that follow a number; None where there was
    no test, infinite where no effect would be found. `basis` says on how much they rest.
    """
    known = {name: size for name, size in effects.items() if size is not None}
    if not known:
        effect = f"an effect {' or '.join(effects)}".rstrip()
        return f"How large {effect} this sweep could have found is unknown: its scores give no test ({basis})."
    parts = [_format_size(size, unit, name) for name, size in known.items() if not math.isinf(size)]
    never = [name for name, size in known.items() if math.isinf(size)]
    texts = []
    if parts:
        texts.append(f"This sweep could have found {' and '.join(parts)} with {POWER:.0%} power ({basis}).")
    if never:
        texts.append(f"It could have found nothing {' or '.join(never)}, however large ({basis}).")
    return " ".join(texts)


def _format_size(size: float, unit: str, name: str) -> str:
    digits = 1 if unit == "points" else 2
    return f"+-{size:.{digits}f} {unit} {name}".rstrip()
