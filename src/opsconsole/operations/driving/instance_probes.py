"""Looking at a service's instances while it is being changed, with the probe that the panels use.

Invariant: what is seen here and on the screen is read by the same code, so that the console and
its verdicts cannot disagree about what healthy means. Looks change nothing.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.model.fault import Fault
from opsconsole.model.health import HealthReport, ProbeKind, failing
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.sources.health.factory import Asked, probes_of
from opsconsole.sources.health.lifetime import Lifetime, lifetime_in
from opsconsole.sources.http.header_times import age, is_kept

if TYPE_CHECKING:
    from opsconsole.sources.health.http_probe import HttpProbe
    from opsconsole.sources.http.connector import Connector


class InstanceProbes:
    """Health probes of one service, one for each instance that is not left out.

    A name that is no service's, such as an Alertmanager's, has none.

    Made inside an event loop.
    """

    def __init__(
        self, settings: Settings, service: str, base: Path, without: frozenset[str] = frozenset()
    ) -> None:
        self._clock = SystemClock()
        self._last: dict[str, Reading[HealthReport]] = {}
        self._timeout = 0.0
        self._connector: Connector | None = None
        self._probes: dict[str, HttpProbe] = {}
        known = probes_of(settings, service) if service in settings.services else ()
        wanted = [
            asked
            for asked in known
            if asked.kind is ProbeKind.HEALTH and asked.instance not in without
        ]
        if wanted:
            self._timeout = wanted[0].timeout
            self._connector, self._probes = _probes(wanted, base, self._clock)

    @property
    def timeout(self) -> float:
        """Seconds after which a look at an instance is given up; 0 where there is none."""
        return self._timeout

    @property
    def names(self) -> tuple[str, ...]:
        """The instances that can be looked at."""
        return tuple(self._probes)

    async def look(self, since: float | None = None) -> dict[str, Sight]:
        """One look at every instance, all at once; an answer from before ``since`` is none.

        One that asked to be left alone is not asked again until then.
        """
        sights = await asyncio.gather(*(self._look(name, since) for name in self._probes))
        return dict(zip(self._probes, sights, strict=True))

    async def _look(self, name: str, since: float | None) -> Sight:
        now = self._clock.now()
        last = self._last.get(name)
        if last is not None and now - last.taken_at < _rest(last):
            return _sight(name, last, since)
        reading = self._last[name] = await self._probes[name].collect()
        return _sight(name, reading, since)

    async def lifetime(self, name: str) -> Lifetime | None:
        """What an instance says of how long it has run, None when it does not answer."""
        reading = await self._probes[name].collect()
        return None if reading.value is None else lifetime_in(reading.value.raw)

    async def close(self) -> None:
        """Close every connection; idempotent."""
        await asyncio.gather(*(probe.close() for probe in self._probes.values()))
        if self._connector is not None:
            await self._connector.close()


async def states_of(
    settings: Settings, service: str, base: Path, snapshot: Snapshot | None
) -> Mapping[str, State]:
    """The state of each instance: as the screen shows it, else by a look at each."""
    seen = snapshot.service(service) if snapshot is not None else None
    if seen is not None:
        return {each.name: each.state for each in seen.instances}
    probes = InstanceProbes(settings, service, base)
    try:
        return {name: sight.state for name, sight in (await probes.look()).items()}
    finally:
        await probes.close()


def _probes(
    wanted: list[Asked], base: Path, clock: SystemClock
) -> "tuple[Connector, dict[str, HttpProbe]]":
    """A probe for each, on one connector.

    HTTP is imported only where it is spoken: that takes as long as all the rest of a start.
    """
    from opsconsole.sources.health.http_probe import HttpProbe
    from opsconsole.sources.http.connector import Connector

    connector = Connector()
    # Each look dials: a kept connection may lead to the old process, which is draining.
    make = partial(HttpProbe, clock=clock, connector=connector, base=base, looks=1)
    return connector, {asked.instance: make(asked) for asked in wanted}


def _rest(reading: Reading[HealthReport]) -> float:
    return reading.fault.retry_after if reading.fault is not None else 0.0


def _sight(name: str, reading: Reading[HealthReport], since: float | None) -> Sight:
    if reading.value is not None:
        report = reading.value
        kept_for = age(report.headers)
        if kept_for and since is not None and reading.taken_at - kept_for < since:
            said = f"answered by a cache, {kept_for:.0f} s old: from before the change"
            return Sight(name, State.UNKNOWN, said)
        if since is not None and is_kept(report.headers):
            return Sight(name, State.UNKNOWN, "answered by a cache, which does not say since when")
        runs = lifetime_in(report.raw)
        said = _said(report)
        return Sight(
            name, report.state, said, reading.took, uptime=runs.uptime, started=runs.started
        )
    assert reading.fault is not None
    answered = reading.took if reading.fault.status is not None else None
    return Sight(name, _state_of(reading.fault), str(reading.fault), answered)


def _state_of(fault: Fault) -> State:
    return State.DOWN if fault.blames_target else State.UNKNOWN


def _said(report: HealthReport) -> str:
    parts = failing(report.components)
    culprits = ", ".join(f"{part.name} {part.state}" for part in parts[:3])
    return "; ".join(text for text in (report.message, culprits) if text)
