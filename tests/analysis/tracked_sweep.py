"""A made-up sweep whose stages are exported: a phase, its target, and the target without it."""

from tests.analysis.sweep_files import Run

NLI = Run(intermediate="nli", test={"xnli": {"en": 0.5, "de": 0.3}}, dev=(0.2, 0.6), extra={"seconds": 20.0})
PHASE = Run(intermediate="nli", test={}, kind="intermediate", dev=(0.4, 0.7))
RUNS = [Run(intermediate="none", test={"xnli": {"en": 0.25}}), NLI, PHASE]
