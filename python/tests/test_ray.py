"""Sweeps on a real Ray cluster of two nodes on this machine, one of which is killed.

Runs where Ray is installed: `cargo xtask ray` installs the oldest and the newest supported version and runs this with both, in a
network namespace that has only the loopback.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Ray's workers yield to everything else on the machine by default, such as other tests.
os.environ["RAY_worker_niceness"] = "0"
os.environ["RAY_AUTH_MODE"] = "disabled"  # leaves no token in the home folder
ray = pytest.importorskip("ray")
import kanrl  # noqa: E402
from kanrl._sweep import command  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "memory": 4 << 30}
#: Not of the bytes that a local sweep would leave.
TIMES = {"run.log", "events.jsonl", "timings.json", "provenance.json", "tensorboard", ".lock"}


def grid(steps=60_000, **axes):
    base = {
        "environment": {"id": "CartPole-v1"},
        "approximator": {"kind": "linear"},
        "collect": {"train_episodes": 2, "validation_episodes": 1},
        "dagger": {"rounds": 1, "steps": 100, "validation_episodes": 2},
        "polish": {"environment_steps": steps, "generations": 4},
        "select": {"episodes": 4},
        "evaluate": {"episodes": 4, "robustness_episodes": 2},
        "students": {"rivals": False},
        "record": {"videos": False},
    }
    return {"base": base, "grid": axes}


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def node(cluster):
    """A second node."""
    before = alive()
    node = cluster.add_node(**NODE)
    cluster.wait_for_nodes()
    (node.id_in_events,) = alive() - before
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node)


def alive():
    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}


def killer(cluster, node, hit):
    """Kills the node when one of its runs has finished `dagger`."""

    def hear(event):
        if event["event"] == "started":
            hear.nodes[event["run"]] = event["node"]
        is_due = event["event"] == "stage" and event["stage"] == "dagger" and not event["reused"]
        if is_due and not hit and hear.nodes[event["run"]] == node.id_in_events:
            hit.append(event["run"])
            cluster.remove_node(node, allow_graceful=False)

    hear.nodes = {}
    return hear


def assert_as_local(sweep, file, tmp_path, **options):
    """Table, report and every run are those of a local sweep to the byte, but for times and hosts."""
    local = kanrl.sweep(file, out=tmp_path / "local", progress=False, **options)
    for name in ("summary.csv", "report.html", "pareto.svg"):
        assert (local.directory / name).read_bytes() == (sweep.directory / name).read_bytes(), name

    def files(directory):
        paths = [path for path in sorted(directory.rglob("*")) if path.is_file()]
        relative = [(path, path.relative_to(directory)) for path in paths]
        return {str(name): path.read_bytes() for path, name in relative if name.parts[0] not in TIMES}

    for row in local.rows:
        one, other = (files(folder.directory / "runs" / row["run"]) for folder in (local, sweep))
        assert one.keys() == other.keys() and all(one[name] == other[name] for name in one), row["run"]


def daggers(run):
    """For each time that `dagger` ended, whether it was read from what there was."""
    events = map(json.loads, (run / "events.jsonl").read_text().splitlines())
    return [event["reused"] for event in events if event["event"] == "stage_finished" and event["stage"] == "dagger"]


@pytest.mark.parametrize("remote", [False, True], ids=["a shared folder", "no shared folder"])
def test_runs_of_a_node_that_is_killed_go_on_elsewhere(cluster, node, tmp_path, monkeypatch, remote):
    if remote:
        from kanrl import _ray

        original = _ray.run
        monkeypatch.setattr(_ray, "run", lambda plan, **options: original(plan, remote=True, **options))
    hit = []
    seeds = 4 if remote else 12
    options = {"seeds": seeds, "cpus": 1}
    sweep = kanrl.sweep(
        grid(), backend="ray", out=tmp_path / "ray", callback=killer(cluster, node, hit), progress=False, **options
    )
    assert hit and not sweep.failures and [row["status"] for row in sweep.rows] == ["done"] * seeds
    again = daggers(sweep.directory / "runs" / hit[0])
    assert again == [False, True], "it went on after dagger"
    for row in sweep.rows:
        assert daggers(sweep.directory / "runs" / row["run"]).count(False) == 1, "none began anew after dagger"
    assert_as_local(sweep, grid(), tmp_path, seeds=seeds)


def test_a_run_that_fails_or_wants_too_much_memory_fails_alone_with_its_log(cluster, node, tmp_path):
    axes = {"students.widths": [[[]], [[1024, 1024]]], "approximator.kind": ["kan"], "approximator.steps": [2]}
    sweep = kanrl.sweep(grid(1000, **axes), backend="ray", out=tmp_path, cpus=1, memory=300 << 20, progress=False)
    ((name, reason),) = sweep.failures.items()
    assert "1024" in name and "memory allocation" in reason, reason
    assert "memory" in (tmp_path / "logs" / f"{name}.log").read_text()
    assert [row["status"] for row in sweep.rows] == ["done", "failed"]
    axes = {"stages": [["collect", "evaluate"], ["collect", "fit"]]}
    sweep = kanrl.sweep(grid(**axes), backend="ray", out=tmp_path / "second", cpus=1, progress=False)
    assert "stage `evaluate` needs" in next(iter(sweep.failures.values())) and len(sweep.failures) == 1


def test_files_travel_with_their_digests(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    agents = Path(__file__).parents[2] / "crates/experts/tests/fixtures/agents"
    Path("experts").mkdir()
    expert = Path("experts/mine.zip")
    expert.write_bytes((agents / "ppo/CartPole-v1.zip").read_bytes())
    order = grid(1000)
    order["base"]["expert"] = {"kind": "sb3", "path": str(expert)}
    from kanrl import _ray, _trial

    plans, changes = [], False
    original = _ray.run

    def elsewhere(plan, **options):
        """As on a node that has neither the folder nor the files."""
        plans.append(plan)
        if changes:
            expert.write_bytes((agents / "dqn/CartPole-v1.zip").read_bytes())
        monkeypatch.setattr(_trial, "_reads", lambda path, sha256: False)
        return original(plan, **options)

    monkeypatch.setattr(_ray, "run", elsewhere)
    sweep = kanrl.sweep(order, seeds=1, backend="ray", cpus=1, out="travels", progress=False)
    assert not sweep.failures, sweep.failures
    ((file,),) = [trial["files"] for trial in plans[0]["trials"]]
    assert file["path"] == "experts/mine.zip"
    changes = True
    sweep = kanrl.sweep(order, seeds=1, backend="ray", cpus=1, out="changed", progress=False)
    assert "mine.zip has changed since the sweep began" in next(iter(sweep.failures.values()))


def test_plugins_travel_with_their_digests(cluster, tmp_path, monkeypatch):
    library = tmp_path / "libpoles.so"
    content = (Path(__file__).parents[2] / "target/debug/deps/libcart_two_poles.so").read_bytes()
    library.write_bytes(content)
    order = grid(1000)
    order["base"]["environment"] = {"id": "CartTwoPoles-v0"}
    order["base"]["expert"] = {"kind": "formula", "expression": "3 * x + theta_1"}
    named = {**order, "base": {**order["base"], "plugins": [str(library)]}}
    with pytest.raises(kanrl.InputError, match="names the plugin"):
        kanrl.sweep(named, seeds=1, backend="ray", cpus=1, out=tmp_path / "refused", progress=False)
    from kanrl import _ray

    original, contents = _ray.run, _ray._contents
    sent = content

    def elsewhere(plan, **options):
        library.write_bytes(sent)
        ended = original(plan, **options)
        library.write_bytes(content)
        return ended

    def away(*arguments):
        """From here on, the library is where the driver has it no more, as on another machine."""
        found = contents(*arguments)
        library.unlink()
        return found

    monkeypatch.setattr(_ray, "run", elsewhere)
    monkeypatch.setattr(_ray, "_contents", away)
    options = {"seeds": 1, "arguments": ["--plugin", str(library)]}
    sweep = kanrl.sweep(order, backend="ray", cpus=1, out=tmp_path / "travels", progress=False, **options)
    assert not sweep.failures, sweep.failures
    assert_as_local(sweep, order, tmp_path, **options)
    sent = content + b"\0"
    sweep = kanrl.sweep(order, backend="ray", cpus=1, out=tmp_path / "changed", progress=False, **options)
    assert "libpoles.so has changed since the sweep began" in next(iter(sweep.failures.values()))


def test_asha_stops_runs_that_are_among_the_worse_ones(cluster, node, tmp_path):
    axes = {"collect.train_episodes": [1, 2, 3]}
    sweep = kanrl.sweep(grid(1000, **axes), seeds=3, backend="ray", cpus=1, asha=True, out=tmp_path, progress=False)
    status = [row["status"] for row in sweep.rows]
    assert not sweep.failures and 1 <= status.count("stopped") < 9, status
    reasons = [row["error"] for row in sweep.rows if row["status"] == "stopped"]
    assert all("after `dagger`" in reason for reason in reasons)
    assert "Stopped early" in sweep.report.read_text()


def test_ctrl_c_stops_the_runs_and_the_same_command_goes_on(cluster, tmp_path):
    (tmp_path / "grid.json").write_text(json.dumps({**grid(1_000_000), "seeds": 3}))
    line = [command(), "sweep", "grid.json", "--ray", "--address", cluster.address, "--cpus", "1", "--out", "ray"]
    environment = {**os.environ, "KANRL_PYTHON": sys.executable, "NO_COLOR": "1"}
    options = {"cwd": tmp_path, "env": environment, "text": True, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = subprocess.Popen(line, start_new_session=True, **options)
    runs = tmp_path / "ray" / "runs"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any(daggers(run) for run in begun(runs)):
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGINT)
    _, stderr = child.communicate(timeout=120)
    assert child.returncode == 130 and "to resume: kanrl sweep" in " ".join(stderr.split()), stderr
    stopped = [json.loads((run / "provenance.json").read_text())["executions"][-1].get("outcome") for run in begun(runs)]
    assert "cancelled" in stopped and None not in stopped, "they stopped cleanly"
    again = subprocess.run(line, **options)
    assert again.returncode == 0, again.stderr
    for run in runs.iterdir():
        assert daggers(run).count(False) == 1, "what was done is not done again"


def begun(runs):
    return [run for run in (runs.iterdir() if runs.exists() else ()) if (run / "events.jsonl").exists()]


def test_polish_on_ray_gives_the_same_bits(cluster, node, tmp_path):
    for workers in ("local", "ray"):
        order = grid(20_000)["base"]
        order["polish"]["workers"] = workers
        (tmp_path / f"{workers}.json").write_text(json.dumps(order))
        line = [command(), "--quiet", "extract", "--config", f"{workers}.json", "--out", workers]
        environment = {**os.environ, "KANRL_PYTHON": sys.executable, "RAY_ADDRESS": cluster.address}
        made = subprocess.run(line, cwd=tmp_path, env=environment, text=True, capture_output=True)
        assert made.returncode == 0, made.stderr
    # Whatever was measured or decided; these two hold times.
    files = [path for path in (tmp_path / "local").glob("*.json") if path.name not in ("provenance.json", "timings.json")]
    assert len(files) > 2
    for path in files:
        assert path.read_bytes() == (tmp_path / "ray" / path.name).read_bytes(), path.name
