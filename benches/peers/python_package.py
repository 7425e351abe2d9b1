"""kanrl's Python package beside pykan, Gymnasium, EnvPool and NumPy in one interpreter, for `cargo xtask compare python`.

Prints JSON: versions, and a row for each case and peer with the seconds of each round, per element.

- `pykan/introduction`: pykan's introductory example from the data to the formula; seconds of CPU time, all threads together.
- `vec/ID/nE`: a step of one of E environments, actions drawn beforehand, on one thread.
- `predict/nE`: the action of one of E observations, through `Policy.predict`; NumPy evaluates the same formula's exported module.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import sys
import tempfile
import time
import warnings

for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import gymnasium
import numpy

import kanrl

warnings.filterwarnings("ignore", category=UserWarning)

CLASSIC = ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1", "Pendulum-v1"]
OTHERS = ["LunarLander-v3", "BipedalWalker-v3", "Swimmer-v5", "Hopper-v5", "HalfCheetah-v5"]
LANES = (1, 64, 1024)
LIBRARY = ["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"]


def introduction(package):
    """CPU seconds of pykan's introductory example with pykan, or with what takes its place."""
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    if package == "kanrl":
        from kanrl.pykan import KAN, create_dataset
    else:
        from kan import KAN
        from kan.utils import create_dataset

    def run():
        f = lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)
        dataset = create_dataset(f, n_var=2, device="cpu")
        model = KAN(width=[2, 5, 1], grid=3, k=3, seed=42, device="cpu")
        model(dataset["train_input"])
        model.fit(dataset, opt="LBFGS", steps=50, lamb=0.001)
        model = model.prune()
        model.fit(dataset, opt="LBFGS", steps=50)
        model = model.refine(10)
        model.fit(dataset, opt="LBFGS", steps=50)
        model.auto_symbolic(lib=LIBRARY)
        model.fit(dataset, opt="LBFGS", steps=50)
        return model.symbolic_formula()[0][0]

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        start = time.process_time()
        formula = run()
        seconds = time.process_time() - start
    print(f"{package}: {formula}", file=sys.stderr)
    return seconds


def fastest(run, elements, seconds=1.0):
    """Seconds for an element: the fastest of as many runs as fit in a second, five at least."""
    run()
    best, ends, count = float("inf"), time.perf_counter() + seconds, 0
    while count < 5 or time.perf_counter() < ends:
        start = time.perf_counter()
        run()
        best, count = min(best, time.perf_counter() - start), count + 1
    return best / elements


def stepped(make, lanes):
    """Seconds for a step of one environment."""
    vector = make()
    vector.reset()
    ticks = max(16, 2048 // lanes)
    space, generator = vector.action_space, numpy.random.default_rng(0)
    if isinstance(space, gymnasium.spaces.Box):
        draw = lambda: generator.uniform(-1, 1, (lanes, space.shape[-1])).astype(space.dtype)
    else:
        most = int(space.nvec[0]) if hasattr(space, "nvec") else int(space.n)
        draw = lambda: generator.integers(most, size=lanes)
    actions = [draw() for _ in range(ticks)]

    def run():
        for action in actions:
            vector.step(action)

    seconds = fastest(run, ticks * lanes)
    vector.close()
    return seconds


def pool(name, lanes):
    import envpool

    make = lambda: envpool.make(name, env_type="gymnasium", num_envs=lanes, num_threads=1)
    return lambda: stepped(make, lanes)


def predicted(policy, count):
    states = numpy.random.default_rng(0).normal(size=(count, 4)) if count > 1 else numpy.zeros(4)
    module = {}
    exec(policy.to("numpy"), module)
    action = module["action"]
    calls = max(1, 2000 // count)
    ours = lambda: [policy.predict(states) for _ in range(calls)]
    theirs = lambda: [action(states) for _ in range(calls)]
    return (lambda: fastest(ours, calls * count)), {"numpy": lambda: fastest(theirs, calls * count)}


def cases():
    """What there is to time: ours, and the peers', by case."""
    found = {"pykan/introduction": ((lambda: introduction("kanrl")), {"pykan": lambda: introduction("pykan")})}
    policy = kanrl.policy("formula:3*theta + theta_dot", "CartPole-v1")
    for count in (1, 4096):
        found[f"predict/n{count}"] = predicted(policy, count)
    import envpool

    known = set(envpool.list_all_envs())
    for name in CLASSIC + OTHERS:
        for lanes in LANES:
            ours = lambda name=name, lanes=lanes: stepped(lambda: kanrl.make_vec(name, num_envs=lanes), lanes)
            sync = lambda name=name, lanes=lanes: stepped(
                lambda: gymnasium.make_vec(name, num_envs=lanes, vectorization_mode="sync"), lanes
            )
            peers = {"gymnasium make_vec": sync} if lanes < 1024 else {}
            if name in known:
                peers["envpool"] = pool(name, lanes)
            found[f"vec/{name}/n{lanes}"] = (ours, peers)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", default="")
    options = parser.parse_args()
    rows = []
    for case, (ours, peers) in cases().items():
        if options.case not in case:
            continue
        rounds = 1 if case.startswith("pykan") else options.rounds
        measured = [(ours(), {peer: run() for peer, run in peers.items()}) for _ in range(rounds)]
        own = [seconds for seconds, _ in measured]
        for peer in peers:
            rows.append({"case": case, "peer": peer, "ours": own, "theirs": [answer[peer] for _, answer in measured]})
            print(f"{case} against {peer}: {min(rows[-1]['theirs']) / min(own):.2f}", file=sys.stderr, flush=True)
    names = ["pykan", "torch", "gymnasium", "envpool", "numpy", "mujoco"]
    print(json.dumps({"versions": {name: importlib.metadata.version(name) for name in names}, "rows": rows}))


main()
