"""`polish.workers = "ray"`: a pool that answers a run's requests with the answers of players on a Ray cluster.

Started by the run, which writes a request a line: the config, then one for each generation. A generation's candidates are dealt out
among the players in equal parts; the answers are put together in their order.
"""

import json
import os
import sys
from pathlib import Path

from kanrl import _player, _trial
from kanrl._optional import needed
from kanrl._sweep import command

#: Attempts at a part after the first one, where its player or its node is lost.
_RETRIES = 3


def main():
    """Answers requests until there are no more."""
    # Whatever else prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    pool = None
    for line in sys.stdin:
        try:
            if pool is None:
                pool = Pool(json.loads(line)["config"])
                answer = pool.ready()
            else:
                answer = pool.play(json.loads(line))
        except Exception as error:  # noqa: BLE001: the run says what it was
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Pool:
    """Players on a Ray cluster: the one that this machine is a node of, or one that is started here."""

    def __init__(self, config):
        ray = self._ray = needed("ray", "ray")
        options = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), **options)
        except ConnectionError:
            ray.init(include_dashboard=False, **options)
        for module in (_trial, _player):
            ray.cloudpickle.register_pickle_by_value(module)
        path = Path(os.environ.get("KANRL") or command())
        content = path.read_bytes()
        program = {"path": str(path), "sha256": _trial.digest(content), "code": os.environ["KANRL_CODE"]}
        order = {"program": program, "folder": os.getcwd()}
        self._arguments = order, {program["sha256"]: ray.put(content)}, config
        # One processor each; the run's own process has nothing to do while they play.
        self._most = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._players = []

    def ready(self):
        """What the first player says to the config."""
        self._grow(1)
        return json.loads(self._ray.get(self._players[0].ready.remote()))

    def play(self, request):
        """A generation."""
        wanted = request["play"]
        candidates = wanted["candidates"]
        self._grow(min(len(candidates), self._most))
        parts = split(candidates, len(self._players))
        lines = [json.dumps({"play": {**wanted, "candidates": part}}) for part in parts]
        asked = [player.play.remote(line) for player, line in zip(self._players, lines)]
        answers = [json.loads(answer) for answer in self._ray.get(asked)]
        for answer in answers:
            if "played" not in answer:
                return answer
        return {"played": [played for answer in answers for played in answer["played"]]}

    def _grow(self, count):
        actor = self._ray.remote(_player.Player).options(num_cpus=1, max_restarts=_RETRIES, max_task_retries=_RETRIES)
        while len(self._players) < count:
            self._players.append(actor.remote(*self._arguments))


def split(items, parts):
    """Contiguous parts of about the same length, none of them empty."""
    ends = [len(items) * index // parts for index in range(parts + 1)]
    return [items[first:last] for first, last in zip(ends, ends[1:]) if last > first]
