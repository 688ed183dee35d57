"""Which services the table lists, in which order, and the words for one of them.

Invariant: failing services come first unless the user sorts otherwise; stale data never looks
current.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from operator import attrgetter

from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.ink.matching import Filter
from opsconsole.render.ink.once import once_for_the_same
from opsconsole.render.service.causes_first import cause_of, causes_first
from opsconsole.render.service.standing import Standing, is_well, seen_standing, standing
from opsconsole.render.service.why import LONGEST, why

_FAILING = frozenset({State.DOWN, State.DEGRADED})


class Sort(StrEnum):
    """What the table is sorted by; each greatest or worst first, except the name."""

    STATE = "state"
    NAME = "name"
    LATENCY = "p95"
    ERRORS = "errors"
    REQUESTS = "requests"
    CPU = "cpu"
    ALERTS = "alerts"


def alert_counts(alerts: Iterable[Alert]) -> dict[str, int]:
    """Firing alerts that are not silenced, by service."""
    counts: dict[str, int] = {}
    for alert in alerts:
        if alert.state is AlertState.FIRING and not alert.quiet and alert.service:
            counts[alert.service] = counts.get(alert.service, 0) + 1
    return counts


def order(
    snapshot: Snapshot, sort: Sort, wanted: Filter, *, failing_only: bool = False
) -> list[ServiceView]:
    """The services to show, in order."""
    return sorter(snapshot, sort)(
        service
        for service in snapshot.services
        if not (failing_only and standing(service) is Standing.OK)
        and (wanted.empty or wanted.matches(search_text(service)))
    )


def sorter(snapshot: Snapshot, sort: Sort) -> Callable[[Iterable[ServiceView]], list[ServiceView]]:
    """What puts services of ``snapshot`` in order; by state, each stands behind its cause."""
    if sort is Sort.STATE:
        ranks = _ranks_by_state(snapshot.services)
        return lambda services: _worst_first(services, ranks)
    counts = alert_counts(snapshot.alerts) if sort is Sort.ALERTS else {}
    return lambda services: sorted(services, key=lambda each: _rank(each, sort, counts))


@once_for_the_same
def _ranks_by_state(services: tuple[ServiceView, ...]) -> dict[str, tuple[int, int, str]]:
    """Of what is not well."""
    depths = cause_depth(services)
    return {
        each.name: (-seen_standing(each).urgency, depths.get(each.name, 0), each.name)
        for each in services
        if not is_well(each)
    }


def _worst_first(
    services: Iterable[ServiceView], ranks: Mapping[str, tuple[int, int, str]]
) -> list[ServiceView]:
    """What has no rank, and is named as no cause, stands behind all else."""
    given = list(services)
    causes = {cause_of(each) for each in given if each.name in ranks}
    ahead = [each for each in given if each.name in ranks or each.name in causes]
    well = [each for each in given if each.name not in ranks and each.name not in causes]
    ahead.sort(key=lambda each: ranks.get(each.name, (0, 0, each.name)))
    well.sort(key=attrgetter("name"))
    return [*causes_first(ahead), *well]


def cause_depth(services: Iterable[ServiceView]) -> dict[str, int]:
    """How far each failing service is from the root of its trouble; a circle of them ends.

    Length of the longest chain of failing dependencies below it.
    """
    failing = {service.name: service for service in services if service.state in _FAILING}
    depths: dict[str, int] = {}
    for name in failing:
        _depth(name, failing, depths, frozenset())
    return depths


def _depth(
    name: str, failing: dict[str, ServiceView], depths: dict[str, int], path: frozenset[str]
) -> int:
    if name in depths:
        return depths[name]
    if name in path or len(path) > 50:
        return 0
    below = [
        _depth(other, failing, depths, path | {name}) + 1
        for other in failing[name].depends_on
        if other in failing and other != name
    ]
    depths[name] = max(below, default=0)
    return depths[name]


def search_text(service: ServiceView) -> str:
    """The text that a filter is matched against."""
    return " ".join(
        (
            service.name,
            service.group,
            standing(service),
            service.reason[:200],
            why(service, LONGEST),
        )
    )


def _rank(service: ServiceView, sort: Sort, counts: Mapping[str, int]) -> tuple[float, float, str]:
    if sort is Sort.NAME:
        return (0.0, 0.0, service.name)
    figure = _figure(service, sort, counts)
    return (1.0 if figure is None else 0.0, -(figure or 0.0), service.name)


def _figure(service: ServiceView, sort: Sort, counts: Mapping[str, int]) -> float | None:
    if sort is Sort.LATENCY:
        return service.latency.p95
    if sort is Sort.ERRORS:
        return service.error_rate
    if sort is Sort.REQUESTS:
        return service.request_rate
    if sort is Sort.CPU:
        return service.cpu
    return float(counts.get(service.name, 0))
