"""kanrl's environments as Gymnasium's."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import kanrl

gymnasium = pytest.importorskip("gymnasium")
import kanrl.envs  # noqa: E402, F401

IDS = ["CartPole-v1", "Pendulum-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0"]


@pytest.mark.parametrize("identifier", IDS)
def test_registered_environments_are_gymnasium_s_own(identifier):
    ours, theirs = gymnasium.make(f"kanrl/{identifier}"), gymnasium.make(identifier)
    assert ours.observation_space == theirs.observation_space and ours.action_space == theirs.action_space
    theirs.action_space.seed(0)
    for seed in range(3):
        observations = [env.reset(seed=seed)[0] for env in (ours, theirs)]
        assert (observations[0] == observations[1]).all() and observations[0].dtype == observations[1].dtype
        over = False
        while not over:
            action = theirs.action_space.sample()
            own, other = ours.step(action), theirs.step(action)
            assert (own[0] == other[0]).all() and own[1:4] == other[1:4]
            over = other[2] or other[3]


def test_gymnasium_s_checker_is_content():
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(bound|infinity|normalized|render|Unable).*")
        check_env(gymnasium.make("kanrl/CartPole-v1").unwrapped, skip_render_check=True)


@pytest.mark.parametrize("identifier", IDS)
@pytest.mark.parametrize("count", [1, 5, 130])
def test_a_vector_is_gymnasium_s_vector(identifier, count):
    ours = kanrl.make_vec(identifier, num_envs=count)
    assert ours.metadata["autoreset_mode"] == gymnasium.vector.AutoresetMode.NEXT_STEP
    if count > 5:
        observations, _ = ours.reset(seed=0)
        assert observations.shape == (count, *ours.single_observation_space.shape)
        assert ours.observation_space.contains(ours.step(ours.action_space.sample())[0])
        return
    theirs = gymnasium.make_vec(identifier, num_envs=count, vectorization_mode="sync")
    assert ours.observation_space == theirs.observation_space and ours.action_space == theirs.action_space
    assert (ours.reset(seed=7)[0] == theirs.reset(seed=7)[0]).all()
    theirs.action_space.seed(0)
    for _ in range(600):
        actions = theirs.action_space.sample()
        own, other = ours.step(actions), theirs.step(actions)
        for index in range(4):
            assert (own[index] == other[index]).all() and own[index].dtype == other[index].dtype


def test_infos_and_masks():
    vector = kanrl.make_vec("CartPole-v1", num_envs=4)
    first, _ = vector.reset(seed=0)
    vector.step(np.zeros(4, dtype=np.int64))
    mask = np.array([True, False, False, True])
    again, _ = vector.reset(seed=0, options={"reset_mask": mask})
    assert (again[mask] == first[mask]).all() and (again[~mask] != first[~mask]).any()


def test_what_does_not_fit_is_named():
    with pytest.raises(kanrl.InputError, match="did you mean `CartPole-v1`"):
        kanrl.make_vec("CartPole-v2")
    with pytest.raises(kanrl.InputError, match="at least 1"):
        kanrl.make_vec("CartPole-v1", num_envs=0)
    vector = kanrl.make_vec("CartPole-v1", num_envs=3)
    vector.reset(seed=0)
    with pytest.raises(kanrl.InputError, match=r"shape \[2\], expected \[3\]"):
        vector.step(np.zeros(2, dtype=np.int64))
    with pytest.raises(kanrl.RunError, match="bad action"):
        vector.step(np.array([0, 1, 2]))


def test_gymnasium_makes_vectors_of_registered_ones_and_wraps_them():
    from gymnasium.wrappers import vector as wrappers

    made = gymnasium.make_vec("kanrl/CartPole-v1", num_envs=3, vectorization_mode="vector_entry_point")
    envs = wrappers.RecordEpisodeStatistics(made)
    envs = wrappers.TransformReward(wrappers.NormalizeObservation(envs), lambda rewards: rewards * 2)
    envs.action_space.seed(0)
    observations, _ = envs.reset(seed=0)
    assert observations.shape == (3, 4)
    ended = []
    for _ in range(200):
        observations, rewards, terminated, truncated, info = envs.step(envs.action_space.sample())
        assert observations.shape == (3, 4) and rewards.dtype == np.float64
        ended += [int(info["episode"]["l"][lane]) for lane in np.flatnonzero(terminated | truncated)]
    assert ended and min(ended) >= 8
    assert envs.unwrapped.spec is not None
    envs.close()
    other = gymnasium.make_vec("kanrl/CartPole-v1", num_envs=2, vectorization_mode="sync")
    assert (other.reset(seed=0)[0] == kanrl.make_vec("CartPole-v1", num_envs=2).reset(seed=0)[0]).all()


def test_seeds_of_all_kinds():
    vector = kanrl.make_vec("Pendulum-v1", num_envs=3)
    first = vector.reset(seed=5)[0]
    assert (vector.reset(seed=np.int64(5))[0] == first).all()
    assert (vector.reset(seed=[5, 6, 7])[0] == first).all()
    assert (vector.reset()[0] != first).any()
    assert (vector.reset(seed=[5, None, 7])[0][[0, 2]] == first[[0, 2]]).all()
    with pytest.raises(kanrl.InputError, match="2 seeds for 3 environments"):
        vector.reset(seed=[1, 2])


def test_copies_and_pickles_start_anew():
    for env in (kanrl.make_vec("CartPole-v1", num_envs=2), gymnasium.make("kanrl/CartPole-v1").unwrapped):
        for other in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
            assert (other.reset(seed=3)[0] == env.reset(seed=3)[0]).all()


def test_pictures():
    vector = kanrl.make_vec("CartPole-v1", num_envs=2, render_mode="rgb_array")
    vector.reset(seed=0)
    frames = vector.render()
    assert len(frames) == 2 and frames[0].dtype == np.uint8 and frames[0].shape[2] == 3
