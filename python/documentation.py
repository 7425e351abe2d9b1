"""Builds the pages of the package's API with pdoc; a warning is an error.

    pip install pdoc "kanrl[gymnasium,sklearn]"
    python documentation.py FOLDER
"""

import sys
import warnings
from pathlib import Path

import pdoc

import kanrl


def build(folder):
    """Writes the pages."""
    # pdoc looks at what is there: names that are imported on first use are imported now.
    for name in kanrl.__all__:
        getattr(kanrl, name)
    pdoc.render.configure(docformat="numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc("kanrl", "kanrl.pykan", output_directory=Path(folder))


if __name__ == "__main__":
    build(*sys.argv[1:])
