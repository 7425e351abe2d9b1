"""Our KAN beside flashkan, inkan and pykan: forward, forward and backward, whole fits and symbolic search.

    python -m venv ../venv && ../venv/bin/pip install -r benches/peers/kan_torch.txt    # about 5 GB; torch.compile needs g++
    cargo bench -p benches --bench kan --bench symbolic --no-run                  # prints the two executables
    ../venv/bin/python benches/peers/kan_torch.py KAN_BENCH SYMBOLIC_BENCH REFERENCE [fit] [symbolic]

Everything runs on one thread. Rounds of ours and theirs take turns, and each side's fastest round counts, so that other
work on the machine disturbs little. `fit` and `symbolic` add pykan, which takes minutes: its 50 L-BFGS steps on
[4, 2, 2] from the recorded start and data, against ours to the same loss, and its `suggest_symbolic` on recorded edges.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import warnings

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", RAYON_NUM_THREADS="1")
warnings.simplefilter("ignore")

import torch

torch.set_num_threads(1)
SHAPES = [(4, 2, 2), (8, 2, 4), (11, 8, 3), (64, 64, 64, 10)]
ROWS = 4096
ROUNDS = 3


def ours(executable, case, seconds=1):
    """Criterion's fastest sample of one case in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = [executable, "--bench", "--noplot", "--warm-up-time", "0.3", "--measurement-time", str(seconds)]
        environment = dict(os.environ, CRITERION_HOME=folder)
        subprocess.run([*command, f"^{re.escape(case)}$"], capture_output=True, check=True, env=environment)
        (path,) = pathlib.Path(folder).rglob("new/sample.json")
        sample = json.loads(path.read_text())
    return min(time / count for time, count in zip(sample["times"], sample["iters"])) / 1e6


def fastest(run, seconds=0.5):
    """Milliseconds of the fastest of many calls."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def passes(package, shape):
    """Forward, and forward and backward, of a peer's network on mean squared error."""
    torch.manual_seed(0)
    network = package.KANNetwork(list(shape), grid_size=5).float()
    inputs = torch.rand(ROWS, shape[0]) * 2 - 1
    targets = torch.full((ROWS, shape[-1]), 0.1)

    def forward():
        with torch.no_grad():
            torch.nn.functional.mse_loss(network(inputs), targets)

    def both():
        network.zero_grad(set_to_none=True)
        torch.nn.functional.mse_loss(network(inputs), targets).backward()

    for _ in range(5):
        forward()
        both()
    return {"fwd": forward, "fwdbwd": both}


def compare_passes(executable):
    import flashkan
    import inkan

    for shape in SHAPES:
        runs = {package.__name__: passes(package, shape) for package in (flashkan, inkan)}
        for kind in ("fwd", "fwdbwd"):
            case = f"kan/{kind}/{'-'.join(map(str, shape))}/b{ROWS}/f32"
            best = {}
            for _ in range(ROUNDS):
                for name, run in runs.items():
                    best[name] = min(best.get(name, float("inf")), fastest(run[kind]))
                best["ours"] = min(best.get("ours", float("inf")), ours(executable, case))
            ratio = best["ours"] / min(best["flashkan"], best["inkan"])
            times = ", ".join(f"{name} {value:.3f} ms" for name, value in best.items())
            print(f"{case}: {times}; ours / faster peer = {ratio:.3f} = 1/{1 / ratio:.1f}", flush=True)


def compare_fit(executable, reference):
    import kan
    import safetensors.torch

    data = safetensors.torch.load_file(f"{reference}/speed/fit_4-2-2.safetensors")
    torch.set_default_dtype(torch.float64)
    os.chdir(tempfile.mkdtemp())
    model = kan.KAN(width=[4, 2, 2], grid=5, k=3, seed=0, auto_save=False)
    start = time.process_time()
    results = model.fit(data, opt="LBFGS", steps=50)
    theirs = time.process_time() - start
    mine = ours(executable, "fit/4-2-2/n5000/f64", 5) / 1e3
    loss = float(results["train_loss"][-1])
    print(f"fit/4-2-2/n5000/f64: pykan {theirs:.1f} CPU s to RMSE {loss:.6f}, ours {mine:.3f} s = 1/{theirs / mine:.0f}")


def compare_symbolic(executable, reference):
    import kan
    import safetensors.torch

    torch.set_default_dtype(torch.float64)
    os.chdir(tempfile.mkdtemp())
    for rows, edges in ((200, 3), (1000, 2)):
        curves = safetensors.torch.load_file(f"{reference}/speed/sym_4-2-2_n{rows}_edges.safetensors")
        model = kan.KAN(width=[4, 2, 2], grid=5, k=3, seed=0, auto_save=False)
        model.acts = [curves[f"l{layer}/x"].double() for layer in range(2)]
        model.spline_postacts = [curves[f"l{layer}/y"].double() for layer in range(2)]
        model.postacts = model.spline_postacts
        start = time.process_time()
        for source in range(edges):
            model.suggest_symbolic(0, source, 0, verbose=False)
        theirs = (time.process_time() - start) / edges
        mine = ours(executable, f"sym/edge/4-2-2/n{rows}", 3) / 1e3
        print(f"sym/edge/4-2-2/n{rows}: pykan {theirs:.2f} CPU s per edge, ours {mine * 1e3:.3f} ms = 1/{theirs / mine:.0f}")


if __name__ == "__main__":
    kan_bench, symbolic_bench, reference = [os.path.abspath(path) for path in sys.argv[1:4]]
    wanted = sys.argv[4:] or ["passes"]
    if "passes" in wanted:
        compare_passes(kan_bench)
    if "fit" in wanted:
        compare_fit(kan_bench, reference)
    if "symbolic" in wanted:
        compare_symbolic(symbolic_bench, reference)
