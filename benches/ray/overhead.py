"""What Ray costs each run of a sweep, beside the same sweep on this machine without it.

    KANRL=target/release/kanrl python benches/ray/overhead.py [--trials 6] [--steps 2000000] [--rounds 3]

Both make the same runs, as many at a time as there are processors, with one thread each, in turn, in one process. Ray is started before the first round, as on a
cluster, and its start is not counted. Prints the seconds of each sweep, per run, and what Ray adds.
"""

import argparse
import os
import statistics
import tempfile
import time

# By default Ray's workers yield to everything else on the machine, which a local sweep does not.
os.environ["RAY_worker_niceness"] = "0"
import kanrl  # noqa: E402
import ray  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--trials", type=int, default=6)
parser.add_argument("--steps", type=int, default=2_000_000)
parser.add_argument("--rounds", type=int, default=3)
given = parser.parse_args()
grid = {
    "base": {
        "environment": {"id": "CartPole-v1"},
        "approximator": {"kind": "linear"},
        "collect": {"train_episodes": 2, "validation_episodes": 1},
        "dagger": {"rounds": 1, "steps": 100, "validation_episodes": 2},
        "polish": {"environment_steps": given.steps},
        "select": {"episodes": 10},
        "evaluate": {"episodes": 10, "robustness_episodes": 2},
        "students": {"rivals": False},
        "record": {"videos": False},
    },
    "seeds": given.trials,
}
processors = os.cpu_count()
ray.init(num_cpus=processors, include_dashboard=False, object_store_memory=200_000_000)
wait = ray.remote(lambda: time.sleep(1))
ray.get([wait.remote() for _ in range(processors)])
seconds = {"local": [], "ray": []}
for _ in range(given.rounds):
    for backend, own in seconds.items():
        with tempfile.TemporaryDirectory() as out:
            options = {"workers": processors} if backend == "local" else {"cpus": 1}
            begin = time.perf_counter()
            sweep = kanrl.sweep(grid, backend=backend, out=out, progress=False, **options)
            own.append(time.perf_counter() - begin)
            assert not sweep.failures, sweep.failures
    print({name: round(own[-1] * processors / given.trials, 3) for name, own in seconds.items()}, "s per run", flush=True)
local, on_ray = (statistics.median(own) * processors / given.trials for own in seconds.values())
print(f"median: local {local:.3f} s per run, Ray {on_ray:.3f} s, overhead {100 * (on_ray / local - 1):+.1f} %")
