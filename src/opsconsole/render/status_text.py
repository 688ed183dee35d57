"""A snapshot as a few lines of plain text, for ``status`` and for terminals that cannot draw.

Invariant: failing services come first; a line can be understood without colour; lines are short
enough for ``grep``.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.health import failing
from opsconsole.model.running.workloads import Replica
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot, SourceView
from opsconsole.model.state import State
from opsconsole.render.ink.figures import one_unit
from opsconsole.render.service.standing import seen_standing, standing
from opsconsole.render.service.why import why

NOTHING_WATCHED: Final = "no service is configured or found"
_WHY: Final = 200
"""Cells of a line's reason: a line for ``grep`` is not cut where a screen would cut it."""


def status_lines(snapshot: Snapshot, services: Sequence[ServiceView], now: float) -> Iterator[str]:
    """Services, then firing alerts, then sources that could not be read."""
    width = max((len(service.name) for service in services), default=0)
    for service in sorted(services, key=lambda each: (-seen_standing(each).urgency, each.name)):
        yield _service_line(service, width)
        yield from (_instance_line(each) for each in service.instances if _tells(service, each))
    if not services:
        yield from _host_lines(snapshot)
    for alert in snapshot.alerts:
        if alert.state is AlertState.FIRING:
            quiet = " (silenced)" if alert.quiet else ""
            where = f" {alert.service}" if alert.service else ""
            yield (
                f"alert {alert.severity} {one_unit(now - alert.since)} {alert.name}{where}"
                f"{quiet}: {alert.summary}"
            )
    yield from (_source_line(source) for source in snapshot.sources if source.fault)


def _service_line(service: ServiceView, width: int) -> str:
    count = f"{service.ok_instances}/{len(service.instances)}" if service.instances else "-"
    latency = f"p95 {one_unit(service.latency.p95)}" if service.latency.p95 is not None else ""
    stands = standing(service)
    head = f"{stands.glyph} {stands:<8} {service.name:<{width}}"
    said = why(service, _WHY)
    return f"{head}  {count:>5}  {latency:<10} {said}".rstrip()


def _tells(service: ServiceView, instance: InstanceView) -> bool:
    """Whether an instance adds anything to its service's line."""
    return len(service.instances) > 1 and instance.state is not State.OK


def _instance_line(instance: InstanceView) -> str:
    reason = instance.reason or (str(instance.fault) if instance.fault else "")
    if not reason and instance.report:
        reason = ", ".join(
            f"{part.name} {part.state}" for part in failing(instance.report.components)
        )
    return f"    {instance.state.glyph} {instance.state} {instance.name}: {reason}"


def _host_lines(snapshot: Snapshot) -> Iterator[str]:
    for seen in snapshot.hosts:
        host = seen.host
        share = host.memory_used / host.memory_total if host.memory_total else 0.0
        where = f"{host.name}, {host.platform}" if host.platform else host.name
        yield (
            f"host {where}: cpu {host.cpu:.0%}, memory {share:.0%}, "
            + ", ".join(f"{disk.mount} {disk.share:.0%}" for disk in host.disks)
        )
    found = [_replica_line(replica) for replica, _ in snapshot.replicas()]
    yield from found or (f"{NOTHING_WATCHED}: 'opsconsole init' writes a first configuration",)


def _replica_line(replica: Replica) -> str:
    ports = ", ".join(
        f"{port.public}->{port.private}/{port.protocol}" for port in replica.ports if port.public
    )
    detail = replica.detail or replica.health or replica.status
    line = f"{replica.state.glyph} {replica.state:<8} {replica.name}  {replica.image}"
    return f"{line}  {detail}  {ports}".rstrip()


def _source_line(source: SourceView) -> str:
    hint = f" ({source.fault.hint})" if source.fault and source.fault.hint else ""
    where = f"{source.name} {source.endpoint}".rstrip()
    return f"source {where}: {source.fault}{hint}"
