"""One watcher of a configuration leads; another takes over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from opsconsole.operations.journal.records import Scope
from opsconsole.operations.state_place import FolderPlace
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.leadership import ASK_EVERY, Leadership

SCOPE = Scope("/etc/o.yaml", ("prod",))


@pytest.fixture
async def threads() -> AsyncIterator[BoundedExecutor]:
    found = BoundedExecutor("state", 1)
    yield found
    found.close()


async def test_one_leads_and_another_takes_over(tmp_path: Path, threads: BoundedExecutor) -> None:
    one, other = (Leadership(FolderPlace(tmp_path), SCOPE, threads) for _ in range(2))
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
