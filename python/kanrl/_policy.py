"""Policies: formulas, networks and experts."""

from pathlib import Path

from kanrl import _experts
from kanrl._errors import InputError
from kanrl._kanrl import Policy as _Policy
from kanrl._kanrl import policy as _policy

Policy = _Policy


def policy(source, environment=None, *, scores=None):
    """Loads a policy by name, as the command line's `--policy` does, or wraps an expert of this program.

    Parameters
    ----------
    source : str or path
        `bundled`, `bundled:ID`, `FILE.zip`, `hub:ORG/REPO`, `FILE.onnx`, `FILE.safetensors`, `formula.json`,
        `formula:EXPRESSION`, `run:DIR`, `run:DIR#faithful`, `run:DIR#network`. Or an expert, as in `kanrl.extract`.
    environment : str, gymnasium.Env or callable, optional
        The environment, if the name alone does not determine it; as in `kanrl.extract`.
    scores : callable, optional
        As in `kanrl.extract`.

    Raises
    ------
    InputError
        If the policy cannot be read or does not fit the environment.
    """
    if scores is None and isinstance(source, (str, Path)):
        return _policy(str(source), environment)
    if environment is None:
        raise InputError("no environment was named", "pass the environment together with a policy in Python")
    return _experts.live(source, scores, environment, {}, kept=False)[0]
