"""Restart of a systemd unit: what is asked of ``systemctl``, and how its answers are read.

Machines for tests have no systemd, so a program of that name keeps a unit's state in a file.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.place import Place, ended, performed, planned, refused, restarted

_S = OperationState

_SYSTEMCTL = """#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> asked
case "$*" in
  *" show "*) cat unit ;;
  *" restart "*)
    test -e broken && { echo "Job for web.service failed"; exit 1; }
    sed -i 's/^InvocationID=.*/InvocationID=second/' unit
    test ! -e restarted || cp restarted unit ;;
esac
"""
_UNIT = "LoadState=loaded\nActiveState=active\nSubState=running\nInvocationID=first\nMainPID=7\n"


@pytest.fixture
def unit(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes the unit; returns the folder of its ``systemctl``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "systemctl").write_text(_SYSTEMCTL)
    (folder / "systemctl").chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    place.write("""
docker: []
services:
  web:
    actions:
      restart: {systemd: web, min_healthy: 200ms, deadline: 2s}
""")

    def make(text: str) -> Path:
        (folder / "unit").write_text(text)
        return folder

    return make


async def test_another_invocation_is_verified(unit: Callable[[str], Path], place: Place) -> None:
    folder = unit(_UNIT)
    operation = await restarted(place.operator())
    assert operation.state is _S.VERIFIED, operation
    asked = (folder / "asked").read_text().splitlines()
    restarts = [line for line in asked if " restart " in line]
    assert restarts == ["--system --no-ask-password --no-pager restart web.service"]


async def test_a_failed_start_fails(unit: Callable[[str], Path], place: Place) -> None:
    (unit(_UNIT) / "broken").touch()
    operation = await restarted(place.operator())
    assert operation.state is _S.FAILED
    assert "Job for web.service failed" in operation.summary


async def test_a_unit_that_was_restarted_since_the_plan_is_left_alone(
    unit: Callable[[str], Path], place: Place
) -> None:
    unit(_UNIT)
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    unit(_UNIT.replace("first", "another"))
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert "invocation was first, is another" in operation.summary


async def test_a_unit_that_is_not_there_is_refused(
    unit: Callable[[str], Path], place: Place
) -> None:
    unit("LoadState=not-found\nActiveState=inactive\n")
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    assert refused(answer) == "cannot-look"
    assert "web.service is not-found" in str(answer)


_ONCE = _UNIT + "Type=oneshot\nResult=success\nNRestarts=0\n"


@pytest.mark.parametrize(
    ("after", "state"),
    [
        ("ActiveState=inactive\nSubState=dead\nResult=success\n", _S.VERIFIED),
        ("ActiveState=active\nSubState=exited\nResult=success\n", _S.VERIFIED),
        ("ActiveState=failed\nSubState=failed\nResult=exit-code\n", _S.FAILED),
        ("ActiveState=inactive\nSubState=dead\nResult=timeout\n", _S.FAILED),
    ],
)
async def test_a_unit_that_does_its_work_once_is_well_when_it_has(
    after: str, state: OperationState, unit: Callable[[str], Path], place: Place
) -> None:
    folder = unit(_ONCE.replace("active\nSubState=running", "inactive\nSubState=dead"))
    (folder / "restarted").write_text(
        f"LoadState=loaded\nInvocationID=second\nMainPID=0\nType=oneshot\n{after}"
    )
    operation = await restarted(place.operator())
    assert operation.state is state, operation


async def test_a_service_that_stops_is_not_well(unit: Callable[[str], Path], place: Place) -> None:
    folder = unit(_UNIT)
    stopped = _ONCE.replace("Type=oneshot", "Type=simple").replace("=active", "=inactive")
    (folder / "restarted").write_text(stopped.replace("first", "second"))
    assert (await restarted(place.operator())).state is _S.FAILED


@pytest.mark.parametrize("active", ["active", "activating"])
async def test_a_unit_in_a_restart_loop_can_be_restarted(
    active: str, unit: Callable[[str], Path], place: Place
) -> None:
    folder = unit(_UNIT + "NRestarts=41\n")
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    unit_now = _UNIT.replace("first", "another").replace("=active", f"={active}")
    (folder / "unit").write_text(unit_now + "NRestarts=42\n")
    (folder / "restarted").write_text(_UNIT.replace("first", "third") + "NRestarts=0\n")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.VERIFIED, operation


@pytest.mark.parametrize(
    ("said", "state"),
    [('{"INVOCATION_ID":"%s","MESSAGE":"x"}' % ("5" * 32), _S.VERIFIED), ("", _S.INCONCLUSIVE)],
)
async def test_of_what_systemd_has_forgotten_the_journal_shows_the_start(
    said: str, state: OperationState, unit: Callable[[str], Path], place: Place
) -> None:
    folder = unit(_ONCE.replace("active\nSubState=running", "failed\nSubState=failed"))
    (folder / "restarted").write_text(
        "LoadState=loaded\nInvocationID=\nMainPID=0\nType=oneshot\n"
        "ActiveState=inactive\nSubState=dead\nResult=success\n"
    )
    (folder / "journalctl").write_text(f"#!/bin/sh\necho \"$*\" >> {folder}/asked\necho '{said}'\n")
    (folder / "journalctl").chmod(0o700)
    operation = await restarted(place.operator())
    assert operation.state is state, operation
    (asked, *_) = (each for each in (folder / "asked").read_text().splitlines() if "since" in each)
    assert asked.startswith("--unit=web.service --since=@")
