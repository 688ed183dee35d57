"""The single file: the program with all that it needs, for several Pythons of one platform.

Invariant: the same parts make the same bytes, whenever and wherever; what is in it is what the
locks say. ``tools/delivery/bootstrap.py`` is what it does when it is run.
"""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BOOTSTRAP: Final = Path(__file__).with_name("bootstrap.py")
PYTHONS: Final = ("3.11", "3.12", "3.13")
NEWEST_GLIBC: Final = 28
"""Minor version of the glibc 2 that the compiled parts may ask for: that of Debian 10, RHEL 8."""

_INTERPRETER: Final = b"#!/usr/bin/env python3\n"
_WHEN: Final = (1980, 1, 1, 0, 0, 0)


def soabi(python: str) -> str:
    """What that CPython on this platform calls its compiled modules: ``cpython-311-…-gnu``."""
    return f"cpython-{python.replace('.', '')}-{os.uname().machine}-linux-gnu"


def fetch(wheel: Path, python: str, into: Path) -> list[Path]:
    """The wheels that ``wheel`` needs with that Python, itself among them, in locked versions."""
    into.mkdir(parents=True, exist_ok=True)
    machine = os.uname().machine
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(5, NEWEST_GLIBC + 1)]
    platforms += [f"{name}_{machine}" for name in ("manylinux1", "manylinux2010", "manylinux2014")]
    abis = (f"cp{python.replace('.', '')}", "abi3", "none")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "-qq", "--only-binary=:all:",
            "--constraint", str(ROOT / "locks" / "run.txt"), "--dest", str(into),
            "--python-version", python, "--implementation", "cp",
            *(word for each in platforms for word in ("--platform", each)),
            *(word for each in abis for word in ("--abi", each)),
            str(wheel),
        ],
        check=True,
    )  # fmt: skip
    return sorted(into.glob("*.whl"))


def contents(wheels: Mapping[str, Sequence[Path]]) -> Iterator[tuple[str, bytes]]:
    """What stands where in the single file; ``wheels`` by the name of the Python's modules.

    A wheel that every Python takes stands in it once.
    """
    for name in sorted({wheel.name for each in wheels.values() for wheel in each}):
        taken_by = [python for python, each in wheels.items() if name in {w.name for w in each}]
        for python in ["any"] if len(taken_by) == len(wheels) else taken_by:
            wheel = next(w for w in wheels[taken_by[0] if python == "any" else python]
                         if w.name == name)  # fmt: skip
            yield from parts_of(wheel, python)


def parts_of(wheel: Path, place: str) -> Iterator[tuple[str, bytes]]:
    """What an installed ``wheel`` has, below ``place``, and below ``share`` what it shares."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            installed, data, shared = entry.partition(".data/data/")
            if entry.endswith("/") or (not data and ".data/" in installed):
                continue
            if not data:
                yield f"{place}/{entry}", archive.read(entry)
            elif shared.startswith("share/"):
                yield shared, archive.read(entry)


def write(target: Path, pythons: Iterable[str], parts: Iterable[tuple[str, bytes]]) -> None:
    """Make the file at ``target``, executable."""
    files = sorted(parts)
    digest = hashlib.sha256()
    for name, data in files:
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    about = {"digest": digest.hexdigest()[:20], "pythons": sorted(pythons)}
    files += [
        ("contents.json", json.dumps(about).encode()),
        ("__main__.py", BOOTSTRAP.read_bytes()),
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}")
    with beside.open("wb") as file:
        file.write(_INTERPRETER)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, data in files:
                entry = zipfile.ZipInfo(name, _WHEN)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, data)
    beside.chmod(0o755)
    beside.rename(target)
