"""One run of a sweep on one of Ray's workers.

Travels to the nodes by value, so it needs nothing there but Python and Ray: no other part of this package may be imported here.
"""

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Seconds between two looks at a run.
_POLL = 0.05
#: Seconds that a run may take to stop cleanly, and that its directory may take to be free of a process that was killed.
_PATIENCE = 30
#: Seconds between two questions whether the sweep was cancelled.
_ASK = 1
#: How a run ended that was cancelled.
_CANCELLED = {"cancelled": "resume the sweep"}
#: Names of a run's files that stay on their node.
_LOCK = ".lock"
#: Characters of an error that are passed on.
_LONGEST_REASON = 500


class Stopped(Exception):
    """The run is to stop; its argument is how it ended."""


class Driver:
    """An actor on the driver's node: keeps the runs of nodes that do not see the sweep's folder, and hears of all of them."""

    def __init__(self, out, asha):
        self._out = Path(out)
        self._reports = []
        self._is_cancelled = False
        self._asha = _asha() if asha else None

    def load(self, name):
        """The files of a run so far, by their paths in its directory."""
        folder = self._out / "runs" / name
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}

    def save(self, name, files):
        """Keeps files of a run, each whole or not at all."""
        for path, content in files.items():
            _write(self._out / "runs" / name, path, content)

    def save_log(self, name, content):
        """Keeps what a run's process printed."""
        _write(self._out / "logs", f"{name}.log", content)

    def report(self, event):
        """Hears what happens."""
        self._reports.append(event)

    def take(self):
        """What was heard since the last call."""
        taken, self._reports = self._reports, []
        return taken

    def cancel(self):
        """Lets all runs stop."""
        self._is_cancelled = True

    def is_cancelled(self):
        """Whether runs are to stop."""
        return self._is_cancelled

    def is_promising(self, name, score):
        """Whether a run with that score after `dagger` is to go on."""
        return self._asha is None or self._asha(name, score)


def _asha():
    """Ray Tune's ASHA with a single rung, at the end of `dagger`."""
    from types import SimpleNamespace

    from ray.tune.schedulers import ASHAScheduler, TrialScheduler

    scheduler = ASHAScheduler(time_attr="rung", metric="score", mode="max", grace_period=1, max_t=2, reduction_factor=3)
    known = {}

    def decide(name, score):
        # A run that is resumed is judged once.
        if name not in known:
            trial = SimpleNamespace(trial_id=name)
            scheduler.on_trial_add(None, trial)
            known[name] = scheduler.on_trial_result(None, trial, {"rung": 1, "score": score}) != TrialScheduler.STOP
        return known[name]

    return decide


def make(order, trial, contents, driver):
    """Makes or resumes a run; the task that Ray retries where its node is lost. Gives None, or how else it ended."""
    import ray

    if ray.get(driver.is_cancelled.remote()):
        return _CANCELLED
    tell = lambda **event: driver.report.remote({"run": trial["name"], **event})  # noqa: E731
    tell(event="started", node=ray.get_runtime_context().get_node_id(), host=os.uname().nodename)
    with tempfile.TemporaryDirectory(prefix="kanrl-") as scratch:
        try:
            return _make(order, trial, _Contents(contents), driver, tell, Path(scratch))
        except (OSError, ValueError) as error:
            return {"failed": f"{type(error).__name__}: {error}"[:_LONGEST_REASON]}


class _Contents:
    """Files that travel through Ray's object store, fetched when a node needs them."""

    def __init__(self, references):
        self._references = references

    def write(self, sha256, path):
        import ray

        content = ray.get(self._references[sha256])
        if digest(content) != sha256:
            raise ValueError(f"{path.name} has changed since the sweep began")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def program(order, contents, scratch):
    """The command, as the beginning of a command line; put into `scratch` where the node does not have this very one."""
    wanted = order["program"]
    if wanted["code"] != wanted["sha256"]:
        # The script of a Python package, whose code is the package's library.
        found = importlib.util.find_spec("kanrl") and importlib.util.find_spec("kanrl._kanrl")
        if not found or not _reads(Path(found.origin), wanted["code"]):
            raise ValueError("this node's Python does not have the same kanrl: install the same wheel on every node")
        return [sys.executable, "-m", "kanrl"]
    path = Path(wanted["path"])
    if not _reads(path, wanted["sha256"]):
        path = scratch / "bin" / "kanrl"
        contents.write(wanted["sha256"], path)
        path.chmod(0o755)
    return [str(path)]


def libraries(trial, contents, scratch):
    """Flags that name the run's plugins; those that the node does not have are put into `scratch`."""
    flags = []
    for plugin in trial["plugins"]:
        path = Path(plugin["path"])
        if not _reads(path, plugin["sha256"]):
            # The config goes on naming the other path, so that the run's files are the same everywhere.
            path = scratch / "plugins" / plugin["sha256"] / path.name
            contents.write(plugin["sha256"], path)
        flags += ["--plugin", str(path)]
    return flags


def digest(content):
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _make(order, trial, contents, driver, tell, scratch):
    import ray

    name = trial["name"]
    out = Path(order["out"])
    sees_folder = not order["remote"] and _reads(out / order["token"]["path"], order["token"]["sha256"])
    folder = Path(order["folder"])
    if not all(_reads(folder / file["path"], file["sha256"]) for file in trial["files"]):
        folder = scratch / "files"
        folder.mkdir()
        for file in trial["files"]:
            path = Path(file["path"])
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{path} is not on this node: name it by a path below the folder that the sweep is started in")
            contents.write(file["sha256"], folder / path)
    elif not folder.is_dir():
        folder = scratch
    if sees_folder:
        config, run, log = (out / trial[key] for key in ("config", "directory", "log"))
    else:
        config, run, log = scratch / "config.toml", scratch / "run", scratch / "log"
        config.write_text(trial["text"])
        run.mkdir()
        for path, content in ray.get(driver.load.remote(name)).items():
            _write(run, path, content)
    saved = dict(_stamps(run))

    def save():
        if sees_folder:
            return
        changed = {path: stamp for path, stamp in _stamps(run) if saved.get(path) != stamp}
        ray.get(driver.save.remote(name, {path: (run / path).read_bytes() for path in changed}))
        saved.update(changed)

    def heard(event, dagger):
        if event["event"] != "stage_finished":
            return
        tell(event="stage", stage=event["stage"], seconds=event["seconds"], reused=event["reused"])
        save()
        score = _score(dagger) if event["stage"] == "dagger" else None
        if score is not None and not ray.get(driver.is_promising.remote(name, score)):
            reason = f"after `dagger`, return and fidelity were among the worse ones: score {score:.4g}"
            raise Stopped({"stopped": reason})

    flags = [*order["arguments"], *libraries(trial, contents, scratch), "--quiet"]
    arguments = [*program(order, contents, scratch), *flags, "extract", "--config", str(config), "--out", str(run)]
    try:
        _wait_until_free(run)
        with open(log, "wb") as output:
            child = subprocess.Popen(
                arguments,
                cwd=folder,
                env={**os.environ, **order["environment"], "KANRL_PARENT": str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_before(order["memory"]),
            )
        try:
            code = _follow(child, run, heard, lambda: ray.get(driver.is_cancelled.remote()))
        except BaseException:
            _stop(child)
            raise
        return _ending(code, log)
    except Stopped as stopped:
        return stopped.args[0]
    finally:
        save()
        if not sees_folder and log.exists():
            ray.get(driver.save_log.remote(name, log.read_bytes()))


def _follow(child, run, heard, is_cancelled):
    """Passes on what a run says until its process ends, and gives the exit code."""
    events = run / "events.jsonl"
    # What an earlier process wrote is known, but for what ASHA judges by.
    known = events.stat().st_size if events.exists() else 0
    place, rest, dagger = 0, b"", {}
    asked = time.monotonic()
    while True:
        code = child.poll()
        if events.exists():
            with open(events, "rb") as file:
                file.seek(place)
                text = file.read()
            *lines, rest_of_text = (rest + text).split(b"\n")
            first = place - len(rest)
            place, rest = place + len(text), rest_of_text
            for line in lines:
                is_new = first >= known
                first += len(line) + 1
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if event.get("event") == "metric" and event.get("stage") == "dagger":
                    dagger[event["name"]] = event["value"]
                elif is_new:
                    heard(event, dagger)
        if code is not None:
            return code
        if time.monotonic() - asked > _ASK:
            asked = time.monotonic()
            if is_cancelled():
                raise Stopped(_CANCELLED)
        time.sleep(_POLL)


def _score(dagger):
    """What ASHA compares: the best network's validation return relative to the expert's, plus its fidelity."""
    of = lambda what: {  # noqa: E731
        name[len(what):]: value for name, value in dagger.items() if name.startswith(what) and value is not None
    }
    returns, fidelities = of("validation return of "), of("validation fidelity of ")
    expert = returns.pop("the expert", None)
    if not returns or expert is None:
        return None
    unit = abs(expert) or 1.0
    return max((value - expert) / unit + fidelities.get(name, 0.0) for name, value in returns.items())


def _ending(code, log):
    if code == 0:
        return None
    if code < 0:
        try:
            how = signal.Signals(-code).name
        except ValueError:
            how = f"signal {-code}"
        return {"failed": f"its process was ended by {how}; {_reason(log) or 'it said nothing'}"}
    return {"failed": _reason(log) or f"exit code {code}"}


def _reason(log):
    """The error that a process printed, on one line."""
    text = log.read_text(errors="replace")
    for mark in "│×╰─▶├":
        text = text.replace(mark, " ")
    return " ".join(text.split())[:_LONGEST_REASON]


def _stop(child):
    """Lets a run stop cleanly, or else kills it: it is resumed after its last finished stage either way."""
    for end in (lambda: child.send_signal(signal.SIGINT), child.kill):
        if child.poll() is None:
            end()
            try:
                child.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                pass


def _wait_until_free(run):
    """Waits for the process of a lost attempt, which may take a moment to end."""
    lock = run / _LOCK
    if sys.platform == "win32" or not lock.exists():
        return
    import fcntl

    deadline = time.monotonic() + _PATIENCE
    with open(lock, "rb+") as file:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                time.sleep(_POLL)


def _before(memory):
    """What a run's process does first: it hears SIGINT, which Ray blocks, and bounds its memory."""
    if sys.platform == "win32":
        return None

    def before():
        import resource

        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

    return before


def _reads(path, sha256):
    """Whether the file is there with that content."""
    try:
        return digest(path.read_bytes()) == sha256
    except OSError:
        return False


def _files(folder):
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name != _LOCK and not path.name.startswith(".partial"):
            yield path


def _stamps(folder):
    for path in _files(folder):
        status = path.stat()
        yield path.relative_to(folder).as_posix(), (status.st_mtime_ns, status.st_size)


def _write(folder, name, content):
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"{name} is not a path in a run directory")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    partial.write_bytes(content)
    os.replace(partial, path)
