"""A sweep's runs on a Ray cluster. The only module that knows Ray, together with `_trial`, which travels to the nodes."""

import os
import secrets
from pathlib import Path

from kanrl import _trial
from kanrl._errors import InputError
from kanrl._optional import needed

#: Further attempts at a run whose node or process is lost.
_RETRIES = 3
#: Processors of a run unless the user says otherwise.
_CPUS = 4
#: Seconds that runs may take to stop cleanly.
_PATIENCE = 40


def run(plan, *, address=None, cpus=None, memory=None, asha=False, remote=False, hear=lambda event: None):
    """Makes the runs of a plan that are not done, and gives how each of the plan's runs ended: None, or why it is not done.

    Where this process is not connected to Ray, it connects to `address` (`auto`: the cluster that this machine is a node of), or
    starts Ray on this machine, and disconnects at the end.
    """
    ray = needed("ray", "ray")
    connects = not ray.is_initialized()
    if connects:
        try:
            ray.init(address=address, log_to_driver=True, include_dashboard=False if address is None else None)
        except ConnectionError as error:
            raise InputError(f"cannot connect to Ray: {error}", "start a cluster with `ray start --head`") from error
    try:
        return _run(ray, plan, cpus, memory, asha, remote, hear)
    finally:
        if connects:
            ray.shutdown()


def _run(ray, plan, cpus, memory, asha, remote, hear):
    largest = max(int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"])
    cpus = cpus or max(1, min(_CPUS, largest))
    if cpus > largest:
        raise InputError(f"a run is to have {cpus} processors, and the largest node has {largest}")
    out = Path(plan["out"]).absolute()
    ended = {trial["name"]: None for trial in plan["trials"]}
    waiting = [trial for trial in plan["trials"] if not trial["done"]]
    if not waiting:
        return ended
    ray.cloudpickle.register_pickle_by_value(_trial)
    token = out / f".token-{secrets.token_hex(8)}"
    content = secrets.token_bytes(32)
    token.write_bytes(content)
    order = {
        "out": str(out),
        "folder": os.getcwd(),
        "token": {"path": token.name, "sha256": _trial.digest(content)},
        "program": plan["program"],
        "arguments": plan["arguments"],
        "environment": {"RAYON_NUM_THREADS": str(cpus), "NO_COLOR": "1"},
        "memory": memory,
        "remote": remote,
    }
    try:
        # The driver's own node: it is where the sweep's folder is.
        here = ray.get_runtime_context().get_node_id()
        on_this_node = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        options = {"num_cpus": 0, "max_concurrency": 1, "scheduling_strategy": on_this_node}
        driver = ray.remote(_trial.Driver).options(**options).remote(str(out), asha)
        contents = _contents(ray, plan, waiting)
        resources = {"num_cpus": cpus, "max_retries": _RETRIES, "scheduling_strategy": "SPREAD"}
        if memory is not None:
            resources["memory"] = memory
        task = ray.remote(_trial.make).options(**resources)
        left = {}
        for trial in waiting:
            described = {
                "name": trial["name"],
                "files": trial["files"],
                "plugins": trial["plugins"],
                "text": Path(trial["config"]).read_text(),
                **{key: _below(trial[key], plan["out"]) for key in ("config", "directory", "log")},
            }
            left[task.remote(order, described, contents, driver)] = trial["name"]
        _wait(ray, left, driver, ended, hear)
    finally:
        token.unlink()
    return ended


def _wait(ray, left, driver, ended, hear):
    def listen():
        for event in ray.get(driver.take.remote()):
            hear(event)

    try:
        while left:
            done, _ = ray.wait(list(left), num_returns=len(left), timeout=0.5)
            listen()
            for reference in done:
                name = left.pop(reference)
                try:
                    ended[name] = ray.get(reference)
                except ray.exceptions.RayError as error:
                    # The node or the worker process was lost more often than runs are retried, or the worker ran out of memory.
                    lines = [line for line in str(error).splitlines() if line.strip()]
                    ended[name] = {"failed": f"{type(error).__name__}: {' '.join(lines)}"[:500]}
                hear({"run": name, "event": "ended", "outcome": ended[name]})
    except KeyboardInterrupt:
        # Not by `ray.cancel`: it does not interrupt tasks of every version.
        ray.get(driver.cancel.remote())
        ray.wait(list(left), num_returns=len(left), timeout=_PATIENCE)
        raise


def _contents(ray, plan, trials):
    """The program, the plugins and the files that runs read, as objects in Ray's store by their digests, for nodes that lack them."""
    files = {file["sha256"]: Path(file["path"]) for trial in trials for file in trial["files"] + trial["plugins"]}
    files[plan["program"]["sha256"]] = Path(plan["program"]["path"])
    return {sha256: ray.put(path.read_bytes()) for sha256, path in files.items()}


def _below(path, out):
    return os.path.relpath(path, out)
