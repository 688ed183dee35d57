"""What local containers use, read from the kernel's control groups in microseconds.

Invariant: a container's id is looked for, never guessed at: what is not found here (the engine
is remote, this process sees other control groups, the files may not be read) is None, and the
engine is asked instead. Ids are 64 hex digits, so a folder of that name is that container.

Not for sharing between threads.
"""

import re
import time
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.docker.stats import Usage, from_cgroup_v1, from_cgroup_v2

_ID: Final = re.compile(r"[0-9a-f]{64}")
_READ_LIMIT: Final = 16 << 10
_DEPTH: Final = 3
_LOOK_AGAIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Folders:
    """Where one container's figures are; both folders are the same in version 2."""

    cpu: Path
    memory: Path


class ControlGroups:
    """The control groups below ``root``; remembers where each container's were found."""

    def __init__(self, root: Path = Path("/sys/fs/cgroup")) -> None:
        self._root = root
        self._v2 = (root / "cgroup.controllers").is_file()
        self._found: dict[str, _Folders] = {}
        self._missed: dict[str, float] = {}

    def read(self, container_id: str) -> Usage | None:
        """Usage at this moment, None where it cannot be read here. ``at`` is monotonic."""
        folders = self._folders(container_id)
        if folders is None:
            return None
        try:
            return self._read(folders)
        except (OSError, ValueError):
            self._found.pop(container_id, None)
            return None

    def keep(self, container_ids: Set[str]) -> None:
        """Forget all containers but these."""
        for known in (self._found, self._missed):
            for gone in known.keys() - container_ids:
                del known[gone]

    def _read(self, folders: _Folders) -> Usage:
        now = time.monotonic()
        stat = _text(folders.memory / "memory.stat")
        if self._v2:
            cpu = _text(folders.cpu / "cpu.stat")
            return from_cgroup_v2(now, cpu, _text(folders.memory / "memory.current"), stat)
        used = _text(folders.memory / "memory.usage_in_bytes")
        return from_cgroup_v1(now, _text(folders.cpu / "cpuacct.usage"), used, stat)

    def _folders(self, container_id: str) -> _Folders | None:
        found = self._found.get(container_id)
        if found is not None:
            return found
        now = time.monotonic()
        missed = self._missed.get(container_id)
        if missed is not None and now - missed < _LOOK_AGAIN:
            return None
        if _ID.fullmatch(container_id):
            found = self._search(container_id)
        if found is None:
            self._missed[container_id] = now
        else:
            self._found[container_id] = found
        return found

    def _search(self, container_id: str) -> _Folders | None:
        if self._v2:
            folder = _below(self._root, container_id)
            return _Folders(folder, folder) if folder else None
        cpu = _below(self._root / "cpuacct", container_id)
        memory = _below(self._root / "memory", container_id)
        return _Folders(cpu, memory) if cpu and memory else None


def _below(controller: Path, container_id: str) -> Path | None:
    """The container's folder: at Docker's usual places first, then a few levels down."""
    for candidate in _candidates(controller, container_id):
        if candidate.is_dir():
            return candidate
    return None


def _candidates(controller: Path, container_id: str) -> Iterator[Path]:
    scope = f"docker-{container_id}.scope"
    yield controller / "docker" / container_id
    yield controller / "system.slice" / scope
    for depth in range(1, _DEPTH + 1):
        above = "/".join(["*"] * depth)
        yield from controller.glob(f"{above}/{container_id}")
        yield from controller.glob(f"{above}/{scope}")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_READ_LIMIT).decode("ascii", "replace")
