"""The journey of `kanrl extract` with SB3 and pykan, for `cargo xtask compare --pipeline`.

    python pipeline_pykan.py ENVIRONMENT EXPERT

The expert is a Stable-Baselines3 archive (.zip) or one of kanrl's bundled networks (.safetensors).

As riiswa/kanrl's web demo does it, with today's pykan: 5000 observations and actions of the expert, 50 L-BFGS steps of a
KAN with a hidden width of 2, pruning, `auto_symbolic`, and 100 episodes of the formula. Prints one line of JSON.
"""

from peer import serve  # noqa: F401  First: it sets the number of threads.

import json
import os
import pathlib
import sys
import tempfile

import gymnasium
import numpy
import safetensors
import stable_baselines3
import sympy
import torch

torch.set_num_threads(1)
ROWS, STEPS, EPISODES, WIDTH = 5000, 50, 100, 2
LIBRARY = ["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"]


def collect(environment, expert, discrete):
    inputs, labels = [], []
    observation, _ = environment.reset(seed=0)
    while len(inputs) < ROWS:
        action, _ = expert.predict(observation, deterministic=True)
        inputs.append(observation)
        labels.append(action)
        observation, _, terminated, truncated, _ = environment.step(action)
        if terminated or truncated:
            observation, _ = environment.reset()
    inputs, labels = torch.tensor(numpy.array(inputs, dtype=float)), torch.tensor(numpy.array(labels))
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(0))
    train, test = order[: ROWS * 4 // 5], order[ROWS * 4 // 5 :]
    labels = labels.long() if discrete else labels.double()
    return {
        "train_input": inputs[train], "train_label": labels[train],
        "test_input": inputs[test], "test_label": labels[test],
    }


class Bundled:
    """A bundled expert, with SB3's `predict`."""

    def __init__(self, path):
        with safetensors.safe_open(path, "numpy") as file:
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}
            self.description = json.loads(file.metadata()["kanrl.policy"])
        self.layers = sum(name.endswith(".weight") for name in self.tensors)
        self.activation = {"tanh": numpy.tanh, "relu": lambda x: numpy.maximum(x, 0), "identity": lambda x: x}[
            self.description["activation"]
        ]

    def predict(self, observation, deterministic=True):
        values = numpy.asarray(observation, dtype=float)
        if normalization := self.description.get("normalization"):
            mean, variance = self.tensors["observation.mean"], self.tensors["observation.variance"]
            values = (values - mean) / numpy.sqrt(variance + normalization["epsilon"])
            values = numpy.clip(values, -normalization["clip"], normalization["clip"])
        for layer in range(self.layers):
            values = self.tensors[f"layers.{layer}.weight"] @ values + self.tensors[f"layers.{layer}.bias"]
            if layer + 1 < self.layers:
                values = self.activation(values)
        if self.description["head"]["kind"] == "logits":
            return int(numpy.argmax(values)), None
        low, high = numpy.array(self.description["action_bounds"]).T
        return numpy.clip(values, low, high).astype(numpy.float32), None


def archive_of(environment, path):
    # Old archives hold gym's spaces and schedules, which today's packages do not read.
    known = {
        "observation_space": environment.observation_space, "action_space": environment.action_space,
        "lr_schedule": lambda _: 0.0, "clip_range": lambda _: 0.2,
    }
    return stable_baselines3.PPO.load(path, device="cpu", custom_objects=known)


def main(name, path):
    environment = gymnasium.make(name)
    discrete = isinstance(environment.action_space, gymnasium.spaces.Discrete)
    expert = Bundled(path) if path.suffix == ".safetensors" else archive_of(environment, path)
    # Only now: the agent computes in float32.
    torch.set_default_dtype(torch.float64)
    data = collect(environment, expert, discrete)
    outputs = environment.action_space.n if discrete else environment.action_space.shape[0]

    os.chdir(tempfile.mkdtemp())  # pykan writes into the working folder.
    import kan

    model = kan.KAN(width=[data["train_input"].shape[1], WIDTH, int(outputs)], grid=5, k=3, seed=0)
    loss = torch.nn.CrossEntropyLoss() if discrete else torch.nn.MSELoss()
    model.fit(data, opt="LBFGS", steps=STEPS, loss_fn=loss)
    model(data["train_input"])
    model = model.prune()
    model(data["train_input"])
    model.auto_symbolic(lib=LIBRARY, verbose=0)
    formulas, symbols = model.symbolic_formula()
    rounded = [kan.utils.ex_round(formula, 4) for formula in formulas]
    act = sympy.lambdify(symbols, rounded, "numpy")

    returns = []
    for seed in range(EPISODES):
        observation, _ = environment.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            scores = numpy.array(act(*map(float, observation)), dtype=float)
            if discrete:
                action = int(numpy.argmax(numpy.nan_to_num(scores, nan=-numpy.inf)))
            else:
                space = environment.action_space
                action = numpy.clip(numpy.nan_to_num(scores), space.low, space.high).astype(space.dtype)
            observation, reward, terminated, truncated, _ = environment.step(action)
            total, over = total + float(reward), terminated or truncated
        returns.append(total)
    result = {
        "return": float(numpy.mean(returns)),
        "operations": int(sum(formula.count_ops() for formula in rounded)),
        "formulas": [str(formula) for formula in rounded],
    }
    answers.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # What pykan prints is not the answer.
    main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve())
