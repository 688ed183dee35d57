"""Debian packages: brought into a folder, and nothing is installed of them.

Invariant: the system's packages and package lists stay untouched. Where its lists do not serve
(missing or too old), lists of this program's own are fetched into a temporary folder.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TIMEOUT = 600
LOCK = Path(__file__).resolve().parents[1] / "locks" / "debian.txt"


class FetchError(Exception):
    """Why a group is not available, with the remedy."""


def require_debian() -> None:
    """Raise FetchError unless Debian's package tools are there."""
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    if missing:
        raise FetchError(
            f"needs Debian or Ubuntu ({' and '.join(missing)} not found); elsewhere put "
            "prometheus, alertmanager and dockerd on PATH yourself"
        )


def locked(packages: Sequence[str]) -> list[str]:
    """The packages with the versions that are written down for them, where any is."""
    lines = LOCK.read_text(encoding="utf-8").splitlines() if LOCK.exists() else []
    versions = {line.partition("=")[0]: line for line in lines}
    return [versions.get(name, name) for name in packages]


def download(packages: Sequence[str], work: Path) -> list[Path]:
    """The packages' files, by the system's lists or, where those fail, by lists of our own.

    In their locked versions; where an archive has these no more, in those that it has.
    """
    folder = work / "packages"
    folder.mkdir()
    apt = ["apt-get", "--quiet", "--quiet", *apt_options()]
    try:
        run([*apt, "download", *locked(packages)], folder=folder)
    except FetchError:
        apt += private_lists(work / "apt")
        run([*apt, "update"])
        try:
            run([*apt, "download", *locked(packages)], folder=folder)
        except FetchError:
            run([*apt, "download", *packages], folder=folder)
            print("some locked versions are gone: took what there is", flush=True)
    found = sorted(folder.glob("*.deb"))
    if len(found) != len(packages):
        raise FetchError(f"apt-get brought {len(found)} packages of {len(packages)}")
    return found


def apt_options() -> list[str]:
    """Root would hand the download to a user who cannot write to our folder."""
    return ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []


def private_lists(folder: Path) -> list[str]:
    """Options that give apt-get lists and a cache in ``folder``, and the system's sources."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    return [
        "-o", f"Dir::State={folder / 'state'}",
        "-o", f"Dir::State::lists={folder / 'state/lists'}",
        "-o", "Dir::State::status=/var/lib/dpkg/status",
        "-o", f"Dir::Cache={folder / 'cache'}",
    ]  # fmt: skip


def run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: int = TIMEOUT,
) -> str:
    """What a command wrote to its output; FetchError with its last words when it fails."""
    shown = " ".join([command[0], *(w for w in command[1:] if w in ("update", "download"))])
    fixed = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **fixed, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{shown} took more than {timeout} s; is the mirror reachable?") from error
    if done.returncode != 0:
        words = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise FetchError(
            f"{shown} failed; check the network and run 'apt-get update' as root\n  {words}"
        )
    return done.stdout
