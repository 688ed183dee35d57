"""The fleet on fire as one story: what else is kept of it, and how it looked at any moment.

Invariant: what is told of a moment had happened by then.
"""

from dataclasses import replace

from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.operation import ActionKind, OperationState, StepResult
from opsconsole.model.past.replay import Moment
from opsconsole.model.runbooks.runbook import RunbookView, StepKind, StepView
from opsconsole.model.runbooks.runs import RunbookRun, StepRun, StepState
from opsconsole.model.series import Trace
from opsconsole.model.snapshot import ServiceView, Snapshot
from tests.ui import fleet, working
from tests.ui.fleet import NOW

DAY = 86_400.0

STEPS = (
    StepView("look", StepKind.TEXT, "look at its memory first", text="Tab 3 of {service}."),
    StepView("copies", StepKind.CHECK, "no copy answers", "the service is down"),
    StepView("image", StepKind.QUESTION, "is its image new?", "is its image new?",
             answers=("yes", "no"), expect="yes"),
    StepView("back", StepKind.OPERATION, "roll it back", "rollback", changes=True),
    StepView("watch", StepKind.WAIT, "watch it", "watch for 30m that the service is ok",
             seconds=1800.0),
    StepView("tell", StepKind.TEXT, "tell the users", text="Tell them."),
)  # fmt: skip
RESTARTED = tuple(StepResult(f"replace copy {number}", "done", "in 9 s") for number in (1, 2, 3))
RUNBOOKS = (
    RunbookView("out-of-memory", "{service} out of memory", STEPS, "Bring {service} back.",
                ("ServiceDown",), ("ai-service",), digest="d1"),
    RunbookView("disk-full", "the disk of {service} is full", STEPS[:2], "Make room.",
                ("DiskWillFill",), ("elasticsearch",), digest="d2"),
)  # fmt: skip


def on_fire(*, read_only: bool = False) -> Snapshot:
    """The fleet on fire, with its operations, silences, runbooks and a run of one."""
    steps = tuple(
        StepRun(step.id, StepState.PASSED if done else StepState.PENDING, said=done, who="kim",
                host="bastion-1", attempts=1 if done else 0,
                started_at=NOW - 100 if done else None, ended_at=NOW - 60 if done else None)
        for step, done in zip(
            STEPS, ("read by kim", "the service is down", "", "", "", ""), strict=True
        )
    )  # fmt: skip
    run = RunbookRun("run-1", "out-of-memory", "ai-service out of memory", "ai-service", "d1",
                     "kim", "bastion-1", NOW - 110, NOW - 60, steps)  # fmt: skip
    return replace(
        fleet.on_fire(read_only=read_only),
        operations=(
            working.operation(1, "elasticsearch", kind=ActionKind.CALL, name="clear_old_indices",
                              who="ana", started_at=NOW - 40, usual_duration=120.0,
                              state=OperationState.DISPATCHED,
                              steps=(StepResult("delete what is older than 30 d", "running", "",
                                                NOW - 40),)),
            working.operation(
                2, "ai-service", kind=ActionKind.ROLLBACK, state=OperationState.VERIFIED,
                who="ana", started_at=NOW - 4 * DAY - 42, updated_at=NOW - 4 * DAY,
                ended_at=NOW - 4 * DAY, steps=RESTARTED,
                summary="3 of 3 healthy for 10 s; p95 61 ms",
            ),
            working.operation(
                3, "gateway", state=OperationState.FAILED, who="kim",
                started_at=NOW - 5 * DAY - 300, updated_at=NOW - 5 * DAY,
                ended_at=NOW - 5 * DAY, steps=RESTARTED[:1],
                summary="not healthy within 5 min: connection refused",
            ),
        ),
        silences=(
            SilenceView("s1", (Matcher("alertname", "LowCacheHit"),), "kim",
                        "known, ticket 4711", NOW - 3700, NOW + 7200, SilenceState.ACTIVE,
                        "alertmanager", 1),
            SilenceView("s0", (Matcher("job", "batch.*", is_regex=True),), "ana",
                        "disk change", NOW - 9000, NOW - 1800, SilenceState.EXPIRED,
                        "alertmanager"),
        ),
        runbooks=RUNBOOKS,
        runbook_runs=(run,),
    )  # fmt: skip


def moment(at: float) -> Moment:
    """How the fleet looked at ``at``, as far as its last fifteen minutes are concerned."""
    shown = on_fire()
    before = {each.name: each for each in fleet.calm_services()}
    silent = at >= fleet.SILENT_AT
    snapshot = replace(
        shown,
        taken_at=at,
        replayed=True,
        services=tuple(_service(each, before[each.name], at) for each in shown.services),
        alerts=tuple(_alert(each, at) for each in shown.alerts if each.since <= at),
        events=tuple(each for each in shown.events if each.at <= at),
        hosts=tuple(replace(each, taken_at=at - 1) for each in shown.hosts),
        engines=tuple(
            replace(each, taken_at=at - 2)
            for each in fleet.engines(fire=at >= fleet.KILLED_AT)
        ),
        sources=tuple(
            each if each.fault else replace(each, taken_at=(each.taken_at or NOW) - NOW + at)
            for each in fleet.sources(fault=silent)
        ),
        operations=tuple(each for each in shown.operations if each.started_at <= at),
        silences=tuple(each for each in shown.silences if (each.starts_at or 0.0) <= at),
        runbook_runs=tuple(each for each in shown.runbook_runs if each.began_at <= at),
    )  # fmt: skip
    return Moment(at, at, snapshot)


def _service(now: ServiceView, before: ServiceView, at: float) -> ServiceView:
    """The service as it was: as before until it changed, with the figures up to then."""
    found = now if now.since <= at else replace(before, depends_on=now.depends_on)
    seen = now.latency
    cut = fleet.latency(_until(seen.trace, at)) if seen.trace else seen
    instances = tuple(
        replace(
            each, taken_at=at - 2, report_at=at - 2,
            probes=tuple(replace(probe, taken_at=at - 2) for probe in each.probes),
        )
        for each in found.instances
    )  # fmt: skip
    version = "v1.4.2" if now.name == "ai-service" and at < fleet.IMAGE_AT else found.version
    metrics = tuple(replace(each, at=at - 4) for each in found.metrics)
    objectives = tuple(
        replace(each, actual=cut.p95, met=cut.p95 is not None and cut.p95 < fleet.GOAL)
        if each.unit == "s" else each
        for each in found.objectives
    )  # fmt: skip
    why = found.diagnosis
    told = replace(
        why,
        explanations=tuple(
            each for each in why.explanations if all((fact.at or 0) <= at for fact in each.facts)
        ),
        unknown=why.unknown if at >= fleet.SILENT_AT else (),
    )  # fmt: skip
    return replace(
        found, diagnosis=told, latency=cut, instances=instances, version=version,
        metrics=metrics, objectives=objectives,
    )  # fmt: skip


def _until(seen: Trace, at: float) -> Trace:
    """What was seen until then; a trace that began later begins with its first value."""
    count = max(1, int((at - seen.start) / seen.step) + 1)
    return replace(seen, values=seen.values[:count])


def _alert(each: Alert, at: float) -> Alert:
    """Whether it fired already."""
    waits = each.state is AlertState.FIRING and each.since + fleet.FOR > at
    return replace(each, state=AlertState.PENDING) if waits else each
