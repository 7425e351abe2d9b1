"""What `import kanrl` costs and brings."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_nothing_heavy_is_imported():
    code = "import kanrl, sys; print(*sorted(set(m.split('.')[0] for m in sys.modules)))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"torch", "gymnasium", "stable_baselines3", "sklearn", "pandas", "sympy", "scipy", "matplotlib", "ray"}
    assert heavy.isdisjoint(modules)
    assert {"kanrl", "numpy"} <= set(modules)


def test_environments_are_listed():
    import kanrl

    names = kanrl.environments()
    assert names == sorted(names)
    assert {"CartPole-v1", "LunarLander-v3", "Hopper-v5"} <= set(names)


WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
import kanrl
try:
    {code}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "missing, code, extra",
    [
        (["gymnasium"], 'kanrl.make_vec("CartPole-v1")', "gymnasium"),
        (["gymnasium"], "import kanrl.envs", "gymnasium"),
        (["sklearn"], "kanrl.KANRegressor()", "sklearn"),
        (["sympy"], 'kanrl.policy("formula:theta", "CartPole-v1").sympy()', "sympy"),
        (["pandas"], "kanrl.Table([]).to_pandas()", "pandas"),
        (["yaml"], "kanrl.KAN.loadckpt({checkpoint!r})", "pykan"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(missing, code, extra):
    code = code.format(checkpoint=str(Path(__file__).parent / "pykan" / "model"))
    code = WITHOUT.format(missing=missing, code=code)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert f'pip install "kanrl[{extra}]"' in said


def test_every_public_name_is_there():
    import kanrl

    for name in kanrl.__all__:
        assert getattr(kanrl, name).__doc__ or name == "__version__", name
    with pytest.raises(AttributeError, match="no attribute 'KANX'"):
        kanrl.KANX
