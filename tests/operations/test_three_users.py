"""Three users of one machine: what the service's user and a member of the group cannot do to root.

Each cell of the table in docs/security.md that a file can carry is tried by processes of two other
users (fixed ids that no account needs), against what this process does as root.
"""

import json
import os
import sqlite3
import subprocess
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.recording.segment import MOST, MOST_LINES, unpack, unseal
from opsconsole.engine.runbooks.run_store import RunStore
from opsconsole.errors import OpsconsoleError
from opsconsole.machines.local import LocalMachine
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.operations.backups.catalogue import backups, verified
from opsconsole.operations.backups.restorer import repair
from opsconsole.operations.backups.store import Store
from opsconsole.operations.driving.driver import ObserveError
from opsconsole.operations.driving.hearsay import by_whom
from opsconsole.operations.journal import plan_codec
from opsconsole.operations.journal.records import Intent, Promise, PromiseKind
from opsconsole.operations.journal.sqlite_database import connect
from opsconsole.operations.locks.flock import take
from opsconsole.operations.locks.locks import LockKind, LockName
from opsconsole.operations.mandates import Mandates
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.planning.declared import find
from opsconsole.operations.planning.planner import make_driver
from opsconsole.operations.promises.promising import revive
from opsconsole.operations.running.dispatch import take_up
from opsconsole.operations.state_folder import prepare
from opsconsole.operations.state_place import FolderPlace
from opsconsole.operations.who import whoami
from opsconsole.threads import BoundedExecutor
from tests.operations.journal import samples
from tests.operations.three_users import GROUP, MEMBER, SERVICE, act_as

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="three users take root")

RESTORE = "20260101T000000Z-000000"


def untouched(ground: Path) -> bool:
    return {path.name: path.read_text() for path in (ground / "root").iterdir()} == {
        "secret": "root's own"
    }


@pytest.mark.parametrize("link", ["app.env", "conf"])
async def test_the_services_user_leads_no_read_and_no_write(ground: Path, link: str) -> None:
    target = ground / "root" / ("secret" if link == "app.env" else "")
    act_as(SERVICE, SERVICE, ground / "service", lambda: os.symlink(target, link))
    path = ground / "service" / link
    path = path if link == "app.env" else path / "secret"
    machine = LocalMachine()
    uses: list[Callable[[], object]] = [
        lambda: machine.read(path, 100),
        lambda: machine.replace(path, b"mine"),
        lambda: machine.stat(path),
    ]
    for use in uses:
        with pytest.raises(OpsconsoleError, match=f"belongs to user {SERVICE}"):
            await use()  # type: ignore[misc]
    machine.close()
    assert untouched(ground)


def test_a_members_folder_of_backups_removes_nothing_of_roots(ground: Path) -> None:
    place = {
        "path": str(ground / "root" / "data"), "staging": "secret",
        "before": f"data.before-{RESTORE}", "fresh": None, "old": None,
    }  # fmt: skip
    record = {"id": RESTORE, "backup": RESTORE, "stage": "preparing", "places": [place]}

    def deed() -> None:
        os.makedirs("backups/web")
        Path(f"backups/web/restore-{RESTORE}.json").write_text(json.dumps(record))

    act_as(MEMBER, GROUP, ground / "state", deed)
    store = Store(ground / "state" / "backups" / "web", ground / "state")
    for use in (repair, backups, Store.make):
        with pytest.raises(OpsconsoleError, match="not safe to use"):
            use(store)
    assert untouched(ground)


@pytest.mark.parametrize("trap", ["link", "fifo"])
def test_a_members_traps_are_refused(ground: Path, trap: str) -> None:
    state = ground / "state"
    prepare(state, shared=True)
    for folder in (state, state / "locks"):
        os.chown(folder, 0, GROUP)

    def deed() -> None:
        for name in ("locks/web.lock", "journal.db-wal"):
            os.mkfifo(name) if trap == "fifo" else os.symlink(ground / "root" / "secret", name)

    act_as(MEMBER, GROUP, state, deed)
    with pytest.raises(OpsconsoleError):
        take(state / "locks" / "web.lock")
    with pytest.raises(OpsconsoleError, match="not a regular file"):
        connect(state)
    assert untouched(ground)


def test_a_members_mandate_is_nobodys(ground: Path) -> None:
    state = ground / "state"
    prepare(state, shared=True)
    os.chown(state / "mandates", 0, GROUP)

    def deed() -> None:
        os.mkdir("mandates/0", 0o700)
        Path(f"mandates/0/{'a' * 16}.json").write_text("{}")

    act_as(MEMBER, GROUP, state, deed)
    with pytest.raises(OpsconsoleError, match="not this user's alone"):
        Mandates(state).all()


@pytest.mark.parametrize("kind", PromiseKind)
@pytest.mark.parametrize("operation", ["a" * 16, "../../root/secret"])
def test_a_members_rows_have_nothing_done(
    ground: Path, operation: str, kind: PromiseKind, tmp_path: Path
) -> None:
    place = FolderPlace(ground / "state", shared=True)
    journal = place.journal()
    for path in (place.folder, *place.folder.iterdir()):
        os.chown(path, 0, GROUP)
    own = OwnConfiguration("", str(tmp_path))

    def deed() -> None:
        connection = sqlite3.connect("journal.db")
        connection.execute(
            "INSERT INTO operations (id, plan_id, service, kind, name, state, plan, who, host,"
            " asked_by, reason, declaration, config_path, base, started_at, updated_at)"
            " VALUES (?, 'p', 'web', 'restart', '', 'dispatched', '{}', 'root', 'here', '{}',"
            " '', '', '', '/', 1, 1)",
            (operation,),
        )
        connection.execute(
            "INSERT INTO promises (operation, kind, service, due) VALUES (?, ?, 'web', 1)",
            (operation, kind.value),
        )
        connection.commit()

    act_as(MEMBER, GROUP, place.folder, deed)
    assert place.mandates.get(operation) is None
    assert len(journal.promises()) == (operation == "a" * 16)
    for each in journal.open_operations():
        assert not take_up(place, journal, own, each, whoami(), SystemClock())
    assert revive(place, journal, own) == 0
    assert not place.mandates.keeper_is_there()
    journal.close()
    assert untouched(ground)


def _shared(ground: Path) -> FolderPlace:
    """A state that root has used, and whose files the group may write."""
    place = FolderPlace(ground / "state", shared=True)
    place.journal().close()
    for path in (place.folder, *place.folder.iterdir()):
        os.chown(path, 0, GROUP)
    return place


def _writes(*statements: tuple[str, tuple[object, ...]]) -> Callable[[], None]:
    def deed() -> None:
        connection = sqlite3.connect("journal.db")
        for statement, values in statements:
            connection.execute(statement, values)
        connection.commit()

    return deed


INSERT: str = (
    "INSERT INTO operations (id, plan_id, service, kind, name, state, plan, who, host, asked_by,"
    " reason, declaration, config_path, base, started_at, updated_at)"
    " VALUES (?, ?, 'web', ?, '', ?, ?, 'root', 'here', '{}', '', '', '', '/', 1, 1)"
)


@pytest.mark.parametrize("kind", sorted(ActionKind))
def test_what_a_member_says_was_before_is_that_members_word(ground: Path, kind: ActionKind) -> None:
    """Flags and limits to put back, an image or a version that was seen before: one gate."""
    place = _shared(ground)
    said = plan_codec.encode(samples.plan("p", kind))
    row = (INSERT, ("a" * 16, "p", kind.value, "verified", said))
    act_as(MEMBER, GROUP, place.folder, _writes(row))
    journal = place.journal()
    believed = place.mandates.believed(journal.past_plans("web"))
    assert [each.said_by for each in believed] in ([], ["root"])
    goals = {"web-1 id": "abc"}
    if kind is ActionKind.DEGRADE:
        assert by_whom(believed, ActionKind.RECOVER, goals) == "root"
    if believed:
        assert by_whom(believed, ActionKind.ROLLBACK, goals) == "root"
    journal.close()


@pytest.mark.parametrize("state", sorted(OperationState))
def test_a_verdict_that_a_member_wrote_has_nothing_done(
    ground: Path, state: OperationState, tmp_path: Path
) -> None:
    place = _shared(ground)
    journal, intent = place.journal(), samples.intent("one")
    place.mandates.give(intent)
    journal.submit(intent, 1.0)
    change = "UPDATE operations SET state = ?, ended_at = 2 WHERE id = ?"
    act_as(MEMBER, GROUP, place.folder, _writes((change, (state.value, intent.operation))))
    own = OwnConfiguration("", str(tmp_path))
    found = journal.operation(intent.operation)
    assert found is not None
    assert not take_up(place, journal, own, found, whoami(), SystemClock()), "of another file"
    assert revive(place, journal, own) == 0
    assert (place.mandates.get(intent.operation) is None) == state.final, "at most it is held up"
    journal.close()
    assert untouched(ground)


@pytest.mark.parametrize("plan", ["{}", "[]", "{", "null", ""])
@pytest.mark.parametrize("state", ["intent", "dispatched", "verifying", "unknown"])
def test_a_members_row_without_a_plan_neither_shadows_nor_blocks(
    ground: Path, state: str, plan: str
) -> None:
    place = _shared(ground)
    row = (INSERT, ("a" * 16, "p", "restart", state, plan))
    act_as(MEMBER, GROUP, place.folder, _writes(row))
    journal = place.journal()
    assert journal.open_operations() == journal.operations() == journal.since("web", 0.0) == ()
    assert "cannot be understood" in journal.unread
    journal.close()


def test_a_members_run_of_a_runbook_has_no_step_done(ground: Path) -> None:
    place = _shared(ground)
    run = "1700000000-aaaaaaaa"
    records = [
        {"do": "begin", "at": 1.0, "run": run, "runbook": "../x", "service": "web", "who": "root",
         "steps": [{"id": "look"}]},
        {"do": "start", "step": "look", "at": 2.0, "who": "root"},
    ]  # fmt: skip
    rows: list[tuple[str, tuple[object, ...]]] = [
        ("INSERT INTO ledgers VALUES (1, 'runbook', ?, '', 1, 2, 0)", (run,))
    ]
    for bad in ("../../root/secret", "1-aaaaaaaa/../x", "x" * 5000):
        rows.append(("INSERT INTO ledgers VALUES (NULL, 'runbook', ?, '', 2, 0, 0)", (bad,)))
    for number, record in enumerate(records):
        line = json.dumps(record)
        rows.append(("INSERT INTO ledger_records VALUES (1, ?, ?)", (number, line)))
    act_as(MEMBER, GROUP, place.folder, _writes(*rows))
    store = RunStore(place, SystemClock())
    (found,) = store.runs()
    assert found.who == "root"
    assert not store.is_at_step(run, "look"), "root has begun nothing"
    store.close()
    assert untouched(ground)


@pytest.mark.parametrize(
    "identity", ["../../root/secret", "..", "a/b", "", "a\n", "\0", "x" * 5000]
)
def test_no_id_becomes_a_path_out_of_its_folder(ground: Path, identity: str) -> None:
    place = _shared(ground)
    store = Store(ground / "state" / "backups" / "web", ground / "state")
    store.make()
    place.mandates.end("a" * 16)
    before = sorted(path for path in ground.rglob("*"))
    uses: list[Callable[[], object]] = [
        lambda: place.mandates.get(identity) is None or pytest.fail("a mandate"),
        lambda: place.mandates.is_kept(identity, PromiseKind.END),
        lambda: place.mandates.take_promise(identity, PromiseKind.END),
        lambda: place.mandates.begin_step(identity, "x"),
        lambda: place.mandates.end_step(identity),
        lambda: Intent(identity, samples.plan("p"), whoami(), "", "", "", ""),
        lambda: Promise(identity, PromiseKind.END, "web", 1.0),
        *(lambda kind=kind: place.locks.take(LockName(kind, identity)) for kind in LockKind),
        lambda: verified(store, identity),
    ]
    for use in uses:
        with suppress(OpsconsoleError):
            use()
    assert sorted(path for path in ground.rglob("*")) == before
    assert untouched(ground)


async def test_the_services_user_has_no_process_of_root_signalled(ground: Path) -> None:
    rooted = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220 - it returns at once
    try:
        pid_file = ground / "service" / "web.pid"
        act_as(SERVICE, SERVICE, ground / "service", lambda: _write("web.pid", str(rooted.pid)))
        settings = Settings.model_validate(
            {
                "docker": [],
                "services": {"web": {"actions": {"restart": {"pid_file": str(pid_file)}}}},
            }
        )
        found = find(settings, "web", ActionKind.RESTART, "")
        assert found is not None
        request = ActionRequest("web", ActionKind.RESTART)
        machines, threads = Machines(), BoundedExecutor("test", 1)
        driver = make_driver(settings, found, request, ground, machines, threads, ())
        with pytest.raises(ObserveError, match="not that user's to end"):
            await driver.observe()
        os.chown(pid_file, 0, 0)
        assert str(rooted.pid) in (await driver.observe())["process"]
        await driver.close()
        threads.close()
        machines.close()
        assert rooted.poll() is None
    finally:
        rooted.kill()
        rooted.wait()


def _write(name: str, text: str) -> None:
    Path(name).write_text(text)


def _packed(size: int) -> bytes:
    packer = zlib.compressobj(9)
    block = bytes(1024 * 1024)
    return b"".join(packer.compress(block) for _ in range(size)) + packer.flush()


@pytest.mark.parametrize("reads", [lambda bomb: unpack([bomb]), unseal])
def test_a_members_segment_is_not_unpacked_to_gigabytes(reads: Callable[[bytes], object]) -> None:
    bomb = _packed(MOST // (1024 * 1024) + 8)
    assert len(bomb) < MOST // 500
    with pytest.raises(zlib.error):
        reads(bomb)


def test_a_members_lines_are_not_unpacked_to_gigabytes_together() -> None:
    third = _packed(MOST // (1024 * 1024) // 3 + 1)
    with pytest.raises(zlib.error):
        unpack([third] * 3)


def test_a_members_segment_has_no_more_lines_than_a_segment() -> None:
    with pytest.raises(zlib.error, match="lines"):
        unseal(zlib.compress(b"\n" * (MOST_LINES + 1)))
