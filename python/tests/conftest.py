"""What several tests share: a run that takes seconds."""

import pytest

import kanrl

#: A config whose run takes seconds.
SMALL = {
    "collect": {"train_episodes": 3, "validation_episodes": 1},
    "students": {"widths": [[]], "rivals": True},
    "dagger": {"rounds": 1, "steps": 600, "validation_episodes": 3},
    "polish": {"environment_steps": 20000},
    "select": {"episodes": 5},
    "evaluate": {"episodes": 5, "robustness_episodes": 0},
    "record": {"videos": False},
}


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A finished run of CartPole-v1."""
    out = tmp_path_factory.mktemp("runs") / "cart"
    return kanrl.extract("CartPole-v1", expert="bundled", seed=0, out=out, config=SMALL, progress=False)
