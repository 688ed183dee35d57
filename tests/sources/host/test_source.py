"""This host's figures: measured, never made up, and whatever part fails alone."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import psutil
import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.hosts import HostSettings
from opsconsole.model.fault import FaultKind
from opsconsole.model.running.hosts import Disk, Host
from opsconsole.sources.host import source as host_module
from opsconsole.sources.host.disks import choose_mounts, read_disk
from opsconsole.sources.host.processes import ProcessSampler
from opsconsole.sources.host.rates import CpuTimes, Traffic, cpu_shares, traffic_rates
from opsconsole.sources.host.sampler import HostSampler, outer_interfaces
from opsconsole.sources.host.source import HostSource
from tests.clean import is_clean
from tests.patience import Patience


@dataclass(frozen=True)
class Mounted:
    device: str
    mountpoint: str
    fstype: str = "ext4"


@pytest.fixture
def busy_process() -> Iterator[int]:
    """A child that keeps one core busy."""
    with subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) as child:
        yield child.pid
        child.kill()


async def host_of(source: HostSource) -> Host:
    reading = await source.collect()
    assert reading.fault is None, reading.fault
    assert reading.value is not None
    return reading.value


def test_shares_are_of_the_time_between_two_readings() -> None:
    before = [CpuTimes(100, 50), CpuTimes(100, 0), CpuTimes(7, 7)]
    after = [CpuTimes(110, 55), CpuTimes(110, 10), CpuTimes(7, 7)]

    assert cpu_shares(before, after) == (0.5, 1.0, 0.0)


def test_shares_stay_shares_when_counters_are_odd() -> None:
    assert cpu_shares([CpuTimes(100, 50)], [CpuTimes(101, 60)]) == (1.0,)
    assert cpu_shares([CpuTimes(100, 50)], [CpuTimes(101, 40)]) == (0.0,)
    assert cpu_shares([CpuTimes(1, 1)], [CpuTimes(1, 1)]) is None
    assert cpu_shares([CpuTimes(1, 1)], [CpuTimes(2, 1), CpuTimes(2, 1)]) is None
    assert cpu_shares([], []) is None


def test_rates_leave_out_what_came_up_anew() -> None:
    before = {"eth0": Traffic(1000, 100), "eth1": Traffic(5000, 5000), "gone": Traffic(1, 1)}
    after = {"eth0": Traffic(3000, 500), "eth1": Traffic(10, 10), "new": Traffic(9, 9)}

    assert traffic_rates(before, after, 2.0) == (1000.0, 200.0)
    assert traffic_rates(before, {"eth1": Traffic(0, 0)}, 2.0) is None
    assert traffic_rates(before, after, 0.0) is None


def test_bytes_are_counted_where_they_leave_the_host() -> None:
    names = ["lo", "eth0", "docker0", "veth1"]

    assert outer_interfaces(names, lambda name: name == "eth0") == ["eth0"]
    assert outer_interfaces(["lo", "eth0"], lambda name: False) == ["eth0"]


def test_one_file_system_is_one_disk() -> None:
    mounts = [
        Mounted("/dev/sda1", "/"),
        Mounted("/dev/sda1", "/etc/hosts"),
        Mounted("/dev/sdb1", "/srv/data/bound"),
        Mounted("/dev/sdb1", "/srv/data"),
        Mounted("/dev/loop3", "/snap/core", "squashfs"),
    ]

    assert choose_mounts(mounts) == ("/", "/srv/data")
    assert choose_mounts([]) == ("/",)


def test_a_disk_is_as_full_as_df_says() -> None:
    told = subprocess.run(
        ["df", "--output=used,avail", "-B1", "/"], capture_output=True, text=True, check=True
    )
    used, available = (int(word) for word in told.stdout.split()[2:])

    disk = read_disk("/")

    assert disk is not None
    assert disk.share == pytest.approx(used / (used + available), abs=0.01)


def test_a_disk_that_cannot_be_read_is_left_out() -> None:
    assert read_disk("/nowhere/at/all") is None
    assert read_disk("/proc") is None


async def test_the_first_reading_is_measured(busy_process: int) -> None:
    source = HostSource(HostSettings(), SystemClock())

    host = await host_of(source)

    await source.close()
    assert host.cpu > 0.2
    assert host.cpu == pytest.approx(sum(host.cores) / len(host.cores))
    assert len(host.cores) == psutil.cpu_count()
    assert host.memory_total == psutil.virtual_memory().total
    assert 0 < host.memory_used < host.memory_total
    assert host.disks[0].mount == "/"
    assert host.uptime > 1
    assert is_clean(host.name)


async def test_shares_are_right_whichever_thread_measures(busy_process: int) -> None:
    sampler = HostSampler()
    shares: list[float] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: shares.append(sum(sampler.take().cores)))
        thread.start()
        thread.join()
        await asyncio.sleep(0.3)

    assert all(share > 0.4 for share in shares)


def test_two_looks_at_once_do_not_divide_by_nothing() -> None:
    sampler = HostSampler()

    first, second = sampler.take(), sampler.take()

    assert first.cores == second.cores


async def test_the_busiest_process_is_on_top(busy_process: int) -> None:
    source = HostSource(HostSettings(interval=0.3, processes=50), SystemClock())
    # On a loaded machine it may not have had its turn between two looks.
    patience = Patience(lambda: busy_process)
    while True:
        processes = (await host_of(source)).processes
        top = [process for process in processes if process.pid == busy_process]
        if top and top[0].cpu > 0.1:
            break
        patience.spent()
        await asyncio.sleep(0.3)
    await source.close()

    assert [process.cpu for process in processes] == sorted(
        (process.cpu for process in processes), reverse=True
    )
    assert top[0].cpu < 1.3
    assert top[0].memory > 1 << 20
    assert top[0].user


async def test_no_processes_are_looked_at_when_none_are_wanted() -> None:
    source = HostSource(HostSettings(interval=0.1, processes=0), SystemClock())

    for _ in range(3):
        assert (await host_of(source)).processes == ()
        await asyncio.sleep(0.1)
    await source.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "host processes"]


class Stranger:
    """A process that cannot be looked at, or only in part."""

    def __init__(self, pid: int, *, times: Exception | None, user: Exception | None) -> None:
        self.pid = pid
        self._times = times
        self._user = user
        self._seconds = 0.0

    def cpu_times(self) -> object:
        if self._times:
            raise self._times
        self._seconds += 1.0
        return SimpleNamespace(user=self._seconds, system=0.0)

    def create_time(self) -> float:
        return 1.0

    def oneshot(self) -> object:
        return threading.Lock()

    def name(self) -> str:
        return "\x1b[2Jevil"

    def memory_info(self) -> object:
        return SimpleNamespace(rss=5)

    def username(self) -> str:
        if self._user:
            raise self._user
        return "me"


def test_processes_that_hide_or_end_are_tolerated(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers = [
        Stranger(1, times=psutil.NoSuchProcess(1), user=None),
        Stranger(2, times=psutil.AccessDenied(2), user=None),
        Stranger(3, times=psutil.ZombieProcess(3), user=None),
        Stranger(4, times=PermissionError(), user=None),
        Stranger(5, times=None, user=psutil.AccessDenied(5)),
        Stranger(6, times=None, user=KeyError("uid not known")),
    ]
    monkeypatch.setattr(psutil, "process_iter", lambda: iter(strangers))
    sampler = ProcessSampler()

    assert sampler.take(5) is None
    found = sampler.take(5)

    assert found is not None
    assert {(process.pid, process.user) for process in found} == {(5, "?"), (6, "?")}
    assert all(is_clean(process.name) for process in found)


async def test_a_disk_that_hangs_is_left_out_and_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()
    asked: list[str] = []

    def read(mount: str) -> Disk | None:
        asked.append(mount)
        if mount == "/dead":
            release.wait()
        return Disk(mount, 1, 2)

    monkeypatch.setattr(host_module, "read_disk", read)
    monkeypatch.setattr(host_module, "_DISK_DEADLINE", 0.1)
    monkeypatch.setattr(host_module, "_SLOW_INTERVAL", 0.1)
    source = HostSource(HostSettings(disks=("/", "/dead"), processes=0), SystemClock())
    for _ in range(5):
        host = await host_of(source)
        assert not release.is_set(), "what hangs is not waited for"
        await asyncio.sleep(0.15)

    assert [disk.mount for disk in host.disks] == ["/"]
    assert asked.count("/dead") == 1
    assert asked.count("/") > 2

    release.set()
    await asyncio.sleep(0.3)
    for _ in range(5):
        host = await host_of(source)
        await asyncio.sleep(0.15)
    await source.close()
    assert [disk.mount for disk in host.disks] == ["/", "/dead"]


@pytest.mark.parametrize(
    ("failing", "kind"),
    [(PermissionError("/proc/stat"), FaultKind.LOCAL), (TimeoutError(), FaultKind.TIMEOUT)],
)
async def test_a_host_that_cannot_be_read_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, failing: Exception, kind: FaultKind
) -> None:
    def fail(self: HostSampler) -> None:
        raise failing

    monkeypatch.setattr(HostSampler, "take", fail)
    source = HostSource(HostSettings(processes=0), SystemClock())

    reading = await source.collect()

    await source.close()
    assert reading.fault is not None
    assert reading.fault.kind is kind


async def test_nothing_waits_for_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(HostSampler, "take", lambda self: release.wait())
    monkeypatch.setattr(host_module, "_DEADLINE", 0.1)
    source = HostSource(HostSettings(processes=0), SystemClock())

    first = await source.collect()
    second = await source.collect()

    release.set()
    await source.close()
    assert first.fault is not None
    assert second.fault is not None
    assert "stuck" in second.fault.message
    assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]


async def test_the_platform_is_told() -> None:
    source = HostSource(HostSettings(), SystemClock(), environ={"DYNO": "web.1"})

    host = await host_of(source)

    await source.close()
    assert host.platform.startswith("Heroku")
