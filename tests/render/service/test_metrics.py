"""The figures of a service that need no declaration stand beside those that do."""

import pytest

from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.service.metrics import metrics
from tests.ui import fleet
from tests.ui.fleet import NOW


def shown(name: str, width: int) -> list[str]:
    snapshot = fleet.on_fire()
    service = snapshot.service(name)
    assert service is not None
    copies = [replica for replica, _ in snapshot.replicas_of(service).values()]
    lines = metrics(service, copies, width, NOW, 900.0)
    assert all(line_width(line) <= width for line in lines)
    return [plain([line]) for line in lines]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_memory_stands_with_its_limit_beside_latency(width: int) -> None:
    every = shown("oatie", width)
    lines = every[every.index(" of every service") :]
    names = [line.split()[0] for line in lines if line.startswith("   ") and line.strip()]
    assert names == ["p50", "p95", "p99", "errors", "cpu", "memory"]
    (memory,) = [line for line in lines if line.startswith("   memory")]
    assert "2.4G" in memory
    assert "of 1 copy with 4.0G" in memory


def test_what_is_not_known_has_no_row() -> None:
    snapshot = fleet.stale()
    for service in snapshot.services:
        for line in metrics(service, (), 80, NOW, 900.0):
            assert " – " not in plain([line]) or "never read" in plain([line])
