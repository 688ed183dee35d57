"""Three users of one machine: what the service's user and a member of the group cannot do to root.

Each cell of the table in docs/security.md that a file can carry is tried by processes of two other
users (fixed ids that no account needs), against what this process does as root.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsconsole.errors import OpsconsoleError
from opsconsole.machines.local import LocalMachine
from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.restorer import repair
from opsconsole.operations.backups.store import Store
from opsconsole.operations.journal.sqlite_database import connect
from opsconsole.operations.locks.flock import take
from opsconsole.operations.mandates import Mandates
from opsconsole.operations.state_folder import prepare

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
