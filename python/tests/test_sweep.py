"""Sweeps on this machine, and their loggers."""

import csv
import json
import os
import runpy
import signal
import subprocess
import time
from pathlib import Path

import pytest

import kanrl
from kanrl._sweep import command

GRID = {
    "base": {
        "environment": {"id": "CartPole-v1"},
        "approximator": {"kind": "linear"},
        "collect": {"train_episodes": 2, "validation_episodes": 1},
        "dagger": {"rounds": 1, "steps": 100, "validation_episodes": 2},
        "polish": {"environment_steps": 20_000, "generations": 4},
        "select": {"episodes": 4},
        "evaluate": {"episodes": 4, "robustness_episodes": 2},
        "students": {"rivals": False},
        "record": {"videos": False},
    },
    "grid": {"stages": [["collect", "evaluate"]]},
    "seeds": 5,
}
GOOD = {**GRID, "grid": {"dagger.steps": [100]}}


def test_a_sweep_is_a_table_of_runs(tmp_path):
    seen = []
    logger = lambda row, directory: seen.append((row["run"], (directory / "report.html").exists()))  # noqa: E731
    sweep = kanrl.sweep(GOOD, seeds=[3, 4], out=tmp_path, loggers=[logger], progress=False)
    assert [row["seed"] for row in sweep.rows] == [3, 4]
    assert [name for name, _ in seen] == [row["run"] for row in sweep.rows] and all(has for _, has in seen)
    assert [run.state for run in sweep.runs] == ["done", "done"] and not sweep.failures
    assert "The front" in sweep.report.read_text()
    assert "headline_mean" in str(sweep) and "2 runs, 0 failed" in repr(sweep)
    again = kanrl.sweep(GOOD, seeds=[4], out=tmp_path, progress=False)
    assert again.rows == sweep.rows[1:]


def test_a_run_that_fails_is_a_row_and_a_config_that_is_wrong_an_error(tmp_path):
    sweep = kanrl.sweep(GRID, seeds=1, out=tmp_path, progress=False)
    assert "stage `evaluate` needs" in next(iter(sweep.failures.values()))
    with pytest.raises(kanrl.InputError, match="hiden"):
        kanrl.sweep({"grid": {"approximator.hiden": [[1]]}}, out=tmp_path / "wrong", progress=False)
    with pytest.raises(kanrl.InputError, match="slurm"):
        kanrl.sweep(GRID, backend="slurm")


def test_tasks_of_the_slurm_example_share_a_sweep_and_one_that_runs_out_of_time_gives_its_runs_back(tmp_path):
    """The script as Slurm starts it: with its variables, and interrupted before the time is up."""
    script = Path(__file__).parents[2] / "examples/slurm/sweep.sh"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/kanrl").symlink_to(Path(command()).absolute())
    long = {**GOOD["base"], "polish": {"environment_steps": 400_000, "generations": 4}}
    (tmp_path / "grid.json").write_text(json.dumps({**GOOD, "base": long, "seeds": 4}))

    def task(index):
        variables = {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_CPUS_PER_TASK": "8", "NO_COLOR": "1"}
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        line = ["bash", str(script), "grid.json", str(tmp_path / "shared")]
        return subprocess.Popen(line, cwd=tmp_path, env={**os.environ, **variables, "PATH": path}, **pipes)

    first, second = task(0), task(1)
    deadline = time.monotonic() + 120
    claimed = lambda: list(tmp_path.glob("shared/claims/*"))  # noqa: E731
    owned = lambda: [path for path in claimed() if f"process {first.pid}" in path.read_text()]  # noqa: E731
    while time.monotonic() < deadline and not owned():
        time.sleep(0.02)
    assert owned(), "its process is the command's, which hears the signal"
    first.send_signal(signal.SIGINT)
    assert first.wait(60) == 130 and "to resume" in first.stdout.read()
    assert any("released" in path.read_text() for path in owned())
    assert second.wait(120) == 0, second.stdout.read()
    states = [row["status"] for row in csv.DictReader((tmp_path / "shared/summary.csv").open())]
    assert states == ["done"] * 4


def test_a_missing_ray_names_the_extra(tmp_path):
    try:
        import ray  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match=r"kanrl\[ray\]"):
            kanrl.sweep(GOOD, backend="ray", out=tmp_path)


def test_mlflow_has_every_run_with_its_settings_and_its_curves(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    from kanrl.loggers import MLflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    grid = {**GOOD, "grid": {"stages": [["collect", "evaluate"], ["collect", "fit"]]}}
    for _ in range(2):  # The second call replaces what the first one has logged.
        sweep = kanrl.sweep(grid, seeds=1, out=tmp_path / "sweep", loggers=[MLflow(uri, "test")], progress=False)
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("test")
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.info.run_name for run in runs) == sorted(row["run"] for row in sweep.rows)
    status = {run.info.run_name: run.info.status for run in runs}
    assert sorted(status.values()) == ["FAILED", "FINISHED"]
    failed = next(run for run in runs if run.info.status == "FAILED")
    assert "stage `evaluate` needs" in failed.data.tags["error"] and failed.data.params["seed"] == "0"
    good = kanrl.sweep(GOOD, seeds=1, out=tmp_path / "good", loggers=[MLflow(uri, "good")], progress=False)
    (run,) = client.search_runs([client.get_experiment_by_name("good").experiment_id])
    assert run.data.metrics["headline_mean"] == good.rows[0]["headline_mean"]
    assert any(name.startswith("dagger/validation return of ") for name in run.data.metrics)


def test_tensorboard_has_every_run_with_its_settings(tmp_path):
    pytest.importorskip("tensorboardX")
    from kanrl.loggers import TensorBoard

    sweep = kanrl.sweep(GOOD, seeds=1, out=tmp_path / "sweep", loggers=[TensorBoard(tmp_path / "board")], progress=False)
    (events,) = (tmp_path / "board" / sweep.rows[0]["run"]).glob("**/*tfevents*")
    assert b"headline_mean" in events.read_bytes() and b"seed" in events.read_bytes()


def test_the_rows_are_an_arrow_table(tmp_path):
    pytest.importorskip("pyarrow")
    sweep = kanrl.sweep(GOOD, seeds=2, out=tmp_path, progress=False)
    table = sweep.to_arrow()
    assert table.num_rows == 2 and json.loads(json.dumps(table.to_pylist()))[1]["seed"] == 1.0


def test_optuna_s_example_shares_a_study(tmp_path, monkeypatch):
    optuna = pytest.importorskip("optuna")
    from optuna.storages.journal import JournalFileBackend

    monkeypatch.chdir(tmp_path)
    extract = kanrl.extract
    small = {key: value for key, value in GOOD["base"].items() if key not in ("environment", "approximator")}
    monkeypatch.setattr(kanrl, "extract", lambda env, config, **options: extract(env, config={**small, **config}, **options))
    example = Path(__file__).parents[2] / "examples/optuna/search.py"
    for _ in range(2):  # As two processes, one after the other.
        monkeypatch.setattr("sys.argv", ["search.py", "1"])
        runpy.run_path(str(example))
    storage = optuna.storages.JournalStorage(JournalFileBackend("study.journal"))
    study = optuna.load_study(study_name="cartpole", storage=storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 2 and study.best_trials
