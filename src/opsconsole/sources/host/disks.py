"""The host's file systems. Blocks: a dead network share may hang for good.

Invariant: one file system is one entry, whatever number of places it is mounted at.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from opsconsole.model.running.hosts import Disk
from opsconsole.text import sanitize

_IMAGES: Final = frozenset({"squashfs", "iso9660", "udf", "erofs"})


class Mount(Protocol):
    """A mounted file system, as psutil gives it."""

    @property
    def device(self) -> str: ...
    @property
    def mountpoint(self) -> str: ...
    @property
    def fstype(self) -> str: ...


def choose_mounts(mounts: Iterable[Mount]) -> tuple[str, ...]:
    """Mount points worth showing: ``/`` and the shortest of each real file system, in order.

    Read-only images, full by nature, are left out. ``/`` is there also where its file system
    has no device, as in a container.
    """
    shortest: dict[str, str] = {}
    for mount in mounts:
        if mount.fstype in _IMAGES:
            continue
        known = shortest.get(mount.device)
        if known is None or len(mount.mountpoint) < len(known):
            shortest[mount.device] = mount.mountpoint
    return ("/", *sorted(set(shortest.values()) - {"/"}))


def mounted() -> tuple[str, ...]:
    """The mount points worth showing at this moment."""
    import psutil

    return choose_mounts(psutil.disk_partitions(all=False))


def read_disk(mount: str) -> Disk | None:
    """How full a file system is, as df(1) counts it: of what users may write, not the reserve.

    None for one that cannot be read or has no size.
    """
    import psutil

    try:
        usage = psutil.disk_usage(mount)
    except OSError:
        return None
    total = usage.used + usage.free
    return Disk(sanitize(mount, limit=128), usage.used, total) if total else None
