"""The `kanrl` command that comes with the package."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import kanrl
from conftest import SMALL

COMMAND = Path(sysconfig.get_path("scripts")) / "kanrl"


def call(*arguments, command=(str(COMMAND),), **options):
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, **options)


def toml(config):
    """A config of nested dictionaries as TOML: JSON's numbers, lists and booleans are TOML's."""
    sections = (
        "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items())])
        for name, section in config.items()
    )
    return "\n".join(sections)


def test_it_is_the_command():
    version = call("--version")
    assert version.returncode == 0 and version.stdout == f"kanrl {kanrl.__version__}\n"
    assert call("--version", command=(sys.executable, "-m", "kanrl")).stdout == version.stdout
    listed = call("env", "list", "--json")
    assert "CartPole-v1" in listed.stdout


def test_its_exit_codes_and_messages_are_the_command_s():
    wrong = call("extract", "CartPole-v2")
    assert wrong.returncode == 2 and "did you mean `CartPole-v1`" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert call("--no-such-flag").returncode == 2
    # Nobody reads on.
    broken = subprocess.run(f"'{COMMAND}' env list | head -1", shell=True, capture_output=True, text=True)
    assert broken.stderr == ""


def test_the_same_seed_gives_the_same_bits_in_python(run, tmp_path):
    (tmp_path / "small.toml").write_text(toml(SMALL))
    arguments = ["extract", "CartPole-v1", "--config", str(tmp_path / "small.toml"), "--seed", "0"]
    made = call(*arguments, "--out", str(tmp_path / "run"))
    assert made.returncode == 0, made.stderr
    own = kanrl.Run(tmp_path / "run")
    assert own.metrics == run.metrics and own.formula == run.formula
    for name in ("config.toml", "formula.json", "kan.safetensors", "report.html"):
        assert own.path(name).read_bytes() == run.path(name).read_bytes(), name


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_it_as_it_ends_the_command(tmp_path):
    arguments = ["extract", "Pendulum-v1", "--polish-steps", "1000000000000", "--out", str(tmp_path / "run")]
    process = subprocess.Popen([COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "collect" in line:
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 130 and "Traceback" not in rest
    assert kanrl.Run(tmp_path / "run").state == "cancelled"
