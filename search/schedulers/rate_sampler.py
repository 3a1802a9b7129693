"""Sampled learning rates: one Optuna study per stratum, asked and told, in a journal that survives restarts.

The sampler is seeded anew for each draw from the space's name, the stratum and the number of the draw, and draws of a
session that was killed are handed out again first: an interrupted study draws what it would have drawn anyway.
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
        """`journal` is the name of the journal in the results; with `read_only` it is not written."""
        self.results, self.journal_name, self.sweep_seed, self.read_only = results, journal_name, sweep_seed, read_only
        self._studies: dict[str, optuna.Study] = {}
        self._storage: optuna.storages.BaseStorage | None = None
        self.damage: list[str] = []  # what was found to be damaged: one line each

    def get_rate(self, stratum: Stratum, index: int) -> float:
        """The learning rate of draw `index`: as it was drawn before, or drawn now.

        Raises UsageError for a journal with a rate that is not in the range.
        """
        study, axis = self._open_study(stratum), stratum.rates
        assert isinstance(axis, Range)
        trials = study.get_trials(deepcopy=False)
        if index < len(trials) and RATE_PARAM in trials[index].params:
            rate = float(trials[index].params[RATE_PARAM])
            if not axis.low <= rate <= axis.high:
                raise UsageError(
                    f"{self.results.url}/{self.journal_name} has the rate {rate:g} for {stratum.id}, which is not from "
                    f"{axis.low:g} to {axis.high:g}: move the file away, and rates are drawn again."
                )
            return rate
        study.sampler = self._make_sampler(stratum, index)
        # A run may have been killed between the entry of the draw and that of its rate.
        begun = index < len(trials)
        trial = optuna.trial.Trial(study, trials[index]._trial_id) if begun else study.ask()
        return trial.suggest_float(RATE_PARAM, axis.low, axis.high, log=True)

    def tell(self, stratum: Stratum, index: int, outcome: Outcome) -> None:
        """Give the study the English dev score of a draw; only finished runs count as complete."""
        study = self._open_study(stratum)
        trial = study.get_trials(deepcopy=False)[index]
        if trial.state.is_finished():
            return
        state = _TRIAL_STATES[outcome.status]
        complete = state == TrialState.COMPLETE and outcome.score is not None
        if complete:
            study.tell(index, outcome.score)
        else:
            study.tell(index, state=state if state != TrialState.COMPLETE else TrialState.FAIL)

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
        """The journal, up to the first entry that cannot follow those before it."""
        journal = DrawsJournal(self.results, self.journal_name, read_only=self.read_only)
        if _is_unreadable(journal, len(journal.logs)):
            journal.truncate(
                bisect.bisect_left(range(len(journal.logs)), True, key=lambda n: _is_unreadable(journal, n + 1))
            )
        self.damage += journal.damage
        return optuna.storages.JournalStorage(journal)

    def _make_sampler(self, stratum: Stratum, index: int) -> optuna.samplers.BaseSampler:
        text = f"{self.sweep_seed}/{stratum.id}/{index}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # constant_liar
            return optuna.samplers.TPESampler(seed=seed, n_startup_trials=3, constant_liar=True)

    def __getstate__(self) -> dict[str, object]:
        """Tune pickles what it is given: studies and storage are opened again where they are needed."""
        return {**self.__dict__, "_studies": {}, "_storage": None}


def _is_unreadable(journal: DrawsJournal, number: int) -> bool:
    """Whether Optuna cannot read the first `number` entries."""
    part = copy.copy(journal)
    part.logs = journal.logs[:number]
    try:
        optuna.storages.JournalStorage(part)
    except Exception:  # whatever it makes of fields that are missing or of another kind
        return True
    return False
