"""Reads the figures of services from a recorded tree, without decoding the rest.

Invariant: a figure that the file lacks, because its version did not know it, is None, and so is one
that is no number.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

from opsconsole.engine.recording.codec import Layout
from opsconsole.engine.recording.delta import Tree
from opsconsole.model.past.recording import FleetFigures, ServiceFigures
from opsconsole.model.series import Latency, MetricValue
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State

_STATES: Final = {state.value: state for state in State}
_NUMBERS: Final = frozenset({int, float})
_Get = Callable[[Tree], Any]


class FigureReader:
    """Reads trees of snapshots written in ``layout``."""

    def __init__(self, layout: Layout) -> None:
        def places(owner: type, *names: str) -> Callable[[Tree], list[Any]]:
            written = layout.get(owner.__name__, [])
            indexes = [written.index(name) if name in written else None for name in names]
            return lambda tree: [None if at is None else tree[at] for at in indexes]

        self._services = places(Snapshot, "services")
        self._service = places(
            ServiceView, "name", "state", "since", "latency", "error_rate", "request_rate", "cpu",
            "memory", "metrics", "instances",
        )  # fmt: skip
        self._latency = places(Latency, "last", "p50", "p95", "p99", "origin")
        self._metric = places(MetricValue, "name", "value")
        self._instance = places(InstanceView, "name", "taken_at")

    def fleet(self, at: float, tree: Tree) -> FleetFigures:
        """All services of one tree."""
        (services,) = self._services(tree)
        return FleetFigures(at, dict(map(self._figures, services or ())))

    def _figures(self, tree: Tree) -> tuple[str, ServiceFigures]:
        name, state, since, latency, error_rate, request_rate, cpu, memory, metrics, instances = (
            self._service(tree)
        )
        last, p50, p95, p99, origin = self._latency(latency)
        return name, ServiceFigures(
            state=_STATES.get(state, State.UNKNOWN),
            since=_number(since) or 0.0,
            last=_number(last),
            p50=_number(p50),
            p95=_number(p95),
            p99=_number(p99),
            origin=origin if type(origin) is str else "probe",
            error_rate=_number(error_rate),
            request_rate=_number(request_rate),
            cpu=_number(cpu),
            memory=_number(memory),
            metrics=_pairs(self._metric, metrics),
            looks=_pairs(self._instance, instances),
        )


def _pairs(get: _Get, trees: Iterable[Tree] | None) -> dict[str, Any]:
    return {name: _number(value) for name, value in map(get, trees or ())}


def _number(value: Any) -> Any:
    return value if type(value) in _NUMBERS and math.isfinite(value) else None
