"""Figures of a moment that was not recorded, from a Prometheus that still has them.

Invariant: a figure fetched afterwards is marked as such; only figures come from there, so a state
that was not recorded stays unknown. A server that fails is left alone for a while, and what was
recorded is shown without it.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.model.fault import Fault
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.sources.metrics.declared import declared_metrics

ORIGIN: Final = "from Prometheus"
"""The mark of such figures."""

AFTER_FAULT: Final = 30.0
"""Seconds without queries after one that could not be answered."""

_OLD: Final = 60.0
"""Seconds after which a recorded figure belongs to another moment."""


@runtime_checkable
class Remembering(Protocol):
    """A source that keeps figures of the past."""

    async def figures_at(self, moment: float, /) -> tuple[MetricValue, ...] | Fault:
        """The declared figures at that moment; a fault if nothing was answered. Never raises."""
        ...


class PastFigures:
    """Asks the ``sources`` that keep history for the declared figures of services."""

    def __init__(self, settings: Settings, sources: Iterable[object], clock: Clock) -> None:
        self._settings = settings
        self._sources = [each for each in sources if isinstance(each, Remembering)]
        self._clock = clock
        self._resting_until = 0.0
        self._declaring = frozenset(
            name for name, service in settings.services.items() if declared_metrics(name, service)
        )

    async def completed(self, snapshot: Snapshot, moment: float) -> Snapshot:
        """``snapshot`` with its missing figures added, as far as they are available."""
        lacking = {
            each.name
            for each in snapshot.services
            if each.name in self._declaring and _lacks(each, moment)
        }
        found = await self._asked(moment) if lacking else ()
        return _with(snapshot, found, lacking) if found else snapshot

    async def known(self, moment: float) -> tuple[MetricValue, ...]:
        """The figures of ``moment``; none if no source has them."""
        return tuple(each for each in await self._asked(moment) if each.value is not None)

    def alone(self, found: Iterable[MetricValue], moment: float) -> Snapshot:
        """A snapshot of ``moment`` in which nothing is known but ``found``. Slow."""
        store = Store(self._settings, moment)
        store.apply_metrics(found, moment)
        store.settle(moment)
        blank = SnapshotBuilder(self._settings, store, read_only=False).build(moment, (), ())
        return replace(blank, replayed=True)

    async def _asked(self, moment: float) -> tuple[MetricValue, ...]:
        if not self._sources or not self._declaring or self._clock.now() < self._resting_until:
            return ()
        answers = await asyncio.gather(*(each.figures_at(moment) for each in self._sources))
        found = [answer for answer in answers if not isinstance(answer, Fault)]
        if not found:
            self._resting_until = self._clock.now() + AFTER_FAULT
        return tuple(replace(each, origin=ORIGIN) for answer in found for each in answer)


def _lacks(service: ServiceView, moment: float) -> bool:
    """Whether no figure was recorded at that moment."""
    return all(each.at is None or moment - each.at > _OLD for each in service.metrics)


def _with(snapshot: Snapshot, found: Iterable[MetricValue], lacking: set[str]) -> Snapshot:
    by_service: dict[str, dict[str, MetricValue]] = {}
    for metric in found:
        if metric.service in lacking and metric.value is not None:
            by_service.setdefault(metric.service, {})[metric.name] = metric
    services = tuple(
        _filled(each, by_service[each.name]) if each.name in by_service else each
        for each in snapshot.services
    )
    return replace(snapshot, services=services)


def _filled(service: ServiceView, figures: dict[str, MetricValue]) -> ServiceView:
    kept = tuple(each for each in service.metrics if each.name not in figures)
    return replace(service, metrics=(*kept, *figures.values()))
