"""Some hours of a watcher that is killed every ten minutes; a day is ``benchmarks.watch_day``."""

from pathlib import Path

import pytest

from tests.servers.fixtures import MonitoringStack
from tests.watcher.day import Day
from tests.watcher.post_office import hook

HOURS = 3.0


@pytest.mark.servers
async def test_nothing_is_lost_doubled_or_flaps_at_real_servers(
    monitoring_stack: MonitoringStack, tmp_path: Path
) -> None:
    servers = [monitoring_stack.alertmanager().url for _ in range(2)]
    with hook() as server:
        outcome = await Day(tmp_path, server, servers, HOURS * 3600).run()
    assert (outcome.lost, outcome.doubled, outcome.flapped) == ([], [], [])
    assert outcome.notified > 10, outcome
    assert outcome.over == outcome.notified
    assert outcome.notified < outcome.outages, "some were too short for anybody to be notified"
    assert outcome.lives >= HOURS * 5, outcome
