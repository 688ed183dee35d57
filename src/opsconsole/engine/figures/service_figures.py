"""Figures of one service by the names that objectives and rules use.

Invariant: a figure that is stale or not known is None; a declared metric, or a pattern of a log,
takes precedence over a built-in figure of the same name. Times are seconds, sizes bytes, shares
fractions, rates per second.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.config.log_figures import is_value
from opsconsole.config.services import Metric
from opsconsole.engine.figures.host_figures import HOST_FIGURES, of_host
from opsconsole.engine.records.fleet import ServiceRecord
from opsconsole.model.across_copies import combined, deciding
from opsconsole.model.certificate import DAY
from opsconsole.model.running.workloads import Replica
from opsconsole.model.series import Latency, MetricValue, Trace
from opsconsole.model.snapshot import Reporting, first_to_end
from opsconsole.model.state import State
from opsconsole.model.written.expressions import (
    Availability,
    Comparison,
    Expression,
    Quantity,
    StateIs,
)
from opsconsole.model.written.units import base_unit

_NOT_MEASURED: Final = Latency()


def figure(record: ServiceRecord, quantity: Quantity, now: float, unit: str = "") -> float | None:
    """The present figure of ``quantity``; ``unit`` is % where a share of a limit is meant."""
    if quantity.name in record.config.metrics:
        return _declared(record, quantity, now)
    if any(quantity.name in source.patterns for source in record.config.logs):
        return _fresh(record, quantity.name, now)
    if is_value(record.config.logs, quantity.name):
        share = quantity.quantile or 0.5
        return _fresh(record, f"p{share * 100:g}({quantity.name})", now)
    if quantity.name == "latency":
        return record.history.quantile(quantity.quantile or 0.5, now)
    if quantity.name == "memory" and unit == "%":
        return memory_share(record)
    if quantity.name in HOST_FIGURES:
        return of_host(record.host, quantity.name, now, share=unit == "%")
    built_in = _BUILT_IN.get(quantity.name)
    return built_in(record, now) if built_in else None


def holds(record: ServiceRecord, expression: Expression, now: float) -> bool | None:
    """Whether a rule's condition holds; None when that is not known."""
    if isinstance(expression, StateIs):
        return state_is(record, expression.state)
    if isinstance(expression, Availability):
        rate = record.history.error_rate(now, expression.window)
        return None if rate is None else 1 - rate < expression.target
    value, _copy = compared(record, expression, now, alarm=True)
    if value is None or undecided(record, expression, value, now):
        return None
    return expression.holds(value)


def undecided(record: ServiceRecord, comparison: Comparison, value: float, now: float) -> bool:
    """Whether too little was seen for ``value``, the figure, to decide ``comparison``.

    A quantile of few looks is one look's; a sum over copies of which some report nothing is at
    least that much, and decides only what more would not change.
    """
    quantity = comparison.quantity
    metric = _quantile_of(record, quantity)
    if metric is not None and metric.at_least is not None:
        return not _settled(comparison, replace(metric, value=metric.at_least).compared)
    if quantity.name in record.config.metrics:
        return False
    if quantity.name == "latency" and quantity.quantile is not None:
        return record.history.too_few(quantity.quantile, comparison.threshold, now)
    if quantity.name in _SUMS and not reported_by_all(record, _SUMS[quantity.name]):
        return not _settled(comparison, value)
    return False


def _settled(comparison: Comparison, least: float | None) -> bool:
    """Whether a figure of at least ``least`` has decided it: more would not change it."""
    return least is not None and least > comparison.threshold


def _quantile_of(record: ServiceRecord, quantity: Quantity) -> MetricValue | None:
    """The declared quantile that ``quantity`` is, if it is one."""
    share = quantity.quantile or 0.5
    return record.metrics.get(f"p{share * 100:g}({quantity.name})")


def compared(
    record: ServiceRecord, comparison: Comparison, now: float, *, alarm: bool = False
) -> tuple[float | None, str]:
    """The figure that decides ``comparison``, and the copy whose it is, '' where it is none's.

    With ``alarm`` the comparison says what is wrong, else what is right.
    """
    quantity = comparison.quantity
    value = figure(record, quantity, now, comparison.unit)
    metric = record.metrics.get(quantity.name)
    if value is None or metric is None or quantity.name not in record.config.metrics:
        return value, ""
    parts = metric.by_instance
    copy = deciding(metric.across, parts, comparison.operator, alarm=alarm)
    return (value, "") if copy is None else (replace(metric, value=parts[copy]).compared, copy)


def reported_by_all(record: ServiceRecord, of: Callable[[Replica], float | None]) -> bool:
    """Whether every copy that runs reports it."""
    return all(of(each) is not None for each in record.replicas if each.runs)


def reporting(record: ServiceRecord) -> Reporting | None:
    """How many of its copies report their use; None where no copy runs."""
    running = [each for each in record.replicas if each.runs]
    cpus, memories = ([each.cpu for each in running], [each.memory for each in running])
    if not running:
        return None
    return Reporting(
        len(cpus) - cpus.count(None), len(memories) - memories.count(None), len(running)
    )


def cpu(record: ServiceRecord) -> float | None:
    """Cores in use by its copies; None when none of them reports it."""
    seen = [each.cpu for each in record.replicas if each.cpu is not None]
    return sum(seen) if seen else None


def memory(record: ServiceRecord) -> int | None:
    """Bytes in use by its copies; None when none of them reports it."""
    seen = [each.memory for each in record.replicas if each.memory is not None]
    return sum(seen) if seen else None


def memory_share(record: ServiceRecord) -> float | None:
    """The highest use among its copies, as a fraction of the limit."""
    return max(
        (
            each.memory / each.memory_limit
            for each in record.replicas
            if each.memory is not None and each.memory_limit
        ),
        default=None,
    )


def cert_days(record: ServiceRecord, now: float) -> float | None:
    """Days until the first certificate of its instances ends, negative after that."""
    shown = (probe.certificate for each in record.looked_at for probe in each.probes)
    first = first_to_end(shown, now)
    return None if first is None else first.validity.left(now) / DAY


def request_rate(record: ServiceRecord, now: float) -> float | None:
    """Requests per second: the metric ``requests``, else the only counter that is declared."""
    counters = [name for name, metric in record.config.metrics.items() if metric.counter]
    name = "requests" if "requests" in counters else counters[0] if len(counters) == 1 else None
    return None if name is None else _fresh(record, name, now)


def latency(record: ServiceRecord, now: float) -> Latency:
    """The latency that users see if a histogram is declared for it, else the one of the probes.

    The histogram is the metric ``latency``, else the only one that is declared in a unit of time.
    While it is not known no other latency stands in its place: it would be taken for a fall.
    """
    name = _latency_metric(record)
    if not name:
        return record.history.latency(now) if record.looked_at else _NOT_MEASURED
    median, high, highest = (
        _fresh(record, f"{share}({name})", now) for share in ("p50", "p95", "p99")
    )
    return Latency(
        last=median,
        p50=median,
        p95=high,
        p99=highest,
        trace=trace_of(record, f"p95({name})"),
        trace_p50=trace_of(record, f"p50({name})"),
        trace_p99=trace_of(record, f"p99({name})"),
        origin=name,
    )


def body_metrics(record: ServiceRecord) -> Iterator[MetricValue]:
    """Declared metrics from health bodies and headers: of the service, and by instance."""
    for name, metric in record.config.metrics.items():
        if metric.json_path is None and metric.header is None:
            continue
        unit, scale = base_unit(metric.unit)
        parts: dict[str, float] = {}
        latest: float | None = None
        for instance in record.looked_at:
            report = instance.probes[0].report if instance.probes else None
            if report is None or instance.probes[0].fault is not None:
                continue
            if metric.json_path is not None:
                value = report.figures.get(metric.json_path)
            else:
                value = _number(report.headers, metric.header or "")
            if value is not None:
                parts[instance.name] = value * scale
                latest = max(latest or 0.0, instance.probes[0].report_at or 0.0)
        whole = combined(metric.across, tuple(parts.values())) if parts else None
        yield MetricValue(
            record.name, name, whole, unit, latest, parts, origin="health", across=metric.across
        )


def _latency_metric(record: ServiceRecord) -> str:
    metrics = record.config.metrics
    if "latency" in metrics and metrics["latency"].histogram:
        return "latency"
    timed = [name for name, each in metrics.items() if each.histogram and _is_time(each)]
    return timed[0] if len(timed) == 1 else ""


def _is_time(metric: Metric) -> bool:
    return base_unit(metric.unit)[0] == "s"


def trace_of(record: ServiceRecord, name: str) -> Trace | None:
    """The history of a metric's figure."""
    metric = record.metrics.get(name)
    return metric.trace if metric else None


def _declared(record: ServiceRecord, quantity: Quantity, now: float) -> float | None:
    metric = record.config.metrics[quantity.name]
    if metric.histogram:
        share = quantity.quantile or 0.5
        return _fresh(record, f"p{share * 100:g}({quantity.name})", now)
    return _fresh(record, quantity.name, now)


def _fresh(record: ServiceRecord, name: str, now: float) -> float | None:
    metric = record.metrics.get(name)
    return None if metric is None or metric.is_stale(now) else metric.compared


def state_is(record: ServiceRecord, state: State) -> bool | None:
    """Whether the service is in ``state``; None while that is not known."""
    seen = record.judgement.state
    if seen is State.UNKNOWN and state is not State.UNKNOWN:
        return None
    return seen is state


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        return float(headers.get(name.lower(), ""))
    except ValueError:
        return None


_BUILT_IN: Final[Mapping[str, Callable[[ServiceRecord, float], float | None]]] = {
    "error_rate": lambda record, now: record.history.error_rate(now),
    "request_rate": request_rate,
    "cpu": lambda record, now: cpu(record),
    "memory": lambda record, now: memory(record),
    "restarts": lambda record, now: _restarts(record),
    "cert_days": cert_days,
}


_SUMS: Final[Mapping[str, Callable[[Replica], float | None]]] = {
    "cpu": lambda each: each.cpu,
    "memory": lambda each: each.memory,
    "restarts": lambda each: each.restarts,
}
"""What is the sum of what its copies report."""


def _restarts(record: ServiceRecord) -> float | None:
    seen = [each.restarts for each in record.replicas if each.restarts is not None]
    return float(sum(seen)) if seen else None
