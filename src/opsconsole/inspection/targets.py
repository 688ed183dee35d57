"""Whether the URLs of a configuration can be reached, and what their health bodies say.

Invariant: every probe is made as the console makes it, once, within its own timeout. A service
that says of itself that it is down is well configured.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.problems import KeyPath
from opsconsole.config.services import Health, Service
from opsconsole.config.settings import Settings
from opsconsole.engine.state.fleet import interval_of, join_url, probe_id, probe_paths
from opsconsole.inspection.finding import Finding, Weight, listed, nearest, of_fault, shown
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.state import State
from opsconsole.sources.health.http_probe import HttpProbe
from opsconsole.sources.http.connector import Connector

AT_ONCE: Final = 64
"""Probes under way at the same time."""

_NOT_SERVED: Final = frozenset({404, 405, 410})


@dataclass(frozen=True, slots=True)
class _Probe:
    service: str
    path: KeyPath
    kind: ProbeKind
    source: HttpProbe
    primary: bool


async def check_targets(
    settings: Settings, connector: Connector, clock: Clock, base: Path
) -> list[Finding]:
    """Findings on every probe, and on metrics that are taken out of health answers."""
    room = asyncio.Semaphore(AT_ONCE)

    async def look(probe: _Probe) -> list[Finding]:
        async with room:
            reading = await probe.source.collect()
        await probe.source.close()
        if reading.fault is not None:
            return [_of_probe(probe, reading.fault)]
        assert reading.value is not None  # a reading has a value or a fault
        service = settings.services[probe.service]
        return _of_report(probe, reading.value, service)

    probes = _probes(settings, connector, clock, base)
    looked = await asyncio.gather(*(look(probe) for probe in probes))
    return [finding for findings in looked for finding in findings]


def _probes(settings: Settings, connector: Connector, clock: Clock, base: Path) -> list[_Probe]:
    found: list[_Probe] = []
    for name, service in settings.services.items():
        names = settings.instance_names(name)
        for number, (instance, called) in enumerate(zip(service.instances, names, strict=True)):
            for order, (kind, path) in enumerate(probe_paths(service)):
                main = kind is ProbeKind.HEALTH and service.health is not None
                source = HttpProbe(
                    source=probe_id(name, called, kind),
                    kind=kind,
                    url=join_url(instance.url, path),
                    health=service.health if main and service.health else Health(path=path),
                    http=service.http,
                    interval=interval_of(settings, service),
                    timeout=service.timeout or settings.defaults.timeout,
                    clock=clock,
                    connector=connector,
                    base=base,
                )
                where: KeyPath = ("services", name, "instances", number)
                found.append(_Probe(name, where, kind, source, order == 0))
    return found


def _of_probe(probe: _Probe, fault: Fault) -> Finding:
    """A target that fails is an error; one that answers, and badly, may well be down."""
    answers = fault.kind is FaultKind.STATUS and not _is_missing(fault)
    soft = answers or fault.kind in {FaultKind.NOT_UNDERSTOOD, FaultKind.OVERLOADED}
    weight = Weight.WARNING if soft else Weight.ERROR
    return of_fault(probe.path, fault, weight, f"{probe.kind} probe")


def _is_missing(fault: Fault) -> bool:
    """Whether the path is not served there, or is served elsewhere."""
    return fault.status is not None and (fault.status in _NOT_SERVED or 300 <= fault.status <= 399)


def _of_report(probe: _Probe, report: HealthReport, service: Service) -> list[Finding]:
    found: list[Finding] = []
    if report.state is State.UNKNOWN:
        message = f"{probe.kind} probe: the answer does not say how it is"
        if report.message:
            message = f"{message} ({report.message})"
        remedy = "name the path of its state, health: {state: …}, or say what is ok by expect:"
        found.append(Finding(probe.path, Weight.WARNING, message, remedy))
    if probe.primary:
        found.extend(_of_figures(probe, report, service))
    return found


def _of_figures(probe: _Probe, report: HealthReport, service: Service) -> list[Finding]:
    found: list[Finding] = []
    for name, metric in service.metrics.items():
        path: KeyPath = ("services", probe.service, "metrics", name)
        if metric.json_path is not None and metric.json_path not in report.figures:
            missing = f"the health answer of {shown(str(probe.source.id))} has no number"
            message = f"{missing} {metric.json_path}"
            found.append(_missing((*path, "json"), message, metric.json_path, report.figures))
        if metric.header is not None and not _has_number(report.headers, metric.header):
            message = f"the health answer has no header {metric.header} with a number"
            found.append(_missing((*path, "header"), message, metric.header, report.headers))
    return found


def _has_number(headers: Mapping[str, str], name: str) -> bool:
    try:
        float(headers.get(name.lower(), ""))
    except ValueError:
        return False
    return True


def _missing(path: KeyPath, message: str, word: str, known: Mapping[str, object]) -> Finding:
    near = nearest(word, known)
    remedy = f"did you mean {shown(near)!r}?" if near and near != word else ""
    if not remedy and known:
        remedy = f"there is {listed(known)}"
    return Finding(path, Weight.ERROR if near else Weight.WARNING, message, remedy)
