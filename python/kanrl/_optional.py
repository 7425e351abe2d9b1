"""Packages that are used where they are installed."""

import importlib


def needed(module, extra):
    """The module; an ImportError that names kanrl's extra where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f'this needs {module}: pip install "kanrl[{extra}]"') from error
