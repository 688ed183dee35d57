"""Which engines are looked at where nobody names any: the one that ``docker`` asks, and Podman.

Invariant: nothing is contacted; a socket counts if it is there and this user may use it, and one
that two paths lead to counts once. Docker's own is left out only where Podman is there and Docker
is not, by its socket, the environment or the files of its command.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from opsconsole.config.settings import Docker
from opsconsole.config.types import plain

_DOCKER: Final = Path("/var/run/docker.sock")
_SYSTEM: Final = Path("/run/podman/podman.sock")
_UNDER: Final = Path("podman/podman.sock")
_NAMES: Final = ("podman", "podman-system")


def usual_engines(environ: Mapping[str, str]) -> tuple[Docker, ...]:
    """Docker's, then the user's own Podman and the system's; never none."""
    podmans = tuple(_podmans(environ))
    own = (plain(Docker)(),) if not podmans or _may_be_docker(environ) else ()
    named = zip(_NAMES, podmans, strict=False)
    return (*own, *(Docker(name=name, host=f"unix://{path}") for name, path in named))


def _podmans(environ: Mapping[str, str]) -> Iterator[Path]:
    """The sockets of Podman that are no other name of the one that ``docker`` asks."""
    host = environ.get("DOCKER_HOST", "")
    asked = Path(host.removeprefix("unix://")) if host.startswith("unix://") else _DOCKER
    seen = {os.path.realpath(asked)}
    folder = environ.get("XDG_RUNTIME_DIR")
    for path in ([Path(folder) / _UNDER] if folder else []) + [_SYSTEM]:
        real = os.path.realpath(path)
        if real not in seen and _is_usable(path):
            seen.add(real)
            yield path


def _is_usable(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode) and os.access(path, os.R_OK | os.W_OK)
    except OSError:
        return False


def _may_be_docker(environ: Mapping[str, str]) -> bool:
    if environ.get("DOCKER_HOST") or environ.get("DOCKER_CONTEXT") or _DOCKER.exists():
        return True
    folder = environ.get("DOCKER_CONFIG") or Path(environ.get("HOME", "/")) / ".docker"
    return (Path(folder) / "config.json").exists()
