"""A snapshot as a JSON document for scripts.

Invariant: ``version`` grows when a key changes its meaning or is removed; otherwise keys are only
added. Times are Unix seconds, durations seconds, shares fractions; every part has its age; an
unknown value is null, never zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

from opsconsole.model.certificate import DAY
from opsconsole.model.events import Event
from opsconsole.model.fault import Fault
from opsconsole.model.health import Component
from opsconsole.model.operation import Group, Operation, Plan, Refusal
from opsconsole.model.origin import Origin
from opsconsole.model.running.hosts import HostView, Pressure
from opsconsole.model.running.nodes import ClusterNode
from opsconsole.model.running.troubles import Trouble
from opsconsole.model.running.workloads import Autoscaler, EngineView, Replica, Workload
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import (
    CertificateView,
    InstanceView,
    ProbeView,
    ServiceView,
    Snapshot,
    SourceView,
)
from opsconsole.model.state import exit_code
from opsconsole.render.json.alerts import alert_document, silence_document
from opsconsole.render.json.automation import automation_document, maintenance_document
from opsconsole.render.json.diagnosis import diagnosis_document
from opsconsole.render.json.host_certificates import host_certificate
from opsconsole.render.json.team import team_document
from opsconsole.render.service.why import LONGEST, why
from opsconsole.render.timeline.words import words

VERSION: Final = 2

Document = dict[str, object]


def status_document(snapshot: Snapshot, services: Sequence[ServiceView], now: float) -> Document:
    """The document of ``status --json`` for ``services`` of ``snapshot``."""
    place = snapshot.environment
    return {
        "version": VERSION,
        "at": _round(snapshot.taken_at),
        "age": _age(snapshot.taken_at, now),
        "environment": {"name": place.name, "danger": place.danger, "platform": place.platform},
        "state": exit_code(service.counts_as for service in services).name.lower(),
        "read_only": snapshot.read_only,
        "services": [_service(service, now) for service in services],
        "alerts": [alert_document(alert, now) for alert in snapshot.alerts],
        "silences": [silence_document(silence) for silence in snapshot.silences],
        "resources": {
            "hosts": [_host(each, now) for each in snapshot.hosts],
            "engines": [_engine(each, now) for each in snapshot.engines],
        },
        "sources": [_source(source, now) for source in snapshot.sources],
        "operations": [operation_document(operation) for operation in snapshot.operations],
        "automation": None
        if snapshot.automation is None
        else automation_document(snapshot.automation),
        "maintenances": [maintenance_document(each, now) for each in snapshot.maintenances],
        "events": [event_document(event) for event in snapshot.events],
        "notices": list(snapshot.notices),
        **team_document(snapshot),
    }


def operation_document(operation: Operation) -> Document:
    """One operation, as ``operations --json`` prints it."""
    return {
        "id": operation.id,
        "service": operation.service,
        "action": operation.kind.value,
        "name": operation.name,
        "state": operation.state.value,
        "who": operation.who,
        "host": operation.host,
        "reason": operation.reason,
        "summary": operation.summary,
        "corrected": operation.corrected,
        "started_at": _round(operation.started_at),
        "ended_at": _round(operation.ended_at),
        "ends_at": _round(operation.ends_at),
        "rollback_at": _round(operation.rollback_at),
        "rollback": operation.rollback,
        "steps": [
            {"summary": step.summary, "state": step.state, "detail": step.detail}
            for step in operation.steps
        ],
        "evidence": list(operation.evidence),
        "next_steps": list(operation.next_steps),
        "group": None if operation.group is None else _group(operation.group),
    }


def _group(group: Group) -> Document:
    """Which of several operations that were confirmed at once one is."""
    return {
        "id": group.id,
        "number": group.number,
        "count": group.count,
        "then": list(group.then),
    }


def refusal_document(refusal: Refusal, service: str = "") -> Document:
    """Why something was not begun, and what would lift it; of which service where there are
    several."""
    document: Document = {"service": service} if service else {}
    return {
        **document,
        "refused": refusal.code,
        "message": refusal.message,
        "lifted_by": refusal.lifted_by,
    }


def plan_document(plan: Plan) -> Document:
    """One plan, as ``--dry-run --json`` prints it."""
    return {
        "id": plan.id,
        "service": plan.service,
        "action": plan.kind.value,
        "name": plan.name,
        "environment": plan.environment,
        "danger": plan.danger,
        "confirm": plan.confirm.value,
        "steps": [
            {"summary": step.summary, "driver": step.driver, "target": step.target}
            for step in plan.steps
        ],
        "copies": [
            {"name": each.name, "state": each.state.value, "chosen": each.chosen}
            for each in plan.copies
        ],
        "fingerprint": dict(plan.fingerprint),
        "warnings": list(plan.warnings),
        "verification": list(plan.verification),
        "undo": plan.undo,
        "rollback_after": _round(plan.rollback_after) if plan.auto_rollback else None,
        "context": list(plan.context),
        "last_outcome": plan.last_outcome,
        "usual_duration": _round(plan.usual_duration),
        "ends_at": _round(plan.ends_at),
    }


def _service(service: ServiceView, now: float) -> Document:
    latency = service.latency
    return {
        "name": service.name,
        "origin": _origin(service.origin),
        "group": service.group,
        "state": service.state.value,
        "since": _round(service.since),
        "at_least": service.at_least,
        "reason": service.reason,
        "why": why(service, LONGEST),
        "missed": service.missed,
        "diagnosis": diagnosis_document(service.diagnosis),
        "stale": service.stale,
        "flapping": service.flapping,
        "version": service.version,
        "depends_on": list(service.depends_on),
        "latency": {
            "last": _round(latency.last),
            "p50": _round(latency.p50),
            "p95": _round(latency.p95),
            "p99": _round(latency.p99),
            "origin": latency.origin,
        },
        "error_rate": _round(service.error_rate),
        "request_rate": _round(service.request_rate),
        "cpu": _round(service.cpu),
        "memory": service.memory,
        "reporting": None if service.reporting is None else asdict(service.reporting),
        "cert_days": _days_left(service.certificate(now), now),
        "metrics": [_metric(metric, now) for metric in service.metrics],
        "objectives": [
            {
                "objective": each.objective,
                "actual": _round(each.actual),
                "target": _round(each.target),
                "unit": each.unit,
                "met": each.met,
                "budget_left": _round(each.budget_left),
                "burn_rate": _round(each.burn_rate),
                "budget_seconds": _round(each.budget_seconds),
                "burning": each.burning,
                "seen": _round(each.seen),
                "origin": each.origin,
                "closeness": _round(each.closeness),
                "trend": each.trend,
                "copy": each.copy,
            }
            for each in service.objectives
        ],
        "instances": [_instance(instance, now) for instance in service.instances],
        "replicas": list(service.replicas),
        "advice": list(service.advice),
    }


def _origin(origin: Origin) -> Document:
    return {
        "declared": origin.declared,
        "found_by": None if origin.found_by is None else str(origin.found_by),
        "evidence": origin.evidence,
    }


def _instance(instance: InstanceView, now: float) -> Document:
    report = instance.report
    return {
        "name": instance.name,
        "origin": _origin(instance.origin),
        "url": instance.url,
        "state": instance.state.value,
        "since": _round(instance.since),
        "at_least": instance.at_least,
        "age": _age(instance.taken_at, now),
        "stale": instance.stale,
        "flapping": instance.flapping,
        "reason": instance.reason,
        "latency": _round(instance.latency),
        "fault": _fault(instance.fault),
        "certificate": _certificate(instance.certificate, now),
        "runs_as": instance.runs_as,
        "replicas": list(instance.replicas),
        "version": report.version if report else "",
        "message": report.message if report else "",
        "format": report.format if report else "",
        "components": [_component(part) for part in report.components] if report else [],
        "probes": [_probe(probe, now) for probe in instance.probes],
    }


def _certificate(shown: CertificateView | None, now: float) -> Document | None:
    if shown is None:
        return None
    return {
        "starts_at": _round(shown.validity.starts),
        "ends_at": _round(shown.validity.ends),
        "days": _days_left(shown, now),
        "age": _age(shown.seen_at, now),
        "stale": shown.is_stale(now),
    }


def _days_left(shown: CertificateView | None, now: float) -> float | None:
    return None if shown is None else _round(shown.validity.left(now) / DAY)


def _component(component: Component) -> Document:
    return {
        "name": component.name,
        "state": component.state.value,
        "message": component.message,
        "latency": _round(component.latency),
        "components": [_component(child) for child in component.children],
    }


def _probe(probe: ProbeView, now: float) -> Document:
    return {
        "kind": probe.kind.value,
        "url": probe.url,
        "state": probe.state.value,
        "age": _age(probe.taken_at, now),
        "took": _round(probe.took),
        "fault": _fault(probe.fault),
    }


def _metric(metric: MetricValue, now: float) -> Document:
    return {
        "name": metric.name,
        "value": _round(metric.value),
        "unit": metric.unit,
        "age": _age(metric.at, now),
        "stale": metric.is_stale(now),
        "origin": metric.origin,
        "by_instance": _rounded(metric.by_instance),
    }


def _host(seen: HostView, now: float) -> Document:
    host = seen.host
    return {
        "name": host.name,
        "platform": host.platform,
        "age": _age(seen.taken_at, now),
        "stale": seen.stale(now),
        "cpu": _round(host.cpu),
        "cores": [_round(core) for core in host.cores],
        "load": [_round(mean) for mean in host.load],
        "memory": {"used": host.memory_used, "total": host.memory_total},
        "swap": {"used": host.swap_used, "total": host.swap_total},
        "disks": [
            {"mount": disk.mount, "used": disk.used, "total": disk.total} for disk in host.disks
        ],
        "network": {"received": _round(host.received), "sent": _round(host.sent)},
        "uptime": _round(host.uptime),
        "clock_ahead": _round(host.ahead),
        "pressure": _pressure(host.pressure),
        "failed_units": list(host.failed),
        "certificates": [host_certificate(each, now) for each in host.certificates],
        "processes": [
            {
                "pid": process.pid,
                "name": process.name,
                "cpu": _round(process.cpu),
                "memory": process.memory,
            }
            for process in host.processes
        ],
    }


def _pressure(pressure: Pressure | None) -> Document | None:
    if pressure is None:
        return None
    return {
        "cpu": _round(pressure.cpu),
        "memory": _round(pressure.memory),
        "io": _round(pressure.io),
    }


def _engine(engine: EngineView, now: float) -> Document:
    inventory = engine.inventory
    return {
        "kind": inventory.place.kind.value,
        "name": inventory.place.name,
        "endpoint": inventory.endpoint,
        "version": inventory.version,
        "age": _age(engine.taken_at, now),
        "stale": engine.stale(now),
        "replicas": [_replica(each) for each in inventory.replicas],
        "workloads": [_workload(each) for each in inventory.workloads],
        "unread": [{"what": each.what, "fault": _fault(each.fault)} for each in inventory.unread],
        "nodes": [_node(each) for each in inventory.nodes],
    }


def _node(node: ClusterNode) -> Document:
    return {
        "name": node.name,
        "ready": node.ready,
        "since": node.since,
        "said": node.said,
        "presses": list(node.presses),
        "cordoned": node.cordoned,
        "version": node.version,
        "cpu": node.cpu,
        "memory": node.memory,
    }


def _workload(workload: Workload) -> Document:
    return {
        "id": workload.id,
        "name": workload.name,
        "kind": workload.kind,
        "image": workload.image,
        "wanted": workload.wanted,
        "running": workload.running,
        "completed": workload.completed,
        "update": workload.update.value,
        "said": workload.said,
        "updated": workload.updated,
        "revision": workload.revision,
        "trouble": _trouble(workload.trouble),
        "may_lose": workload.may_lose,
        "autoscaler": _autoscaler(workload.autoscaler),
    }


def _autoscaler(scaler: Autoscaler | None) -> Document | None:
    if scaler is None:
        return None
    return {
        "name": scaler.name,
        "minimum": scaler.minimum,
        "maximum": scaler.maximum,
        "cpu": _round(scaler.cpu),
        "memory": _round(scaler.memory),
        "others": list(scaler.others),
        "wants": scaler.wants,
        "scaled_at": _round(scaler.scaled_at),
        "fault": scaler.fault,
    }


def _trouble(trouble: Trouble | None) -> Document | None:
    if trouble is None:
        return None
    return {
        "code": trouble.code.value,
        "detail": trouble.detail,
        "part": trouble.part,
        "count": trouble.count,
        "of": trouble.of,
        "at": _round(trouble.at),
    }


def _replica(replica: Replica) -> Document:
    return {
        "id": replica.id,
        "name": replica.name,
        "kind": replica.kind,
        "workload": replica.workload,
        "image": replica.image,
        "state": replica.state.value,
        "phase": replica.phase.value,
        "status": replica.status,
        "health": replica.health,
        "detail": replica.detail,
        "exit_code": replica.exit_code,
        "oom_killed": replica.oom_killed,
        "restarts": replica.restarts,
        "started_at": _round(replica.started_at),
        "finished_at": _round(replica.finished_at),
        "cpu": _round(replica.cpu),
        "memory": replica.memory,
        "memory_limit": replica.memory_limit,
        "trouble": _trouble(replica.trouble),
        "namespace": replica.namespace,
        "node": replica.node,
        "address": replica.address,
        "ports": [
            {"public": port.public, "private": port.private, "protocol": port.protocol}
            for port in replica.ports
        ],
    }


def _source(source: SourceView, now: float) -> Document:
    return {
        "name": source.name,
        "kind": source.id.kind.value,
        "endpoint": source.endpoint,
        "age": _age(source.taken_at, now),
        "interval": source.interval,
        "since": _round(source.since),
        "lag": _round(source.lag),
        "fault": _fault(source.fault),
        "note": source.note,
        "unknown_rules": list(source.unknown_rules),
    }


def event_document(event: Event) -> Document:
    """One event of the timeline, as ``status --json`` and ``timeline --json`` print it."""
    return {
        "at": _round(event.at),
        "kind": event.kind.value,
        "service": event.service,
        "subject": event.subject,
        "place": event.place,
        "code": event.code.value,
        "message": words(event),
        "state": None if event.state is None else event.state.value,
        "before": event.before,
        "after": event.after,
    }


def _fault(fault: Fault | None) -> Document | None:
    if fault is None:
        return None
    return {
        "kind": fault.kind.value,
        "phase": fault.phase,
        "message": fault.message,
        "hint": fault.hint,
    }


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else _round(max(0.0, now - at))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}
