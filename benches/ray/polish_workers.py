"""Where more workers stop paying for one run's polish: a simulation from recorded times.

    KANRL=target/release/kanrl python benches/ray/polish_workers.py [--record]

`--record` makes a small run of each environment whose candidates are played one by one, on one thread, by the process that a worker on
Ray is, notes the processor seconds of each, and measures Ray's own costs on this machine; the result is `polish_workers.json` beside this file.
Without it, the file that is there is used. Prints a Markdown table.

A generation has L candidates; candidate i takes t_i seconds on one processor. N workers get contiguous parts of the candidates, as
`kanrl._polish` deals them out, so a generation takes

    T(N) = a + b min(N, L) + max over parts of the sum of the part's t_i

where a is the way to a worker and back and b what the driver spends on each part. If all t_i are t, T falls with N as long as
L t / N^2 > b, so up to sqrt(L t / b) workers, and never beyond L: more workers than candidates have nothing to do. A machine with c
processors takes L t / c without any way.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECORD = Path(__file__).with_suffix(".json")
ENVIRONMENTS = ("CartPole-v1", "Pendulum-v1", "LunarLander-v3")
WORKERS = (2, 16, 128, 1024)
#: Processors of the machine that workers are compared with.
LOCAL = 8
CONFIG = """
environment.id = "{}"
approximator.kind = "linear"
collect = {{ train_episodes = 3, validation_episodes = 1 }}
dagger = {{ rounds = 1, steps = 500, validation_episodes = 2 }}
polish = {{ environment_steps = 100_000, generations = 10, workers = "ray" }}
select.episodes = 2
evaluate = {{ episodes = 2, robustness_episodes = 0 }}
students.rivals = false
record.videos = false
"""


def record():
    """Seconds of every candidate of every generation, by environment, and Ray's costs."""
    generations = {}
    for environment in ENVIRONMENTS:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "run.toml").write_text(CONFIG.format(environment))
            # The run starts this instead of the pool on Ray.
            pool = folder / "pool"
            pool.write_text(f"#!/bin/sh\nexec {sys.executable} {Path(__file__).resolve()} --pool {folder / 'times'}\n")
            pool.chmod(0o755)
            command = [os.environ["KANRL"], "--quiet", "extract", "--config", folder / "run.toml", "--out", folder / "run"]
            subprocess.run(command, check=True, env={**os.environ, "KANRL_PYTHON": str(pool)}, stdout=subprocess.DEVNULL)
            generations[environment] = [json.loads(line) for line in (folder / "times").read_text().splitlines()]
    return {"generations": generations, "ray": ray_costs()}


def pool(times):
    """Answers a run as the pool on Ray does, but plays candidates one by one, and notes their seconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config, open(times, "w") as noted:
        config.write(json.loads(sys.stdin.readline())["config"])
        config.flush()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
        worker = subprocess.Popen([os.environ["KANRL"], "polish-worker", config.name], env=environment, **pipes)
        # The processor time of another process, by Linux's number for its clock: other work on the machine does not count.
        clock = (~worker.pid << 3) | 2
        print(worker.stdout.readline(), end="", flush=True)
        for line in sys.stdin:
            wanted = json.loads(line)["play"]
            played, seconds = [], []
            for candidate in wanted["candidates"]:
                begin = time.clock_gettime(clock)
                worker.stdin.write(json.dumps({"play": {**wanted, "candidates": [candidate]}}) + "\n")
                worker.stdin.flush()
                played += json.loads(worker.stdout.readline())["played"]
                seconds.append(round(time.clock_gettime(clock) - begin, 6))
            noted.write(json.dumps({"episodes": len(wanted["seeds"]), "seconds": seconds}) + "\n")
            print(json.dumps({"played": played}), flush=True)


def ray_costs():
    """Seconds of the way to an actor and back, and those that the driver spends on each further one; at a quiet moment."""
    os.environ["RAY_worker_niceness"] = "0"
    import ray

    class Echo:
        def play(self, request):
            return request

    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80_000_000, log_to_driver=False)
    request = "x" * 4000
    many = [ray.remote(Echo).options(num_cpus=0).remote() for _ in range(8)]

    def seconds(count):
        found = []
        for _ in range(100):
            begin = time.perf_counter()
            ray.get([actor.play.remote(request) for actor in many[:count]])
            found.append(time.perf_counter() - begin)
        return statistics.quantiles(found[10:], n=10)[0]

    one, all_of_them = seconds(1), seconds(len(many))
    ray.shutdown()
    return {"way": one, "part": max((all_of_them - one) / (len(many) - 1), 1e-5)}


def generation(seconds, workers, way, part):
    """What a generation takes, as the module's text says."""
    parts = min(workers, len(seconds))
    ends = [len(seconds) * index // parts for index in range(parts + 1)]
    return way + part * parts + max(sum(seconds[first:last]) for first, last in zip(ends, ends[1:]))


def table(recorded):
    way, part = recorded["ray"]["way"], recorded["ray"]["part"]
    print(f"Ray: {1e3 * way:.2f} ms to a worker and back, {1e3 * part:.2f} ms for each part.\n")
    head = ["environment", "candidate", "candidates", "best number", f"{LOCAL} processors", *map(str, WORKERS)]
    print("| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1))
    for environment, generations in recorded["generations"].items():
        all_seconds = [generation["seconds"] for generation in generations]
        one = statistics.mean(second for seconds in all_seconds for second in seconds)
        count = statistics.mean(map(len, all_seconds))
        local = sum(max(sum(seconds) / LOCAL, max(seconds)) for seconds in all_seconds)
        total = {workers: sum(generation(seconds, workers, way, part) for seconds in all_seconds) for workers in range(1, 65)}
        best = min(total, key=total.get)
        alone = sum(map(sum, all_seconds))
        cells = [environment, f"{1e3 * one:.1f} ms", f"{count:.1f}", str(best), f"{alone / local:.1f}"]
        for workers in WORKERS:
            taken = sum(generation(seconds, workers, way, part) for seconds in all_seconds)
            cells.append(f"{alone / taken:.1f}")
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--pool")
    given = parser.parse_args()
    if given.pool:
        pool(given.pool)
    else:
        if given.record:
            RECORD.write_text(json.dumps(record(), separators=(",", ":")) + "\n")
        table(json.loads(RECORD.read_text()))
