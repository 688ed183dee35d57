"""The state folder: whose it may be, and what lies in wait in it."""

import os
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, ActionRequest, Confirmation, Refusal
from opsconsole.operations.journal.sqlite_database import connect
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
