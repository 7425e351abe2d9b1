"""Environment steps per second on one thread: ours, Gymnasium's and EnvPool's, in one run on one machine.

    python -m venv ../venv && ../venv/bin/pip install "gymnasium[classic-control,box2d]==1.4.0" envpool  # Debian: swig
    cargo build --release -p benches --example environment_rates
    ../venv/bin/python benches/peers/environments.py target/release/examples/environment_rates

Every figure is the best of many short runs, so that other work on the machine disturbs little, with actions drawn
beforehand; lanes that end are reset. Gymnasium steps one environment (`gym.make`, its wrappers included) and, for its
best case, 64 in a `gym.vector.SyncVectorEnv`; EnvPool steps 64 with `num_threads=1`.
"""

import json
import os
import subprocess
import sys
import time
import warnings

os.environ.update(OMP_NUM_THREADS="1", RAYON_NUM_THREADS="1")
warnings.simplefilter("ignore")

import envpool
import gymnasium
import numpy

IDS = ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1", "Pendulum-v1"]
BOX2D = ["LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3"]


def best(run, steps, rounds):
    """Steps per second of the fastest round."""
    fastest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        fastest = min(fastest, time.perf_counter() - start)
    return steps / fastest


def gymnasium_single(name, steps=500):
    environment = gymnasium.make(name)
    environment.reset(seed=0)
    environment.action_space.seed(0)
    actions = [environment.action_space.sample() for _ in range(steps)]

    def run():
        for action in actions:
            _, _, terminated, truncated, _ = environment.step(action)
            if terminated or truncated:
                environment.reset()

    return best(run, steps, 60)


def gymnasium_vector(name, lanes=64, ticks=20):
    environment = gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make(name)] * lanes)
    environment.reset(seed=0)
    environment.action_space.seed(0)
    actions = [environment.action_space.sample() for _ in range(ticks)]

    def run():
        for action in actions:
            environment.step(action)

    return best(run, lanes * ticks, 30)


def pool(name, lanes=64, ticks=50):
    environment = envpool.make(name, env_type="gymnasium", num_envs=lanes, num_threads=1)
    environment.reset()
    shape = environment.action_space.shape
    generator = numpy.random.default_rng(0)
    if shape:
        space = environment.action_space
        actions = [generator.uniform(space.low, space.high, (lanes, *shape)).astype(space.dtype) for _ in range(ticks)]
    else:
        actions = [generator.integers(environment.action_space.n, size=lanes).astype(numpy.int32) for _ in range(ticks)]

    def run():
        for action in actions:
            environment.step(action)

    return best(run, lanes * ticks, 200)


def main():
    ours = {}
    for line in subprocess.run(sys.argv[1:2], check=True, capture_output=True, text=True).stdout.splitlines():
        row = json.loads(line)
        ours[row["id"], row["what"]] = row["steps_per_second"]
    print(f"gymnasium {gymnasium.__version__}, envpool {envpool.__version__}, numpy {numpy.__version__}")
    print("| environment | ours n1 | n64 | n4096 | Gymnasium | SyncVectorEnv | EnvPool | ours/Gymnasium | ours/EnvPool |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in IDS:
        single, vector, envs = gymnasium_single(name), gymnasium_vector(name), pool(name)
        n1, n64, n4096 = (ours[name, what] for what in ("n1", "n64", "n4096"))
        rates = " | ".join(f"{rate / 1e3:,.0f} k" for rate in (n1, n64, n4096, single, vector, envs))
        print(f"| {name} | {rates} | {n1 / single:.0f} | {n64 / envs:.0f} |", flush=True)
    for name in BOX2D:
        single, n1, n64 = gymnasium_single(name), ours[name, "n1"], ours[name, "n64"]
        rates = " | ".join(f"{rate / 1e3:,.1f} k" for rate in (n1, n64))
        print(f"| {name} | {rates} | | {single / 1e3:,.1f} k | | | {n1 / single:.1f} | |", flush=True)
    for what in ("n1", "n64", "n4096"):
        rate = ours["CartPole-v1", f"{what}/formula"]
        print(f"CartPole-v1 {what} with a formula: {rate / 1e6:.1f} M/s, {rate / ours['CartPole-v1', what]:.2f} of bare")
    print(f"CartPole-v1 rollouts with a formula: {ours['CartPole-v1', 'rollouts'] / 1e6:.1f} M/s")


main()
