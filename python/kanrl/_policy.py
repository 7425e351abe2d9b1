"""Policies: formulas, networks and experts."""

from pathlib import Path

from kanrl import _experts
from kanrl._errors import InputError
from kanrl._kanrl import Policy as _Policy
from kanrl._kanrl import policy as _policy

Policy = _Policy


def policy(source, environment=None, *, scores=None):
    """A policy by its name, as the command line's `--policy` takes it, or of what lives in this program.

    Parameters
    ----------
    source : str or path
        `bundled`, `bundled:ID`, `FILE.zip`, `hub:ORG/REPO`, `FILE.onnx`, `FILE.safetensors`, `formula.json`,
        `formula:EXPRESSION`, `run:DIR`, `run:DIR#faithful`, `run:DIR#network`. Or an expert as `kanrl.extract` takes it.
    environment : str, gymnasium.Env or callable, optional
        What it is for, where the name alone does not say enough; as in `kanrl.extract`.
    scores : callable, optional
        As in `kanrl.extract`.

    Raises
    ------
    InputError
        If it cannot be read, or does not fit the environment.
    """
    if scores is None and isinstance(source, (str, Path)):
        return _policy(str(source), environment)
    if environment is None:
        raise InputError("no environment was named", "a policy in Python is given together with its environment")
    return _experts.live(source, scores, environment, {})[0]
