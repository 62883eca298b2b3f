"""Rebuild the bundled layers from the packages named in ``packages.toml``.

Run from a clone, in an environment with siteselect's own dependencies::

    python data/build.py                  # everything
    python data/build.py --only lakes     # one layer (may be repeated)
    python data/build.py --out other/     # into another folder

Packages are downloaded once by pip and npm into ``.downloads/`` and checked
against their SHA-256. Two builds with the same versions of the writing libraries
give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
import tomllib
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (str(HERE), str(HERE.parent)):
    if folder not in sys.path:
        sys.path.insert(0, folder)

from recipes import (  # noqa: E402
    boundaries,
    climate,
    energy,
    grid,
    labor,
    network,
    people,
    readme,
    water,
)
from recipes.common import DOWNLOADS, Layer, sha256, write  # noqa: E402

LAYERS: dict[str, Layer] = {
    layer.name: layer
    for module in (boundaries, grid, climate, water, network, people, labor, energy)
    for layer in module.LAYERS
}
CATALOG = "catalog.toml"
MAX_BYTES = 15_000_000


def download() -> None:
    """Fetch the packages that are not there yet and check every SHA-256."""
    DOWNLOADS.mkdir(exist_ok=True)
    packages = tomllib.loads((HERE / "packages.toml").read_text("utf-8"))["package"]
    for package in packages:
        path = DOWNLOADS / package["file"]
        if not path.exists():
            print(f"downloading {package['name']} {package['version']}", flush=True)
            _fetch(package)
        found = sha256(path)
        if found != package["sha256"]:
            raise SystemExit(
                f"{path.name}: SHA-256 is {found}, expected {package['sha256']}. "
                "Delete the file to download it again."
            )


def _fetch(package: dict[str, str]) -> None:
    name, version = package["name"], package["version"]
    if package["client"] == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("npm is needed to download " + name)
        command = [npm, "pack", "--silent", f"{name}@{version}"]
    else:
        form = "--only-binary=:all:"
        if package["file"].endswith(".tar.gz"):
            form = "--no-binary=:all:"
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            form, f"{name}=={version}",
        ]  # fmt: skip
    subprocess.run(command, check=True, cwd=DOWNLOADS, stdout=subprocess.DEVNULL)


def entry(layer: Layer, made: Any, path: Path) -> dict[str, Any]:
    """Return what the catalog says of a layer that was just written."""
    done = layer.what_was_done
    out: dict[str, Any] = {
        "title": layer.title,
        "file": layer.file,
        "kind": layer.kind,
    }
    if layer.join:
        out["join"] = layer.join
    if layer.kind == "raster":
        done = done.replace("{filled}", str(made.filled))
        out["bands"] = list(made.bands)
        out["shape"] = list(made.values.shape)
    else:
        out["rows"] = len(made)
    if layer.id_column:
        out["id_column"] = layer.id_column
    out["evidence"] = layer.evidence
    out["source"] = layer.source
    out["packages"] = list(layer.packages)
    out["licence"] = layer.licence
    out["attribution"] = layer.attribution
    out["vintage"] = layer.vintage
    if layer.resolution_km is not None:
        out["resolution_km"] = layer.resolution_km
    if layer.kind != "table":
        out["crs"] = "EPSG:4326"
    out["what_was_done"] = done
    out["not_this"] = layer.not_this
    out["sha256"] = sha256(path)
    out["bytes"] = path.stat().st_size
    if layer.extra:
        out["parameters"] = dict(layer.extra)
    out["units"] = dict(layer.units)
    return out


def write_catalog(entries: dict[str, dict[str, Any]], folder: Path) -> None:
    """Write the catalog and the README made from it."""
    lines = [
        "# Written by data/build.py; edit the recipes, not this file.",
        'name = "siteselect bundled layers, contiguous United States"',
        "",
    ]
    for name in LAYERS:
        if name not in entries:
            continue
        lines.append(f"[layers.{name}]")
        tables = []
        for key, value in entries[name].items():
            if isinstance(value, dict):
                tables.append((key, value))
            else:
                lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        for key, value in tables:
            lines.append(f"[layers.{name}.{key}]")
            lines += [
                f"{json.dumps(k)} = {json.dumps(v, ensure_ascii=False)}"
                for k, v in value.items()
            ]
        lines.append("")
    _replace(folder / CATALOG, "\n".join(lines))
    _replace(folder / "README.md", readme.text(entries))


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)


def build(names: list[str], folder: Path) -> dict[str, dict[str, Any]]:
    """Make the named layers into a folder and bring its catalog up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    old = folder / CATALOG
    entries: dict[str, dict[str, Any]] = {}
    if old.exists():
        entries = tomllib.loads(old.read_text("utf-8")).get("layers", {})
    for name in names:
        start = time.perf_counter()
        layer = LAYERS[name]
        with warnings.catch_warnings():
            # Nearest feature in degrees is meant: it decides only between
            # neighbours of a point just off the generalised coast.
            warnings.filterwarnings("ignore", message="Geometry is in a geographic")
            warnings.filterwarnings("ignore", message=".*geotransform.*")
            made = layer.make()
        path = write(layer, made, folder)
        entries[name] = entry(layer, made, path)
        print(
            f"{name:18} {path.stat().st_size / 1e3:9.1f} kB"
            f" {time.perf_counter() - start:6.1f} s",
            flush=True,
        )
    entries = {n: e for n, e in entries.items() if (folder / e["file"]).exists()}
    write_catalog(entries, folder)
    total = sum(entry["bytes"] for entry in entries.values())
    print(f"{len(entries)} layers, {total / 1e6:.2f} MB")
    if total > MAX_BYTES:
        raise SystemExit(f"the bundle may not exceed {MAX_BYTES / 1e6:.0f} MB")
    return entries


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--only", action="append", choices=sorted(LAYERS), metavar="NAME",
        help="build this layer alone; may be repeated",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    options = parser.parse_args(arguments)
    download()
    build(options.only or list(LAYERS), options.out)


if __name__ == "__main__":
    main()
