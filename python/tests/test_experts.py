"""Experts and environments that live in Python."""

import numpy as np
import pytest

import kanrl
from conftest import SMALL

gymnasium = pytest.importorskip("gymnasium")


class Push(gymnasium.Env):
    """Push a block to the middle: the force is a number, or one of three."""

    metadata = {"render_modes": []}

    def __init__(self, discrete=True, broken=None):
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.discrete, self.broken = discrete, broken
        self.action_space = gymnasium.spaces.Discrete(3) if discrete else gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.render_mode = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-1, 1, size=2)
        self.steps = 0
        return self.state.copy(), {}

    def step(self, action):
        self.steps += 1
        if self.broken == "raises" and self.steps == 5:
            raise RuntimeError("the block fell off")
        if self.broken == "grows" and self.steps == 5:
            return np.zeros(3), 0.0, False, False, {}
        force = float(action) - 1 if self.discrete else float(action[0])
        self.state = self.state + 0.1 * np.array([self.state[1], force])
        if self.broken == "nan" and self.steps == 5:
            self.state[0] = np.nan
        return self.state.copy(), -float(np.square(self.state).sum()), False, self.steps >= 50, {}


def limited(**arguments):
    return gymnasium.wrappers.TimeLimit(Push(**arguments), 50)


def force(observation):
    """What an expert does, one observation or many."""
    return -(observation[..., :1] + 1.5 * observation[..., 1:])


def choice(observation):
    return np.clip(np.round(force(observation)[..., 0] * 2), -1, 1).astype(int) + 1


NAMES = {"observation_names": ["place", "speed"]}


@pytest.mark.parametrize("discrete", [True, False])
def test_an_unknown_environment_and_a_function(discrete, tmp_path):
    expert = choice if discrete else force
    run = kanrl.extract(
        limited(discrete=discrete), expert, config=SMALL, out=tmp_path / "run", progress=False, **NAMES
    )
    assert run.formula.observation_names == ["place", "speed"]
    assert run.config["expert"]["kind"] == "python"
    states = np.random.default_rng(0).uniform(-1, 1, size=(20, 2))
    answers = expert(states) if discrete else np.clip(expert(states), -1, 1)
    assert np.allclose(run.expert.predict(states)[0], answers, atol=1e-6)
    assert run.kan.predict(states)[0].shape == run.formula.predict(states)[0].shape
    rows = {row["policy"]: row for row in run.summary}
    idle = kanrl.policy("formula:0; 0; 0" if discrete else "formula:0", limited(discrete=discrete))
    floor = kanrl.evaluate(idle, limited(discrete=discrete), episodes=5).mean
    assert rows["expert"]["mean"] >= rows["headline"]["mean"] - 5 > floor
    # It lives in the program: to go on, it is given again.
    with pytest.raises(kanrl.InputError, match="env="):
        kanrl.resume(run.directory, progress=False)
    with pytest.raises(kanrl.InputError, match="expert="):
        module = kanrl._kanrl
        module.forget_experts()
        kanrl.resume(run.directory, env=limited(discrete=discrete), progress=False)
    again = kanrl.resume(run.directory, env=limited(discrete=discrete), expert=expert, progress=False)
    assert again.formula == run.formula


def test_scores_are_better_than_labels(tmp_path):
    def scores(observation):
        wanted = force(observation) * 2
        return -np.abs(wanted - np.array([-1.0, 0.0, 1.0]))

    run = kanrl.extract(lambda: limited(), scores=scores, config=SMALL, out=tmp_path / "run", progress=False)
    assert run.config["environment"]["id"].startswith("python:")
    assert run.formula.is_formula


def test_one_at_a_time_is_found_out():
    one = kanrl.policy(lambda observation: int(observation[0] < 0), limited())
    states = np.array([[-1.0, 0.0], [1.0, 0.0], [-2.0, 5.0]])
    assert one.predict(states)[0].tolist() == [1, 0, 1]
    many = kanrl.policy(lambda observations: (np.atleast_2d(observations)[:, 0] < 0).astype(int), limited())
    assert many.predict(states)[0].tolist() == [1, 0, 1]


def test_experts_that_misbehave_are_named(tmp_path):
    random = np.random.default_rng(0)
    with pytest.raises(kanrl.InputError, match="answers differently"):
        kanrl.policy(lambda observation: random.integers(3, size=len(observation)), limited())
    with pytest.raises(kanrl.InputError, match="ZeroDivisionError"):
        kanrl.policy(lambda observation: 1 // 0, limited())
    with pytest.raises(kanrl.InputError, match="answers 7"):
        kanrl.policy(lambda observation: np.full(len(observation), 7), limited())
    with pytest.raises(kanrl.InputError, match="NaN"):
        kanrl.policy(lambda observation: np.full((len(observation), 1), np.nan), limited(discrete=False))
    with pytest.raises(kanrl.InputError, match="int is not an expert"):
        kanrl.policy(3, limited())

    calls = []

    def tires(observation):
        calls.append(1)
        if len(calls) > 200:
            raise RuntimeError("enough")
        return choice(observation)

    with pytest.raises(kanrl.RunError, match="RuntimeError: enough") as caught:
        kanrl.extract(limited(), tires, config=SMALL, out=tmp_path / "run", progress=False)
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(
    "broken, message", [("raises", "the block fell off"), ("nan", "`?x_0`? is NaN"), ("grows", r"shape \(3,\)")]
)
def test_environments_that_misbehave_are_named(broken, message, tmp_path):
    def make():
        return limited(broken=broken)

    policy = kanrl.policy("formula:0; x_0; x_1", limited())
    with pytest.raises(kanrl.RunError, match=message):
        kanrl.evaluate(policy, make, episodes=3)


def test_classes_and_ids_of_gymnasium(tmp_path):
    gymnasium.register("kanrl-test/Push-v0", entry_point=Push, max_episode_steps=50)
    policy = kanrl.policy("formula:0; x_0; x_1", "kanrl-test/Push-v0")
    by_id = kanrl.evaluate(policy, "kanrl-test/Push-v0", episodes=5, seed=3)
    by_object = kanrl.evaluate(policy, gymnasium.make("kanrl-test/Push-v0"), episodes=5, seed=3)
    assert (by_id.returns == by_object.returns).all()
    with pytest.raises(kanrl.InputError, match="did you mean `kanrl-test/Push-v0`"):
        kanrl.evaluate(policy, "kanrl-test/Push-v1")


def test_vectors_of_environments():
    policy = kanrl.policy("formula:0; x_0; x_1", limited())
    alone = kanrl.evaluate(policy, limited, episodes=5, seed=3)
    vector = kanrl.evaluate(policy, gymnasium.vector.SyncVectorEnv([limited] * 3), episodes=5, seed=3)
    assert (vector.returns == alone.returns).all()
    with pytest.raises(kanrl.InputError, match="cannot be made again"):
        kanrl.evaluate(policy, kanrl.make_vec("CartPole-v1", num_envs=2))


def test_python_and_rust_play_the_same():
    policy = kanrl.policy("formula:3*theta + theta_dot", "CartPole-v1")
    rust = kanrl.evaluate(policy, "CartPole-v1", episodes=20, seed=1)
    python = kanrl.evaluate(policy, gymnasium.make("CartPole-v1"), episodes=20, seed=1)
    assert (rust.returns == python.returns).all()


def test_spaces_that_are_not_supported():
    env = gymnasium.make("Blackjack-v1")
    with pytest.raises(kanrl.InputError, match="observation space is Tuple"):
        kanrl.policy("formula:x", env)


class Model:
    """What is like a Stable-Baselines3 model to ask."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        assert deterministic
        return choice(np.asarray(observation)), state


def test_models_with_predict():
    policy = kanrl.policy(Model(), limited())
    assert policy.predict(np.array([1.0, 0.0]))[0] == 0
