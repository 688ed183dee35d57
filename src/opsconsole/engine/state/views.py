"""Records as the snapshot shows them. Pure but for the clock that is passed in.

Invariant: a view says what was seen: its state is after thresholds, its fault is of the latest
look, and what is stale is UNKNOWN.
"""

from opsconsole.engine.figures import service_figures as figures
from opsconsole.engine.figures.objectives import attainment
from opsconsole.engine.judge.service import Verdict, judge_container
from opsconsole.engine.state.fleet import InstanceRecord, ProbeRecord, ServiceRecord
from opsconsole.model.resources import Container
from opsconsole.model.snapshot import InstanceView, ProbeView, ServiceView
from opsconsole.model.state import State

NO_DOCKER = "Docker has not answered"


def instance_view(instance: InstanceRecord) -> InstanceView:
    """One configured instance."""
    first = instance.probes[0] if instance.probes else None
    verdict = instance.verdict
    return InstanceView(
        service=instance.service.name,
        name=instance.name,
        url=instance.url,
        state=verdict.state,
        since=instance.since,
        taken_at=first.taken_at if first else instance.service.containers_at,
        stale=any(probe.stale for probe in instance.probes),
        flapping=verdict.flapping,
        report=first.report if first else None,
        report_at=first.report_at if first else None,
        fault=next((probe.fault for probe in instance.probes if probe.fault), None),
        probes=tuple(_probe_view(probe) for probe in instance.probes),
        latency=first.took if first and first.fault is None else None,
        container=instance.container,
        reason=verdict.reason,
    )


def container_instances(record: ServiceRecord) -> tuple[InstanceView, ...]:
    """A service without URLs is its containers: those found, and those that are named in vain."""
    if record.containers is None:
        return ()
    found = [_container_view(record, each.name, each) for each in record.containers]
    missing = [_container_view(record, name, None) for name in record.missing]
    return (*found, *missing)


def service_view(
    record: ServiceRecord, instances: tuple[InstanceView, ...], now: float
) -> ServiceView:
    """One service with everything that is known of it."""
    verdict, history = record.verdict, record.history
    return ServiceView(
        name=record.name,
        state=verdict.state,
        since=record.since,
        instances=instances,
        group=record.config.group,
        stale=bool(instances) and all(instance.stale for instance in instances),
        flapping=verdict.flapping,
        reason=verdict.reason,
        latency=figures.latency(record, now),
        error_rate=history.error_rate(now),
        request_rate=figures.request_rate(record, now),
        cpu=figures.cpu(record),
        memory=figures.memory(record),
        containers=tuple(each.name for each in record.containers or ()),
        metrics=tuple(record.metrics.values()),
        objectives=tuple(
            attainment(record, text, expression, now) for text, expression in record.objectives
        ),
        state_trace=history.state_trace(now),
        depends_on=record.config.depends_on,
        actions=record.actions,
        version=_version(instances),
        advice=_advice(record, instances, now),
    )


def _advice(
    record: ServiceRecord, instances: tuple[InstanceView, ...], now: float
) -> tuple[str, ...]:
    """How many copies it should have, by what each of them uses."""
    watch = record.scaling
    copies = sum(each.running for each in record.swarm) or len(instances)
    if watch is None or not copies:
        return ()
    cpu, rate = figures.cpu(record), figures.request_rate(record, now)
    watch.note(
        now,
        cpu=None if cpu is None else cpu / copies,
        memory=figures.memory_share(record),
        requests=None if rate is None else rate / copies,
    )
    return watch.advice(now, copies)


def _probe_view(probe: ProbeRecord) -> ProbeView:
    return ProbeView(
        probe.kind, probe.url, probe.judged.state, probe.taken_at, probe.took, probe.fault
    )


def _container_view(record: ServiceRecord, name: str, container: Container | None) -> InstanceView:
    verdict = judge_container(container, name)
    if record.containers_stale:
        verdict = Verdict(State.UNKNOWN, NO_DOCKER)
    since = record.since
    if container is not None:
        since = container.finished_at or container.started_at or since
    return InstanceView(
        service=record.name,
        name=name,
        url="",
        state=verdict.state,
        since=since,
        taken_at=record.containers_at,
        stale=record.containers_stale,
        container=name,
        reason=verdict.reason,
    )


def _version(instances: tuple[InstanceView, ...]) -> str:
    """The version that all report, or the several that they do."""
    seen = {each.report.version for each in instances if each.report and each.report.version}
    return ", ".join(sorted(seen)[:3])
