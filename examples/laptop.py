"""A real answer from a laptop: a small pretrained encoder, real data, and budgets that two CPU cores can pay for.

python search/run.py --space examples/laptop.py --benchmark xtreme --model intfloat/multilingual-e5-small \
    --name laptop --predictions --probes similarity,alignment --max-concurrent 2

`--plan` says the hours on your machine. The rate is ten times that of XLM-R Large: the encoder is small and the
trainings are short. examples/laptop-scores.md describes the scores of one such sweep.
"""

from spaces.benchmark import Budget
from spaces.bounds import Bounds
from spaces.space import Space

SPACE = Space(
    name="laptop",
    intermediates=("mnli", "qqp", "squad", "csqa", "mnli+qqp~x2", "random"),
    targets=("xnli", "udpos", "panx", "bucc", "tatoeba"),
    learning_rates=(1e-4,),
    seeds=(0, 1, 2),
    budget=Budget(steps=200),  # 3,200 rows of each phase, and of the mix (`~x2`) twice as many
    bounds=Bounds(target_steps=80, batch_size=16, max_length=160, test_limit=60, pool_limit=100, probe_limit=20),
)
