"""Write down every package and version that is installed here: ``make lock``.

    python -m tools.lock

Invariant: ``locks/run.txt`` is all that the program needs, ``locks/dev.txt`` all that its tests and
tools need as well, both with what builds it; each is one whole solution, so that nothing is solved
when it is installed. No host is named. Solved with the oldest Python that is supported, because a
later one needs nothing that an earlier one does not. ``locks/debian.txt`` has the versions of the
Debian packages; they are asked for first, and any other is taken once they are gone.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tools.fetch_servers import GROUPS

ROOT: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = ROOT / "locks"
OLDEST: Final = (3, 11)
# What hatchling asks for besides, where a package is installed to be edited.
EDITABLE: Final = "editables"


def main() -> int:
    """Solve all, then write all; 1 where something cannot be solved."""
    if sys.version_info[:2] != OLDEST:
        wanted = ".".join(map(str, OLDEST))
        print(f"lock with the oldest Python: make PYTHON=python{wanted} lock", file=sys.stderr)
        return 1
    try:
        run, dev = solved(f"{ROOT}"), solved(f"{ROOT}[dev]")
        debian = candidates(name for group in GROUPS.values() for name in group.packages)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"nothing is locked: {error}", file=sys.stderr)
        return 1
    for name, lines in (("run", run), ("dev", dev), ("debian", debian)):
        path = LOCKS / f"{name}.txt"
        path.write_text("# Made by `make lock`.\n" + "".join(f"{line}\n" for line in lines))
        print(f"{path.relative_to(ROOT)}: {len(lines)} packages")
    return 0


def solved(wanted: str) -> list[str]:
    """``name==version`` of ``wanted`` and of all that it needs, to be built too."""
    builders = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    options = ["--dry-run", "--quiet", "--ignore-installed", "--report", "-"]
    argv = [sys.executable, "-m", "pip", "install", *options, wanted, *builders, EDITABLE]
    listed = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = [each["metadata"] for each in json.loads(listed)["install"]]
    own = project()
    names = {each["name"].lower().replace("_", "-"): each["version"] for each in found}
    return sorted(f"{name}=={version}" for name, version in names.items() if name != own)


def project() -> str:
    """The name of this project."""
    name: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    return name


def candidates(packages: Iterable[str]) -> list[str]:
    """``package=version`` of each Debian package, as the machine's lists have it."""
    argv: Sequence[str] = ["apt-cache", "policy", *packages]
    listed = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
    name, found = "", []
    for line in listed.splitlines():
        if not line.startswith(" "):
            name = line.removesuffix(":")
        elif line.strip().startswith("Candidate:") and "(none)" not in line:
            found.append(f"{name}={line.split()[1]}")
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
