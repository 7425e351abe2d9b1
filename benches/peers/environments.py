"""Gymnasium's and EnvPool's steps, for `cargo xtask compare environments`: `env/ID/nE` with E lanes on one thread.

Actions are drawn beforehand, lanes that end are reset. Gymnasium steps one environment as `gym.make` gives it, its wrappers
included, and 64 in a `SyncVectorEnv`; EnvPool steps any number with `num_threads=1`.
"""

from peer import serve  # First: it sets the number of threads.

import envpool
import gymnasium
import numpy

CLASSIC = ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1", "Pendulum-v1"]
BOX2D = ["LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3"]


def single(name, steps=500):
    environment = gymnasium.make(name)
    environment.reset(seed=0)
    environment.action_space.seed(0)
    actions = [environment.action_space.sample() for _ in range(steps)]

    def run():
        for action in actions:
            _, _, terminated, truncated, _ = environment.step(action)
            if terminated or truncated:
                environment.reset()

    return run, steps


def vector(name, lanes, ticks=20):
    environment = gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make(name)] * lanes)
    environment.reset(seed=0)
    environment.action_space.seed(0)
    actions = [environment.action_space.sample() for _ in range(ticks)]

    def run():
        for action in actions:
            environment.step(action)

    return run, lanes * ticks


def pool(name, lanes):
    ticks = max(1, 4096 // lanes)
    environment = envpool.make(name, env_type="gymnasium", num_envs=lanes, num_threads=1)
    environment.reset()
    space, generator = environment.action_space, numpy.random.default_rng(0)
    if space.shape:
        draw = lambda: generator.uniform(space.low, space.high, (lanes, *space.shape)).astype(space.dtype)
    else:
        draw = lambda: generator.integers(space.n, size=lanes).astype(numpy.int32)
    actions = [draw() for _ in range(ticks)]

    def run():
        for action in actions:
            environment.step(action)

    return run, lanes * ticks


def peers(name, lanes):
    found = {}
    if lanes == 1:
        found["gymnasium"] = lambda: single(name)
    if lanes == 64:
        found["gymnasium SyncVectorEnv"] = lambda: vector(name, lanes)
    if name in envpool.list_all_envs():
        found["envpool"] = lambda: pool(name, lanes)
    return found


cases = {f"env/{name}/n{lanes}": peers(name, lanes) for name in CLASSIC for lanes in (1, 64, 4096)}
cases |= {f"env/{name}/n{lanes}": peers(name, lanes) for name in BOX2D for lanes in (1, 64)}
serve(["gymnasium", "envpool", "numpy"], cases)
