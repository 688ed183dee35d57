"""What one host begins another ends, by processes as they really are: runners and keepers."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.operator import Operator
from opsconsole.operations.postgresql_place import PostgresqlPlace
from tests.operations.place import Place, ended, performed, planned, restarted
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]
Hosts = tuple[Place, Place]

_CONFIG = """
docker: []
operations: {{cooldown: 0.001ms, restart_limit: 1000}}
services:
  web:
    instances: ['{url}']
    timeout: 5s
    health: /health
    actions:
      restart: {{http: {{post: /restart, timeout: 5s}}, min_healthy: 0.2s, deadline: 60s}}
      degrade:
        http: {{post: /degrade, timeout: 5s}}
        for: 12s
        min_healthy: 0.2s
        deadline: 60s
        recover: {{http: {{post: /recover, timeout: 5s}}, min_healthy: 0.2s, deadline: 60s}}
"""


@pytest.fixture
def hosts(postgresql_database: str, tmp_path: Path) -> Iterator[Hosts]:
    """Two hosts of one user, with the same configuration, key and state."""
    key = tmp_path / "key"
    key.write_text("k" * 40)
    key.chmod(0o600)
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        host = Place(tmp_path, postgresql_database)
        host.state = tmp_path / name / "state"
        host.there = PostgresqlPlace(postgresql_database, host.state, str(key))
        made.append(host)
    yield made[0], made[1]
    for each in made:
        each.close()


async def test_an_operation_is_carried_out_and_lets_go_of_its_locks(
    hosts: Hosts, serve: Serve
) -> None:
    here, there = hosts
    server = serve()
    here.write(_CONFIG.format(url=server.url))
    for each in (here, there, here):
        operator = each.operator()
        operation = await restarted(operator)
        assert operation.state is OperationState.VERIFIED, operation
        await each.until_its_runner_is_gone(operation.id)
        assert each.there.locks.holder("web") is None, "nobody waits for a lease to end"
        operator.close()
    assert [each.path for each in server.changes] == ["/restart"] * 3
    assert verify(here.there.audit_rows()).whole
    assert here.there.mandates.all() == ()


async def test_what_a_lost_host_promised_another_keeps(hosts: Hosts, serve: Serve) -> None:
    lost, other = hosts
    server = serve()
    lost.write(_CONFIG.format(url=server.url))
    keeps = other.operator()
    await _degraded_until_it_is_lost(lost, keeps)
    assert await keeps.reconcile() == 1
    await until(lambda: not server.behaviour.degraded)
    recovered = await ended(keeps, keeps.operations()[0].id)
    assert recovered.state is OperationState.VERIFIED, recovered
    await other.until_its_runner_is_gone(recovered.id)
    await until(lambda: not other.there.mandates.keeper_is_there())
    assert not lost.there.mandates.keeper_is_there(), "the lost host has done nothing of it"
    assert [each.path for each in server.changes][-2:] == ["/degrade", "/recover"]


def _lose(host: Place) -> None:
    """Kill every process of a host, those too that have only begun to be one's keeper."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(host.state) in (process / "cmdline").read_text():
                os.kill(int(process.name), signal.SIGKILL)


async def _degraded_until_it_is_lost(lost: Place, other: Operator) -> None:
    """Degrade on a host that nothing is left of before the end is due."""
    operator = lost.operator()
    request = ActionRequest("web", ActionKind.DEGRADE, reason="load", duration=12.0)
    while True:
        plan = await planned(operator, request)
        operation = await ended(operator, (await performed(operator, plan, "load")).id)
        assert operation.state is OperationState.VERIFIED, operation
        # Its runner starts a keeper where it finds none.
        await lost.until_its_runner_is_gone(operation.id)
        await until(lost.there.mandates.keeper_is_there)
        _lose(lost)
        latest = other.operations()[0]
        if latest.id == operation.id:
            break
        # The end was due already, on a slow machine.
        await other.reconcile()
        await ended(other, latest.id)
    operator.close()
