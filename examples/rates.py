"""A space of one's own: five seeds, and learning rates that are sampled from a range.

python search/run.py --space examples/rates.py
"""

from spaces.space import Range, Space

SPACE = Space(
    name="rates",
    intermediates=("mnli", "squad"),
    learning_rates=Range(1e-4, 5e-3, draws=6),
    seeds=(0, 1, 2, 3, 4),
)
