"""What fifty hosts cost that are looked at every two seconds, beside the other ways to reach one.

Run ``python -m benchmarks.hosts``, as root, after ``make servers``. Three real hosts stand for the
fifty: each of the fifty has a line of its own, as it would. Counted are this process and every
ssh that it started, and not the far ends. A reading by a new ssh over a master's socket, and one by
asyncssh where that is installed, are measured in the same run. Then one host is frozen, and the
looks at the others are compared with those before.
"""

import asyncio
import contextlib
import importlib
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.process import cpu_seconds
from benchmarks.targets import Figure, report
from opsconsole.clock import SystemClock
from opsconsole.config.hosts import RemoteHost
from opsconsole.config.settings import Settings
from opsconsole.machines.machines import Machines
from opsconsole.sources.host.ssh import SshHostSource
from tests.servers.engines import obtain
from tests.servers.hosts import Fleet, fleet_of, lack

HOSTS: Final = 50
REAL: Final = ("bench-1", "bench-2", "bench-3")
INTERVAL: Final = 2.0
SECONDS: Final = 30.0
FROZEN: Final = 20.0
READINGS: Final = 40
_READ: Final = "cat /proc/loadavg /proc/uptime /proc/meminfo /proc/net/dev /proc/stat"


class Looks:
    """Fifty sources, each looked at in its turn, and how long each look took."""

    def __init__(self, fleet: Fleet) -> None:
        self.machines = Machines()
        config = str(fleet[REAL[0]].ssh_config)
        hosts = {
            f"host-{n}": {"ssh": REAL[n % len(REAL)], "ssh_config": config, "interval": INTERVAL}
            for n in range(HOSTS)
        }
        settings = Settings.model_validate({"hosts": hosts})
        self.sources = [self._source(each) for each in settings.hosts.values()]
        self.took: dict[str, list[float]] = {name: [] for name in hosts}

    def _source(self, host: RemoteHost) -> SshHostSource:
        return SshHostSource(host, self.machines.over_ssh(host), SystemClock())

    async def look(self, source: SshHostSource, number: int) -> None:
        """Without end, spread over the interval."""
        await asyncio.sleep(number * INTERVAL / HOSTS)
        while True:
            began = time.monotonic()
            reading = await source.collect()
            if reading.fault is None:
                self.took[source.id.name].append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, INTERVAL - (time.monotonic() - began)))

    async def until_all_are_read(self) -> None:
        """Return once each host was read twice."""
        while any(len(each) < 2 for each in self.took.values()):  # noqa: ASYNC110 - many tasks' doing
            await asyncio.sleep(0.1)

    def forget(self) -> None:
        """Count from now on."""
        for each in self.took.values():
            each.clear()

    def median(self, leave_out: str = "") -> float:
        """Of the looks at hosts that are not ``leave_out``."""
        names = {f"host-{n}" for n in range(HOSTS) if REAL[n % len(REAL)] != leave_out}
        return statistics.median(it for name in names for it in self.took[name])


def children() -> list[int]:
    """The ssh processes that this one has started."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [pid for task in tasks for pid in map(int, task.read_text().split()) if _is_ssh(pid)]


def _is_ssh(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == "ssh"
    return False


def proportional(pid: int) -> int:
    """Bytes of memory that are ``pid``'s share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def used() -> float:
    """Seconds of processor of this process and of its children that live."""
    total = cpu_seconds(os.getpid())
    for pid in children():
        with contextlib.suppress(OSError):
            total += cpu_seconds(pid)
    return total


async def standing(fleet: Fleet) -> list[Figure]:
    """Fifty hosts by lines that stand, and then with one of the real ones frozen."""
    looks = Looks(fleet)
    tasks = [asyncio.create_task(looks.look(each, n)) for n, each in enumerate(looks.sources)]
    try:
        await looks.until_all_are_read()
        await asyncio.sleep(3 * INTERVAL)
        looks.forget()
        began, before = time.monotonic(), used()
        await asyncio.sleep(SECONDS)
        share = (used() - before) / (time.monotonic() - began) * 100
        every = [proportional(pid) for pid in children()]
        calm, looked = looks.median(REAL[-1]), sum(map(len, looks.took.values()))
        fleet[REAL[-1]].pause()
        looks.forget()
        try:
            await asyncio.sleep(FROZEN)
        finally:
            fleet[REAL[-1]].resume()
        return [
            Figure("50 hosts every 2 s: processor", share, "% of a core", most=3.0),
            Figure("  of it for each look", share / 100 * SECONDS / looked * 1000, "ms"),
            Figure(
                "  memory for each host, outside Python", sum(every) / HOSTS / 1e6, "MB", most=2.0
            ),
            Figure("  a look: median", calm * 1000, "ms"),
            Figure(
                "  with a third of them frozen, times that",
                looks.median(REAL[-1]) / calm,
                "",
                most=1.5,
            ),
        ]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for source in looks.sources:
            await source.close()
        looks.machines.close()


def by_master(fleet: Fleet, folder: Path) -> Figure:
    """A new ssh for each reading, over the socket of a master."""
    config = str(fleet[REAL[0]].ssh_config)
    options = ["-F", config, f"-oControlPath={folder}/master", "-oBatchMode=yes"]
    master = ["ssh", *options, "-oControlMaster=yes", "-oControlPersist=60", REAL[0], "true"]
    subprocess.run(master, check=True, stdin=subprocess.DEVNULL)
    began = time.process_time() + sum(os.times()[2:4])
    for _ in range(READINGS):
        reading = ["ssh", *options, REAL[0], _READ]
        subprocess.run(reading, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    took = time.process_time() + sum(os.times()[2:4]) - began
    subprocess.run(["ssh", *options, "-Oexit", REAL[0]], check=False, capture_output=True)
    return _by_another("a new ssh over a master", took)


async def by_library(fleet: Fleet) -> Figure | None:
    """A line of asyncssh that stands; None where that is not installed."""
    try:
        library: Any = importlib.import_module("asyncssh")
    except ImportError:
        return None
    host = fleet[REAL[0]]
    line = await library.connect(
        host.address, username="root", client_keys=[str(fleet.folder / "key")], known_hosts=None
    )
    async with line:
        process = await line.create_process(
            'while IFS= read -r l; do eval "$l"; echo; echo .; done'
        )
        began = time.process_time()
        for _ in range(READINGS):
            process.stdin.write(f"{_READ}\n")
            while (await process.stdout.readline()) != ".\n":
                pass
        took = time.process_time() - began
    return _by_another("asyncssh, a line that stands", took)


def _by_another(way: str, took: float) -> Figure:
    each = took / READINGS
    share = each * HOSTS / INTERVAL * 100
    return Figure(f"{way}: as many of {each * 1000:.1f} ms", share, "% of a core")


def main() -> int:
    """Measure and report."""
    why = lack()
    if why:
        print(f"no hosts: {why}")
        return 0
    with (
        contextlib.closing(obtain()) as engine,
        tempfile.TemporaryDirectory(prefix="opsconsole-") as folder,
        fleet_of(engine, Path(folder)) as fleet,
    ):
        for name in REAL:
            fleet[name].wait_running()
        figures = asyncio.run(standing(fleet))
        figures.append(by_master(fleet, Path(folder)))
        other = asyncio.run(by_library(fleet))
    figures += [other] if other is not None else []
    return report(figures)


if __name__ == "__main__":
    raise SystemExit(main())
