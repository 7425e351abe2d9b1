"""Evaluates policies, alone and in pairs."""

import json
from dataclasses import dataclass, field

import numpy

from kanrl import _kanrl
from kanrl._policy import Policy, policy
from kanrl._table import Table


@dataclass(frozen=True)
class Evaluation:
    """The returns of a policy."""

    mean: float
    #: Standard deviation over episodes.
    std: float
    #: Mean of the middle half, and its bootstrap 95 % interval.
    interquartile_mean: float
    interquartile_mean_interval: tuple
    #: Mean of the worst twentieth.
    worst_5_percent: float
    #: Number of episodes.
    episodes: int
    #: Number of episodes that were cut off because their simulation diverged.
    diverged: int
    #: The return of each episode, in the order of the seeds.
    returns: numpy.ndarray = field(repr=False)

    @classmethod
    def _of(cls, values):
        values["returns"] = numpy.array(values["returns"], dtype=numpy.float64)
        values["interquartile_mean_interval"] = tuple(values["interquartile_mean_interval"])
        return cls(**values)


@dataclass(frozen=True)
class Comparison:
    """Two policies on the same seeds."""

    first: Evaluation
    second: Evaluation
    #: Difference of returns for each seed, second minus first.
    differences: numpy.ndarray = field(repr=False)
    mean_difference: float
    #: Its bootstrap 95 % interval.
    mean_difference_interval: tuple
    #: The measure of fidelity: the share of equal actions, or the coefficient of determination.
    measure: str
    #: How closely the second policy follows the first, in the states that the second one visits.
    fidelity_own_states: float
    #: The same in the states that the first one visits.
    fidelity_first_states: float

    @property
    def table(self):
        """Both in a table."""
        row = lambda name, value, fidelity: {  # noqa: E731
            "policy": name,
            "mean": value.mean,
            "interquartile mean": value.interquartile_mean,
            "95 % interval": value.interquartile_mean_interval,
            "worst 5 %": value.worst_5_percent,
            "fidelity": fidelity,
        }
        return Table([row("first", self.first, None), row("second", self.second, self.fidelity_own_states)])

    def _repr_html_(self):
        return self.table._repr_html_()


def evaluate(policy, env, *, episodes=100, seed=None, arguments=None):
    """Plays a policy and reports its returns.

    Parameters
    ----------
    policy : Policy or str
        Who plays; a text as `kanrl.policy` takes it.
    env : str
        The environment's id.
    episodes : int
        How many episodes.
    seed : int, optional
        The first one's seed, the others follow it; the seeds that runs report on where it is not given.
    arguments : dict, optional
        The environment's keyword arguments, as `gym.make` takes them.

    Returns
    -------
    Evaluation
    """
    text = _kanrl.evaluate(_resolved(policy, env), env, json.dumps(arguments or {}), episodes, seed)
    return Evaluation._of(json.loads(text))


def compare(first, second, env, *, episodes=100, seed=None, arguments=None):
    """Plays two policies on the same seeds; usually the expert is first. Parameters as in `evaluate`.

    Returns
    -------
    Comparison
    """
    policies = (_resolved(first, env), _resolved(second, env))
    values = json.loads(_kanrl.compare(*policies, env, json.dumps(arguments or {}), episodes, seed))
    values["first"], values["second"] = Evaluation._of(values["first"]), Evaluation._of(values["second"])
    values["differences"] = numpy.array(values["differences"], dtype=numpy.float64)
    values["mean_difference_interval"] = tuple(values["mean_difference_interval"])
    return Comparison(**values)


def _resolved(given, env):
    return given if isinstance(given, Policy) else policy(given, env)
