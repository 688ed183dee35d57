"""Start, stop and reload of a unit: what is refused, what is asked for, and the verdict by looks.

Machines for tests have no systemd, so a program of that name keeps a unit's state in a file.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, ConfirmLevel, OperationState
from tests.operations.place import Place, ended, performed, planned, refused
from tests.operations.recording_server import Behaviour, RecordingServer

_S = OperationState

_SYSTEMCTL = """#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> asked
case "$*" in
  *" show "*) cat unit ;;
  *) test ! -e broken || { echo "Job for web.service failed"; exit 1; }; cp after unit ;;
esac
"""


def _unit(active: str, invocation: str, changed: int, **more: str) -> str:
    sub = {"active": "running", "inactive": "dead"}.get(active, active)
    known = {
        "LoadState": "loaded", "ActiveState": active, "SubState": sub, "InvocationID": invocation,
        "MainPID": "7", "Result": "success", "NRestarts": "0", "CanReload": "yes",
        "StateChangeTimestampMonotonic": str(changed), **more,
    }  # fmt: skip
    return "".join(f"{key}={value}\n" for key, value in known.items())


_RUNS = _unit("active", "first", 1)
_OVER = _unit("inactive", "", 2)
_RELOADED = _unit("active", "first", 3)


_START = "environment: {name: prod, danger: low}\ndocker: []\nservices:\n  web:\n"


class Unit:
    """A unit, what it becomes by a call, and a service with every call of it."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.folder, self.place = folder, place

    def is_now(self, now: str, after: str, server: RecordingServer | None = None) -> None:
        (self.folder / "unit").write_text(now)
        (self.folder / "after").write_text(after)
        health = f"instances: [{server.url}]\n    health: /health" if server else "health: null"
        timing = "min_healthy: 200ms, deadline: 3s"
        calls = "".join(
            f"        {do}: {{systemd: {{unit: web, do: {do}}}, {timing}}}\n"
            for do in ("reload", "start", "stop")
        )
        self.place.write(f"{_START}    {health}\n    actions:\n      call:\n{calls}")

    async def refuses(self, do: str) -> tuple[str, str]:
        """The code and the words of the refusal to plan it."""
        answer = await self.place.operator().plan(_asked(do), None)
        return refused(answer), str(answer)

    async def does(self, do: str) -> tuple[OperationState, str]:
        """The verdict of it, done once."""
        operator = self.place.operator()
        plan = await planned(operator, _asked(do))
        operation = await ended(operator, (await performed(operator, plan)).id)
        asked = (self.folder / "asked").read_text().splitlines()
        calls = [line for line in asked if " show " not in line]
        assert calls == [f"--system --no-ask-password --no-pager {do} web.service"]
        return operation.state, operation.summary


def _asked(do: str) -> ActionRequest:
    return ActionRequest("web", ActionKind.CALL, do, reason="a test")


@pytest.fixture
def unit(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Unit:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "systemctl").write_text(_SYSTEMCTL)
    (folder / "systemctl").chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return Unit(folder, place)


@pytest.mark.parametrize(
    ("do", "now", "after", "state", "said"),
    [
        ("start", _OVER, _unit("active", "second", 3), _S.VERIFIED, "healthy for"),
        ("start", _OVER, _unit("failed", "second", 3), _S.FAILED, "not healthy"),
        ("start", _OVER, _OVER, _S.FAILED, "not healthy"),
        ("stop", _RUNS, _OVER, _S.VERIFIED, "stop web.service: inactive (dead)"),
        ("stop", _RUNS, _unit("failed", "first", 3, Result="exit-code"), _S.VERIFIED, "exit-code"),
        ("stop", _RUNS, _RUNS, _S.FAILED, "active (running): it has been started again"),
        ("reload", _RUNS, _RELOADED, _S.VERIFIED, "healthy for"),
        ("reload", _RUNS, _unit("active", "first", 3, MainPID="8"), _S.VERIFIED, "healthy for"),
        ("reload", _RUNS, _RUNS, _S.FAILED, "not changed"),
        ("reload", _RUNS, _unit("failed", "first", 3), _S.FAILED, "not healthy"),
        ("reload", _RUNS, _unit("active", "second", 3), _S.FAILED, "not healthy"),
    ],
)
async def test_the_verdict_is_what_is_seen_after_it(
    do: str, now: str, after: str, state: OperationState, said: str, unit: Unit
) -> None:
    unit.is_now(now, after)
    verdict, summary = await unit.does(do)
    assert verdict is state, summary
    assert said in summary


@pytest.mark.parametrize(
    ("do", "now", "code", "said"),
    [
        ("start", _RUNS, "nothing-to-do", "is active (running) already"),
        ("start", _unit("inactive", "", 2, CanStart="no"), "not-supported", "RefuseManualStart"),
        ("stop", _OVER, "nothing-to-do", "is inactive (dead) already"),
        ("stop", _unit("active", "first", 1, CanStop="no"), "not-supported", "RefuseManualStop"),
        ("reload", _OVER, "cannot-look", "nothing that could be reloaded"),
        ("reload", _unit("active", "first", 1, CanReload="no"), "not-supported", "ExecReload"),
    ],
)
async def test_what_cannot_be_done_or_is_so_already_is_refused_at_the_plan(
    do: str, now: str, code: str, said: str, unit: Unit
) -> None:
    unit.is_now(now, now)
    found, words = await unit.refuses(do)
    assert found == code
    assert said in words


@pytest.mark.parametrize(
    ("do", "now", "after", "well", "state"),
    [
        ("start", _OVER, _unit("active", "second", 3), True, _S.VERIFIED),
        ("start", _OVER, _unit("active", "second", 3), False, _S.FAILED),
        ("reload", _RUNS, _RELOADED, False, _S.FAILED),
        # That its service goes down is what a stop is for.
        ("stop", _RUNS, _OVER, False, _S.VERIFIED),
    ],
)
async def test_a_start_and_a_reload_are_done_when_the_service_is_well_and_a_stop_without_it(
    do: str,
    now: str,
    after: str,
    well: bool,
    state: OperationState,
    unit: Unit,
    serve: Callable[[], RecordingServer],
) -> None:
    server = serve()
    server.behaviour = Behaviour(healthy=well)
    unit.is_now(now, after, server)
    verdict, summary = await unit.does(do)
    assert verdict is state, summary


async def test_a_call_that_systemd_refuses_has_failed(unit: Unit) -> None:
    unit.is_now(_RUNS, _RUNS)
    (unit.folder / "broken").touch()
    verdict, summary = await unit.does("reload")
    assert verdict is _S.FAILED
    assert "Job for web.service failed" in summary


async def test_a_unit_of_the_user_is_asked_for_from_the_users_own_manager(unit: Unit) -> None:
    unit.is_now(_RUNS, _OVER)
    config = unit.place.config.read_text()
    unit.place.write(config.replace("{unit: web,", "{unit: web, user: true,"))
    plan = await planned(unit.place.operator(), _asked("stop"))
    assert [step.summary for step in plan.steps] == ["systemctl --user stop web.service"]
    assert [step.away for step in plan.steps] == [True]


async def test_a_plan_says_how_it_is_verified_confirmed_and_undone(unit: Unit) -> None:
    needed = _unit("active", "first", 1, RequiredBy="shop.service", TriggeredBy="web.socket")
    unit.is_now(needed, _OVER)
    operator = unit.place.operator()
    stop, reload = [await planned(operator, _asked(do)) for do in ("stop", "reload")]
    assert stop.confirm is ConfirmLevel.TYPED_NAME_AND_REASON
    assert stop.undo == "start it: a call with do: start"
    assert stop.verification == ("nothing of the unit runs any more, in looks after the stop",)
    assert "what needs web.service is stopped with it: shop.service" in stop.warnings
    assert "web.service can be started again by web.socket" in stop.warnings
    assert reload.undo.startswith("nothing to undo")
    assert reload.verification[0].startswith("what was changed is running and healthy for 0.2 s")
    unit.is_now(_OVER, _RUNS)
    start = await planned(unit.place.operator(), _asked("start"))
    assert start.undo == "stop it: a call with do: stop"
