"""SB3's `predict`, and formulas in NumPy, for `cargo xtask compare policies`: `policy/KIND/bB`, a batch of B observations.

The network is SB3's default for CartPole-v1, two layers of 64, untrained: its time does not depend on its weights. The formula
is the bench's.
"""

from peer import serve  # First: it sets the number of threads.

import gymnasium
import numpy
import stable_baselines3
import torch

torch.set_num_threads(1)


def observations(batch):
    return numpy.random.default_rng(0).uniform(-0.2, 0.2, (batch, 4)).astype(numpy.float32)


def network(batch):
    model = stable_baselines3.PPO("MlpPolicy", gymnasium.make("CartPole-v1"), device="cpu", seed=0)
    rows = observations(batch)
    return lambda: model.predict(rows, deterministic=True), batch


def formula(batch):
    rows = observations(batch)

    def run():
        x, x_dot, theta, theta_dot = rows.T
        return (3 * theta + theta_dot + 0.1 * x + 0.3 * x_dot > 0).astype(numpy.int64)

    return run, batch


cases = {f"policy/formula/b{batch}": {"NumPy": lambda batch=batch: formula(batch)} for batch in (1, 64, 4096)}
for batch in (1, 64, 4096):
    cases[f"policy/network/b{batch}"] = {"stable-baselines3": lambda batch=batch: network(batch)}
serve(["stable-baselines3", "torch", "numpy"], cases)
