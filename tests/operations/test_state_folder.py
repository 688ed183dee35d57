"""The state folder: whose it may be, and what lies in wait in it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.engine.recording.database import connect_reader, connect_writer
from opsconsole.engine.recording.place import RecordingPlace as Recording
from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.model.operation import ActionKind, ActionRequest, Confirmation, Refusal
from opsconsole.operations.journal.sqlite_database import connect, read_only
from opsconsole.operations.locks.flock import is_held, take
from opsconsole.operations.state_folder import prepare
from tests.operations.place import Place, planned

_CONFIG = """
docker: []
services:
  web: {{actions: {{restart: {{command: [touch, {ran}]}}}}}}
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away takes root")


def refusal(folder: Path) -> str:
    with pytest.raises(StateError) as raised:
        prepare(folder, shared=False)
    return str(raised.value)


@needs_root
def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "state", shared=False)
    os.chown(folder, 4242, 4242)
    assert "belongs to user 4242" in refusal(folder)


@needs_root
def test_one_that_a_group_shares_is_used_whoever_made_it(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "state", shared=True)
    os.chown(folder, 4242, os.getegid())
    folder.chmod(0o2770)
    assert prepare(folder, shared=True) == folder


def test_one_that_everybody_may_write_is_not_used(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "state", shared=False)
    folder.chmod(0o777)
    assert "everybody may write" in refusal(folder)


def test_a_fifo_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "state", shared=False)
    for name in ("locks/web.lock", "journal.db"):
        os.mkfifo(folder / name)
    with pytest.raises(StateError, match="not a regular file"):
        take(folder / "locks" / "web.lock")
    with pytest.raises(StateError, match="not a regular file"):
        is_held(folder / "locks" / "web.lock")
    with pytest.raises(StateError, match="not a regular file"):
        connect(folder)


async def test_a_fifo_in_place_of_a_service_s_lock_is_named_and_nothing_is_done(
    place: Place, tmp_path: Path
) -> None:
    place.write(_CONFIG.format(ran=tmp_path / "ran"))
    operator = place.operator()
    os.mkfifo(prepare(place.state, shared=False) / "locks" / "web.lock")
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    answer = await operator.perform(plan, Confirmation("web", "a test"))
    assert isinstance(answer, Refusal)
    assert "web.lock: not a regular file" in str(answer)
    assert not (tmp_path / "ran").exists()


def _a_link(path: Path) -> None:
    path.symlink_to(path.parent / "somewhere")
    os.lchown(path, 4242, 4242)


TRAPS: dict[str, Callable[[Path], None]] = {
    "link": _a_link,
    "fifo": os.mkfifo,
    "socket": lambda path: os.mknod(path, 0o600 | stat.S_IFSOCK),
    "folder": os.mkdir,
}


def _record(folder: Path) -> None:
    connect_writer(Recording(folder, "fleet").database, 0o600).close()


def _replay(folder: Path) -> None:
    Recording(folder, "fleet").database.touch()
    connect_reader(Recording(folder, "fleet").database)


def _taken(folder: Path) -> None:
    Recording(folder, "fleet").take()


USES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "the journal": ("journal.db", connect),
    "its log": ("journal.db-wal", connect),
    "its index": ("journal.db-shm", connect),
    "its rollback": ("journal.db-journal", connect),
    "the audit": ("journal.db", lambda folder: read_only(folder, "SELECT 1")),
    "the audit's log": ("journal.db-wal", lambda folder: read_only(folder, "SELECT 1")),
    "the recording": ("recordings/fleet.db", _record),
    "its own log": ("recordings/fleet.db-wal", _record),
    "a replay": ("recordings/fleet.db-wal", _replay),
    "the recording's lock": ("recordings/fleet.lock", _taken),
    "a lock": ("locks/web.lock", lambda folder: take(folder / "locks" / "web.lock")),
    "who has it": ("locks/web.lock", lambda folder: is_held(folder / "locks" / "web.lock")),
}


@needs_root
@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("use", USES)
def test_a_trap_in_place_of_a_file_is_refused_at_once(tmp_path: Path, use: str, trap: str) -> None:
    folder = prepare(tmp_path / "state", shared=True)
    Recording(folder, "fleet").prepare()
    name, using = USES[use]
    if name.startswith("journal.db-"):
        (folder / "journal.db").touch()
    TRAPS[trap](folder / name)
    before = sorted(folder.rglob("*"))
    with pytest.raises(
        OpsconsoleError, match=r"not a regular file|belongs to user|symbolic link|Is a directory"
    ):
        using(folder)
    after = [path for path in sorted(folder.rglob("*")) if path.name != "fleet.db"]
    assert after == [path for path in before if path.name != "fleet.db"]


@needs_root
@pytest.mark.parametrize("name", ["locks", "logs", "mandates", "runners", "recordings"])
def test_a_link_of_somebody_else_in_place_of_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o2770)
    (tmp_path / "somewhere").mkdir()
    (folder / name).symlink_to(tmp_path / "somewhere")
    Recording(folder, "fleet").prepare()
    os.lchown(folder / name, 4242, 4242)
    with pytest.raises(StateError, match="belongs to user 4242"):
        Recording(folder, "fleet").prepare()
    assert list((tmp_path / "somewhere").iterdir()) == []
