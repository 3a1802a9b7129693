"""Sampled learning rates: one Optuna study per stratum, asked and told, in a journal that survives restarts.

The sampler is seeded anew for each draw from the space's name, the stratum and the number of the draw, and draws of a
session that was killed are handed out again first: an interrupted study draws what it would have drawn anyway.
"""

import hashlib
import warnings

import optuna
from optuna.trial import TrialState

from search.draws_journal import DrawsJournal
from spaces.plan import Stratum
from spaces.space import Range
from trainables.outcome import Outcome
from trainables.storage import Storage

RATE = "learning_rate"
_STATES = {
    "finished": TrialState.COMPLETE,
    "degenerate": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


class Draws:
    """The rates of every stratum of a sweep. Draw number i of a stratum is trial number i of its study."""

    def __init__(self, results: Storage, journal: str, sweep_seed: int) -> None:
        """`journal` is the name of the journal in the results."""
        self.results, self.journal, self.sweep_seed = results, journal, sweep_seed
        self._studies: dict[str, optuna.Study] = {}
        self._storage: optuna.storages.BaseStorage | None = None

    def rate(self, stratum: Stratum, index: int) -> float:
        """The learning rate of draw `index`: as it was drawn before, or drawn now."""
        study = self._study(stratum)
        trials = study.get_trials(deepcopy=False)
        if index < len(trials):
            return float(trials[index].params[RATE])
        assert isinstance(stratum.rates, Range)
        study.sampler = self._sampler(stratum, index)
        axis = optuna.distributions.FloatDistribution(stratum.rates.low, stratum.rates.high, log=True)
        return float(study.ask({RATE: axis}).params[RATE])

    def tell(self, stratum: Stratum, index: int, outcome: Outcome) -> None:
        """Give the study the English dev score of a draw; only finished runs count as complete."""
        study = self._study(stratum)
        trial = study.get_trials(deepcopy=False)[index]
        if trial.state.is_finished():
            return
        state = _STATES[outcome.status]
        complete = state == TrialState.COMPLETE and outcome.score is not None
        if complete:
            study.tell(index, outcome.score)
        else:
            study.tell(index, state=state if state != TrialState.COMPLETE else TrialState.FAIL)

    def _study(self, stratum: Stratum) -> optuna.Study:
        if stratum.id not in self._studies:
            if self._storage is None:
                optuna.logging.set_verbosity(optuna.logging.WARNING)
                self._storage = optuna.storages.JournalStorage(DrawsJournal(self.results, self.journal))
            self._studies[stratum.id] = optuna.create_study(
                study_name=stratum.id,
                storage=self._storage,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.NopPruner(),
                sampler=self._sampler(stratum, 0),
            )
        return self._studies[stratum.id]

    def _sampler(self, stratum: Stratum, index: int) -> optuna.samplers.BaseSampler:
        text = f"{self.sweep_seed}/{stratum.id}/{index}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # constant_liar
            return optuna.samplers.TPESampler(seed=seed, n_startup_trials=3, constant_liar=True)

    def __getstate__(self) -> dict[str, object]:
        """Tune pickles what it is given: studies and storage are opened again where they are needed."""
        return {**self.__dict__, "_studies": {}, "_storage": None}
