"""Candidates of one generation of `polish` on one of Ray's workers. Travels to the nodes by value, as `_trial` does."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from kanrl._trial import _Contents, program


class Player:
    """An actor: a `kanrl polish-worker` of its own, which makes the run's environment once."""

    def __init__(self, order, contents, config):
        self._scratch = tempfile.TemporaryDirectory(prefix="kanrl-")
        scratch = Path(self._scratch.name)
        (scratch / "config.toml").write_text(config)
        environment = {**os.environ, "RAYON_NUM_THREADS": "1", "NO_COLOR": "1", "KANRL_PARENT": str(os.getpid())}
        self._process = subprocess.Popen(
            [*program(order, _Contents(contents), scratch), "polish-worker", str(scratch / "config.toml")],
            cwd=order["folder"] if os.path.isdir(order["folder"]) else scratch,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ready = self._heard()

    def ready(self):
        """What it said first."""
        return self._ready

    def play(self, request):
        """The answer to a request, a line each."""
        return self._ask(request)

    def _ask(self, line):
        self._process.stdin.write(line.strip() + "\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self):
        answer = self._process.stdout.readline()
        return answer or json.dumps({"error": f"a worker ended with exit code {self._process.wait()}"})
