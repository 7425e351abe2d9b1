"""flashkan, inkan and pykan, for `cargo xtask compare kan`: one pass, forward or forward and backward, and whole fits.

Everything runs on one thread. A pass is one of mean squared error on 4096 rows. A fit is pykan's 50 L-BFGS steps on the
recorded data, against ours until it has the training loss that pykan had then.
"""

from peer import once, serve  # First: it sets the number of threads.

import os
import pathlib
import sys
import tempfile

import torch

torch.set_num_threads(1)
reference = pathlib.Path(sys.argv[1]).resolve()
os.chdir(tempfile.mkdtemp())  # pykan writes into the working folder.

import flashkan
import inkan
import kan
import safetensors.torch

SHAPES = [(4, 2, 2), (8, 2, 4), (11, 8, 3), (64, 64, 64, 10)]
ROWS = 4096


def network_pass(package, shape, kind):
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32)
    network = package.KANNetwork(list(shape), grid_size=5).float()
    inputs = torch.rand(ROWS, shape[0]) * 2 - 1
    targets = torch.full((ROWS, shape[-1]), 0.1)

    def forward():
        with torch.no_grad():
            torch.nn.functional.mse_loss(network(inputs), targets)

    def both():
        network.zero_grad(set_to_none=True)
        torch.nn.functional.mse_loss(network(inputs), targets).backward()

    run = {"fwd": forward, "fwdbwd": both}[kind]
    for _ in range(5):
        run()  # Compiles.
    edges = sum(before * after for before, after in zip(shape, shape[1:]))
    return run, edges * ROWS


def fit(shape):
    torch.set_default_dtype(torch.float64)
    data = safetensors.torch.load_file(reference / f"speed/fit_{'-'.join(map(str, shape))}.safetensors")
    model = kan.KAN(width=list(shape), grid=5, k=3, seed=0, auto_save=False)
    return lambda: model.fit(data, opt="LBFGS", steps=50), 1, once


cases = {}
for shape in SHAPES:
    for kind in ("fwd", "fwdbwd"):
        peers = {
            package.__name__: lambda of=(package, shape, kind): network_pass(*of) for package in (flashkan, inkan)
        }
        cases[f"kan/{kind}/{'-'.join(map(str, shape))}/b{ROWS}/f32"] = peers
for shape in SHAPES[:2]:
    name = "-".join(map(str, shape))
    path = reference / f"speed/fit_{name}.safetensors"
    if path.exists():
        rows = len(safetensors.torch.load_file(path)["train_input"])
        cases[f"fit/{name}/n{rows}/f64"] = {"pykan": lambda shape=shape: fit(shape)}
serve(["torch", "flashkan", "inkan", "pykan"], cases)
