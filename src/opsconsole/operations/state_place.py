"""Where the journal, the locks and the mandates of some consoles are.

Invariant: operations read and write state only through a ``StatePlace``; another process gets its
``name``, from which ``place_of`` makes it again. A journal on a server is one more class here:
docs/adding-a-journal.md.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from opsconsole.config.settings import Settings
from opsconsole.errors import StateError
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Scope
from opsconsole.operations.journal.sqlite_journal import SqliteJournal, audit_of
from opsconsole.operations.locks.file_locks import FileLocks
from opsconsole.operations.locks.locks import Locks
from opsconsole.operations.mandates import Mandates
from opsconsole.operations.presence import FolderPresence, Presence
from opsconsole.operations.shared_recordings import SharedRecordings
from opsconsole.operations.state_folder import prepare, state_folder
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from opsconsole.operations.postgresql_place import PostgresqlPlace

_FOLDER: Final = "folder:"
_POSTGRESQL: Final = "postgresql:"


class StatePlace(Protocol):
    """One state, shared by every console that names it. Raises StateError throughout."""

    @property
    def name(self) -> str:
        """What another process is given."""
        ...

    @property
    def of_hosts(self) -> bool:
        """Whether several hosts share it, whose paths and uids say nothing of each other's."""
        ...

    @property
    def locks(self) -> Locks:
        """Who is at what."""
        ...

    @property
    def mandates(self) -> Mandates:
        """What this user's processes carry out."""
        ...

    @property
    def patience(self) -> float:
        """Seconds for which a runner waits for a journal that cannot be reached."""
        ...

    def exists(self) -> bool:
        """Whether anything was kept in it; nothing is made."""
        ...

    def journal(self, sinks: AuditSinks | None = None) -> Journal:
        """Its journal, made when it is not there. Close it."""
        ...

    def audit_rows(self) -> tuple[Row, ...]:
        """The whole audit, whichever version wrote it; nothing is made or changed."""
        ...

    def presence(self) -> Presence:
        """What shows that one console is open, and which others are."""
        ...

    def recordings(self) -> SharedRecordings | None:
        """What the consoles of several hosts recorded; None where they share nothing."""
        ...

    def log_of(self, task: str) -> Path:
        """Where a process of this state writes what it prints."""
        ...


class LateJournal:
    """The journal of a state, opened when it is first needed; notes and ledgers are kept by it.

    ``scope`` is whose. Raises StateError throughout.
    """

    def __init__(self, state: StatePlace, scope: Scope | None) -> None:
        self._state, self._scope = state, scope
        self._journal: Journal | None = None

    def is_there(self) -> bool:
        """Whether anything was kept; nothing is made."""
        return self._journal is not None or self._state.exists()

    def open(self) -> Journal:
        """The journal, made when it is not there."""
        if self._journal is None:
            self._journal = self._state.journal()
            if self._scope is not None:
                self._journal.use_scope(self._scope)
        return self._journal

    def close(self) -> None:
        """Give it back; idempotent."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None


class FolderPlace:
    """The state in a folder of this host. ``shared``: one that is made here is for a group."""

    of_hosts = False
    patience = 0.0

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self.folder = folder.absolute()
        self._shared = shared
        self.locks = FileLocks(self.folder)
        self.mandates = Mandates(self.folder)

    @property
    def name(self) -> str:
        """The folder's path, marked as one."""
        return f"{_FOLDER}{self.folder}"

    def exists(self) -> bool:
        """Whether there is a journal."""
        return os.path.exists(self.folder / "journal.db")

    def journal(self, sinks: AuditSinks | None = None) -> SqliteJournal:
        """The journal in the folder."""
        prepare(self.folder, shared=self._shared)
        return SqliteJournal(self.folder, sinks=sinks)

    def audit_rows(self) -> tuple[Row, ...]:
        """The audit in the folder."""
        return audit_of(self.folder)

    def presence(self) -> FolderPresence:
        """Files in the folder."""
        return FolderPresence(self.folder)

    def recordings(self) -> None:
        """None: a recording is a file of this host."""

    def log_of(self, task: str) -> Path:
        """A file in the folder."""
        return self.folder / "logs" / f"{task}.log"


def place_from(settings: Settings) -> StatePlace:
    """The state that ``settings`` name. Raises StateError."""
    if settings.state.postgresql is not None:
        folder, shared = state_folder(settings), bool(settings.state_dir)
        key = settings.state.mandate_key
        path = str(Path(key).expanduser().absolute()) if key else ""
        return _postgresql()(settings.state.postgresql, folder, path, shared=shared)
    return FolderPlace(state_folder(settings), shared=bool(settings.state_dir))


def scope_of(settings: Settings, config_path: Path | None) -> Scope:
    """Whose operations, notes and ledgers these are: of ``settings``, from ``config_path``."""
    own = settings.environment.name
    others = {settings.environment_of(name).name for name in settings.services}
    path = str(config_path.absolute()) if config_path else ""
    return Scope(None if settings.state.postgresql else path, (own, *sorted(others - {own})))


def place_of(name: str) -> StatePlace:
    """The state of that name. Raises StateError."""
    if name.startswith(_FOLDER):
        return FolderPlace(Path(name.removeprefix(_FOLDER)))
    if name.startswith(_POSTGRESQL):
        return _postgresql().named(name)
    raise StateError(f"{sanitize(name, limit=80)!r} is not the name of a state")


def _postgresql() -> "type[PostgresqlPlace]":
    """Its client is installed where somebody wants it, and imported where it is set."""
    try:
        from opsconsole.operations.postgresql_place import PostgresqlPlace
    except ImportError as error:
        raise StateError(
            f"state.postgresql needs psycopg, which cannot be imported: {sanitize(str(error))}",
            remedy="install opsconsole[postgresql]",
        ) from error
    return PostgresqlPlace


def _conforms(state: "FolderPlace | PostgresqlPlace") -> StatePlace:
    return state
