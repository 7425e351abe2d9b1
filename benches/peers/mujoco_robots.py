"""Gymnasium's MuJoCo steps and pictures, for `cargo xtask compare mujoco`: `env/ID/n1` and `env/ID/picture`.

Episodes of 500 steps with actions drawn beforehand, their reset included; robots that would be stopped for falling go on,
as in the bench.
"""

import os

from peer import serve  # First: it sets the number of threads.

os.environ.setdefault("MUJOCO_GL", "egl")

import gymnasium
import mujoco

STEPS = 500
ROBOTS = {
    "Swimmer-v4": {},
    "HalfCheetah-v4": {},
    "Hopper-v4": {"terminate_when_unhealthy": False},
    "Walker2d-v4": {"terminate_when_unhealthy": False},
    "Ant-v5": {"terminate_when_unhealthy": False},
}


def steps(name, arguments):
    environment = gymnasium.make(name, **arguments).unwrapped
    environment.action_space.seed(0)
    actions = [environment.action_space.sample() for _ in range(STEPS)]

    def run():
        environment.reset(seed=0)
        for action in actions:
            environment.step(action)

    return run, STEPS


def pictures(name, arguments):
    environment = gymnasium.make(name, render_mode="rgb_array", **arguments).unwrapped
    environment.reset(seed=0)
    return environment.render, 1


cases = {}
for name, arguments in ROBOTS.items():
    cases[f"env/{name}/n1"] = {"gymnasium": lambda of=(name, arguments): steps(*of)}
    cases[f"env/{name}/picture"] = {"gymnasium": lambda of=(name, arguments): pictures(*of)}
serve(["gymnasium", "mujoco"], cases)
