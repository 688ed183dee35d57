"""What is known beside a service's own copies and looks: goals, alerts, hosts. Pure."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from opsconsole.engine.judge.diagnosis.known import Known
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression
from opsconsole.model.diagnosis import Checked, Fact, FactCode, Unknown
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.source_id import SourceKind
from opsconsole.model.state import State

FULL: Final = 0.97
"""The part of a disk in use from which on programs cannot write: a file system keeps a reserve."""

SHORT_OF_MEMORY: Final = 0.97
BUSY: Final = 0.9
"""The part in use below which memory, processors and disks are ruled out."""


def goal_facts(service: ServiceView) -> Iterator[Fact]:
    """Objectives that are missed."""
    for each in service.objectives:
        if each.met is False:
            yield Fact(
                FactCode.OBJECTIVE_MISSED,
                None,
                each.objective,
                figure=each.actual,
                limit=each.target,
                unit=each.unit,
                source=each.origin,
            )


def alert_facts(service: ServiceView, known: Known) -> Iterator[Fact]:
    """Alerts that fire and are no consequence of another, and what is silenced."""
    firing = [
        each
        for each in known.alerts.get(service.name, ())
        if each.state is AlertState.FIRING and each.severity is not Severity.NONE
    ]
    names = Counter(each.name for each in firing)
    for each in firing:
        if not each.quiet and not each.cause:
            yield Fact(
                FactCode.ALERT,
                each.since,
                each.name,
                after=each.summary,
                part=each.instance if names[each.name] > 1 else "",
                state=State.DOWN if each.severity is Severity.CRITICAL else State.DEGRADED,
                until=each.seen_at,
                source=", ".join(sorted(source.label for source in each.sources)),
            )
    hushed = [each for each in firing if each.quiet and _decided(each)]
    if hushed:
        yield _silenced(hushed)


def _silenced(alerts: list[Alert]) -> Fact:
    ways = [each for alert in alerts for each in _decided(alert)]
    ends = [each.ends_at for each in ways if each.ends_at is not None]
    authors = sorted({each.by for each in ways if each.by})
    return Fact(
        FactCode.ALERTS_SILENCED,
        None,
        ", ".join(sorted({each.name for each in alerts})),
        len(alerts),
        by=", ".join(authors),
        until=max(ends, default=None),
    )


def _decided(alert: Alert) -> list[Suppression]:
    """Why it is quiet by somebody's decision: what another alert inhibits is nobody's."""
    return [each for each in alert.suppressions if each.kind != "inhibition"]


def host_facts(service: ServiceView, known: Known) -> Iterator[Fact]:
    """Hosts of the service that have no room left, or a certificate that ends."""
    for seen in known.stands_on(service):
        host = seen.host
        for disk in host.disks:
            if disk.share >= FULL:
                yield Fact(FactCode.DISK_FULL, None, disk.mount, figure=disk.share, by=host.name)
        if host.memory_total and host.memory_used / host.memory_total >= SHORT_OF_MEMORY:
            share = host.memory_used / host.memory_total
            yield Fact(FactCode.HOST_MEMORY, None, host.name, figure=share)
        for each in host.certificates:
            if each.validity is not None and each.state(known.now) is State.DOWN:
                left, ends = each.validity.left(known.now), each.validity.ends
                code, whose = FactCode.HOST_CERTIFICATE, each.subject or each.path
                yield Fact(code, None, whose, figure=left, until=ends, by=host.name)


def well(service: ServiceView, known: Known, changed: frozenset[FactCode]) -> Iterator[Checked]:
    """What was read, and recently, and found to be well; ``changed`` is what was changed."""
    hosts = [seen.host for seen in known.stands_on(service)]
    if hosts:
        if all(each.memory_total and each.memory_used / each.memory_total < BUSY for each in hosts):
            yield Checked.HOST_MEMORY
        if all(each.cpu < BUSY for each in hosts):
            yield Checked.HOST_CPU
        if all(each.disks and all(disk.share < BUSY for disk in each.disks) for each in hosts):
            yield Checked.HOST_DISK
    needed = [known.services.get(name) for name in service.depends_on]
    if needed and all(
        each is not None and each.state is State.OK and not each.stale for each in needed
    ):
        yield Checked.DEPENDENCIES
    if known.copies(service):
        if not changed & {FactCode.IMAGE_CHANGED, FactCode.VERSION_CHANGED}:
            yield Checked.IMAGE
        if FactCode.CONFIGURATION_CHANGED not in changed:
            yield Checked.CONFIGURATION


_TELLS: Final = {
    SourceKind.HOST: "host",
    SourceKind.DOCKER: "containers",
    SourceKind.SYSTEMD: "units",
    SourceKind.PROMETHEUS: "metrics and alerts",
    SourceKind.ALERTMANAGER: "silences and alerts",
    SourceKind.SCRAPE: "figures",
}


def unread(known: Known) -> Iterator[Unknown]:
    """What could not be looked at because its source does not answer."""
    for each in known.sources:
        what = _TELLS.get(each.id.kind)
        if what is not None and each.fault is not None:
            yield Unknown(f"{what} ({each.name})", str(each.fault))
