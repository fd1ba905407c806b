"""Tree-structured Parzen estimators over an architecture's choices (Bergstra et al. 2011), Optuna's.

Every query asks anew, with a stream of its own; answers that are not there yet are not known to it. What it suggests
and is broken, or was asked for before, is suggested again: the same query would have the same answer.
"""

import warnings
from functools import lru_cache
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import create_trial

from harness.black_box.history import Ask, Evaluated, Search
from spaces.edits import edits

TRIES = 10  # at a new architecture; then one is sampled uniformly
CANDIDATES = 24  # samples of the good answers' density, of which the likeliest is suggested


def propose(ask: Ask) -> Any:
    if ask.index < ask.startup or len(ask.scored) < 2:
        return ask.drawn()
    search, over = ask.search, _over(edits(ask.search.space).options(ask.search.rule))
    study = _study(search, ask.scored, over)
    sampler, asked = _sampler(ask.random().getrandbits(32)), ask.asked
    for _ in range(TRIES):
        found = sampler.sample_relative(study, study.get_trials(deepcopy=False)[0], over)
        architecture: Any = edits(search.space).decode([found[name] for name in over], search.rule)
        if architecture not in asked and not search.space.broken(architecture):
            return architecture
    return ask.drawn()


def _sampler(seed: int) -> TPESampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(
            seed=seed, n_startup_trials=0, n_ei_candidates=CANDIDATES, multivariate=True, constant_liar=True
        )


@lru_cache
def _over(options: tuple[int, ...]) -> dict[str, BaseDistribution]:
    return {f"choice {number}": CategoricalDistribution(range(size)) for number, size in enumerate(options)}


class _Memory:
    """The study of the last query: it grows by what a longer history of the same search adds."""

    search: Search | None = None
    known: tuple[Evaluated, ...] = ()
    study: Any = None


_memory = _Memory()


def _study(search: Search, scored: list[Evaluated], over: dict[str, BaseDistribution]) -> Any:
    """An Optuna study that knows these answers; its first trial is the one that is asked for."""
    count = len(_memory.known)
    if _memory.search != search or tuple(scored[:count]) != _memory.known:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        _memory.search, count = search, 0
        _memory.study = optuna.create_study(direction="maximize", sampler=RandomSampler(0))
        _memory.study.ask()
    for one in scored[count:]:
        numbers = edits(search.space).encode(one.architecture, search.rule)
        params = dict(zip(over, numbers, strict=True))
        _memory.study.add_trial(create_trial(value=one.fitness, params=params, distributions=over))
    _memory.known = tuple(scored)
    return _memory.study
