"""What ``make dist`` makes is whole, and runs where there is no network."""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.delivery import single_file
from tools.delivery.build import ROOT, build
from tools.delivery.network import cut_off

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
PROOF = ROOT / "tools" / "delivery" / "proof.py"
SHARED = {
    "share/man/man1/opsconsole.1",
    "share/bash-completion/completions/opsconsole",
    "share/zsh/site-functions/_opsconsole",
}


def needed(name: str, known: dict[str, Distribution]) -> dict[str, Distribution]:
    """What is installed here of a distribution's needs, itself among them."""
    if name not in known:
        known[name] = distribution(name)
        for each in map(Requirement, known[name].requires or ()):
            if each.marker is None or each.marker.evaluate({"extra": ""}):
                needed(canonicalize_name(each.name), known)
    return known


def installed() -> Iterator[tuple[str, bytes]]:
    """The parts of a single file that this environment has, without the program itself."""
    for name, each in needed("opsconsole", {}).items():
        for file in each.files or () if name != "opsconsole" else ():
            if ".." not in file.parts and file.suffix != ".pyc":
                yield f"any/{file}", Path(str(file.locate())).read_bytes()


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, the sdist and a single file for this Python."""
    folder = tmp_path_factory.mktemp("dist")
    wheel = build(folder, "wheel", "sdist")
    parts = [*installed(), *single_file.parts_of(wheel, "any")]
    single_file.write(folder / "opsconsole.pyz", [single_file.soabi(VERSION)], parts)
    return folder


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_an_outage_is_verified_from_the_single_file_without_a_network(
    dist: Path, tmp_path: Path
) -> None:
    argv = [sys.executable, str(PROOF), str(dist / "opsconsole.pyz")]
    done = subprocess.run(
        cut_off(argv) if os.geteuid() == 0 else argv,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / ".cache" / "opsconsole").glob("*/lib/python*/site-packages/textual"))


def test_manual_and_completion_are_in_all_of_them(dist: Path) -> None:
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    assert {n.partition(".data/data/")[2] for n in names_in(wheel)} - {""} == SHARED
    with zipfile.ZipFile(dist / "opsconsole.pyz") as file:
        assert set(file.namelist()) >= SHARED
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"docs/man/opsconsole.1", "docs/completion/_opsconsole"} <= names


def test_the_sdist_builds_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(argv, cwd=source, check=True, capture_output=True)
    (built,) = (source / "dist").glob("*.whl")
    assert built.read_bytes() == wheel.read_bytes()


def test_the_wheel_has_the_program_and_nothing_else(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    tops = {name.partition("/")[0] for name in names_in(wheel)}
    stem = wheel.name.partition("-py3")[0]
    assert tops == {"opsconsole", f"{stem}.data", f"{stem}.dist-info"}


def test_the_same_parts_make_the_same_file(tmp_path: Path) -> None:
    parts = [("any/b.py", b"b"), ("any/a.py", b"a"), ("share/c", b"c")]
    files = [tmp_path / "one.pyz", tmp_path / "two.pyz"]
    for file, given in zip(files, (parts, parts[::-1]), strict=True):
        single_file.write(file, ["cpython-311"], given)
    assert files[0].read_bytes() == files[1].read_bytes()


def wheel(path: Path, **files: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return path


def test_what_every_python_takes_is_in_it_once(tmp_path: Path) -> None:
    pure = [wheel(tmp_path / each / "pure-1-py3-none-any.whl", pure__x=b"x") for each in "ab"]
    one = wheel(tmp_path / "a" / "fast-1-cp311-cp311-linux.whl", fast__x=b"of 311")
    two = wheel(tmp_path / "b" / "fast-1-cp312-cp312-linux.whl", fast__x=b"of 312")
    found = single_file.contents({"cpython-311": [pure[0], one], "cpython-312": [pure[1], two]})
    assert sorted(found) == [
        ("any/pure/x", b"x"), ("cpython-311/fast/x", b"of 311"), ("cpython-312/fast/x", b"of 312"),
    ]  # fmt: skip
