"""Whether what a rule waits for holds, since when, and how many looks saw it.

Invariant: it counts looks of this process alone, each once; what was not seen, or not to hold,
begins the count again. A circuit breaker that the service reports to be open is a witness of its
own: trouble began when it opened, and still as many looks must see it.
"""

from typing import Final

from opsconsole.config.remedy_references import QUANTILES
from opsconsole.dataclass import dataclass
from opsconsole.model.health import Component
from opsconsole.model.remedies.rules import Rule
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.model.written.expressions import Comparison, Quantity, StateIs
from opsconsole.watcher.remedies.decision import Trouble

OPEN: Final = "open"
"""The word for a circuit breaker that lets nothing through."""


@dataclass(frozen=True, slots=True)
class _Count:
    since: float
    looks: int
    last: float


class EvidenceBook:
    """What is held against each service, by rule."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def note(self, rule: Rule, snapshot: Snapshot, now: float) -> Trouble | None:
        """Take in a snapshot; the trouble that ``rule`` waits for, as far as it was seen."""
        view = snapshot.service(rule.service)
        if view is None or not holds(rule.trigger.condition, view, now):
            self._counts.pop(rule.name, None)
            return None
        latest = _looked_at(view, now)
        known = self._counts.get(rule.name)
        if known is None:
            known = _Count(now, 1, latest)
        elif latest > known.last:
            known = _Count(known.since, known.looks + 1, latest)
        self._counts[rule.name] = known
        opened = [part.since for part in open_breakers(view) if part.since is not None]
        return Trouble(min([known.since, *opened]), known.looks)


def holds(condition: Comparison | StateIs, view: ServiceView, now: float) -> bool | None:
    """Whether ``condition`` holds for what is shown of a service; None while it is not known."""
    if isinstance(condition, StateIs):
        if view.stale or view.state is State.UNKNOWN:
            return None
        return view.state is condition.state
    value = _figure(view, condition.quantity, now)
    return None if value is None else condition.holds(value)


def open_breakers(service: ServiceView) -> tuple[Component, ...]:
    """The parts behind circuit breakers that its copies report to be open."""
    parts: list[Component] = []
    pending = [part for each in service.instances for part in _parts(each)]
    while pending:
        part = pending.pop()
        pending.extend(part.children)
        if part.breaker == OPEN and part.used:
            parts.append(part)
    return tuple(sorted(parts, key=lambda part: (part.name, part.since or 0.0)))


def _parts(instance: InstanceView) -> tuple[Component, ...]:
    known = instance.report is not None and not instance.stale and instance.fault is None
    return instance.report.components if instance.report and known else ()


def _looked_at(view: ServiceView, now: float) -> float:
    """When a copy was last looked at; the moment itself where other sources report the service."""
    return max((each.taken_at or 0.0 for each in view.instances), default=now)


def _figure(view: ServiceView, quantity: Quantity, now: float) -> float | None:
    named = {str(quantity), quantity.name}
    if quantity.quantile is not None or quantity.function:
        named.discard(quantity.name)
    metric = next((each for each in view.metrics if each.name in named), None)
    if metric is None and quantity.function == "rate":
        metric = next((each for each in view.metrics if each.name == quantity.name), None)
    if metric is not None:
        return None if metric.is_stale(now) else metric.compared
    if view.stale:
        return None
    match quantity.name:
        case "latency":
            figures = dict(
                zip(QUANTILES, (view.latency.p50, view.latency.p95, view.latency.p99), strict=True)
            )
            return figures.get(quantity.quantile or QUANTILES[0])
        case "error_rate":
            return view.error_rate
        case "request_rate":
            return view.request_rate
        case "cpu":
            return view.cpu
        case "memory":
            return None if view.memory is None else float(view.memory)
        case _:
            return None
