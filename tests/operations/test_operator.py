"""The door for changes: what it refuses, and how it says so."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    Operation,
    OperationState,
    Refusal,
)
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.planning.declared import declared, digest, find
from opsconsole.operations.running.runner import run
from opsconsole.operations.who import whoami
from tests.clean import is_clean
from tests.operations.place import (
    Place,
    ended,
    http_config,
    performed,
    planned,
    refused,
    restarted,
)
from tests.operations.recording_server import RecordingServer

Serve = Callable[[], RecordingServer]
_S = OperationState
ROUNDS = int(os.environ.get("OPSCONSOLE_TEST_ROUNDS", "8"))
RESTART = ActionRequest("web", ActionKind.RESTART)
_OTHER = "0123456789abcdef"

_EVERYTHING = """
      scale: {http: {post: /scale, query: {to: "{to}"}}}
      rollback: {http: {post: /rollback}}
      test:
        database: {http: {post: /test/database}, effect: read}
      call:
        look: {http: {get: /look}, effect: read}
        purge: {command: [touch, "PLACE/purged"]}
"""


async def test_what_is_not_declared_is_refused(place: Place, serve: Serve) -> None:
    place.write(http_config(serve()))
    operator = place.operator()
    for request in (
        ActionRequest("web", ActionKind.ROLLBACK),
        ActionRequest("nothing", ActionKind.RESTART),
        ActionRequest("web", ActionKind.CALL, "purge"),
    ):
        assert refused(await operator.plan(request, None)) == "not-declared"


async def test_nothing_is_planned_on_a_moment_that_has_passed(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(http_config(server))
    operator = place.operator()
    past = Snapshot(1, 1_000_000.0, services=(ServiceView("web", State.DOWN, 0.0),), replayed=True)
    assert refused(await operator.plan(RESTART, past)) == "replayed"
    assert refused(await operator.plan(replace(RESTART, seen_at=1_000_000.0), None)) == "replayed"
    assert server.changes == []


async def test_read_only_refuses_every_declared_change(
    place: Place, serve: Serve, tmp_path: Path
) -> None:
    server = serve()
    everything = _EVERYTHING.replace("PLACE", str(tmp_path))
    place.write(http_config(server, more=everything))
    writable, closed = place.operator(), place.operator(read_only=True)
    kinds = list(declared(writable._settings, "web"))
    assert len(kinds) == 8
    for found in kinds:
        request = ActionRequest(
            "web", found.kind, found.name, "a test", parameters={"to": "2", "override": "yes"}
        )
        plan = await writable.plan(request, None)
        assert not isinstance(plan, Refusal), plan
        if found.name == "look":
            assert not isinstance(await closed.plan(request, None), Refusal)
            continue
        assert refused(await closed.plan(request, None)) == "read-only"
        answer = await closed.perform(plan, Confirmation("web", "a test"))
        assert refused(answer) == "read-only"
    assert await closed.reconcile() == 0
    assert server.changes == []
    assert closed.operations() == ()
    views = closed.actions("web")
    assert {view.name or view.kind.value: view.refusal is None for view in views} == {
        "restart": False, "degrade": False, "recover": False, "rollback": False, "scale": False,
        "database": False, "look": True, "purge": False,
    }  # fmt: skip
    assert not (tmp_path / "purged").exists()


async def test_the_runner_itself_refuses_when_the_configuration_is_read_only(
    place: Place, serve: Serve
) -> None:
    server = serve()
    place.write(http_config(server))
    operator = place.operator()
    plan = await planned(operator, RESTART)
    settings = operator._settings
    found = find(settings, "web", ActionKind.RESTART, "")
    assert found is not None
    place.write("read_only: true\n" + http_config(server))
    journal = place.there.journal()
    forged = Intent(
        _OTHER, plan, whoami(), "", digest(settings, found), str(place.config), str(place.state)
    )
    place.there.mandates.give(forged)
    journal.submit(forged, plan.created_at)
    journal.close()
    code = await asyncio.to_thread(_run_elsewhere, place, _OTHER)
    assert code == 2
    operation = operator.operation(_OTHER)
    assert operation is not None
    assert operation.state is _S.REFUSED
    assert "read-only" in operation.summary
    assert server.changes == []


def _run_elsewhere(place: Place, operation: str) -> int:
    """``run`` in a process of its own, as it changes how signals are handled."""
    code = "import sys\n"
    code += "from opsconsole.operations.running.runner import run\n"
    code += "from opsconsole.operations.state_place import place_of\n"
    code += "from opsconsole.operations.own_configuration import OwnConfiguration\n"
    code += "own = OwnConfiguration(*sys.argv[2:4])\n"
    code += "sys.exit(run(place_of(sys.argv[1]), own, sys.argv[4], fresh=True))"
    own = place.own
    argv = [sys.executable, "-c", code, place.there.name, own.path, own.base, operation]
    return subprocess.run(argv, check=False).returncode


async def test_a_plan_is_performed_once(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(http_config(server))
    operator = place.operator()
    plan = await planned(operator, RESTART)
    await ended(operator, (await performed(operator, plan)).id)
    again = await operator.perform(plan, Confirmation("web", "a test"))
    assert refused(again) == "plan-used"
    assert len(server.changes) == 1


async def test_a_plan_confirmed_twice_at_once_is_performed_once(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(http_config(server))
    consoles = [place.operator(), place.operator()]
    plan = await planned(consoles[0], RESTART)
    answers = await asyncio.gather(
        *(console.perform(plan, Confirmation("web", "a test")) for console in consoles)
    )
    (ran,) = (answer for answer in answers if isinstance(answer, Operation))
    (told,) = (answer for answer in answers if isinstance(answer, Refusal))
    assert told.code in {"locked", "plan-used", "unknown-pending"}
    await ended(consoles[0], ran.id)
    assert len(server.changes) == 1


async def test_a_declaration_that_changed_after_the_plan_is_not_carried_out(
    place: Place, serve: Serve
) -> None:
    server, other = serve(), serve()
    place.write(http_config(server))
    operator = place.operator()
    plan = await planned(operator, RESTART)
    place.write(http_config(other))
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert "declaration" in operation.summary
    assert server.changes == other.changes == []


async def test_a_reason_of_a_megabyte_is_refused(place: Place, serve: Serve) -> None:
    place.write(http_config(serve()))
    operator = place.operator()
    long = replace(RESTART, reason="x" * 1_000_000)
    assert refused(await operator.plan(long, None)) == "reason-too-long"
    plan = await planned(operator, RESTART)
    answer = await operator.perform(plan, Confirmation("web", "x" * 1_000_000))
    assert refused(answer) == "reason-too-long"
    assert operator.operations() == ()


async def test_a_reason_with_escape_codes_is_kept_harmless(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(http_config(server))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE, duration=3600))
    evil = "\x1b]52;c;aGk=\x07 & x=1\u202e\n#"
    operation = await ended(operator, (await performed(operator, plan, evil)).id)
    assert operation.state is _S.VERIFIED, operation
    assert is_clean(operation.reason)
    assert "\u241b]52" in operation.reason
    assert "%26+x%3D1" in server.changes[0].query or "%26%20x%3D1" in server.changes[0].query
    recover = await planned(operator, ActionRequest("web", ActionKind.RECOVER))
    assert (await ended(operator, (await performed(operator, recover)).id)).state is _S.VERIFIED


async def test_the_third_restart_in_a_quarter_of_an_hour_needs_an_override(
    place: Place, serve: Serve
) -> None:
    server = serve()
    place.write(http_config(server).replace("restart_limit: 1000", "restart_limit: 2"))
    operator = place.operator()
    for _ in range(2):
        assert (await restarted(operator)).state is _S.VERIFIED
    assert refused(await operator.plan(RESTART, None)) == "restart-loop"
    view = next(view for view in operator.actions("web") if view.kind is ActionKind.RESTART)
    assert view.refusal is not None
    assert view.refusal.code == "restart-loop"
    override = replace(RESTART, reason="known leak", parameters={"override": "yes"})
    plan = await planned(operator, override)
    assert plan.last_outcome.startswith("verified")
    assert plan.usual_duration is not None
    assert (await ended(operator, (await performed(operator, plan)).id)).state is _S.VERIFIED


async def test_of_two_consoles_one_runs_and_the_other_is_told_who(
    place: Place, serve: Serve
) -> None:
    server = serve()
    place.write(http_config(server, action="min_healthy: 50ms, deadline: 5s"))
    for round_ in range(ROUNDS):
        consoles = [place.operator(), place.operator()]
        plans = [await planned(console, RESTART) for console in consoles]
        answers = await asyncio.gather(
            *(
                console.perform(plan, Confirmation("web", "both"))
                for console, plan in zip(consoles, plans, strict=True)
            )
        )
        ran = [answer for answer in answers if isinstance(answer, Operation)]
        told = [answer for answer in answers if isinstance(answer, Refusal)]
        assert len(ran) == 1, [(each.started_at, each.ended_at) for each in ran]
        assert told[0].code == "locked"
        assert "restart" in told[0].message
        await ended(consoles[0], ran[0].id)
        assert len(server.changes) == round_ + 1


async def test_a_plan_that_leaves_no_healthy_instance_is_refused(
    place: Place, serve: Serve
) -> None:
    place.write(http_config(serve(), serve()))
    operator = place.operator()
    views = tuple(
        InstanceView("web", name, "", state, 0.0)
        for name, state in (("web-1", State.OK), ("web-2", State.DOWN))
    )
    snapshot = Snapshot(1, 0.0, services=(ServiceView("web", State.DEGRADED, 0.0, views),))
    request = replace(RESTART, parameters={"instance": "web-1"})
    assert refused(await operator.plan(request, snapshot)) == "last-healthy-instance"
    assert not isinstance(await operator.plan(RESTART, snapshot), Refusal)


async def test_a_state_folder_that_cannot_be_used_closes_the_door_with_the_reason(
    place: Place, serve: Serve
) -> None:
    server = serve()
    place.write(http_config(server))
    place.state.mkdir()
    place.state.chmod(0o777)
    operator = place.operator()
    assert refused(await operator.plan(RESTART, None)) == "audit-not-writable"
    assert operator.operations() == ()
    assert {view.refusal.code for view in operator.actions("web") if view.refusal} == {
        "audit-not-writable"
    }
    assert "everybody may write" in operator.fault
    place.state.chmod(0o700)
    assert not isinstance(await operator.plan(RESTART, None), Refusal), "it is tried again"
    assert all(view.refusal is None for view in operator.actions("web"))


def test_a_runner_without_an_operation_says_so(place: Place, serve: Serve) -> None:
    place.write(http_config(serve()))
    place.operator()
    with pytest.raises(Exception, match="confirmed no operation"):
        run(place.there, place.own, _OTHER, fresh=True)
