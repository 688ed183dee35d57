"""Three users of one machine: what the service's user and a member of the group cannot do to root.

Each cell of the table in docs/security.md that a file can carry is tried by processes of two other
users (fixed ids that no account needs), against what this process does as root.
"""

import json
import os
import sqlite3
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.recording.segment import MOST, MOST_LINES, unpack, unseal
from opsconsole.errors import OpsconsoleError
from opsconsole.machines.local import LocalMachine
from opsconsole.machines.machines import Machines
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.restorer import repair
from opsconsole.operations.backups.store import Store
from opsconsole.operations.driving.driver import ObserveError
from opsconsole.operations.journal.records import PromiseKind
from opsconsole.operations.journal.sqlite_database import connect
from opsconsole.operations.locks.flock import take
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

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="three users take root")

SERVICE, MEMBER, GROUP = 63001, 63002, 63000
RESTORE = "20260101T000000Z-000000"


def act_as(uid: int, gid: int, folder: Path, deed: Callable[[], None]) -> None:
    """Do ``deed`` as that user, in ``folder``: a fork, as another may not reach the interpreter."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            os.umask(0o002)
            os.chdir(folder)
            deed()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that everybody may walk; the service's own, the group's and root's are in it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        for name, uid, gid, mode in (
            ("service", SERVICE, SERVICE, 0o755),
            ("state", 0, GROUP, 0o2770),
            ("root", 0, 0, 0o700),
        ):
            (folder / name).mkdir()
            os.chown(folder / name, uid, gid)
            (folder / name).chmod(mode)
        (folder / "root" / "secret").write_text("root's own")
        yield folder


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
