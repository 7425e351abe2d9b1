"""What the peers' scripts share: they answer `cargo xtask compare`, one case at a time.

A script prints one line with its versions and its cases; then, for every case that is written to its standard input, one
line with each peer's seconds per element: the fastest of the calls that fit into half a second, and at least one. Cases
have the names of the criterion benches.
"""

import importlib.metadata
import json
import os
import sys
import time
import warnings

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TQDM_DISABLE="1")
warnings.simplefilter("ignore")


def fastest(run, seconds=0.5):
    """Seconds of the fastest call."""
    run()
    best, end = float("inf"), time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        run()
        now = time.perf_counter()
        best = min(best, now - start)
        if now >= end:
            return best


def once(run):
    """Seconds of one call, for what takes longer than half a second."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def serve(packages, cases):
    """Answers until standard input ends.

    `packages` are those whose versions are reported. `cases` maps a case to its peers, and a peer to a function that makes the run: a pair of what to call and the number
    of elements (steps, rows, fits) in one call, with `once` as a third where it should be called once only.
    """
    answers = sys.stdout
    sys.stdout = sys.stderr  # What the peers print is not an answer.
    versions = {package: importlib.metadata.version(package) for package in packages}
    print(json.dumps({"versions": versions, "cases": list(cases)}), file=answers, flush=True)
    made = {}
    for line in sys.stdin:
        case = line.strip()
        if case not in made:
            made[case] = {peer: make() for peer, make in cases[case].items()}
        seconds = {}
        for peer, (run, elements, *timer) in made[case].items():
            seconds[peer] = (timer[0] if timer else fastest)(run) / elements
        print(json.dumps(seconds), file=answers, flush=True)
