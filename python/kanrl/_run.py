"""Runs: from an expert to a formula."""

import base64
import json
from functools import cached_property
from pathlib import Path

from kanrl import _experts, _kanrl
from kanrl._errors import InputError
from kanrl._progress import Lines
from kanrl._table import Table

#: A longer video is not put into a notebook.
_LARGEST_VIDEO = 4 << 20


def extract(
    env=None,
    expert=None,
    *,
    scores=None,
    seed=None,
    out=None,
    config=None,
    observation_names=None,
    action_names=None,
    progress=True,
    callback=None,
):
    """Turns an expert into a formula.

    Blocks until the run is done. Ctrl-C raises KeyboardInterrupt and keeps the finished stages; `resume` continues from there. The
    same seed gives the same bits as the command line.

    Parameters
    ----------
    env : str, gymnasium.Env or callable, optional
        The id of an environment: kanrl's own (`kanrl.environments()`) or Gymnasium's. Or an environment, or a function that
        creates one, which is stepped in Python. The id may be set in `config` instead.
    expert : optional
        The policy to explain. A name, as for the command line's `--expert`: `bundled` (the default), `FILE.zip`, `FILE.onnx`,
        `hub:ORG/REPO`, …. A Stable-Baselines3 model, which is saved next to the run directory. A `torch.nn.Module` from
        observations to logits or means. Or a deterministic function from observations to actions, singly or in batches.
    scores : callable, optional
        What the expert's actions are computed from: logits, Q-values, or a vector before clipping. Formulas learn better from
        scores than from actions. Without `expert`, the actions are derived from the scores.
    seed : int, optional
        Random seed; 0 unless the config sets another.
    out : path, optional
        The run directory; `runs/ENVIRONMENT-TIME` by default. If it contains the same run, that run is resumed.
    config : dict or path, optional
        Other settings, as in a config file: `{"students.widths": [[], [8]]}` or `{"students": {"widths": …}}`.
    observation_names, action_names : list of str, optional
        Names for the coordinates of an environment in Python, for use in the formula; `x_0`, `a_0`, … by default.
    progress : bool
        Whether to report progress on stderr.
    callback : callable, optional
        Called with every event as a dictionary, on the calling thread; an exception in it ends the run and is raised.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If an argument, the config, or a file is invalid; nothing is computed then.
    RunError
        If a stage fails.
    """
    order = {}
    if isinstance(config, dict):
        order["config"] = _nested(config)
    elif config is not None:
        order["file"] = str(Path(config))
    order["overrides"] = []
    if seed is not None:
        order["overrides"].append(("seed", "", int(seed)))
    nested = order.get("config", {}).get("environment", {})
    arguments = dict(nested.get("arguments", {}))
    for key, names in (("observation_names", observation_names), ("action_names", action_names)):
        if names is not None:
            arguments[key] = list(names)
            order["overrides"].append(("environment", "arguments", arguments))
    _put_expert(order, expert, scores, nested.get("id") if env is None else env, arguments, out)
    if out is not None:
        order["out"] = str(Path(out))
    return _execute(order, env, progress, callback)


def _put_expert(order, expert, scores, env, arguments, out):
    if isinstance(expert, (str, Path)) and scores is None:
        order["expert"] = str(expert)
    elif expert is not None or scores is not None:
        if env is None:
            raise InputError("no environment was named", "pass the environment together with an expert in Python")
        section = _experts.section(expert, scores, env, arguments, out)
        if isinstance(section, str):
            order["expert"] = section
        else:
            order["overrides"].append(("expert", "", section))


def resume(directory, *, env=None, expert=None, scores=None, stage=None, progress=True, callback=None):
    """Resumes a run that was cancelled or killed, after its last finished stage.

    Parameters
    ----------
    directory : path
        The run directory.
    env, expert, scores : optional
        Objects of your program, as in `extract`; they are not stored in the run directory.
    stage : str, optional
        Recompute this stage and all later ones.
    progress, callback
        As in `extract`.

    Returns
    -------
    Run
    """
    order = {"resume": str(Path(directory))}
    if stage is not None:
        order["from"] = stage
    if expert is not None or scores is not None:
        kept = Run(directory).config["environment"]
        env = kept["id"] if env is None else env
        order["overrides"] = []
        _put_expert(order, expert, scores, env, kept.get("arguments", {}), directory)
    return _execute(order, env, progress, callback)


def _execute(order, env, progress, callback):
    readers = ([Lines()] if progress else []) + ([callback] if callback is not None else [])

    def hear(text):
        event = json.loads(text)
        for reader in readers:
            reader(event)

    return Run(_kanrl.extract(json.dumps(order), env, hear if readers else None), env)


def _nested(config):
    """Dotted keys as tables in tables."""
    nested = {}
    for key, value in config.items():
        *tables, last = key.split(".")
        place = nested
        for table in tables:
            place = place.setdefault(table, {})
            if not isinstance(place, dict):
                raise InputError(f"config: `{key}` is set twice")
        value = _nested(value) if isinstance(value, dict) else value
        if isinstance(value, dict) and isinstance(place.get(last), dict):
            place[last].update(value)
        else:
            place[last] = value
    return nested


class Run:
    """A run directory: its settings, its measurements, and its policies.

    `env` is the environment, if it lives in the program; `kan` and `expert` need it then.
    """

    def __init__(self, directory, env=None):
        self._env = env
        self._store = _kanrl.RunDirectory(Path(directory))
        #: The run directory.
        self.directory = Path(directory)

    @cached_property
    def _record(self):
        return json.loads(self._store.record())

    @property
    def config(self):
        """All settings, defaults included."""
        return self._record["config"]

    @property
    def metrics(self):
        """All measurements; empty until the last stage is done."""
        return self._record["metrics"] or {}

    @property
    def state(self):
        """`done`, `cancelled`, `unfinished`, or `failed`."""
        state = self._record["state"]
        return next(iter(state)) if isinstance(state, dict) else state

    def path(self, name):
        """The path of one of its files, such as `report.html`; None if there is no such file."""
        path = self._store.path(name)
        return None if path is None else Path(path)

    @cached_property
    def formula(self):
        """The headline formula: the run's result."""
        return self._store.formula("headline")

    @cached_property
    def faithful(self):
        """The formula that explains the expert best; nothing in it was tuned on return."""
        return self._store.formula("faithful")

    @cached_property
    def polished(self):
        """The formula whose constants were tuned on return, or None."""
        return self._store.formula("polished") if self._store.has("polished") else None

    @cached_property
    def kan(self):
        """The network before it became a formula."""
        return self._store.kan(self._env)

    @cached_property
    def expert(self):
        """The expert."""
        return self._store.expert(self._env)

    @cached_property
    def front(self):
        """The formulas that no other one beats in return, fidelity, and operations at once, most faithful first."""
        own = lambda candidate: candidate["fidelity_own_states"] or 0.0  # noqa: E731
        expert = lambda candidate: candidate["fidelity_expert_states"] or 0.0  # noqa: E731
        shown = [candidate for candidate in self.metrics.get("candidates", []) if candidate["on_front"]]
        shown.sort(key=lambda candidate: -(own(candidate) + expert(candidate)))
        return [self._store.formula_of_text(candidate["text"]) for candidate in shown]

    @property
    def summary(self):
        """The returns of each policy on seeds that nothing was tuned on, its fidelity, and its operations, as a `Table`."""
        agreement = self.metrics.get("agreement", {})
        formulas, returned = self.metrics.get("formulas", {}), self.metrics.get("returns", {})
        states, own_states = agreement.get("expert_states", {}), agreement.get("own_states", {})
        rows = []
        for role in ("expert", "network", "faithful", "polished", "headline"):
            returns = returned.get(role, {})
            if not returns and role not in states:
                continue
            interval = returns.get("interquartile_mean_interval")
            rows.append({
                "policy": role,
                "mean": returns.get("mean"),
                "interquartile mean": returns.get("interquartile_mean"),
                "95 % interval": interval and (interval["low"], interval["high"]),
                "worst 5 %": returns.get("worst_5_percent"),
                "fidelity": states.get(role),
                "own states": own_states.get(role),
                "operations": formulas.get(role, {}).get("operations"),
            })
        return Table(rows)

    def __reduce__(self):
        return Run, (self.directory, self._env if isinstance(self._env, str) else None)

    def __repr__(self):
        return f"<kanrl.Run {self.directory} ({self.state})>"

    def __str__(self):
        if not self._store.has("headline"):
            return repr(self)
        return f"{self.summary}\n\n{self.formula}"

    def _repr_html_(self):
        if not self._store.has("headline"):
            return None
        parts = [self.formula._repr_html_() or "", self.summary._repr_html_()]
        diagram, video = self._store.diagram(), self._store.video()
        if diagram:
            parts.append(diagram)
        if video and len(video) <= _LARGEST_VIDEO:
            data = base64.b64encode(bytes(video)).decode()
            parts.append(f'<video controls src="data:video/mp4;base64,{data}"></video>')
        return "".join(f"<div>{part}</div>" for part in parts)
