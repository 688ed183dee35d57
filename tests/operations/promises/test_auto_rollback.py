"""An automatic rollback: counted down, stopped by a person or by events, made once at most."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.journal.records import PromiseKind
from opsconsole.operations.operator import Operator
from opsconsole.operations.planning.rollback_rules import LATEST
from tests.operations.place import Place, ended, http_config, performed, planned, refused, restarted
from tests.operations.recording_server import Behaviour, RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]
_S = OperationState
_SABOTAGE = str(Path(__file__).parents[1] / "sabotage")
_QUICK = "min_healthy: 100ms, deadline: 300ms"
_PATIENT = "min_healthy: 100ms, deadline: 60s"
_ROLLBACK = f"      rollback: {{http: {{post: /rollback}}, {_PATIENT}}}\n"


def _config(server: RecordingServer, countdown: str = "0.3s", rollback: str = _ROLLBACK) -> str:
    text = http_config(server, action=f"{_QUICK}, auto_rollback: true", more=rollback)
    limits = "operations: {"
    return text.replace(limits, f"{limits}rollback_countdown: {countdown}, ")


def _broken(serve: Serve) -> RecordingServer:
    """A service that no restart heals, but a rollback does."""
    server = serve()
    server.behaviour = Behaviour(healthy=False, heals=False)
    server.heals_by = "/rollback"
    return server


def _rollbacks(server: RecordingServer) -> int:
    return sum(request.path == "/rollback" for request in server.changes)


async def _settled(operator: Operator, operation: str) -> Operation:
    """The operation once its automatic rollback has its outcome."""

    def is_settled() -> bool:
        found = operator.operation(operation)
        return bool(found and found.rollback and not found.rollback.startswith("begun"))

    await until(is_settled)
    found = operator.operation(operation)
    assert found is not None
    return found


async def test_a_failed_restart_is_rolled_back_by_an_operation_of_its_own(
    place: Place, serve: Serve
) -> None:
    server = _broken(serve)
    place.write(_config(server))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    assert plan.auto_rollback
    assert "rolled back by itself 0.3 s after the verdict" in plan.undo
    failed = await ended(operator, (await performed(operator, plan)).id)
    assert failed.state is _S.FAILED
    assert failed.rollback_at is not None
    assert failed.ended_at is not None
    assert failed.rollback_at == pytest.approx(failed.ended_at + 0.3)
    assert any(f"stop-rollback {failed.id}" in line for line in failed.next_steps)
    failed = await _settled(operator, failed.id)
    assert failed.rollback_at is None
    rollback = operator.operations()[0]
    assert rollback.kind is ActionKind.ROLLBACK
    assert rollback.state is _S.VERIFIED, rollback
    assert failed.rollback == f"verified as {rollback.id}"
    assert rollback.started_at >= (failed.ended_at or 0.0) + 0.3
    assert rollback.reason.startswith("by itself after restart by ")
    assert [request.path for request in server.changes] == ["/restart", "/rollback"]
    assert verify(place.there.audit_rows()).whole


async def test_a_verified_restart_arms_nothing(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(_config(server).replace(_QUICK, _PATIENT))
    operator = place.operator()
    operation = await restarted(operator)
    assert operation.state is _S.VERIFIED
    assert (operation.rollback_at, operation.rollback) == (None, "")
    await until(lambda: place.there.mandates.all() == ())


async def test_it_can_be_stopped_and_only_once(place: Place, serve: Serve) -> None:
    server = _broken(serve)
    place.write(_config(server, "600s"))
    operator = place.operator()
    failed = await restarted(operator)
    assert refused(await place.operator(read_only=True).stop_rollback(failed.id)) == "read-only"
    stopped = await operator.stop_rollback(failed.id)
    assert isinstance(stopped, Operation), stopped
    assert stopped.rollback.startswith("stopped by ")
    assert stopped.rollback_at is None
    assert refused(await operator.stop_rollback(failed.id)) == "nothing-to-do"
    assert refused(await operator.stop_rollback("\x1b[31mnothing")) == "nothing-to-do"
    await until(lambda: place.there.mandates.all() == ())
    assert await place.operator().reconcile() == 0
    assert _rollbacks(server) == 0


async def test_what_somebody_does_in_the_meantime_takes_its_place(
    place: Place, serve: Serve
) -> None:
    server = _broken(serve)
    place.write(_config(server, "1s"))
    operator = place.operator()
    failed = await restarted(operator)
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE, duration=3600))
    by_hand = await performed(operator, plan, "by hand")
    failed = await _settled(operator, failed.id)
    assert failed.rollback.startswith("not done: degrade by ")
    assert by_hand.id in failed.rollback
    assert all(request.path != "/rollback" for request in server.changes[:2])


async def test_its_process_is_killed_and_the_next_console_goes_on(
    place: Place, serve: Serve
) -> None:
    server = _broken(serve)
    place.write(_config(server, "600s"))
    operator = place.operator()
    failed = await restarted(operator)
    await place.kill_keeper()
    ((promise,),) = (mandate.promises for mandate in place.there.mandates.all())
    place.there.mandates.arm(replace(promise, due=time.time()))
    assert await place.operator().reconcile() == 1
    await place.operator().reconcile()
    failed = await _settled(operator, failed.id)
    assert failed.rollback.startswith("verified as ")
    assert _rollbacks(server) == 1


@pytest.mark.parametrize("boundary", [3, 4, 8, 9, 10])
async def test_a_runner_killed_around_its_verdict_makes_one_rollback_at_most(
    boundary: int, place: Place, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = _broken(serve)
    place.write(_config(server))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", _SABOTAGE)
        patch.setenv("KILL_AT", str(boundary))
        started = await performed(operator, plan)
        await place.until_its_runner_is_gone(started.id)
    for _ in range(3):
        await place.operator().reconcile()
    failed = await ended(operator, started.id)
    assert failed.state is _S.FAILED, failed
    begun = failed.steps[0].started_at is not None
    if begun:
        await place.operator().reconcile()
        failed = await _settled(operator, started.id)
        assert failed.rollback.startswith("verified as ")
    assert (failed.rollback_at, _rollbacks(server)) == (None, int(begun))
    assert sum(request.path == "/restart" for request in server.changes) <= 1


async def test_one_whose_time_is_long_past_is_not_begun(place: Place, serve: Serve) -> None:
    server = _broken(serve)
    place.write(_config(server, "600s"))
    operator = place.operator()
    failed = await restarted(operator)
    await place.kill_keeper()
    ((promise,),) = (mandate.promises for mandate in place.there.mandates.all())
    place.there.mandates.arm(replace(promise, due=time.time() - LATEST - 1))
    place.write_row("UPDATE promises SET due = ?", time.time() - LATEST - 1)
    await place.operator().reconcile()
    failed = await _settled(operator, failed.id)
    assert "long past" in failed.rollback
    assert _rollbacks(server) == 0


async def test_looks_in_the_meantime_leave_it_armed(place: Place, serve: Serve) -> None:
    server = _broken(serve)
    look = "      test: {it: {http: {get: /look}, effect: read}}\n"
    place.write(_config(server, "1s", _ROLLBACK + look))
    operator = place.operator()
    failed = await restarted(operator)
    plan = await planned(operator, ActionRequest("web", ActionKind.TEST, "it"))
    await ended(operator, (await performed(operator, plan)).id)
    failed = await _settled(operator, failed.id)
    assert failed.rollback.startswith("verified as ")


async def test_one_that_was_begun_and_lost_is_not_begun_again(place: Place, serve: Serve) -> None:
    server = _broken(serve)
    place.write(_config(server, "600s"))
    operator = place.operator()
    failed = await restarted(operator)
    await place.kill_keeper()
    journal = operator._journal
    assert journal is not None
    assert journal.settle(failed.id, PromiseKind.ROLLBACK, "begun", 0.0)
    await place.operator().reconcile()
    await until(lambda: place.there.mandates.all() == ())
    assert _rollbacks(server) == 0


async def test_a_rollback_is_never_rolled_back_by_itself(place: Place, serve: Serve) -> None:
    server = _broken(serve)
    server.heals_by = ""
    of_itself = _ROLLBACK.replace("{http", "{auto_rollback: true, http").replace(_PATIENT, _QUICK)
    place.write(_config(server, rollback=of_itself))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.ROLLBACK))
    assert not plan.auto_rollback
    assert any("nothing is rolled back after rollback" in line for line in plan.warnings)
    failed = await restarted(operator)
    failed = await _settled(operator, failed.id)
    rollback = operator.operations()[0]
    assert rollback.state is _S.FAILED
    assert (rollback.rollback_at, rollback.rollback) == (None, "")
    assert any("never rolled back" in line for line in rollback.next_steps)
    assert _rollbacks(server) == 1


async def test_without_a_rollback_to_make_the_plan_says_so(place: Place, serve: Serve) -> None:
    server = _broken(serve)
    place.write(_config(server, rollback=""))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    assert not plan.auto_rollback
    assert any("web declares no rollback" in line for line in plan.warnings)
    failed = await ended(operator, (await performed(operator, plan)).id)
    assert failed.rollback_at is None


async def test_what_was_not_begun_is_not_rolled_back(place: Place, serve: Serve) -> None:
    server = _broken(serve)
    place.write(_config(server))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    place.write(_config(serve()))
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert operation.rollback_at is None
    assert operation.evidence == ()


async def test_a_configuration_that_became_read_only_keeps_it_from_happening(
    place: Place, serve: Serve
) -> None:
    server = _broken(serve)
    place.write(_config(server, "1s"))
    operator = place.operator()
    failed = await restarted(operator)
    place.write("read_only: true\n" + _config(server, "1s"))
    failed = await _settled(operator, failed.id)
    assert failed.rollback.startswith("refused (read-only)")
    assert _rollbacks(server) == 0
