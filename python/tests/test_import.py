"""What `import kanrl` costs and brings."""

import subprocess
import sys


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
