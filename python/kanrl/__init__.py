"""Turns a trained reinforcement-learning policy into a formula people can read, check, and ship.

>>> import kanrl
>>> run = kanrl.extract("CartPole-v1")             # doctest: +SKIP
>>> print(run.formula)                             # doctest: +SKIP
>>> action, _ = run.formula.predict(observation)   # doctest: +SKIP
"""

import sys as _sys

from kanrl._dagger import DAggerTrainer
from kanrl._errors import InputError, KanrlError, RunError
from kanrl._evaluate import Comparison, Evaluation, compare, evaluate
from kanrl._kanrl import VERSION as __version__
from kanrl._kanrl import environments
from kanrl._kan import KAN, create_dataset, ex_round
from kanrl._mujoco import point_to_library as _point_to_library
from kanrl._policy import Policy, policy
from kanrl._run import Run, extract, resume
from kanrl._table import Table

_point_to_library()
if _sys.modules.get("gymnasium") is not None:
    from kanrl._registration import register as _register

    _register()

__all__ = [
    "Comparison",
    "DAggerTrainer",
    "Evaluation",
    "InputError",
    "KAN",
    "KANClassifier",
    "KANRegressor",
    "KanrlError",
    "Policy",
    "Run",
    "RunError",
    "Sweep",
    "Table",
    "__version__",
    "compare",
    "create_dataset",
    "environments",
    "evaluate",
    "ex_round",
    "extract",
    "make_vec",
    "policy",
    "resume",
    "sweep",
]

#: Names whose modules need another package or are rarely used, and are imported on first use.
_LATER = {
    "KANClassifier": "kanrl._sklearn",
    "KANRegressor": "kanrl._sklearn",
    "Sweep": "kanrl._sweep",
    "make_vec": "kanrl._gymnasium",
    "sweep": "kanrl._sweep",
}


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'kanrl' has no attribute {name!r}")
    import importlib

    globals()[name] = found = getattr(importlib.import_module(_LATER[name]), name)
    return found
