"""One watcher of a configuration leads; another takes over."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from opsconsole.operations.journal.records import Scope
from opsconsole.operations.locks.flock import HeldFlock
from opsconsole.operations.locks.locks import LockName
from opsconsole.operations.postgresql_place import PostgresqlPlace
from opsconsole.operations.state_place import FolderPlace, StatePlace
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.leadership import ASK_EVERY, Leadership

Open = Callable[[], StatePlace]
SCOPE = Scope("/etc/o.yaml", ("prod",))


@pytest.fixture
async def threads() -> AsyncIterator[BoundedExecutor]:
    found = BoundedExecutor("state", 1)
    yield found
    found.close()


@pytest.fixture(params=["folder", pytest.param("postgresql", marks=pytest.mark.servers)])
def open_place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], StatePlace]]:
    """Makes places of one state, as another process each."""
    if request.param == "folder":
        yield lambda: FolderPlace(tmp_path)
        return
    conninfo: str = request.getfixturevalue("postgresql_database")
    PostgresqlPlace(conninfo, tmp_path).journal().close()
    yield lambda: PostgresqlPlace(conninfo, tmp_path)


async def test_one_leads_and_another_takes_over(open_place: Open, threads: BoundedExecutor) -> None:
    one, other = (Leadership(open_place(), SCOPE, threads) for _ in range(2))
    assert await one.follow(0.0)
    assert not await other.follow(0.0)
    assert (one.leads(), other.leads()) == (True, False)
    assert not await one.follow(1.0), "it has not just begun to"
    await one.release()
    assert not await other.follow(ASK_EVERY / 2), "it does not ask all the time"
    assert await other.follow(ASK_EVERY)
    assert (one.leads(), other.leads()) == (False, True)
    await other.release()


async def test_those_of_another_configuration_lead_beside_it(
    tmp_path: Path, threads: BoundedExecutor
) -> None:
    one = Leadership(FolderPlace(tmp_path), SCOPE, threads)
    other = Leadership(FolderPlace(tmp_path), Scope("/etc/p.yaml", ("prod",)), threads)
    assert await one.follow(0.0)
    assert await other.follow(0.0)
    await one.release()
    await other.release()


async def test_what_is_taken_too_late_is_let_go(
    tmp_path: Path, threads: BoundedExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a watcher that does not lead would keep every other from it."""
    place, slow = FolderPlace(tmp_path), threading.Event()
    take = place.locks.take

    def taken_late(name: LockName) -> HeldFlock | None:
        slow.wait(60)
        return take(name)

    monkeypatch.setattr("opsconsole.watcher.leadership._WITHIN", 0.05)
    with monkeypatch.context() as late:
        late.setattr(place.locks, "take", taken_late)
        one = Leadership(place, SCOPE, threads)
        assert not await one.follow(0.0)
        assert "did not answer" in one.fault
        slow.set()
    monkeypatch.setattr("opsconsole.watcher.leadership._WITHIN", 60.0)
    other = Leadership(FolderPlace(tmp_path), SCOPE, threads)
    at = iter(range(10, 10000, 10))
    while not await other.follow(float(next(at))):
        pass
    await other.release()


async def test_a_state_that_cannot_be_used_is_said(
    tmp_path: Path, threads: BoundedExecutor
) -> None:
    (tmp_path / "state").write_text("in the way")
    found = Leadership(FolderPlace(tmp_path / "state"), SCOPE, threads)
    assert not await found.follow(0.0)
    assert found.fault
    (tmp_path / "state").unlink()
    assert await found.follow(ASK_EVERY)
    assert found.fault == ""
    await found.release()
