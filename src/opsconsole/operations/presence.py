"""Who is here: every console that is open shows itself in the state, and sees the others.

Invariant: what is shown of a console ends with its process, however that dies; nothing stale is
ever left to be cleared by hand. It is hostile text like all that others write, and gives no right.
"""

import contextlib
import json
import os
import secrets
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, Protocol

from opsconsole import durable, links
from opsconsole.errors import StateError
from opsconsole.model.ledger_record import moment_in, text_in
from opsconsole.model.people import Present, PresentKind
from opsconsole.operations.locks import flock
from opsconsole.operations.locks.flock import HeldFlock, reporting
from opsconsole.operations.state_folder import is_shared

LISTED: Final = 200
"""So many consoles are listed at most."""

_LIMIT: Final = 8 * 1024
_ENDING: Final = ".here"
_PRIVATE: Final = 0o700
_SHARED: Final = 0o2770


class Presence(Protocol):
    """The consoles of one state. Raises StateError where that cannot be used."""

    def show(self, present: Present) -> None:
        """Show this console as ``present`` from now on, in place of what was shown before."""
        ...

    def all(self) -> tuple[Present, ...]:
        """Every console that is open now, this one too, which is marked as its own."""
        ...

    def leave(self) -> None:
        """Show nothing of this console any more; idempotent."""
        ...


class FolderPresence:
    """A file for each console in ``folder/present``, locked by flock(2) while it is open.

    Nothing is made where there is no state folder: who is alone there need not be shown.
    """

    def __init__(self, folder: Path) -> None:
        self._state, self._folder = folder, folder / "present"
        self._path = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}{_ENDING}"
        self._held: HeldFlock | None = None
        self._shown: Present | None = None

    def show(self, present: Present) -> None:
        """Show this console."""
        if present == self._shown or not self._state.is_dir():
            return
        with reporting(self._path):
            self._prepare()
        if self._held is None:
            self._held = flock.take(self._path)
        if self._held is None:
            return
        with reporting(self._path):
            _write(self._held.descriptor, json.dumps(document_of(present)).encode())
        self._shown = present

    def all(self) -> tuple[Present, ...]:
        """Those whose file is locked; a file that nobody locks any more is removed."""
        with reporting(self._folder):
            try:
                names = sorted(os.listdir(self._folder))
            except FileNotFoundError:
                return ()
        found: list[Present | None] = []
        for name in [each for each in names if each.endswith(_ENDING)][:LISTED]:
            path = self._folder / name
            if path == self._path:
                if self._shown is not None:
                    found.append(replace(self._shown, own=True))
            else:
                found.append(_of_another(path))
        return tuple(each for each in found if each is not None)

    def leave(self) -> None:
        """Remove the file."""
        if self._held is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            self._held.release()
            self._held = self._shown = None

    def _prepare(self) -> None:
        if not self._folder.exists():
            self._folder.mkdir(exist_ok=True)
            self._folder.chmod(_SHARED if is_shared(self._state) else _PRIVATE)
        # A folder, and nobody else's link is on the way.
        os.close(links.open_folder(str(self._folder)))


def _write(descriptor: int, said: bytes) -> None:
    """In place: who reads it halfway finds no JSON, and looks again."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, said, 0)


def _of_another(path: Path) -> Present | None:
    """What is shown at ``path``; None for what is no console's, or is left of one."""
    with contextlib.suppress(StateError):
        if flock.is_held(path):
            return _read(path)
        _remove(path)
    return None


def _read(path: Path) -> Present | None:
    try:
        return present_in(durable.read(path, _LIMIT))
    except OSError:
        return None


def document_of(present: Present) -> dict[str, object]:
    """What a console says of itself."""
    said = {**asdict(present), "kind": present.kind.value}
    said.pop("own")
    return said


def present_in(document: str | bytes) -> Present | None:
    """The console that says so; None where it is not understood."""
    try:
        said = json.loads(document)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    since, who = moment_in(said, "since"), text_in(said, "who")
    kind = next((each for each in PresentKind if each.value == said.get("kind")), None)
    if since is None or not who or kind is None:
        return None
    return Present(
        who,
        text_in(said, "host"),
        text_in(said, "tty"),
        min(since, time.time()),
        text_in(said, "service"),
        kind,
    )


def _remove(path: Path) -> None:
    """Remove what a console that has died left; one that is just being made is kept."""
    with contextlib.suppress(OSError, StateError):
        held = flock.take(path)
        if held is not None:
            path.unlink(missing_ok=True)
            held.release()


def _conforms(presence: FolderPresence) -> Presence:
    return presence
