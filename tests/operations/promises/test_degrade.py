"""Degrade ends by itself, even if every console is closed."""

import time
from collections.abc import Callable
from dataclasses import replace

from opsconsole.model.operation import ActionKind, ActionRequest, Degradation, OperationState
from opsconsole.operations.promises.promising import lasting
from tests.operations.place import Place, ended, http_config, performed, planned, refused
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]


def _degrade(seconds: float) -> ActionRequest:
    return ActionRequest("web", ActionKind.DEGRADE, reason="load", duration=seconds)


async def _degraded(place: Place, seconds: float) -> str:
    operator = place.operator()
    plan = await planned(operator, _degrade(seconds))
    operation = await ended(operator, (await performed(operator, plan, "load")).id)
    assert operation.state is OperationState.VERIFIED, operation
    assert operation.ends_at is not None
    operator.close()
    return operation.id


def _lasting(place: Place) -> tuple[Degradation, ...]:
    journal = place.there.journal()
    try:
        return lasting(journal)
    finally:
        journal.close()


async def test_five_seconds_with_every_console_closed(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(http_config(server))
    began = time.time()
    await _degraded(place, 5)
    assert server.behaviour.degraded
    await until(lambda: not server.behaviour.degraded)
    assert time.time() - began > 4.5
    operator = place.operator()
    operation = await ended(operator, operator.operations()[0].id)
    assert operation.kind is ActionKind.RECOVER
    assert operation.state is OperationState.VERIFIED
    assert "the end of the degradation" in operation.reason
    assert [request.path for request in server.changes] == ["/degrade", "/recover"]


async def test_a_keeper_that_died_is_replaced_by_the_next_console(
    place: Place, serve: Serve
) -> None:
    server = serve()
    place.write(http_config(server))
    await _degraded(place, 3)
    await place.kill_keeper()
    assert await place.operator().reconcile() == 1
    assert await place.operator().reconcile() in {0, 1}
    await until(lambda: not server.behaviour.degraded)
    assert [request.path for request in server.changes] == ["/degrade", "/recover"]


async def test_after_a_reboot_the_wall_decides(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(http_config(server))
    await _degraded(place, 3600)
    await place.kill_keeper()
    ((promise,),) = (mandate.promises for mandate in place.there.mandates.all())
    place.there.mandates.arm(replace(promise, boot_id="another", due=time.time() - 60))
    await place.operator().reconcile()
    await until(lambda: not server.behaviour.degraded)


async def test_a_recovery_by_hand_ends_it(place: Place, serve: Serve) -> None:
    server = serve()
    place.write(http_config(server))
    await _degraded(place, 3600)
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RECOVER))
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.VERIFIED
    await until(lambda: _lasting(place) == ())
    await until(lambda: place.there.mandates.all() == ())
    await until(lambda: not place.there.mandates.keeper_is_there())


async def test_what_could_not_be_degraded_needs_no_end(place: Place, serve: Serve) -> None:
    server = serve()
    server.behaviour.answer = "refuse"
    place.write(http_config(server))
    operator = place.operator()
    plan = await planned(operator, _degrade(3600))
    operation = await ended(operator, (await performed(operator, plan, "load")).id)
    assert operation.state is OperationState.FAILED
    await until(lambda: _lasting(place) == ())
    await until(lambda: place.there.mandates.all() == ())


async def test_longer_than_a_day_is_refused(place: Place, serve: Serve) -> None:
    place.write(http_config(serve()))
    assert refused(await place.operator().plan(_degrade(86401), None)) == "bad-parameter"
