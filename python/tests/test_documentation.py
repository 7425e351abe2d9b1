"""The tutorial runs, and the documentation of the API is built without a warning."""

import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[1] / "tutorial.ipynb"


def test_the_tutorial_runs(tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    for package in ("gymnasium", "ipykernel", "pandas", "sklearn", "sympy"):
        pytest.importorskip(package)
    notebook = nbformat.read(TUTORIAL, as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in shown for kind in output.get("data", {})}
    assert {"text/html", "image/svg+xml", "text/latex"} <= kinds
    assert not any(output["output_type"] == "error" for output in shown)
    assert (tmp_path / "runs" / "tutorial" / "report.html").is_file()


def test_the_api_s_pages_are_built_without_warnings(tmp_path):
    for package in ("gymnasium", "pdoc", "sklearn"):
        pytest.importorskip(package)
    script = TUTORIAL.with_name("documentation.py")
    made = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True)
    assert made.returncode == 0 and made.stderr == "", made.stderr
    page = (tmp_path / "kanrl.html").read_text()
    for name in ("extract", "DAggerTrainer", "KANRegressor", "Policy"):
        assert f'id="{name}"' in page
