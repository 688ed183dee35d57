"""The figures of another host: of a real one, and what is made of whatever it says."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.clock import SystemClock
from opsconsole.config.hosts import RemoteHost
from opsconsole.config.settings import Settings
from opsconsole.demo import binaries
from opsconsole.machines.machines import Machines
from opsconsole.machines.ssh.line import FarEnd
from opsconsole.machines.ssh.logins import Gate, Target
from opsconsole.machines.ssh.machine import SshMachine
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.hosts import Host, Pressure
from opsconsole.model.running.machine import Command, End, Failure, Finished, MachineError
from opsconsole.sources.host.kernel import (
    Kernel,
    NotUnderstoodError,
    disks_of,
    mounts_of,
    parse_kernel,
)
from opsconsole.sources.host.kernel_processes import ProcessTable
from opsconsole.sources.host.ssh import SshHostSource
from opsconsole.sources.host.system_units import show, uptime
from tests.fakes import FakeClock
from tests.servers.hosts import Fleet
from tests.servers.hosts import Host as There

SAID = b"""0.52 0.58 0.59 1/389 12345
350735.47 234388.90
MemTotal:       16384000 kB
MemFree:         1000000 kB
MemAvailable:    8192000 kB
SwapTotal:       2097148 kB
SwapFree:        1048574 kB
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0
  eth0: 1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0
docker0: 7 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0
cpu  200 0 100 700 0 0 0 0 0 0
cpu0 100 0 50 350 0 0 0 0 0 0
cpu1 100 0 50 340 10 0 0 0 40 0
intr 1 2 3
btime 1700000000
devices /sys/class/net/eth0/device
"""


PRESSURE = b"""some avg10=1.50 avg60=0.00 avg300=0.00 total=1
full avg10=0.00 avg60=0.00 avg300=0.00 total=0
some avg10=34.25 avg60=0.00 avg300=0.00 total=1
full avg10=9.00 avg60=0.00 avg300=0.00 total=0
some avg10=100.00 avg60=0.00 avg300=0.00 total=1
full avg10=9.00 avg60=0.00 avg300=0.00 total=0
"""


def test_what_tasks_wait_for_is_known_where_the_kernel_counts_it() -> None:
    assert parse_kernel(SAID).pressure is None
    assert parse_kernel(SAID + PRESSURE).pressure == Pressure(0.015, 0.3425, 1.0)
    two = b"".join(PRESSURE.splitlines(keepends=True)[:4])
    assert parse_kernel(SAID + two).pressure is None, "which two is not known"


def test_the_kernel_s_words_are_figures() -> None:
    seen = parse_kernel(SAID)
    assert seen.load == (0.52, 0.58, 0.59)
    assert seen.uptime == 350735.47
    assert (seen.memory_total, seen.memory_available) == (16384000 * 1024, 8192000 * 1024)
    assert (seen.swap_total, seen.swap_free) == (2097148 * 1024, 1048574 * 1024)
    assert [(each.total, each.busy) for each in seen.cores] == [(500, 150), (500, 150)]
    assert {name: (each.received, each.sent) for name, each in seen.traffic.items()} == {
        "eth0": (1000, 2000)
    }


def test_without_a_device_all_but_the_loopback_count() -> None:
    seen = parse_kernel(SAID.replace(b"/sys/class/net/eth0/device", b"/sys/class/net/*/device"))
    assert set(seen.traffic) == {"eth0", "docker0"}


@given(st.lists(st.sampled_from(SAID.split(b"\n")) | st.binary(max_size=60)))
def test_whatever_a_host_says_is_figures_or_not_understood(lines: list[bytes]) -> None:
    try:
        seen = parse_kernel(b"\n".join(lines))
    except NotUnderstoodError:
        return
    assert isinstance(seen, Kernel)
    assert 0 <= seen.memory_available <= seen.memory_total


@given(st.binary(max_size=300))
def test_whatever_df_or_a_process_table_says(said: bytes) -> None:
    assert all(each.total > 0 and each.mount.isprintable() for each in disks_of(b"x\n" + said))
    mounts_of(said)
    table = ProcessTable()
    table.take(said, 3, now=1.0, ticks=100)
    assert all(each.cpu >= 0 for each in table.take(said, 3, now=2.0, ticks=100))


def test_disks_are_what_df_counts_and_mounts_the_shortest_of_a_device() -> None:
    df = (
        b"Filesystem 1024-blocks Used Available Capacity Mounted on\n"
        b"/dev/sda1 1000 600 300 67% /\n/dev/sdb 10 - - - /broken\n"
        b"/dev/sdc 500 100 400 20% /srv/with blanks\n"
    )
    assert [(each.mount, each.used, each.total) for each in disks_of(df)] == [
        ("/", 600 * 1024, 900 * 1024),
        ("/srv/with blanks", 100 * 1024, 500 * 1024),
    ]
    said = (
        b"nodev\tsysfs\nnodev\ttmpfs\n\text4\n\tsquashfs\n\n"
        b"/dev/sda1 / ext4 rw 0 0\n/dev/sda1 /var/lib/x ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n"
        b"/dev/sdb /srv/a\\040b ext4 rw 0 0\n/dev/loop0 /snap squashfs ro 0 0\n"
    )
    assert mounts_of(said) == ("/", "/srv/a b")


def test_a_process_s_share_is_of_the_time_between_two_looks() -> None:
    line = b"%d (a) b) S 1 1 1 0 -1 4 0 0 0 0 %d %d 0 0 20 0 1 0 %d 4096 25 18446744073709551615"
    table = ProcessTable()
    assert table.take(line % (7, 100, 0, 5000), 5, now=10.0, ticks=100) == ()
    (busy,) = table.take(line % (7, 150, 50, 5000), 5, now=12.0, ticks=100)
    assert (busy.pid, busy.name, busy.cpu, busy.pages) == (7, "a) b", 0.5, 25)
    (other,) = table.take(line % (7, 900, 50, 6000), 5, now=13.0, ticks=100)
    assert other.cpu == 0.0, "another process with its id"
    (seen,) = table.described((busy,), b"/proc/7 ops\n", page=4096)
    assert (seen.user, seen.memory) == ("ops", 25 * 4096)


@pytest.fixture
def machines() -> Iterator[Machines]:
    machines = Machines()
    yield machines
    machines.close()


def source_of(there: There, machines: Machines, **given: object) -> SshHostSource:
    hosts = {there.name: {"ssh_config": str(there.ssh_config), **given}}
    host = Settings.model_validate({"hosts": hosts}).hosts[there.name]
    assert isinstance(host, RemoteHost)
    return SshHostSource(host, machines.over_ssh(host), SystemClock())


async def host_of(source: SshHostSource) -> Host:
    reading = await source.collect()
    assert reading.fault is None, reading.fault
    assert reading.value is not None
    return reading.value


async def test_a_real_host_says_what_it_uses(hosts: Fleet, machines: Machines) -> None:
    source = source_of(hosts["app-1"], machines)
    try:
        host = await host_of(source)
        assert host.name == "app-1"
        assert host.memory_total > host.memory_used > 0
        assert host.uptime > 0
        assert all(0 <= each <= 1 for each in host.cores)
        while not (host.processes and host.disks and host.ahead is not None):
            host = await host_of(source)
            await asyncio.sleep(0.05)
        assert "/" in {each.mount for each in host.disks}
        assert {each.user for each in host.processes} <= {"root", "messagebus", "systemd"}
        assert abs(host.ahead) < 5
        assert host.received is not None
    finally:
        await source.close()


async def test_what_is_wrong_with_one_is_said_of_that_one_alone(
    hosts: Fleet, machines: Machines
) -> None:
    """A unit is killed, a disk is full, the clock is off by a minute, memory is short."""
    there, beside = hosts["app-1"], hosts["app-2"]
    source = source_of(there, machines, processes=0, disks=["/run/small"])
    other = source_of(beside, machines, processes=0)
    there.sh(
        "mkdir -p /run/small; mount -t tmpfs -o size=64k none /run/small\n"
        "head -c 64k /dev/zero >/run/small/full; systemd-run -q --unit=doomed sleep infinity\n"
        "systemctl kill -s KILL doomed\n"
        'printf \'#!/bin/sh\\nexec /bin/date -d "60 seconds" "$@"\\n\' >/usr/local/bin/date\n'
        "chmod 755 /usr/local/bin/date; printf '%s' \"$1\" >/run/waits\n"
        "mount --bind /run/waits /proc/pressure/memory",
        "some avg10=55.00 avg60=0.00 avg300=0.00 total=1\n",
    )
    try:
        host = await host_of(source)
        while not (host.failed and host.disks and host.ahead):
            await asyncio.sleep(0.05)
            host = await host_of(source)
        assert host.failed == ("doomed.service",)
        assert [each.share for each in host.disks] == [1.0]
        assert host.ahead == pytest.approx(60, abs=5)
        assert host.pressure is not None
        assert host.pressure.memory == 0.55
        seen = await host_of(other)
        while seen.ahead is None:
            await asyncio.sleep(0.05)
            seen = await host_of(other)
        assert (seen.failed, seen.ahead < 5) == ((), True)
    finally:
        there.sh(
            "umount /proc/pressure/memory; umount /run/small; rm -f /usr/local/bin/date\n"
            "systemctl reset-failed"
        )
        await source.close()
        await other.close()


async def test_one_that_stands_still_is_a_fault_and_then_is_seen_again(
    hosts: Fleet, machines: Machines
) -> None:
    there = hosts["app-2"]
    source = source_of(there, machines, processes=0)
    other = source_of(hosts["app-1"], machines, processes=0)
    try:
        await host_of(source)
        await host_of(other)
        there.pause()
        looking = asyncio.create_task(source.collect())
        await host_of(other)
        assert not looking.done(), "the other host waited for it"
        fault = (await looking).fault
        assert fault is not None
        assert fault.kind is FaultKind.TIMEOUT
        there.resume()
        while (await source.collect()).fault is not None:  # noqa: ASYNC110 - until it answers
            await asyncio.sleep(0.2)
    finally:
        there.resume()
        await source.close()
        await other.close()


async def test_a_unit_is_as_old_as_the_clock_of_its_own_host_says(
    hosts: Fleet, machines: Machines
) -> None:
    machine = source_of(hosts["app-1"], machines)._machine
    found = await show(machine, ("ssh.service",), 10.0)
    assert not isinstance(found, Fault)
    (unit,) = found
    there = float(hosts["app-1"].sh("cat /proc/uptime").split()[0])
    began = int(unit["ActiveEnterTimestampMonotonic"]) / 1e6
    lasted = uptime(unit)
    assert lasted is not None
    assert lasted == pytest.approx(there - began, abs=60)
    later = {**unit, "now": str(int(unit["now"]) + 500_000_000)}
    assert uptime(later) == pytest.approx(lasted + 500)


def kernel(at: float, busy: int = 0, received: int = 0, cores: int = 1) -> bytes:
    """What a host says ``at`` seconds after it booted: it was busy for so many ticks."""
    lines = SAID.split(b"\n")
    lines[1] = b"%.2f 1.00" % at
    ticks = round(at * 100)
    kept = [each for each in lines if not each.startswith((b"cpu", b"  eth0"))]
    of_cores = [b"cpu%d %d 0 0 %d" % (n, busy, ticks - busy) for n in range(cores)]
    eth0 = b"  eth0: %d 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0" % received
    return b"\n".join([*kept[:11], eth0, *of_cores, *kept[11:]])


class _Says:
    """A machine that says of its kernel what it is given, in order, the last one again."""

    name = "db"

    def __init__(self, *said: bytes) -> None:
        self.said = list(said)

    async def ask(self, code: str, *, limit: int, deadline: float) -> tuple[bytes, FarEnd]:
        far = FarEnd(0, 0, 100, 4096, signals=True, setsid=True, own_group=False)
        if "loadavg" not in code:
            return b"", far
        return (self.said.pop(0) if len(self.said) > 1 else self.said[0]), far

    async def run(self, command: Command, *, limit: int, deadline: float) -> Finished:
        return Finished(End.LATE, -9)


FIRST = (kernel(1000.0, 50_000, 1_000), kernel(1000.1, 50_001, 1_000))


@pytest.mark.parametrize(
    ("later", "said", "cpu", "received"),
    [
        (5.0, (kernel(1005.1, 50_251, 6_000),), 0.5, 1000.0),
        # It booted: by its uptime, or by ours, since which it has been up for longer.
        (5.0, (kernel(2.0, 150), kernel(2.1, 152)), 0.2, 0.0),
        (1800.0, (kernel(1500.0, 90_000, 9_000), kernel(1500.1, 90_001, 9_000)), 0.1, 0.0),
        # Nobody looked for half an hour: what it was in that is not what it is.
        (1800.0, (kernel(2800.1, 230_000, 9), kernel(2800.2, 230_001, 9)), 0.1, 0.0),
        (5.0, (kernel(1005.1, 9, cores=2), kernel(1005.2, 14, cores=2)), 0.5, 0.0),
    ],
)
async def test_shares_and_rates_are_of_one_run_and_of_the_time_between_two_looks(
    later: float, said: tuple[bytes, ...], cpu: float, received: float
) -> None:
    clock, host = FakeClock(), Settings.model_validate({"hosts": {"db": {}}}).hosts["db"]
    source = SshHostSource(host, _Says(*FIRST, *said), clock)  # type: ignore[arg-type]
    assert (await host_of(source)).cpu == pytest.approx(0.1)
    clock.move(later)
    seen = await host_of(source)
    assert seen.cpu == pytest.approx(cpu)
    assert seen.received == pytest.approx(received)
    await source.close()


@pytest.mark.parametrize("later", [5.0, 600.0])
async def test_what_a_host_said_before_is_no_look_at_it(later: float) -> None:
    clock, host = FakeClock(), Settings.model_validate({"hosts": {"db": {}}}).hosts["db"]
    source = SshHostSource(host, _Says(*FIRST), clock)  # type: ignore[arg-type]
    await host_of(source)
    for _ in range(2):
        clock.move(later)
        fault = (await source.collect()).fault
        assert fault is not None
        assert fault.kind is FaultKind.NOT_UNDERSTOOD
    await source.close()


class _Frozen:
    """A machine whose disks do not answer."""

    name = "db"

    def __init__(self, clock: FakeClock) -> None:
        self.asked = 0
        self.clock = clock

    async def ask(self, code: str, *, limit: int, deadline: float) -> tuple[bytes, FarEnd]:
        far = FarEnd(0, 0, 100, 4096, signals=True, setsid=True, own_group=False)
        now = self.clock.now()
        return kernel(now) if "loadavg" in code else b"\n==\n" * code.count("=="), far

    async def run(self, command: Command, *, limit: int, deadline: float) -> Finished:
        self.asked += command.argv[0] == "df"
        return Finished(End.LATE, -9)


async def test_disks_that_hang_are_not_asked_again_and_again() -> None:
    clock = FakeClock()
    machine = _Frozen(clock)
    host = Settings.model_validate({"hosts": {"db": {"disks": ["/", "/dead"]}}}).hosts["db"]
    source = SshHostSource(host, machine, clock)  # type: ignore[arg-type]
    asked: list[float] = []
    for _ in range(100):
        seen = await host_of(source)
        assert seen.disks == ()
        asked += [clock.now()] * (machine.asked - len(asked))
        clock.move(10)
    assert [after - at for at, after in pairwise(asked)] == [10, 20, 40, 80, 160, 300, 300]
    await source.close()


async def test_what_is_looked_at_slowly_is_of_the_look_in_which_it_is_due() -> None:
    clock, host = FakeClock(), Settings.model_validate({"hosts": {"db": {}}}).hosts["db"]
    machine = _Hung(clock)
    machine.hangs = False
    source = SshHostSource(host, machine, clock)  # type: ignore[arg-type]
    for failed in ("a.service", "b.service"):
        machine.failed = failed
        assert (await host_of(source)).failed == (failed,)
        clock.move(10)
    await source.close()


class _Hung:
    """A machine that answers no request that asks for disks, and has them said by a program."""

    name = "db"

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked = 0
        self.hangs = True
        self.failed = "a.service"

    async def ask(self, code: str, *, limit: int, deadline: float) -> tuple[bytes, FarEnd]:
        far = FarEnd(0, 0, 100, 4096, signals=True, setsid=True, own_group=False)
        if "loadavg" in code:
            return kernel(self.clock.now()), far
        mounts = b"\text4\n\n/dev/sda1 / ext4 rw 0 0"
        parts = [b"", b"", mounts, b"", b"%s loaded failed" % self.failed.encode()][
            : code.count("==") + 1
        ]
        if "df " in code and self.hangs:
            self.asked += 1
            raise MachineError(Failure.TIMED_OUT, "db did not answer in time")
        return b"\n==\n".join(parts), far

    async def run(self, command: Command, *, limit: int, deadline: float) -> Finished:
        said = b"x\n/dev/sda1 9 6 3 67% /\n" if command.argv[0] == "df" else b""
        return Finished(End.EXITED, 0, said)


async def test_what_hangs_the_line_is_asked_beside_it_for_a_while() -> None:
    clock = FakeClock()
    machine = _Hung(clock)
    host = Settings.model_validate({"hosts": {"db": {}}}).hosts["db"]
    source = SshHostSource(host, machine, clock)  # type: ignore[arg-type]
    for _ in range(20):
        await host_of(source)
        clock.move(10)
    assert [each.mount for each in (await host_of(source)).disks] == ["/"]
    assert machine.asked == 1
    clock.move(300)
    await host_of(source)
    await source.close()
    assert machine.asked == 2


async def test_a_clock_that_knows_whole_seconds_alone_is_compared_too() -> None:
    clock = FakeClock()
    for fraction, ahead in ((b".250000000", 60.25), (b".%N", 60.5), (b"", 60.5)):
        said = kernel(1000.0) + b"clock %d" % (clock.now() + 60) + fraction
        machine = _Says(said, kernel(1000.1))
        machine.clock_is = lambda _: None  # type: ignore[attr-defined]
        host = Settings.model_validate({"hosts": {"db": {}}}).hosts["db"]
        source = SshHostSource(host, machine, clock)  # type: ignore[arg-type]
        assert (await host_of(source)).ahead == pytest.approx(ahead + clock.now() % 1 * -1)
        await source.close()


@pytest.fixture
def busybox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh to this host, on which the shell and all tools are busybox's."""
    box = binaries.find_file("bin/busybox")
    assert box is not None
    tools = tmp_path / "tools"
    tools.mkdir()
    subprocess.run([box, "--install", "-s", tools], check=True)
    ssh = tmp_path / "ssh"
    ssh.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        f'PATH={tools} exec {box} sh -c "$(echo "$last" | sed s,/bin/sh,{box}\\ sh,)"\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.usefixtures("busybox")
async def test_a_host_with_the_tools_of_busybox_alone_says_the_same() -> None:
    machine = SshMachine(Target("db", "db"), Gate())
    host = Settings.model_validate({"hosts": {"db": {"processes": 3}}}).hosts["db"]
    assert isinstance(host, RemoteHost)
    source = SshHostSource(host, machine, SystemClock())
    try:
        seen = await host_of(source)
        while not seen.processes:
            seen = await host_of(source)
        assert len(seen.processes) == 3
        assert all(each.user != "?" for each in seen.processes[1:])
        assert seen.disks
        assert seen.ahead == 0.0
    finally:
        await source.close()
        machine.close()


async def test_a_host_that_is_not_there_says_what_to_do(machines: Machines) -> None:
    host = Settings.model_validate({"hosts": {"gone": "ops@127.0.0.1:1"}}).hosts["gone"]
    source = SshHostSource(host, machines.over_ssh(host), SystemClock())
    fault = (await source.collect()).fault
    assert fault is not None
    assert "gone" in fault.message
    assert fault.hint
    await source.close()
