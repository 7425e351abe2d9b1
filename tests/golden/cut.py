"""Cuts the golden recordings out of the whole ones: `python3 tests/golden/cut.py ../shared/reference`.

One short episode of each environment, and the smallest cases of the KAN that cover every kind. Needs Python 3 only.
"""

import json
import pathlib
import shutil
import struct
import sys

STEPS = 60  # of each environment's episode
RESETS = 3  # seeded resets of each environment
FORWARD = {"w1_1_g3k3_plain", "w2_m21_1_mult", "w2_2_baseid", "w2_3_1_sym"}
SPEED = ("fit_4-2-2.safetensors", "fit_4-2-2_*_pykan.json", "sym_*_edges.safetensors")
HERE = pathlib.Path(__file__).parent


def read(path):
    """Name -> (dtype, shape, bytes) of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    body = data[8 + length :]
    return {n: (t["dtype"], t["shape"], body[slice(*t["data_offsets"])]) for n, t in header.items()}


def write(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, data) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def cut_rows(tensor, length, steps):
    """The first rows of a tensor that has one for each step, or one more."""
    dtype, shape, data = tensor
    if not shape or shape[0] not in (length, length + 1):
        return tensor
    rows = steps + shape[0] - length
    return dtype, [rows, *shape[1:]], data[: len(data) // shape[0] * rows]


def environment(source, target):
    recording = json.loads(source.read_text())
    recording["seeded_resets"] = recording["seeded_resets"][:RESETS]
    episodes = recording["episodes"]
    # The longest one goes where a random policy does not: contacts, gaits.
    index = max(range(len(episodes)), key=lambda i: episodes[i]["length"] if not episodes[i].get("kwargs") else -1)
    episode = episodes[index]
    length, steps = episode["length"], min(STEPS, episode["length"])
    if steps < length:
        episode.update(length=steps, terminated=False, truncated=False, cut_at_limit=True)
        episode.pop("ret", None)
    episode.pop("reset_draws", None)
    recording["episodes"] = [episode]
    target.write_text(json.dumps(recording, separators=(",", ":")) + "\n")
    prefix = f"ep{index}/"
    tensors = {n: t for n, t in read(source.with_suffix(".safetensors")).items() if n.startswith(prefix)}
    fixed = {"terrain_x", "terrain_y", "terrain_height_raw", "moon_vertices", "initial_force", "initial_force_x"}
    cut = {
        "ep0/" + name.removeprefix(prefix): tensor
        if name.removeprefix(prefix) in fixed
        else cut_rows(tensor, length, steps)
        for name, tensor in tensors.items()
    }
    write(target.with_suffix(".safetensors"), cut)


def main():
    reference = pathlib.Path(sys.argv[1])
    for folder in ("envs", "kan"):
        (HERE / folder).mkdir(exist_ok=True)
    for source in sorted((reference / "envs").glob("*.json")):
        environment(source, HERE / "envs" / source.name)
    for name in ("fit", "prune", "pykan005", "spline", "symbolic"):
        for suffix in (".json", ".safetensors"):
            shutil.copyfile(reference / "kan" / (name + suffix), HERE / "kan" / (name + suffix))
    forward = json.loads((reference / "kan" / "forward.json").read_text())
    forward["cases"] = [case for case in forward["cases"] if case["name"] in FORWARD]
    (HERE / "kan" / "forward.json").write_text(json.dumps(forward, separators=(",", ":")) + "\n")
    for case in forward["cases"]:
        shutil.copyfile(reference / "kan" / case["file"], HERE / "kan" / case["file"])
    shutil.copyfile(reference / "rng_pcg64.json", HERE / "rng_pcg64.json")
    (HERE / "speed").mkdir(exist_ok=True)
    for pattern in SPEED:
        for source in sorted((reference / "speed").glob(pattern)):
            shutil.copyfile(source, HERE / "speed" / source.name)


main()
