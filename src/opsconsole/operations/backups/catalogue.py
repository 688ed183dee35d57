"""Which backups there are.

Invariant: a folder without a manifest that matches its own hash and the sizes of its files is
not a backup; it is listed as damaged, with the reason, and never offered. Looking changes nothing.
Where others could have put a backup there, none is listed.
"""

import os
import re
import time
from collections.abc import Callable
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.contents import Deadline
from opsconsole.operations.backups.faults import BackupError, UnknownBackupError, reporting, shown
from opsconsole.operations.backups.manifest import Manifest
from opsconsole.operations.backups.manifest_reader import ID
from opsconsole.operations.backups.store import PREFIX, Store
from opsconsole.operations.backups.verifier import opened, verify

LATEST: Final = "latest"
_NAMED: Final = 3
_NAME: Final = re.compile(rf"{PREFIX}({ID.pattern})")
_NO_LIMIT: Final = Deadline()
_UNITS: Final = (("d", 86400), ("h", 3600), ("min", 60))


@dataclass(frozen=True, slots=True)
class Listed:
    """One backup of a list. ``fault`` is why it cannot be used, '' when it is whole.

    ``created_ns`` Unix time, ``size`` bytes of contents; ``digest`` is the manifest's SHA-256.
    """

    id: str
    service: str = ""
    host: str = ""
    created_ns: int = 0
    size: int = 0
    files: int = 0
    left_out: int = 0
    fuzzy: bool = False
    secret: bool = False
    running: bool = False
    digest: str = ""
    fault: str = ""

    @property
    def whole(self) -> bool:
        """Whether it may be restored."""
        return not self.fault


def backups(store: Store, service: str | None = None) -> tuple[Listed, ...]:
    """Every backup, newest first; damaged ones among them. Raises BackupError."""
    return _listed(store, service, lambda identity: _look(store, identity))


def verified(
    store: Store, service: str | None = None, deadline: Deadline = _NO_LIMIT
) -> tuple[Listed, ...]:
    """As ``backups``, after every file was compared with its hash."""

    def look(identity: str) -> Listed:
        verify(store, identity, deadline)
        return _look(store, identity)

    return _listed(store, service, look)


def age_of(listed: Listed) -> str:
    """How old a backup is: ``3 d``, ``5 h``, ``12 min``, ``40 s``."""
    seconds = max(0.0, time.time() - listed.created_ns / 1e9)
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def choose(store: Store, service: str, identity: str) -> Listed:
    """The whole backup ``identity`` of ``service``; ``latest`` is the newest.

    Raises UnknownBackupError, naming the newest whole ones.
    """
    listed = backups(store, service)
    whole = [each for each in listed if each.whole]
    if identity == LATEST and whole:
        return whole[0]
    found = next((each for each in listed if each.id == identity), None)
    if found is not None and found.whole:
        return found
    wanted = f"there is no backup {shown(identity)} of {service}"
    if identity == LATEST:
        wanted = f"there is no whole backup of {service}"
    elif found is not None:
        wanted = found.fault
    newest = ", ".join(each.id for each in whole[:_NAMED])
    remedy = f"the newest whole ones are {newest}" if whole else "make a backup first"
    raise UnknownBackupError(wanted, remedy=remedy)


def _listed(store: Store, service: str | None, look: Callable[[str], Listed]) -> tuple[Listed, ...]:
    with reporting(f"cannot list the backups in {store.path}"):
        names = os.listdir(store.path) if store.check() else []
    found = []
    for match in filter(None, map(_NAME.fullmatch, sorted(names, reverse=True))):
        try:
            listed = look(match[1])
        except BackupError as error:
            listed = Listed(match[1], fault=error.what)
        if service is None or listed.service == service or not listed.service:
            found.append(listed)
    return tuple(sorted(found, key=_order, reverse=True))


def _order(listed: Listed) -> tuple[str, int, str]:
    """By time: an id begins with it to the second, the manifest has it to the nanosecond."""
    return listed.id[:16], listed.created_ns, listed.id


def _look(store: Store, identity: str) -> Listed:
    with opened(store, identity) as backup:
        return of(backup.manifest, backup.digest)


def of(manifest: Manifest, digest: str) -> Listed:
    """A whole backup as it is listed."""
    return Listed(
        id=manifest.id,
        service=manifest.service,
        host=manifest.host,
        created_ns=manifest.created_ns,
        size=manifest.size,
        files=manifest.files,
        left_out=len(manifest.left_out),
        fuzzy=manifest.fuzzy,
        secret=manifest.secret,
        running=manifest.origin.running,
        digest=digest,
    )
