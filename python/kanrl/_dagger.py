"""DAgger: a student learns from the expert's answers in the states that the student itself comes to."""

import copy
import math

import numpy

from kanrl import _experts, _kanrl
from kanrl._errors import InputError
from kanrl._evaluate import evaluate
from kanrl._kan import KAN
from kanrl._policy import Policy, policy
from kanrl._table import Table

#: Episodes that are played at a time, at first and at most.
_FIRST, _MOST = 4, 16
#: Seeds for validation lie this far from those of training.
_FAR = 1 << 40


class DAggerTrainer:
    """Trains a student by DAgger (arXiv 1011.0686).

    In every round the expert plays some episodes and the student the others, the expert says what it would have done in all of their
    states, and the student learns from all rounds so far. The round whose student plays best on validation seeds is kept.

    Parameters
    ----------
    env : str, gymnasium.Env or callable
        The environment, as in `kanrl.extract`.
    expert : optional
        The policy to imitate: a name, a model, a network, or a function, as in `kanrl.policy`.
    student : kanrl.KAN, or anything with `fit(X, y)` and `predict(X)`
        Who learns, such as `kanrl.KANClassifier` or scikit-learn's estimators. A `KAN` has an output for each discrete action or
        each coordinate of a vector action.
    scores : callable, optional
        As in `kanrl.extract`; only a `KAN` learns from scores.
    rng : int or numpy.random.Generator, optional
        Where the episodes' seeds come from; 0 by default.
    round_steps : int
        Environment steps in a round.
    expert_share : float
        The expert's share of a round's steps, to the power of the round's number: the first round is the expert's.
    validation_episodes : int
        Episodes that judge a round's student; they are not among the steps.
    fit_options : dict, optional
        Arguments for the student's `fit`, such as `{"steps": 30}` for a `KAN`.
    arguments : dict, optional
        The environment's keyword arguments.
    callback : callable, optional
        Called with every round's row, a dictionary.

    Attributes
    ----------
    rounds : kanrl.Table
        A row for each round: steps and rows so far, the expert's share, and the student's mean return.
    best : object
        A copy of the student of the best round.
    policy : kanrl.Policy
        What `best` does.
    """

    def __init__(
        self,
        *,
        env,
        expert=None,
        student,
        scores=None,
        rng=0,
        round_steps=5000,
        expert_share=0.7,
        validation_episodes=10,
        fit_options=None,
        arguments=None,
        callback=None,
    ):
        if not (isinstance(student, KAN) or (hasattr(student, "fit") and hasattr(student, "predict"))):
            raise InputError(f"a {type(student).__name__} is not a student", "give a kanrl.KAN, or an estimator with fit and predict")
        if not 0.0 <= expert_share <= 1.0:
            raise InputError(f"an expert's share of {expert_share}", "give a number from 0 to 1")
        if round_steps < 1 or validation_episodes < 1:
            raise InputError("a round needs steps and episodes to judge it", "give numbers of at least 1")
        self._env, self._arguments = env, dict(arguments or {})
        self.expert = expert if isinstance(expert, Policy) and scores is None else policy(expert, env, scores=scores)
        self.student = student
        self._round_steps, self._expert_share = int(round_steps), float(expert_share)
        self._validation_episodes, self._fit_options = int(validation_episodes), dict(fit_options or {})
        self._callback = callback
        first = int(numpy.random.default_rng(rng).integers(1 << 31))
        self._next_seed, self._validation_seed = first, first + _FAR
        self._observations, self._elapsed = [], []
        self._steps, self._best_return = 0, -numpy.inf
        self.rounds, self.best, self.policy = Table(), None, None

    def train(self, total_timesteps):
        """Plays rounds until at least so many more environment steps were taken, to the end of the last episode.

        Returns the best round's student as a policy. May be called again, to go on. Ctrl-C keeps the finished rounds.
        """
        goal = self._steps + int(total_timesteps)
        while self._steps < goal:
            self._round(min(self._round_steps, goal - self._steps))
        return self.policy

    def _round(self, steps):
        share = self._expert_share ** len(self.rounds)
        experts = round(share * steps) if self.rounds else steps
        played = self._play(self.expert, experts)
        if steps > experts:
            played += self._play(self._of(self.student), steps - experts)
        # Together, so that an interrupted round leaves nothing behind.
        self._observations += [observations for observations, _ in played]
        self._elapsed += [elapsed for _, elapsed in played]
        self._steps += sum(map(len, self._elapsed[-len(played):]))
        self._learn()
        own = self._of(self.student)
        arguments = {"episodes": self._validation_episodes, "seed": self._validation_seed, "arguments": self._arguments}
        mean = evaluate(own, self._env, **arguments).mean
        if mean > self._best_return or self.best is None:
            self._best_return, self.best = mean, copy.deepcopy(self.student)
            self.policy = self._of(self.best)
        row = {
            "round": len(self.rounds),
            "steps": self._steps,
            "expert's share": experts / steps,
            "mean return": mean,
        }
        self.rounds.append(row)
        if self._callback is not None:
            self._callback(row)

    def _play(self, player, steps):
        """Observations and elapsed steps of episodes with at least so many steps."""
        played, taken, episodes = [], 0, 0
        while taken < steps:
            # As many as are missing, by the length of those before.
            missing = _FIRST if taken == 0 else math.ceil((steps - taken) / (taken / episodes))
            count = min(missing, _MOST)
            seed, self._next_seed = self._next_seed, self._next_seed + count
            arguments = _experts.as_json(self._arguments)
            observations, elapsed, _ = _kanrl.states(player, self._env, arguments, count, seed)
            played.append((observations, elapsed))
            taken, episodes = taken + len(elapsed), episodes + count
        return played

    def _learn(self):
        observations = numpy.concatenate(self._observations)
        elapsed = [step for steps in self._elapsed for step in steps]
        actions, _ = self.expert.predict(observations, elapsed_steps=elapsed)
        if not isinstance(self.student, KAN):
            targets = actions.ravel() if actions.shape[1:] == (1,) else actions
            self.student.fit(observations, targets, **self._fit_options)
            return
        options = dict(self._fit_options)
        if self.expert.discrete_actions is None:
            labels = actions
        else:
            options.setdefault("loss_fn", "cross_entropy")
            has_logits = self.expert.score_kind == "logits"
            labels = self.expert.scores(observations, elapsed_steps=elapsed) if has_logits else actions
        self.student.fit({"train_input": observations, "train_label": labels}, **options)

    def _of(self, student):
        """What a student does."""
        if not isinstance(student, KAN):
            act = student.predict
        elif self.expert.discrete_actions is None:
            act = student
        else:
            act = lambda observations: student(observations).argmax(axis=-1)  # noqa: E731
        return _experts.live(_Student(act), None, self._env, self._arguments, kept=False)[0]


class _Student:
    """A function of batches of observations, in its own type of numbers."""

    def __init__(self, act):
        self._act = act
        self.__qualname__ = "the student"
        self.__module__ = None

    def __call__(self, observations):
        return self._act(numpy.atleast_2d(observations).astype(numpy.float64))
