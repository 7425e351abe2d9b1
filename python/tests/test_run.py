"""Runs: the command line's, from Python."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import kanrl
from conftest import SMALL


def test_policies_of_a_run(run):
    states = np.random.default_rng(0).uniform(-0.1, 0.1, size=(50, 4))
    policies = [run.formula, run.faithful, run.kan, run.expert, *run.front]
    assert all(policy.predict(states)[0].shape == (50,) for policy in policies)
    assert run.formula.observation_names == ["x", "x_dot", "theta", "theta_dot"]
    assert run.formula in [*run.front, run.faithful, run.polished]
    assert run.state == "done" and run.config["seed"] == 0
    assert run.path("report.html").is_file() and run.path("formula.mp4") is None


def test_the_summary_is_what_was_measured(run):
    rows = {row["policy"]: row for row in run.summary}
    assert {"expert", "network", "headline"} <= set(rows)
    assert rows["headline"]["mean"] == run.metrics["returns"]["headline"]["mean"]
    assert rows["headline"]["operations"] == run.formula.operations
    assert "expert" in str(run.summary) and "<table>" in run.summary._repr_html_()
    assert str(run.formula) in str(run)
    assert "<math" in run._repr_html_() and "<svg" in run._repr_html_()


def test_results_are_pickled_and_copied(run):
    result = kanrl.evaluate(run.formula, "CartPole-v1", episodes=3)
    comparison = kanrl.compare(run.expert, run.formula, "CartPole-v1", episodes=3)
    for other in (pickle.loads(pickle.dumps(run)), copy.deepcopy(run)):
        assert other.formula == run.formula and other.metrics == run.metrics
    for value in (result, comparison, run.summary):
        assert str(pickle.loads(pickle.dumps(value))) == str(value) == str(copy.deepcopy(value))


def test_the_same_seed_gives_the_same_bits(run, tmp_path):
    again = kanrl.extract("CartPole-v1", seed=0, out=tmp_path / "again", config=SMALL, progress=False)
    assert again.metrics == run.metrics
    for name in ("config.toml", "formula.json", "kan.safetensors", "report.html"):
        assert again.path(name).read_bytes() == run.path(name).read_bytes(), name


def test_resuming_reuses_what_is_there(run):
    events = []
    again = kanrl.resume(run.directory, progress=False, callback=events.append)
    finished = [event for event in events if event["event"] == "stage_finished"]
    assert finished and all(event["reused"] for event in finished if event["stage"] != "report")
    assert again.formula == run.formula


def test_configs(tmp_path):
    with pytest.raises(kanrl.InputError, match="did you mean `hidden`") as caught:
        kanrl.extract("CartPole-v1", config={"approximator.hiden": [3]}, out=tmp_path / "x", progress=False)
    assert caught.value.help == "did you mean `hidden`?"
    with pytest.raises(kanrl.InputError, match="did you mean `CartPole-v1`"):
        kanrl.extract("CartPole-v2", out=tmp_path / "x", progress=False)
    with pytest.raises(kanrl.InputError, match="no-such.zip"):
        kanrl.extract("CartPole-v1", expert="no-such.zip", out=tmp_path / "x", progress=False)
    with pytest.raises(kanrl.InputError, match="set twice"):
        kanrl.extract("CartPole-v1", config={"seed": 1, "seed.x": 2}, progress=False)
    assert not (tmp_path / "x").exists()
    with pytest.raises(kanrl.InputError):
        kanrl.Run(tmp_path)


def test_an_exception_of_the_callback_ends_the_run(tmp_path):
    def stop(event):
        if event["event"] == "stage_finished":
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        kanrl.extract("CartPole-v1", config=SMALL, out=tmp_path / "run", progress=False, callback=stop)
    assert kanrl.Run(tmp_path / "run").state == "cancelled"
    assert kanrl.resume(tmp_path / "run", progress=False).state == "done"


LONG = """
import sys, time, kanrl
config = {"record.videos": False, "polish.environment_steps": 10**12}
try:
    kanrl.extract("Pendulum-v1", out=sys.argv[1], config=config, callback=lambda e: print(e["event"], flush=True))
except KeyboardInterrupt as error:
    print("interrupted", time.time(), error, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_leaves_a_run_that_can_go_on(tmp_path):
    command = [sys.executable, "-c", LONG, str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if line.startswith("stage_finished"):
            break
    sent = time.time()
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait() == 0
    (said,) = [line for line in rest.splitlines() if line.startswith("interrupted")]
    assert "kanrl.resume" in said
    # It is a second at most on a quiet machine.
    assert float(said.split()[1]) - sent < 20
    assert kanrl.Run(tmp_path / "run").state == "cancelled"


def test_progress_is_a_line_a_stage_in_a_pipe(run, capsys):
    kanrl.resume(run.directory)
    assert "collect: reused from the earlier run\n" in capsys.readouterr().err


def test_a_stage_that_takes_long_says_how_to_shorten_it(monkeypatch):
    import io

    from kanrl import _progress

    now = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    lines = _progress.Lines(stream)
    for second in range(0, 35, 5):
        now[0] = float(second)
        event = {"event": "progress", "stage": "polish", "done": 1000 * second, "total": 10**6, "message": "steps"}
        lines(event)
    said = stream.getvalue().splitlines()
    assert said[:2] == [
        "polish: 10000 of 1000000 steps, 16 min left",
        'polish will take about 16 min more; config={"polish.environment_steps": …} shortens it',
    ]
    assert said[2:] == ["polish: 20000 of 1000000 steps, 16 min left", "polish: 30000 of 1000000 steps, 16 min left"]
