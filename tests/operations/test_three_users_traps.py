"""Another user's traps where files should be that root's console reads: each is refused at once.

A fifo would be waited for, a socket or a folder is no file, a file without end fills the memory,
a link leads to another file. Whatever reads a file of somebody's is tried with each of them; the
traps are made by processes of another user, in a folder of that user's.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from opsconsole.config.http import TlsConfig
from opsconsole.config.loader import load
from opsconsole.config.rule_files import read_rule_file
from opsconsole.config.runbooks.reading import read_runbook
from opsconsole.config.secrets.references import reveal
from opsconsole.config.settings import Settings
from opsconsole.config.themes import read_themes
from opsconsole.config.types import SecretRef
from opsconsole.engine.recording.database import connect_writer
from opsconsole.errors import OpsconsoleError
from opsconsole.machines.local import LocalMachine
from opsconsole.operations.backups.store import Store
from opsconsole.operations.journal.audit import following
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.sqlite_database import connect
from opsconsole.operations.locks.file_locks import FileLocks
from opsconsole.operations.locks.locks import LockKind, LockName
from opsconsole.operations.mandates import Mandates
from opsconsole.operations.state_place import FolderPlace
from opsconsole.sources.http.tls import make_context
from opsconsole.sources.http.transport_fault import TransportFaultError
from tests.operations.three_users import GROUP, MEMBER, SERVICE, act_as

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="three users take root")

_REFUSED: Final = (OpsconsoleError, OSError, TransportFaultError)
PATIENCE: Final = 60.0
"""Seconds after which a reader is taken to wait for ever."""


def _socket(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(name)


def _sparse(name: str) -> None:
    with open(name, "wb") as made:
        made.truncate(1 << 40)


def _link(name: str) -> None:
    os.symlink("../root/secret", name)


def _loop(name: str) -> None:
    os.symlink(name, name)


TRAPS: Final[dict[str, Callable[[str], None]]] = {
    "a fifo": os.mkfifo,
    "a socket": _socket,
    "a folder": os.mkdir,
    "a file of a terabyte": _sparse,
    "a link to root's": _link,
    "a link to itself": _loop,
}


def at_once(use: Callable[[], object]) -> object:
    """What ``use`` returns, or the error that it raises; it must not wait for ever."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(use())
        except _REFUSED as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert found, "it waits for ever, or has raised what nobody expects"
    return found[0]


def _read_by_machine(path: Path) -> object:
    machine = LocalMachine()
    try:
        return asyncio.run(machine.read(path, 1 << 20))
    finally:
        machine.close()


def _read_as_opened(path: Path) -> object:
    machine = LocalMachine()
    try:
        with machine.open(path) as opened:
            return opened.read(1 << 20)
    finally:
        machine.close()


READERS: Final[dict[str, tuple[str, Callable[[Path], object]]]] = {
    "a configuration": ("a.yaml", lambda path: load(path, {})),
    "a folder of configurations": ("a.yaml", lambda path: load(path.parent, {})),
    "a secret": ("token", lambda path: reveal(SecretRef(file=str(path)), base=path.parent)),
    "a runbook": ("a.yaml", lambda path: read_runbook(path, Settings())[1]),
    "rules": ("a.yml", lambda path: read_rule_file(path).problems),
    "a certificate": (
        "ca.pem",
        lambda path: make_context(TlsConfig(ca_file=str(path)), path.parent),
    ),
    "what a machine reads": ("web.pid", _read_by_machine),
    "what a machine opens": ("a.log", _read_as_opened),
}


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("reader", READERS)
def test_a_trap_is_no_file(ground: Path, reader: str, trap: str) -> None:
    name, read = READERS[reader]
    act_as(SERVICE, SERVICE, ground / "service", lambda: TRAPS[trap](name))
    found = at_once(lambda: read(ground / "service" / name))
    if (reader, trap) == ("what a machine opens", "a file of a terabyte"):
        assert found == bytes(1 << 20)
    elif reader in {"a runbook", "rules"}:
        assert found, "a problem is named"
    else:
        assert isinstance(found, _REFUSED), found
    assert "root's own" not in str(found)


@pytest.mark.parametrize("reader", sorted(set(READERS) - {"what a machine opens"}))
def test_a_file_that_grows_while_it_is_read_is_too_large(ground: Path, reader: str) -> None:
    name, read = READERS[reader]
    path = ground / "service" / name
    path.write_bytes(b"#" * (1 << 25))
    over = threading.Event()

    def grow() -> None:
        with path.open("ab") as growing:
            while not over.is_set():
                growing.write(b"#" * (1 << 16))
                over.wait(0.001)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        found = at_once(lambda: read(path))
    finally:
        over.set()
        writer.join()
    assert isinstance(found, _REFUSED) or found, found


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_no_theme(ground: Path, trap: str) -> None:
    (ground / "opsconsole").mkdir()
    os.rename(ground / "service", ground / "opsconsole" / "themes")
    folder = ground / "opsconsole" / "themes"
    act_as(SERVICE, SERVICE, folder, lambda: TRAPS[trap]("a.yaml"))
    themes = at_once(lambda: read_themes({"XDG_CONFIG_HOME": str(ground)}))
    assert "a.yaml" in str(themes)


_WEB: Final = LockName(LockKind.SERVICE, "web")
_ROW: Final = following(None, {"event": "intent"})

STATES: Final[dict[str, tuple[str, Callable[[Path], object]]]] = {
    "the journal": ("journal.db", connect),
    "what SQLite keeps beside it": ("journal.db-wal", connect),
    "a recording": ("web.db", lambda state: connect_writer(state / "web.db", 0o660)),
    "a lock": ("locks/web.lock", lambda state: FileLocks(state).take(_WEB)),
    "the second place of the audit": (
        "audit.jsonl",
        lambda state: AuditSinks(state / "audit.jsonl").write(_ROW),
    ),
    "a folder of backups": (
        "backups",
        lambda state: Store(state / "backups" / "web", state).make(),
    ),
    "a folder of mandates": ("mandates/0", lambda state: Mandates(state).end_step("1-aaaaaaaa")),
    "the folder of locks": ("locks", lambda state: FolderPlace(state, shared=True).journal()),
    "the folder of mandates": ("mandates", lambda state: FolderPlace(state, shared=True).journal()),
}  # fmt: skip


@pytest.mark.parametrize("trap", sorted(set(TRAPS) - {"a file of a terabyte"}))
@pytest.mark.parametrize("what", STATES)
def test_a_members_trap_is_no_state(ground: Path, what: str, trap: str) -> None:
    name, use = STATES[what]
    state = ground / "state"
    if "/" in name:
        (state / Path(name).parent).mkdir()
        os.chown(state / Path(name).parent, 0, GROUP)
        (state / Path(name).parent).chmod(0o2770)
    act_as(MEMBER, GROUP, state, lambda: _in_its_folder(name, TRAPS[trap]))
    found = at_once(lambda: use(state))
    if (what, trap) not in _FOLDERS_ARE_RIGHT:
        assert isinstance(found, _REFUSED), found
    assert (ground / "root" / "secret").read_text() == "root's own"


_FOLDERS_ARE_RIGHT: Final = {
    ("the folder of locks", "a folder"),
    ("the folder of mandates", "a folder"),
    ("a folder of backups", "a folder"),
}


def _in_its_folder(name: str, trap: Callable[[str], None]) -> None:
    os.chdir(Path(name).parent)
    trap(Path(name).name)


@pytest.mark.parametrize("name", ["state", "state/locks", "state/mandates", "state/logs"])
def test_a_folder_that_was_swapped_for_a_link_is_refused(ground: Path, name: str) -> None:
    theirs = ground / "service"
    if name != "state":
        act_as(SERVICE, SERVICE, theirs, lambda: os.mkdir("state"))
        os.chown(theirs / "state", 0, GROUP)
        (theirs / "state").chmod(0o2770)
        os.chown(theirs / "state", SERVICE, GROUP)
    act_as(SERVICE, GROUP, theirs, lambda: os.symlink(ground / "root", name))
    for folder in (theirs / "state", theirs / name / "new" / "state"):
        found = at_once(FolderPlace(folder, shared=True).journal)
        assert isinstance(found, _REFUSED), found
    assert [path.name for path in (ground / "root").iterdir()] == ["secret"]
