"""SB3's `predict`, and formulas in NumPy, for `cargo xtask compare policies`: `policy/KIND/bB`, a batch of B observations.

The network is CartPole-v1's of the reference agents, two layers of 64; the formula is the bench's.
"""

from peer import serve  # First: it sets the number of threads.

import pathlib
import sys

import gymnasium
import numpy
import stable_baselines3
import torch

torch.set_num_threads(1)
reference = pathlib.Path(sys.argv[1])


def observations(batch):
    return numpy.random.default_rng(0).uniform(-0.2, 0.2, (batch, 4)).astype(numpy.float32)


def network(batch):
    environment = gymnasium.make("CartPole-v1")
    # Old archives hold gym's spaces and schedules, which today's packages do not read.
    known = {
        "observation_space": environment.observation_space, "action_space": environment.action_space,
        "lr_schedule": lambda _: 0.0, "clip_range": lambda _: 0.2,
    }
    archive = reference / "experts/ppo/CartPole-v1.zip"
    model = stable_baselines3.PPO.load(archive, device="cpu", custom_objects=known)
    rows = observations(batch)
    return lambda: model.predict(rows, deterministic=True), batch


def formula(batch):
    rows = observations(batch)

    def run():
        x, x_dot, theta, theta_dot = rows.T
        return (3 * theta + theta_dot + 0.1 * x + 0.3 * x_dot > 0).astype(numpy.int64)

    return run, batch


cases = {f"policy/formula/b{batch}": {"NumPy": lambda batch=batch: formula(batch)} for batch in (1, 64, 4096)}
if (reference / "experts/ppo/CartPole-v1.zip").exists():
    for batch in (1, 64, 4096):
        cases[f"policy/network/b{batch}"] = {"stable-baselines3": lambda batch=batch: network(batch)}
serve(["stable-baselines3", "torch", "numpy"], cases)
