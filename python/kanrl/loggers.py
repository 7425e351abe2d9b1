"""Loggers of sweeps: `kanrl.sweep(…, loggers=[kanrl.loggers.MLflow("sqlite:///mlflow.db")])`."""

import json
import math
from pathlib import Path

from kanrl._optional import needed

#: Columns of a row that are not settings or measurements.
_NAMES = ("run", "status", "error", "student")
#: How the names of measurements end.
_MEASURES = ("_mean", "_std", "_worst_5_percent", "_agreement")
#: MLflow's limit for one call.
_BATCH = 1000


def _parts(row):
    """A row's settings and its measurements: what is measured is a number and has no dot in its name."""
    measured = lambda name: name.endswith(_MEASURES) or name in ("operations", "seconds")  # noqa: E731
    values = {name: value for name, value in row.items() if name not in _NAMES and value is not None}
    metrics = {name: value for name, value in values.items() if measured(name) and math.isfinite(value)}
    whole = lambda value: int(value) if isinstance(value, float) and value.is_integer() else value  # noqa: E731
    return {name: whole(value) for name, value in values.items() if not measured(name)}, metrics


class MLflow:
    """Each run of the sweep as a run of an MLflow experiment: settings, results, curves, its report, and why it failed.

    Parameters
    ----------
    uri : str, optional
        The tracking server or store (`sqlite:///mlflow.db`); MLflow's default otherwise.
    experiment : str
        The experiment, created if there is none of that name. A run of the sweep that it has already is replaced.
    """

    def __init__(self, uri=None, experiment="kanrl"):
        self._client = needed("mlflow", "mlflow").MlflowClient(tracking_uri=uri)
        known = self._client.get_experiment_by_name(experiment)
        self._experiment = known.experiment_id if known else self._client.create_experiment(experiment)

    def __call__(self, row, directory):
        from mlflow.entities import Metric

        client, name = self._client, row["run"]
        for old in client.search_runs([self._experiment], f"tags.`kanrl.run` = '{name}'"):
            client.delete_run(old.info.run_id)
        tags = {"kanrl.run": name, "kanrl.directory": str(Path(directory).absolute())}
        tags.update({key: row[key] for key in ("student", "error") if row.get(key)})
        run = client.create_run(self._experiment, run_name=name, tags=tags).info.run_id
        settings, metrics = _parts(row)
        for key, value in settings.items():
            client.log_param(run, key, value)
        for key, value in metrics.items():
            client.log_metric(run, key, value)
        curves = [Metric(_plain(f"{stage}/{key}"), value, 0, step) for stage, key, step, value in _curves(directory)]
        for first in range(0, len(curves), _BATCH):
            client.log_batch(run, metrics=curves[first : first + _BATCH])
        client.set_terminated(run, "FINISHED" if row["status"] == "done" else "FAILED")


class TensorBoard:
    """Settings and results of every run for TensorBoard's HPARAMS tab. The curves are in the run directories:
    `tensorboard --logdir sweeps/grid` shows both.

    Parameters
    ----------
    folder : path
        Where the events are written.
    """

    def __init__(self, folder):
        self._writer = needed("tensorboardX", "ray").SummaryWriter
        self._folder = Path(folder)

    def __call__(self, row, directory):
        settings, metrics = _parts(row)
        with self._writer(str(self._folder / row["run"])) as writer:
            writer.add_hparams(settings, metrics, name=".")


def _curves(directory):
    """The numbers that a run's stages measured, step by step."""
    events = Path(directory) / "events.jsonl"
    for line in events.read_text().splitlines() if events.exists() else ():
        event = json.loads(line)
        if event["event"] == "metric" and event["value"] is not None and math.isfinite(event["value"]):
            yield event["stage"], event["name"], event["step"], event["value"]


def _plain(name):
    """The name with the characters that MLflow allows."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)
