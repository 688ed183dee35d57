"""Rollback by a symlink into a folder of releases."""

import os
import threading
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from tests.operations.place import Place, ended, performed, planned, refused

_REQUEST = ActionRequest("web", ActionKind.ROLLBACK, reason="a test")
_CONFIG = """
docker: []
operations: {cooldown: 0.001ms}
services:
  web:
    actions:
      rollback:
        releases: {current: srv/current, releases: srv/releases, then: restart}
        min_healthy: 100ms
        deadline: 3s
      restart: {command: [cp, -r, srv/current/version, running], min_healthy: 100ms}
"""


@pytest.fixture
def srv(tmp_path: Path) -> Path:
    """Releases v1.9, v1.10 (the current one) and v1.11; the lowest was touched last."""
    folder = tmp_path / "srv"
    for number, name in enumerate(("v1.11", "v1.10", "v1.9")):
        release = folder / "releases" / name
        release.mkdir(parents=True)
        (release / "version").write_text(name)
        os.utime(release, (number * 1000, number * 1000))
    os.symlink("releases/v1.10", folder / "current")
    return folder


async def _rolled_back(place: Place) -> Operation:
    operator = place.operator()
    plan = await planned(operator, _REQUEST)
    return await ended(operator, (await performed(operator, plan)).id)


async def test_the_lower_name_and_the_restart_that_follows(srv: Path, place: Place) -> None:
    place.write(_CONFIG)
    operation = await _rolled_back(place)
    assert operation.state is OperationState.VERIFIED, operation
    assert os.readlink(srv / "current") == "releases/v1.9"
    assert (srv.parent / "running").read_text() == "v1.9"
    assert sorted(os.listdir(srv)) == ["current", "releases"]
    assert sorted(os.listdir(srv / "releases")) == ["v1.10", "v1.11", "v1.9"]
    assert refused(await place.operator().plan(_REQUEST, None)) == "cannot-look"


async def test_what_an_earlier_operation_saw_comes_before_the_order_of_names(
    srv: Path, place: Place
) -> None:
    place.write(_CONFIG)
    assert (await _rolled_back(place)).state is OperationState.VERIFIED
    (srv / "current").unlink()
    os.symlink("releases/v1.11", srv / "current")
    plan = await planned(place.operator(), _REQUEST)
    assert plan.fingerprint["release target"] == "v1.9", "v1.10 was rolled back from"


async def test_a_reader_finds_a_whole_release_at_every_instant(srv: Path, place: Place) -> None:
    place.write(_CONFIG.replace("then: restart", "then: nothing"))
    seen: set[str] = set()
    faults: list[OSError] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                seen.add((srv / "current" / "version").read_text())
            except OSError as error:
                faults.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        operation = await _rolled_back(place)
    finally:
        stop.set()
        reader.join()
    assert operation.state is OperationState.VERIFIED, operation
    assert not faults
    assert seen == {"v1.10", "v1.9"}


async def test_what_has_moved_or_leads_elsewhere_is_refused(srv: Path, place: Place) -> None:
    place.write(_CONFIG)
    operator = place.operator()
    plan = await planned(operator, _REQUEST)
    (srv / "current").unlink()
    os.symlink("releases/v1.11", srv / "current")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.REFUSED, operation
    assert "release was v1.10, is v1.11" in operation.summary
    (srv / "current").unlink()
    os.symlink("/etc", srv / "current")
    assert "is not in" in str(await operator.plan(_REQUEST, None))
    (srv / "current").unlink()
    assert "No such file" in str(await operator.plan(_REQUEST, None))
    (srv / "current").mkdir()
    assert "not a symlink" in str(await operator.plan(_REQUEST, None))
    assert refused(await place.operator(read_only=True).plan(_REQUEST, None)) == "read-only"


async def test_what_is_left_of_a_broken_deploy_is_no_release(srv: Path, place: Place) -> None:
    place.write(_CONFIG)
    (srv / "releases" / "v1.9" / "version").unlink()
    answer = await place.operator().plan(_REQUEST, None)
    assert refused(answer) == "cannot-look"
    assert "v1.9, the one before, is an empty folder" in str(answer)


@pytest.mark.parametrize(
    ("lower", "current", "told"),
    [
        ("v1.9", "v1.10", "v1.9 is the next lower name, and no operation has seen it run"),
        ("0a1b2c3", "9f8e7d6", "names of commits say nothing of which was before"),
    ],
)
async def test_an_order_of_names_is_told(
    lower: str, current: str, told: str, srv: Path, place: Place
) -> None:
    place.write(_CONFIG)
    for name, new in (("v1.9", lower), ("v1.10", current)):
        os.rename(srv / "releases" / name, srv / "releases" / new)
    (srv / "current").unlink()
    os.symlink(f"releases/{current}", srv / "current")
    plan = await planned(place.operator(), _REQUEST)
    assert plan.goals == {"release": lower}
    assert any(told in warning for warning in plan.warnings), plan.warnings


async def test_an_order_that_was_seen_needs_no_warning(srv: Path, place: Place) -> None:
    place.write(_CONFIG)
    assert (await _rolled_back(place)).state is OperationState.VERIFIED
    (srv / "current").unlink()
    os.symlink("releases/v1.11", srv / "current")
    plan = await planned(place.operator(), _REQUEST)
    assert not [warning for warning in plan.warnings if "lower name" in warning]
