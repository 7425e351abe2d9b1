"""pykan's `suggest_symbolic`, for `cargo xtask compare symbolic`: `sym/edge/SHAPE/nN`, an edge against all functions.

The curves are recorded ones of a fitted network, with N samples each; a case's first layer is searched.
"""

from peer import once, serve  # First: it sets the number of threads.

import os
import pathlib
import re
import sys
import tempfile

import torch

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
reference = pathlib.Path(sys.argv[1]).resolve()
os.chdir(tempfile.mkdtemp())  # pykan writes into the working folder.

import kan
import safetensors.torch


def search(path, shape):
    curves = safetensors.torch.load_file(path)
    model = kan.KAN(width=shape, grid=5, k=3, seed=0, auto_save=False)
    layers = range(len(shape) - 1)
    model.acts = [curves[f"l{layer}/x"].double() for layer in layers]
    model.spline_postacts = [curves[f"l{layer}/y"].double() for layer in layers]
    model.postacts = model.spline_postacts
    edges = 2

    def run():
        for source in range(edges):
            model.suggest_symbolic(0, source, 0, verbose=False)

    return run, edges, once


cases = {}
for path in sorted(reference.glob("speed/sym_*_edges.safetensors")):
    shape, samples = re.fullmatch(r"sym_([\d-]+)_n(\d+)_edges", path.stem).groups()
    widths = [int(width) for width in shape.split("-")]
    cases[f"sym/edge/{shape}/n{samples}"] = {"pykan": lambda of=(path, widths): search(*of)}
serve(["torch", "pykan"], cases)
