"""MuJoCo's library, where its Python package is installed."""

import os
from importlib.util import find_spec

#: The library's file in the package, by the one version that kanrl's environments are measured against.
_FILE = "libmujoco.so.3.17.0"
#: What names the library to kanrl.
_VARIABLE = "KANRL_MUJOCO"


def point_to_library():
    """Says where it lies, unless the user has."""
    package = find_spec("mujoco")
    for folder in (package.submodule_search_locations or []) if package is not None else []:
        path = os.path.join(folder, _FILE)
        if os.path.isfile(path):
            os.environ.setdefault(_VARIABLE, path)
