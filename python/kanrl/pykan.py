"""pykan's names, for scripts that were written for it: `from kanrl.pykan import *` in place of `from kan import *`.

As there, `torch` (where it is installed) and `np` are among them, and `create_dataset` makes torch tensors.
"""

import numpy as np

from kanrl._kan import KAN, ex_round
from kanrl._kan import create_dataset as _create_dataset

#: pykan's other name for it.
MultKAN = KAN

__all__ = ["KAN", "MultKAN", "create_dataset", "ex_round", "np"]

try:
    import torch
except ImportError:
    torch = None
else:
    __all__.append("torch")


def create_dataset(*args, device="cpu", **kwargs):
    """`kanrl.create_dataset`, with tensors where torch is installed."""
    return _create_dataset(*args, device=device, **kwargs)
