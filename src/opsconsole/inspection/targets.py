"""Whether the URLs of a configuration can be reached, and what their health bodies say.

Invariant: every probe is made as the console makes it, once, within its own timeout. A service that
reports itself down is configured correctly.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.files.problems import KeyPath
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.inspection.finding import Finding, Weight, listed, nearest, of_fault, shown
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.state import State
from opsconsole.sources.health.factory import Asked, probes_of
from opsconsole.sources.health.http_probe import HttpProbe
from opsconsole.sources.http.connector import Connector

AT_ONCE: Final = 64
"""Probes under way at the same time."""

_NOT_SERVED: Final = frozenset({404, 405, 410})


async def check_targets(
    settings: Settings, connector: Connector, clock: Clock, base: Path
) -> list[Finding]:
    """Findings on every probe, and on metrics that are taken out of health answers."""
    room = asyncio.Semaphore(AT_ONCE)

    async def look(service: str, asked: Asked) -> list[Finding]:
        probe = HttpProbe.at_its_url(asked, clock=clock, connector=connector, base=base)
        async with room:
            reading = await probe.collect()
        await probe.close()
        path: KeyPath = ("services", service, "instances", asked.number)
        if reading.fault is not None:
            return [_of_probe(path, asked, reading.fault)]
        assert reading.value is not None  # a reading has a value or a fault
        return _of_report(path, asked, reading.value, service, settings.services[service])

    looked = await asyncio.gather(
        *(look(name, asked) for name in settings.services for asked in probes_of(settings, name))
    )
    return [finding for findings in looked for finding in findings]


def _of_probe(path: KeyPath, asked: Asked, fault: Fault) -> Finding:
    """A target that cannot be reached is an error; one that answers badly may just be down."""
    answers = fault.kind is FaultKind.STATUS and not _is_missing(fault)
    soft = answers or fault.kind in {FaultKind.NOT_UNDERSTOOD, FaultKind.OVERLOADED}
    weight = Weight.WARNING if soft else Weight.ERROR
    return of_fault(path, fault, weight, f"{asked.kind} probe")


def _is_missing(fault: Fault) -> bool:
    """Whether the path is not served, or is served elsewhere."""
    return fault.status is not None and (fault.status in _NOT_SERVED or 300 <= fault.status <= 399)


def _of_report(
    path: KeyPath, asked: Asked, report: HealthReport, name: str, service: Service
) -> list[Finding]:
    found: list[Finding] = []
    if report.state is State.UNKNOWN:
        message = f"{asked.kind} probe: the answer does not say how it is"
        if report.message:
            message = f"{message} ({report.message})"
        remedy = "name the path of its state, health: {state: …}, or say what is ok by expect:"
        found.append(Finding(path, Weight.WARNING, message, remedy))
    if asked.primary:
        found.extend(_of_figures(asked, report, name, service))
    return found


def _of_figures(
    asked: Asked, report: HealthReport, service_name: str, service: Service
) -> list[Finding]:
    found: list[Finding] = []
    for name, metric in service.metrics.items():
        path: KeyPath = ("services", service_name, "metrics", name)
        if metric.json_path is not None and metric.json_path not in report.figures:
            missing = f"the health answer of {shown(str(asked.id))} has no number"
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
