"""Whether a latency that is shown is the service's: ``python -m benchmarks.latency [COUNT …]``.

The real engine looks at COUNT services of one server in another process, from its first second on,
while a bare client in a third process asks the same server over a blocking socket. Each figure is
how far what is shown is from what the bare client measured at the same moment, as a part of what is
allowed: 2 ms, or a tenth where that is more. At 1 it is met exactly. A second bare client, beside
the first, shows how far two are apart that have nothing of ours. ``status`` is one look at 100
services by the command's engine; *beside a busy screen* a thread of this process computes without a
pause, as a screen does that is being built.
"""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.endpoints import endpoints
from benchmarks.fleet import INTERVAL, settings_for
from benchmarks.targets import Figure, report
from opsconsole.clock import SystemClock
from opsconsole.engine.engine import Engine
from opsconsole.model.snapshot import Snapshot

COUNTS: Final = (1, 100, 1000, 3000)
MOMENTS: Final = (1.0, 5.0, 15.0)
"""Seconds after the engine's first answer at which what it shows is compared."""

STATUS: Final = 100
LEAST: Final = 0.002
SHARE: Final = 0.1

Pair = tuple[float, float]
"""A median and a 95th percentile in seconds."""


class BareClient:
    """Asks ``address`` every few milliseconds, in a process of its own."""

    def __init__(self, address: str) -> None:
        command = [sys.executable, "-m", "benchmarks.bare_client", address]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._times: list[float] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        while not self._times:
            time.sleep(0.01)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._times.append(float(line))

    def so_far(self, looks: int) -> Pair:
        """What it has measured since it began, of as many services as it has ``looks`` at each."""
        times = list(self._times)
        services = [times[first :: len(times) // looks] for first in range(len(times) // looks)]
        return over([pair(each) for each in services])

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        self._reader.join()


@contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """A thread that computes, if ``wanted``, while the block runs."""
    ended = threading.Event()

    def compute() -> None:
        while not ended.is_set():
            sum(range(10_000))

    thread = threading.Thread(target=compute)
    if wanted:
        thread.start()
    yield
    ended.set()
    if wanted:
        thread.join()


def pair(times: list[float]) -> Pair:
    """Their median and their 95th percentile."""
    if len(times) < 2:
        return times[0], times[0]
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return cuts[9], cuts[18]


def over(services: Iterable[Pair]) -> Pair:
    """The median of their medians, and what 95 % of their 95th percentiles do not exceed."""
    medians, highs = zip(*services, strict=True)
    return pair(list(medians))[0], pair(list(highs))[1]


def shown(snapshot: Snapshot) -> Pair:
    """What the console shows of all services."""
    seen = [each.latency for each in snapshot.services]
    return over((each.p50, each.p95) for each in seen if each.p50 is not None and each.p95)


def apart(name: str, console: Pair, bare: Pair, *, most: float | None = 1.0) -> Iterator[Figure]:
    """Both figures of the console beside those of the bare client."""
    for which, mine, its in zip(("p50", "p95"), console, bare, strict=True):
        allowed = max(LEAST, SHARE * its)
        words = f"{name}, {which}: {1000 * mine:.2f} for {1000 * its:.2f} ms"
        yield Figure(words, abs(mine - its) / allowed, "×", most)


def watched(address: str, count: int, *, beside_a_screen: bool) -> Iterator[Figure]:
    """The engine as the screen has it, at each of ``MOMENTS``."""
    client, other = BareClient(address), BareClient(address)
    engine = Engine(settings_for(address, count, 1), base=Path(), clock=SystemClock())
    name = f"{count} services" + (", a busy screen" if beside_a_screen else "")
    try:
        with busy(beside_a_screen):
            engine.start()
            while all(each.latency.p50 is None for each in engine.latest.services):
                time.sleep(0.1)
            began = time.monotonic()
            for moment in MOMENTS:
                time.sleep(max(0.0, began + moment - time.monotonic()))
                looks = 1 + int(moment / INTERVAL)
                bare, beside = client.so_far(looks), other.so_far(looks)
                yield from apart(f"{name}, {moment:g} s", shown(engine.latest), bare)
                yield from apart(f"{name}, {moment:g} s, a bare client", beside, bare, most=None)
    finally:
        engine.stop()
        client.close()
        other.close()


def once(address: str) -> Iterator[Figure]:
    """One look at ``STATUS`` services, as ``opsconsole status`` takes it."""
    client = BareClient(address)
    try:
        time.sleep(1.0)
        engine = Engine(settings_for(address, STATUS, 1), base=Path(), clock=SystemClock())
        console = shown(engine.look_once())
        yield from apart(f"status of {STATUS}", console, client.so_far(looks=1))
    finally:
        client.close()


def main(counts: tuple[int, ...]) -> int:
    """Print the table; 1 where what is shown is too far from what was measured."""
    figures: list[Figure] = []
    for count in counts:
        with endpoints() as address:
            figures += watched(address, count, beside_a_screen=False)
    with endpoints() as address:
        figures += watched(address, 1000, beside_a_screen=True)
    with endpoints() as address:
        figures += once(address)
    return report(figures)


if __name__ == "__main__":
    sys.exit(main(tuple(map(int, sys.argv[1:])) or COUNTS))
