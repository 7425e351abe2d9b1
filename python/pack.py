"""Packs the library that `cargo test` has built and the package's Python code into a wheel, for the tests.

`cargo xtask wheel` has maturin build what is published; that would compile every dependency again here, with other features.

    python pack.py LIBRARY FOLDER
"""

import base64
import hashlib
import platform
import sys
import zipfile
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10 and earlier
    from pip._vendor import tomli as tomllib


def pack(library, folder):
    """Writes the wheel and gives its path."""
    here = Path(__file__).parent
    project = tomllib.loads((here / "pyproject.toml").read_text())["project"]
    version = tomllib.loads((here.parent / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    name = project["name"]
    tag = f"cp39-abi3-linux_{platform.machine()}"
    info = f"{name}-{version}.dist-info"
    files = {f"{name}/{path.name}": path.read_bytes() for path in sorted((here / name).glob("*")) if path.is_file()}
    files[f"{name}/_{name}.abi3.so"] = Path(library).read_bytes()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in project["dependencies"])
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: kanrl\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    groups = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    points = "".join(f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
                     for group, entries in groups.items() if entries)
    files[f"{info}/entry_points.txt"] = points.encode()
    record = "".join(f"{path},sha256={digest(content)},{len(content)}\n" for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = Path(folder) / f"{name}-{version}-{tag}.whl"
    wheel.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return wheel


def digest(content):
    """A hash as wheels write it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    print(pack(*sys.argv[1:]))
