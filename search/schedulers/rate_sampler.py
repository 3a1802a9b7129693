"""Sampled learning rates: one Optuna study per stratum, in a journal that survives restarts.

The sampler is seeded anew for each draw from the sweep's seed, the stratum and the number of the draw, and draws of a
killed session are handed out again first. So an interrupted study draws the same rates as an uninterrupted one.
"""

import bisect
import copy
import hashlib
import warnings

import optuna
from optuna.trial import TrialState

from search.schedulers.draws_journal import DrawsJournal
from spaces.errors import UsageError
from spaces.plan import Stratum
from spaces.space import Range
from trainables.record.outcome import Outcome
from trainables.storage.base import Storage

RATE_PARAM = "learning_rate"
_TRIAL_STATES = {
    "finished": TrialState.COMPLETE,
    "degenerate": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


class OptunaRateSampler:
    """The rates of every stratum of a sweep. Draw number i of a stratum is trial number i of its study."""

    def __init__(self, results: Storage, journal_name: str, sweep_seed: int, *, read_only: bool = False) -> None:
        """`journal_name` is that of the journal in the results; with `read_only` it is not written."""
        self.results, self.journal_name, self.sweep_seed, self.read_only = results, journal_name, sweep_seed, read_only
        self._studies: dict[str, optuna.Study] = {}
        self._storage: optuna.storages.BaseStorage | None = None
        self.damage: list[str] = []  # damaged files found so far, one line each

    def get_rate(self, stratum: Stratum, index: int) -> float:
        """Return the rate of draw `index`, old or new. Raises UsageError if the journal's is outside the range."""
        study, axis = self._open_study(stratum), stratum.rates
        assert isinstance(axis, Range)
        trials = study.get_trials(deepcopy=False)
        if index < len(trials) and RATE_PARAM in trials[index].params:
            rate = float(trials[index].params[RATE_PARAM])
            if not axis.low <= rate <= axis.high:
                raise UsageError(
                    f"{self.results.url}/{self.journal_name} has the learning rate {rate:g} for {stratum.id}, but the "
                    f"range is {axis.low:g} to {axis.high:g}. Move the file away, then run the same command again: "
                    "rates are drawn anew."
                )
            return rate
        study.sampler = self._make_sampler(stratum, index)
        # An existing trial without a rate: the run was killed between the entry of the draw and that of its rate.
        trial = optuna.trial.Trial(study, trials[index]._trial_id) if index < len(trials) else study.ask()
        return trial.suggest_float(RATE_PARAM, axis.low, axis.high, log=True)

    def tell(self, stratum: Stratum, index: int, outcome: Outcome) -> None:
        """Give the study the English dev score of a draw; only finished and degenerate stages with one are complete."""
        study = self._open_study(stratum)
        trial = study.get_trials(deepcopy=False)[index]
        if trial.state.is_finished():
            return
        state = _TRIAL_STATES[outcome.status]
        if state != TrialState.COMPLETE:
            study.tell(index, state=state)
        elif outcome.score is None:
            study.tell(index, state=TrialState.FAIL)
        else:
            study.tell(index, outcome.score)

    def _open_study(self, stratum: Stratum) -> optuna.Study:
        if stratum.id not in self._studies:
            if self._storage is None:
                optuna.logging.set_verbosity(optuna.logging.WARNING)
                self._storage = self._open_journal()
            self._studies[stratum.id] = optuna.create_study(
                study_name=stratum.id,
                storage=self._storage,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.NopPruner(),
                sampler=self._make_sampler(stratum, 0),
            )
        return self._studies[stratum.id]

    def _open_journal(self) -> optuna.storages.BaseStorage:
        """Open the journal, cut before the first entry that Optuna cannot read."""
        journal = DrawsJournal(self.results, self.journal_name, read_only=self.read_only)
        if _is_unreadable(journal, len(journal.logs)):
            counts = range(len(journal.logs))
            journal.truncate(bisect.bisect_left(counts, True, key=lambda count: _is_unreadable(journal, count + 1)))
        self.damage += journal.damage
        return optuna.storages.JournalStorage(journal)

    def _make_sampler(self, stratum: Stratum, index: int) -> optuna.samplers.BaseSampler:
        text = f"{self.sweep_seed}/{stratum.id}/{index}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # constant_liar
            return optuna.samplers.TPESampler(seed=seed, n_startup_trials=3, constant_liar=True)

    def __getstate__(self) -> dict[str, object]:
        """Leave studies and storage out when Tune pickles the sampler; they are opened again where they are needed."""
        return {**self.__dict__, "_studies": {}, "_storage": None}


def _is_unreadable(journal: DrawsJournal, count: int) -> bool:
    """Return True if Optuna cannot read the first `count` entries."""
    part = copy.copy(journal)
    part.logs = journal.logs[:count]
    try:
        optuna.storages.JournalStorage(part)
    except Exception:  # any error: Optuna does not check for missing or wrong fields
        return True
    return False
