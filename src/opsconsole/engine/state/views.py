"""Records as the snapshot shows them. Pure except for the clock that is passed in.

Invariant: a view says what was seen: its state is after thresholds, its fault is that of the latest
look, and what is stale is UNKNOWN.
"""

from dataclasses import replace

from opsconsole.engine.figures import service_figures as figures
from opsconsole.engine.figures.objectives import attainment
from opsconsole.engine.judge.scaling import described
from opsconsole.engine.judge.service import Judgement, judge_replica
from opsconsole.engine.records.fleet import InstanceRecord, ProbeRecord, ServiceRecord
from opsconsole.engine.records.replica_book import UNREAD, Copies, Lack
from opsconsole.model.diagnosis import NO_DIAGNOSIS, Diagnosis
from opsconsole.model.running.workloads import Replica
from opsconsole.model.snapshot import (
    CertificateView,
    InstanceView,
    ProbeView,
    ServiceView,
    first_to_end,
)
from opsconsole.model.state import State


def instance_view(instance: InstanceRecord) -> InstanceView:
    """One configured instance."""
    first = instance.probes[0] if instance.probes else None
    judgement = instance.judgement
    wrong = min(
        (each for each in instance.probes if each.wrong_at is not None),
        key=lambda probe: probe.wrong_at or 0.0,
        default=None,
    )
    return InstanceView(
        service=instance.service.name,
        name=instance.name,
        url=instance.url,
        state=judgement.state,
        since=instance.since,
        taken_at=first.taken_at if first else _answered_at(instance),
        stale=any(probe.stale for probe in instance.probes),
        flapping=judgement.flapping,
        report=first.report if first else None,
        report_at=first.report_at if first else None,
        fault=next((probe.fault for probe in instance.probes if probe.fault), None),
        probes=tuple(_probe_view(probe) for probe in instance.probes),
        latency=first.took if first and first.fault is None else None,
        runs_as=instance.runs_as,
        replicas=tuple(each.id for each in instance.replicas),
        reason=judgement.reason,
        origin=instance.origin,
        wrong_at=wrong.wrong_at if wrong else None,
        well_at=wrong.well_at if wrong else None,
        at_least=instance.at_least,
        certificate=_certificate(instance),
    )


def _certificate(instance: InstanceRecord) -> CertificateView | None:
    """The one that ends first of those that its probes were shown; not one that is stale beside
    another."""
    shown = [each.certificate for each in instance.probes if each.certificate is not None]
    return first_to_end(shown, max((each.seen_at for each in shown), default=0.0))


def replica_instances(record: ServiceRecord) -> tuple[InstanceView, ...]:
    """A service without URLs consists of its replicas: those found, and those named but not
    found."""
    copies = record.copies
    if copies is None:
        return ()
    found = [_copy_view(record, copies, each) for each in copies.replicas]
    lacking = [_lacking_view(record, each) for each in copies.lacking]
    return (*found, *lacking)


def _copy_view(record: ServiceRecord, copies: Copies, replica: Replica) -> InstanceView:
    """A copy as its place reports it, and as it answered where it is asked itself."""
    pod = record.pods.get(replica.id)
    if pod is not None and pod.view is not None:
        stale = pod.view.stale or copies.is_stale(replica.place)
        return replace(pod.view, stale=stale, replicas=(replica.id,), origin=record.config.origin)
    view = _replica_view(record, copies, replica)
    fault = record.unasked.get(replica.place.name)
    if fault is None or view.state is not State.OK:
        return view
    return replace(view, state=State.UNKNOWN, reason=str(fault), fault=fault)


def judgement_of(copies: Copies, replica: Replica) -> Judgement:
    """What a replica's own engine reports of it; unknown if that has not answered recently."""
    if copies.is_stale(replica.place):
        return Judgement(State.UNKNOWN, f"{replica.place.name} {UNREAD}")
    return judge_replica(replica, meant=copies.meant)


def service_view(
    record: ServiceRecord,
    instances: tuple[InstanceView, ...],
    now: float,
    unexplained: Diagnosis = NO_DIAGNOSIS,
) -> ServiceView:
    """One service with everything that is known about it but its diagnosis."""
    judgement, history = record.judgement, record.history
    return ServiceView(
        name=record.name,
        state=judgement.state,
        since=record.since,
        instances=instances,
        group=record.config.group,
        origin=record.config.origin,
        stale=bool(instances) and all(instance.stale for instance in instances),
        flapping=judgement.flapping,
        reason=judgement.reason,
        latency=figures.latency(record, now),
        error_rate=history.error_rate(now),
        request_rate=figures.request_rate(record, now),
        cpu=figures.cpu(record),
        memory=figures.memory(record),
        reporting=figures.reporting(record),
        replicas=tuple(each.id for each in record.replicas),
        diagnosis=unexplained,
        workloads=tuple(each.id for each in record.copies.workloads) if record.copies else (),
        metrics=tuple(record.metrics.values()),
        objectives=tuple(
            attainment(record, text, expression, now) for text, expression in record.objectives
        ),
        state_trace=history.state_trace(now),
        depends_on=record.config.depends_on,
        actions=record.actions,
        actions_asked=record.acts and not record.actions,
        version=_version(instances),
        advice=_advice(record, instances, now),
        at_least=record.at_least,
        environment=record.config.environment or "",
        team=record.config.team,
        places=_places(record),
    )


def _places(record: ServiceRecord) -> tuple[str, ...]:
    """Where its copies run, by what reports them; else the hosts of their URLs, and its own."""
    if record.replicas:
        return tuple(sorted({each.place.name for each in record.replicas}))
    at = record.host
    own = {at.host.name} if at is not None and at.elsewhere else set()
    return tuple(sorted({each.on for each in record.instances if each.on} | own))


def _advice(
    record: ServiceRecord, instances: tuple[InstanceView, ...], now: float
) -> tuple[str, ...]:
    """How many copies it should have, from the use of each copy."""
    watch = record.scaling
    declared = record.copies.workloads if record.copies is not None else ()
    copies = sum(each.running for each in declared) or len(instances)
    autoscaler = next((each.autoscaler for each in declared if each.autoscaler), None)
    if watch is None or not copies:
        return () if autoscaler is None else (described(autoscaler),)
    whole = figures.reported_by_all(record, lambda each: each.cpu)
    cpu, rate = figures.cpu(record) if whole else None, figures.request_rate(record, now)
    watch.note(
        now,
        cpu=None if cpu is None else cpu / copies,
        memory=figures.memory_share(record),
        requests=None if rate is None else rate / copies,
    )
    return watch.advice(now, copies, autoscaler)


def _probe_view(probe: ProbeRecord) -> ProbeView:
    return ProbeView(
        probe.kind, probe.url, probe.judged.state, probe.taken_at, probe.took, probe.fault
    )


def _replica_view(record: ServiceRecord, copies: Copies, replica: Replica) -> InstanceView:
    judgement = judgement_of(copies, replica)
    return InstanceView(
        service=record.name,
        name=replica.name,
        url="",
        state=judgement.state,
        since=replica.finished_at or replica.started_at or record.since,
        taken_at=copies.answered_at(replica.place),
        stale=copies.is_stale(replica.place),
        runs_as=replica.name,
        replicas=(replica.id,),
        reason=judgement.reason,
        origin=record.config.origin,
    )


def _lacking_view(record: ServiceRecord, lack: Lack) -> InstanceView:
    """What was never read is unknown: there is nothing of it that could be old."""
    name, judgement = lack.name, lack.judgement
    return InstanceView(
        service=record.name,
        name=name,
        url="",
        state=judgement.state,
        since=record.since,
        stale=judgement.state is State.UNKNOWN and not lack.never,
        runs_as=name,
        reason=judgement.reason,
        origin=record.config.origin,
    )


def _answered_at(instance: InstanceRecord) -> float | None:
    copies = instance.service.copies
    if copies is None:
        return None
    return min(
        (at for each in instance.replicas if (at := copies.answered_at(each.place)) is not None),
        default=None,
    )


def _version(instances: tuple[InstanceView, ...]) -> str:
    """The version that all report, or all the versions reported."""
    seen = {each.report.version for each in instances if each.report and each.report.version}
    return ", ".join(sorted(seen)[:3])
