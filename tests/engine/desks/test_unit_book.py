"""Units of systemd: what is asked of ``systemctl``, and how its answers are read.

The program is a script that answers as systemd 252 does; a machine with systemd is not needed.
"""

import time
from pathlib import Path

import pytest

from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.engine.desks.unit_book import UnitBook
from opsconsole.machines.machines import Machines
from opsconsole.model.fault import FaultKind
from opsconsole.model.running.workloads import Phase, ReplicaLook
from opsconsole.model.state import State
from tests.fakes import FakeClock

GOOD = """Id=api.service
LoadState=loaded
ActiveState=active
SubState=running
NRestarts=3
MainPID=812
MemoryCurrent=104857600
MemoryMax=209715200
CPUUsageNSec=%d
ActiveEnterTimestampMonotonic=%d"""

BARE = """Id=worker.service
LoadState=loaded
ActiveState=failed
SubState=failed
NRestarts=0
MainPID=0
MemoryCurrent=[not set]
MemoryMax=infinity
CPUUsageNSec=18446744073709551615
ActiveEnterTimestampMonotonic=0"""


class Systemctl:
    """A ``systemctl`` that answers from a file and notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        program = folder / "systemctl"
        program.write_text(
            f'#!/bin/sh\necho "$*" >> {folder}/asked\ncat {folder}/answer\nexec sh {folder}/end\n'
        )
        program.chmod(0o700)
        self.says()

    def says(self, *blocks: str, end: str = "exit 0") -> None:
        (self._folder / "answer").write_text("\n\n".join(blocks) + "\n")
        (self._folder / "end").write_text(end)

    @property
    def asked(self) -> list[str]:
        path = self._folder / "asked"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Systemctl(tmp_path)


def book(*units: str, clock: FakeClock | None = None) -> UnitBook:
    instances = [{"url": f"http://127.0.0.1:{n}", "unit": unit} for n, unit in enumerate(units, 1)]
    service = Service.model_validate({"instances": instances, "timeout": "1s"})
    return UnitBook(Settings(services={"api": service}), Machines(), clock or FakeClock())


def cpu_of(looks: tuple[ReplicaLook, ...]) -> float | None:
    """Of the first."""
    assert looks[0].replica is not None
    return looks[0].replica.cpu


async def test_all_units_are_asked_for_at_once_and_read(systemctl: Systemctl) -> None:
    began = int((time.monotonic() - 192) * 1e6)
    systemctl.says(GOOD % (1_000_000_000, began), BARE)
    clock = FakeClock()
    units = book("api", "worker.service", clock=clock)
    looks = await units.look("api")
    good, bare = (each.replica for each in looks)
    assert good is not None
    assert bare is not None
    assert len(systemctl.asked) == 1
    assert systemctl.asked[0].startswith("show --property=Id,LoadState")
    assert systemctl.asked[0].endswith("-- api.service worker.service")
    assert [each.instance for each in looks] == ["api-1", "api-2"]
    assert (good.kind, good.name, good.phase, good.state, good.status) == (
        "unit", "api.service", Phase.RUNNING, State.OK, "active (running)",
    )  # fmt: skip
    assert (bare.phase, bare.place) == (Phase.ENDED, good.place)
    assert good.id != bare.id
    assert (good.memory, good.memory_limit, good.restarts, good.pid) == (
        100 << 20,
        200 << 20,
        3,
        812,
    )
    assert good.started_at is not None
    assert clock.now() - good.started_at == pytest.approx(192, abs=5)
    assert good.cpu is None
    assert (bare.state, bare.memory, bare.memory_limit, bare.cpu, bare.started_at, bare.pid) == (
        State.DOWN, None, None, None, None, None,
    )  # fmt: skip
    await clock.advance(2.0)
    systemctl.says(GOOD % (2_500_000_000, began), BARE)
    assert cpu_of(await units.look("api")) == pytest.approx(0.75)
    await clock.advance(2.0)
    systemctl.says(GOOD % (5, began), BARE)
    assert cpu_of(await units.look("api")) is None, "it began again"


async def test_nothing_is_asked_without_units(systemctl: Systemctl) -> None:
    assert await book().look("api") == ()
    assert await book("api").look("nobody") == ()
    assert systemctl.asked == []


@pytest.mark.parametrize(
    ("answer", "end", "kind", "said"),
    [
        ("Id=api.service\nLoadState=not-found", "exit 0", FaultKind.ABSENT, "not-found"),
        ("Access denied\x1b[2J", "exit 4", FaultKind.LOCAL, "code 4: Access denied␛[2J"),
        ("Id=a\n\nId=b", "exit 0", FaultKind.NOT_UNDERSTOOD, "2 units, not 1"),
        ("", "exec sleep 1000", FaultKind.TIMEOUT, "within 1 s"),
    ],
)
async def test_why_a_unit_is_not_known_is_said(
    systemctl: Systemctl, answer: str, end: str, kind: FaultKind, said: str
) -> None:
    systemctl.says(answer, end=end)
    (unit,) = await book("api").look("api")
    assert unit.fault is not None
    assert unit.fault.kind is kind
    assert said in unit.fault.message
    assert unit.replica is None


async def test_a_machine_without_systemd_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (unit,) = await book("api").look("api")
    assert unit.fault is not None
    assert unit.fault.kind is FaultKind.UNSUPPORTED
    assert "cannot run systemctl" in unit.fault.message
