"""The tools that siteselect is measured beside, in environments of their own.

``python benchmarks/peers.py`` makes all three and says what is in them; ``make bench``
and the sections that need a peer do the same. They lie under ``.venv/`` unless the
variable ``SITESELECT_PEERS`` names another folder. Nothing of them is a dependency of
siteselect. An environment is made anew when its list of versions has changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
PEERS = HERE / "peers.txt"
NEWER_PEERS = HERE / "peers-newer.txt"
PANDAPOWER = HERE / "peers-pandapower.txt"
CONSTRAINTS = ROOT / "tests" / "constraints.txt"
#: What the releases of the newer peers ask for.
NEWER = (3, 12)
WANTED = (
    "atlite",
    "exactextract",
    "highspy",
    "pandapower",
    "pulp",
    "pymcdm",
    "pypsa",
    "rasterstats",
    "scikit-criteria",
    "spopt",
    "xarray-spatial",
)


def home() -> Path:
    """Return the folder of the environments."""
    given = os.environ.get("SITESELECT_PEERS")
    return Path(given).absolute() if given else ROOT / ".venv"


def runs(python: str | Path) -> tuple[int, int] | None:
    """Return the version of an interpreter, None where it does not run."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(python), "-c", code], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor = done.stdout.split()
    return int(major), int(minor)


def newer_interpreters() -> Iterator[str]:
    """Find interpreters that may be new enough, those that were named first."""
    yield from filter(None, [os.environ.get("NEWER_PYTHON"), sys.executable])
    names = [f"python3.{minor}" for minor in (13, 12, 14)]
    yield from filter(None, map(shutil.which, names))
    # The shims of pyenv start a version only where it was selected.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for name in names:
        yield from map(str, sorted(pyenv.glob(f"versions/*/bin/{name}")))


def make(folder: Path, python: str, arguments: list[str], listed: Path) -> Path:
    """Make an environment, or keep the one that has what is listed."""
    binary = folder / "bin" / "python"
    stamp = folder / "peers.txt"
    wanted = listed.read_text()
    if binary.exists() and stamp.exists() and stamp.read_text() == wanted:
        return binary
    print(f"installing {listed.name} (a few minutes the first time)", flush=True)
    subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
    if install(binary, [*arguments, "-r", str(listed)]):
        # Written last: an installation that was stopped is not taken for a whole one.
        stamp.write_text(wanted)
        return binary
    # One peer that cannot be had leaves the others: its row says that it is missing.
    if arguments and not install(binary, arguments):
        raise SystemExit(f"siteselect cannot be installed into {folder.name}")
    for line in wanted.splitlines():
        if line.strip() and not line.startswith("#") and not install(binary, [line]):
            print(f"cannot be installed: {line}", flush=True)
    return binary


def install(binary: Path, arguments: list[str]) -> bool:
    """Install with pip and return whether it worked."""
    pip = [str(binary), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return not subprocess.run([*pip, "install", *arguments], env=env).returncode


@cache
def environment() -> Path:
    """Return the interpreter with siteselect and its peers, made on the first call."""
    version = "{}.{}".format(*sys.version_info[:2])
    arguments = ["-e", str(ROOT)]
    if sys.version_info < NEWER:
        # On newer interpreters the tests take PuLP 4, which two of the peers do not.
        arguments += ["-c", str(CONSTRAINTS)]
    return make(home() / f"peers-{version}", sys.executable, arguments, PEERS)


@cache
def pandapower_environment() -> Path:
    """Return the interpreter with pandapower, which does not work with pandas 3."""
    version = "{}.{}".format(*sys.version_info[:2])
    return make(home() / f"pandapower-{version}", sys.executable, [], PANDAPOWER)


@cache
def newer_environment() -> Path | None:
    """Return the interpreter with the peers that need a newer one; None without it."""
    for python in newer_interpreters():
        version = runs(python)
        if version and version >= NEWER:
            name = "newer-peers-{}.{}".format(*version)
            return make(home() / name, python, [], NEWER_PEERS)
    return None


def versions(*pythons: Path | None) -> str:
    """Return what is installed of the peers, and what is not, in words."""
    code = (
        "import sys, importlib.metadata as m\n"
        "have = {d.name.lower(): d for d in m.distributions()}\n"
        "names = [n for n in sys.argv[1:] if n in have]\n"
        "print(*(f'{n} {have[n].version}' for n in names), sep=', ')"
    )
    said = [
        subprocess.run(
            [str(python), "-c", code, *WANTED],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for python in pythons
        if python is not None
    ]
    there = ", ".join(filter(None, said))
    missing = [name for name in WANTED if f"{name} " not in f"{there} "]
    return there + (f"; not installed: {', '.join(missing)}" if missing else "")


if __name__ == "__main__":
    _newer = newer_environment()
    print(versions(environment(), pandapower_environment(), _newer))
    if _newer is None:
        print("no Python 3.12 or newer was found (NEWER_PYTHON names one)")
