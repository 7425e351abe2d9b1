"""Sweeps: many runs from one file, on this machine or on a Ray cluster. The `kanrl` command makes each of them."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from pathlib import Path

from kanrl._errors import InputError, KanrlError
from kanrl._optional import needed
from kanrl._table import Table

#: The command's exit codes.
_SOME_FAILED, _INVALID, _CANCELLED = 1, 2, 130


def sweep(
    grid,
    *,
    backend="local",
    address=None,
    seeds=None,
    out=None,
    workers=None,
    cpus=None,
    memory=None,
    asha=False,
    loggers=(),
    arguments=(),
    program=None,
    progress=True,
    callback=None,
):
    """Makes every run of a grid of configs and seeds. Runs that are finished are kept, so the same call again resumes a sweep.

    Parameters
    ----------
    grid : path or dict
        A sweep file, as for `kanrl sweep`, or its content: `{"base": …, "grid": {"students.widths": [[[]], [[2]]]}, "seeds": 3}`.
    backend : {"local", "ray"}
        Where the runs are made: several at a time on this machine, or on a Ray cluster (`pip install "kanrl[ray]"`). The tables
        are the same bytes either way.
    address : str, optional
        With Ray, the cluster's address; `auto` for the one that this machine is a node of. By default Ray is started on this
        machine, unless this process is connected already.
    seeds : int or list of int, optional
        Instead of the sweep's own seeds: how many from 0 on, or which.
    out : path, optional
        The sweep's folder; `sweeps/FILE` by default. Nodes that do not see it send their runs after every stage, and get them
        from there to resume.
    workers : int, optional
        Without Ray, the number of runs at a time; one for every four processors by default.
    cpus : int, optional
        With Ray, the processors, and so the threads, of each run; 4 by default, or as many as the largest node has.
    memory : int, optional
        With Ray, the bytes of memory that each run needs. A run that wants more fails alone.
    asha : bool
        With Ray, stop runs early that are among the worse two thirds after `dagger`, by validation return and fidelity (ASHA,
        arXiv 1810.05934). Which ones these are depends on the order in which runs get there.
    loggers : list, optional
        Each is called with every row and its run directory when the sweep ends: `kanrl.loggers.MLflow(…)`,
        `kanrl.loggers.TensorBoard(…)`, or a function.
    arguments : list of str, optional
        Flags for every run, such as `["--plugin", "libmine.so"]`.
    program : path, optional
        The `kanrl` command that makes the runs; by default the one that is installed with this package, or on the path.
    progress : bool
        Whether to report progress on stderr.
    callback : callable, optional
        With Ray, called with every event as a dictionary: a run started, finished a stage, ended.

    Returns
    -------
    Sweep

    Raises
    ------
    InputError
        If an argument or one of the configs is invalid; nothing is computed then.
    KeyboardInterrupt
        After Ctrl-C, when the runs in progress have stopped.
    """
    if backend not in ("local", "ray"):
        raise InputError(f"unknown backend {backend!r}", 'it is "local" or "ray"')
    line = [str(program or command()), *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(grid, dict):
            out = "sweeps/sweep" if out is None else out
            file = Path(folder) / "sweep.json"
            file.write_text(json.dumps(grid))
        else:
            file = Path(grid)
        out = Path("sweeps") / file.stem if out is None else Path(out)
        options = ["--out", str(out)]
        if seeds is not None:
            options += ["--seeds", str(seeds) if isinstance(seeds, int) else "".join(f"{seed}," for seed in seeds)]
        line += ["--quiet"] * (not progress) + ["sweep", str(file), *options]
        if backend == "local":
            text = _called([*line, "--json", *(["--workers", str(workers)] if workers else [])], progress)
        else:
            plan = json.loads(_called([*line, "--plan"], False))
            ended = _on_ray(plan, address, cpus, memory, asha, progress, callback)
            text = _called([*line, "--json", "--gather", _noted(ended, folder)], progress)
    result = Sweep(out, json.loads(text))
    for logger in loggers:
        for row in result.rows:
            logger(row, result.directory / "runs" / row["run"])
    return result


class Sweep:
    """A sweep's results."""

    def __init__(self, directory, rows):
        #: The sweep's folder.
        self.directory = Path(directory)
        #: A row for each run: its settings, its measurements, and its error.
        self.rows = Table(rows)

    @property
    def runs(self):
        """The runs that are done, as `kanrl.Run`."""
        from kanrl._run import Run

        return [Run(self.directory / "runs" / row["run"]) for row in self.rows if row["status"] == "done"]

    @property
    def failures(self):
        """Why runs failed, by their names."""
        return {row["run"]: row["error"] for row in self.rows if row["status"] == "failed"}

    @property
    def report(self):
        """The path of the report: the front over all runs, intervals over seeds, and failures."""
        return self.directory / "report.html"

    def to_arrow(self):
        """The rows as a `pyarrow.Table`."""
        pyarrow = needed("pyarrow", "ray")
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        columns = {name: [row.get(name) for row in self.rows] for name in names}
        is_text = {name: any(isinstance(value, str) for value in column) for name, column in columns.items()}
        types = {name: pyarrow.string() if is_text[name] else pyarrow.float64() for name in names}
        shown = {name: [None if v is None else str(v) if is_text[name] else v for v in columns[name]] for name in names}
        return pyarrow.table({name: pyarrow.array(shown[name], types[name]) for name in names})

    def __repr__(self):
        return f"<kanrl.Sweep {self.directory} ({len(self.rows)} runs, {len(self.failures)} failed)>"

    def __str__(self):
        shown = ["run", "status", "headline_mean", "headline_agreement", "operations", "student", "seconds"]
        return str(Table([{name: row.get(name) for name in shown} for row in self.rows]))

    def _repr_html_(self):
        return self.rows._repr_html_()


def command():
    """The `kanrl` command."""
    beside = Path(sysconfig.get_path("scripts")) / "kanrl"
    found = os.environ.get("KANRL") or (str(beside) if beside.exists() else shutil.which("kanrl"))
    if found is None:
        raise InputError("the command `kanrl` is not installed", "put it on the path, or pass program=PATH")
    return found


def _called(command, progress):
    """What the command prints; its errors as exceptions."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = []

    def listen():
        for line in child.stderr:
            said.append(line)
            if progress:
                sys.stderr.write(line)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        text = child.stdout.read()
        code = child.wait()
    except KeyboardInterrupt:
        # From a terminal it has heard of it too: two signals at once count as one.
        child.send_signal(signal.SIGINT)
        child.wait()
        raise
    listener.join()
    if code == _CANCELLED:
        raise KeyboardInterrupt("".join(said).strip())
    if code == _INVALID:
        raise InputError("".join(said).strip())
    if code not in (0, _SOME_FAILED) or not text.strip():
        raise KanrlError("".join(said).strip() or f"{command[0]} ended with exit code {code}")
    return text


def _on_ray(plan, address, cpus, memory, asha, progress, callback):
    from kanrl import _ray

    teller = _Lines(plan) if progress else None

    def hear(event):
        for reader in (teller, callback):
            if reader is not None:
                reader(event)

    return _ray.run(plan, address=address, cpus=cpus, memory=memory, asha=asha, hear=hear)


class _Lines:
    """Progress as lines on stderr."""

    def __init__(self, plan):
        self._left = sum(not trial["done"] for trial in plan["trials"])
        self._nodes = {}

    def __call__(self, event):
        name = event["run"]
        if event["event"] == "started":
            if name in self._nodes:
                print(f"{name}: resumed on {event['host']}, since its process was lost", file=sys.stderr)
            self._nodes[name] = event["node"]
        elif event["event"] == "ended":
            self._left -= 1
            outcome = event["outcome"]
            how = "done" if outcome is None else ": ".join(*outcome.items())
            print(f"{name}: {how} ({self._left} left)", file=sys.stderr)


def _noted(ended, folder):
    """A file that says how runs ended."""
    path = Path(folder) / "ended.json"
    path.write_text(json.dumps(ended))
    return str(path)


def main(arguments=None):
    """`kanrl sweep --ray`."""
    parser = argparse.ArgumentParser(prog="kanrl sweep --ray")
    parser.add_argument("file")
    parser.add_argument("--out", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--address")
    parser.add_argument("--seeds")
    parser.add_argument("--cpus", type=int)
    parser.add_argument("--asha", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    own, flags = sys.argv[1:] if arguments is None else arguments, []
    if "--" in own:
        own, flags = own[: own.index("--")], own[own.index("--") + 1 :]
    given = parser.parse_args(own)
    command = [given.program, *flags, *["--quiet"] * given.quiet, "sweep", given.file, "--out", given.out]
    command += ["--seeds", given.seeds] if given.seeds else []
    try:
        plan = json.loads(_called([*command, "--plan"], False))
        ended = _on_ray(plan, given.address, given.cpus, None, given.asha, not given.quiet, None)
        with tempfile.TemporaryDirectory() as folder:
            json_flag = ["--json"] * given.json
            return subprocess.run([*command, *json_flag, "--gather", _noted(ended, folder)]).returncode
    except KeyboardInterrupt:
        return _CANCELLED
    except (ImportError, InputError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _INVALID
