"""Units of a real systemd: found when they fail, and restarted with a verdict."""

import asyncio

from opsconsole.config.loader import load
from opsconsole.engine.engine import Engine
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.model.state import State
from tests.operations.place import Place, ended, performed, planned
from tests.servers.hosts import Host
from tests.systemctl import add_unit

CONFIGURATION = """
docker: []
host: {processes: 0}
discover: {systemd: {units: [loop]}}
"""


async def test_units_are_found_shown_and_restarted(systemd: Host, place: Place) -> None:
    place.write(CONFIGURATION)
    add_unit(systemd, "nightly.service", "test -e /ok || exit 3", "Type=oneshot")
    add_unit(systemd, "mail@shop.service", "test -e /ok && exec sleep 1000")
    add_unit(systemd, "loop.service", "exec sleep 1000", "MemoryMax=64M")
    add_unit(systemd, "again.service", "exit 7", "Restart=always", "RestartSec=600")

    seen = await asyncio.to_thread(Engine(load(place.config), base=place.state).look_once)
    wanted = {
        "nightly.service": (State.DOWN, "unit nightly.service failed: exit-code 3"),
        "mail-shop.service": (State.DOWN, "unit mail@shop.service failed: exit-code 1"),
        "again.service": (State.DOWN, "unit again.service auto-restart: exit-code 7"),
        "loop.service": (State.OK, ""),
    }
    # Other tests have units on this host as well.
    found = {each.name: (each.state, each.reason) for each in seen.services}
    assert {name: found.get(name) for name in wanted} == wanted
    copies = {each.name: each for each, _ in seen.replicas()}
    copy = copies["loop.service"]
    assert copy.memory_limit == 64 << 20
    assert copy.pid is not None
    assert copy.started_at is not None
    failed = copies["nightly.service"]
    assert failed.exit_code == 3
    assert failed.finished_at is not None
    systemd.sh("touch /ok")
    operator = place.operator()
    # One goes on; of the other, which does its work once, systemd keeps nothing when it has.
    for name in ("mail-shop.service", "nightly.service"):
        plan = await planned(operator, ActionRequest(name, ActionKind.RESTART))
        operation = await ended(operator, (await performed(operator, plan)).id)
        assert operation.state is OperationState.VERIFIED, operation.summary
