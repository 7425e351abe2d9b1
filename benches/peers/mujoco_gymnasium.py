"""Gymnasium's steps and pictures a second, for comparison with `cargo bench -p benches --features mujoco --bench mujoco`.

    MUJOCO_GL=egl python mujoco_gymnasium.py

Needs `gymnasium[mujoco]` with mujoco 3.17.0. Episodes of 500 steps with actions drawn beforehand; robots that would be
stopped for falling go on, as in the bench.
"""

import time

import gymnasium

STEPS = 500
ROBOTS = {
    "Swimmer-v4": {},
    "HalfCheetah-v4": {},
    "Hopper-v4": {"terminate_when_unhealthy": False},
    "Walker2d-v4": {"terminate_when_unhealthy": False},
    "Ant-v5": {"terminate_when_unhealthy": False},
}

for name, arguments in ROBOTS.items():
    environment = gymnasium.make(name, render_mode="rgb_array", **arguments).unwrapped
    environment.action_space.seed(0)
    actions = [environment.action_space.sample() for _ in range(STEPS)]
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        environment.reset(seed=0)
        for action in actions:
            environment.step(action)
        best = min(best, time.perf_counter() - start)
    environment.render()
    start = time.perf_counter()
    for _ in range(20):
        environment.render()
    pictures = 20 / (time.perf_counter() - start)
    print(f"{name}: {STEPS / best:.0f} steps/s, {pictures:.0f} pictures/s")
