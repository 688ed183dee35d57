"""Fleets as the engine would show them: calm, on fire, empty, stale, hostile, large."""

import math
from dataclasses import replace
from functools import cache

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression, alert_key
from opsconsole.model.diagnosis import (
    Checked,
    Confidence,
    Diagnosis,
    Explanation,
    Fact,
    FactCode,
    Unknown,
)
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport, ProbeKind
from opsconsole.model.objectives import Attainment
from opsconsole.model.operation import ActionKind, ActionView, Refusal
from opsconsole.model.running.hosts import Disk, Host, HostView
from opsconsole.model.running.workloads import EngineView, Inventory, Phase, Port, Replica
from opsconsole.model.series import Latency, MetricValue, Trace
from opsconsole.model.snapshot import (
    EnvironmentView,
    InstanceView,
    ProbeView,
    ServiceView,
    Snapshot,
    SourceView,
)
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State, combine_instances
from tests.named import named
from tests.workloads import DOCKER, engine, replica

NOW = 1_763_716_447.0
WINDOW = 900.0
STEP = 5.0

IMAGE_AT = NOW - 727
"""When ai-service got its image, which wants more memory than its limit."""
RISE_AT = NOW - 305
KILLED_AT = NOW - 203
DOWN_AT = NOW - 192
DISK_AT = NOW - 150
"""When the disk of elasticsearch was full; oatie noticed ten seconds later."""
OATIE_AT = DISK_AT + 10
SILENT_AT = NOW - 74
"""When Alertmanager answered last."""
LOST_AT = NOW - 31
FOR = 60.0
"""How long an alert's condition holds before it fires."""
GOAL = 0.3


@cache
def trace(level: float, *, rise: float = 0.0, seed: int = 0, begins: float = RISE_AT,
          ends: float = NOW) -> Trace:  # fmt: skip
    """Fifteen minutes of latency around ``level``, rising by ``rise`` from ``begins`` on.

    Nothing answers after ``ends``.
    """
    values: list[float | None] = []
    for index in range(int(WINDOW / STEP)):
        at = NOW - WINDOW + index * STEP
        wave = 1 + 0.25 * math.sin(index / 7 + seed) + 0.1 * math.sin(index / 2.3 + seed * 3)
        value = level * wave
        ahead = (at - begins) / (ends - begins)
        if rise and ahead > 0:
            value += rise * math.sin(min(ahead * 1.6, 1.6)) * (0.8 + 0.2 * wave)
        values.append(value if at <= ends else None)
    return Trace(NOW - WINDOW, STEP, tuple(values))


def missed_at(seen: Trace) -> float:
    """When ``seen`` first crossed the goal."""
    return next(
        seen.start + index * seen.step
        for index, value in enumerate(seen.values)
        if value is not None and value > GOAL
    )


@cache
def latency(p95: Trace) -> Latency:
    """A latency with its three traces and the last of each."""
    last = next(value for value in reversed(p95.values) if value is not None)
    return Latency(
        last=last, p50=last * 0.5, p95=last, p99=last * 1.4, trace=p95,
        trace_p50=replace(p95, values=tuple(v and v * 0.5 for v in p95.values)),
        trace_p99=replace(p95, values=tuple(v and v * 1.4 for v in p95.values)),
    )  # fmt: skip


ACTIONS = (
    ActionView(ActionKind.RESTART, "restart", "docker", "restart the containers one by one"),
    ActionView(ActionKind.DEGRADE, "degrade", "http", "answer from the cache for 30 min"),
    ActionView(ActionKind.BACKUP, "backup", "files", "copy the model and the error map"),
    ActionView(
        ActionKind.ROLLBACK,
        "rollback",
        "docker",
        "go back to image v1.4.2",
        refusal=Refusal(
            "recent-change",
            "a deploy ended 12 min ago and is still being watched",
            "wait until 09:24Z, or --override with a reason",
        ),
    ),
)


def components(state: State) -> tuple[Component, ...]:
    """A component tree whose innermost culprit is the search index."""
    return (
        Component("api", State.OK, "", 0.004),
        Component(
            "search",
            state,
            "" if state is State.OK else "2 of 3 shards unassigned",
            0.031,
            (
                Component("elasticsearch", state, "" if state is State.OK else "cluster red", 0.03),
                Component("embeddings", State.OK, "model current_model.pkl loaded", 0.012),
            ),
        ),
        Component("cache", State.OK, "hit rate 0.93", 0.001),
    )


def instance(
    service: str, number: int, state: State, reason: str = "", since: float = DOWN_AT
) -> InstanceView:
    """One instance with its probes and report."""
    url = f"http://10.0.0.{number}:8000"
    fault = None
    report: HealthReport | None = HealthReport(
        state,
        "components",
        components(State.OK if state is State.OK else State.DEGRADED),
        version="1.5.0",
        raw='{\n  "status": "degraded",\n  "search": {"status": "degraded"}\n}',
        content_type="application/json",
    )
    if state is State.DOWN:
        fault = Fault(
            FaultKind.CONNECT, "connection refused", "is the process running and the port right?"
        )
        report = None
    took = 0.012 * number
    probes = (
        ProbeView(ProbeKind.LIVE, f"{url}/health/live", state, NOW - 2, took, fault),
        ProbeView(ProbeKind.READY, f"{url}/health/ready", state, NOW - 2, took, fault),
    )
    return InstanceView(
        service, f"{service}-{number}", url, state, since, NOW - 2, report=report,
        report_at=NOW - 2, fault=fault, probes=probes, latency=took, reason=reason,
        runs_as=f"{service}-{number}", replicas=(f"{service}-{number}",),
    )  # fmt: skip


def service(
    name: str, states: tuple[State, ...], level: float, *, rise: float = 0.0, seed: int = 0,
    reason: str = "", rate: float = 12.0, errors: float = 0.0, cpu: float = 0.12,
    needs: tuple[str, ...] = (), version: str = "v1.5.0", since: float = DOWN_AT,
    begins: float = RISE_AT,
) -> ServiceView:  # fmt: skip
    """One service with instances in ``states``."""
    state = combine_instances(states)
    ends = KILLED_AT if state is State.DOWN else NOW
    found = latency(trace(level, rise=rise, seed=seed, begins=begins, ends=ends))
    long_ago = NOW - 86_400 * 3.2
    p95 = found.p95 or 0.0
    return ServiceView(
        name, state, since if state is not State.OK else long_ago,
        tuple(
            instance(name, n, each, reason if each is not State.OK else "",
                     since if each is not State.OK else long_ago)
            for n, each in enumerate(states, 1)
        ),
        reason=reason, latency=found, error_rate=errors, request_rate=rate, cpu=cpu,
        memory=int(640e6 * (1 + seed % 5)), version=version,
        replicas=tuple(f"{name}-{n}" for n, _ in enumerate(states, 1)),
        depends_on=needs, actions=ACTIONS,
        metrics=(
            MetricValue(name, "requests", rate, "/s", NOW - 4),
            MetricValue(name, "cache_hit_ratio", 93.1, "%", NOW - 4),
        ),
        objectives=(
            Attainment(name, "p95(latency) < 300ms", p95, GOAL, "s", p95 < GOAL),
            Attainment(name, "rate(requests) > 10/s", rate, 10, "/s", rate > 10),
            Attainment(name, "availability 99.9% over 30d", 0.9994, 0.999, "%", True, 0.38, 1.4),
        ),
    )  # fmt: skip


OK, BAD, DOWN, LOST = State.OK, State.DEGRADED, State.DOWN, State.UNKNOWN


def calm_services() -> tuple[ServiceView, ...]:
    """Eleven services, all well."""
    return tuple(
        service(name, (OK,) * count, level, seed=index, rate=rate, cpu=0.05 * index)
        for index, (name, count, level, rate) in enumerate(
            (
                ("ai-backend", 2, 0.042, 88), ("ai-operations", 1, 0.110, 12),
                ("ai-service", 3, 0.062, 310), ("elasticsearch", 3, 0.021, 940),
                ("errorscope", 3, 0.009, 310), ("gateway", 2, 0.006, 1240),
                ("mailer", 1, 0.340, 0.4), ("oatie", 2, 0.120, 34), ("postgres", 1, 0.003, 2210),
                ("redis", 1, 0.0008, 5400), ("scheduler", 1, 0.015, 1.2),
            ), 1,
        )
    )  # fmt: skip


def diagnosis() -> Diagnosis:
    """Why ai-service is down: a new image, out of memory, refused; and what came later."""
    image = Fact(
        FactCode.IMAGE_CHANGED, IMAGE_AT, "ai-service", before="ai-service:v1.4.2",
        after="ai-service:v1.5.0", by="kim", source="docker",
    )  # fmt: skip
    killed = Fact(
        FactCode.OUT_OF_MEMORY, KILLED_AT, "ai-service-1", count=9, figure=float(4 << 30),
        copies=3, source="docker", because=(image,), state=DOWN,
    )  # fmt: skip
    refused = Fact(
        FactCode.PROBE_FAILS, DOWN_AT, "ai-service-1", after="connection refused", figure=3,
        limit=3, source="probes", state=DOWN,
    )  # fmt: skip
    other = Fact(
        FactCode.DEPENDENCY, DISK_AT, "elasticsearch", after="disk 97% full", state=BAD,
        source="probes",
    )  # fmt: skip
    return Diagnosis(
        (
            Explanation(killed, (image, killed, refused), Confidence.LIKELY),
            Explanation(other, (other,), Confidence.UNLIKELY, later=42.0),
        ),
        (Checked.HOST_MEMORY, Checked.HOST_CPU, Checked.HOST_DISK, Checked.CONFIGURATION),
        (Unknown("more alerts", "alertmanager does not answer"),),
        NOW - 1987,
    )


def needed() -> Diagnosis:
    """Why oatie is degraded: what it needs is."""
    other = Fact(
        FactCode.DEPENDENCY, DISK_AT, "elasticsearch", after="disk 97% full", state=BAD,
        source="probes",
    )  # fmt: skip
    return Diagnosis((Explanation(other, (other,), Confidence.LIKELY),), (), (), NOW - 1987)


def burning_services() -> tuple[ServiceView, ...]:
    """The same fleet with a cause, a symptom and something that cannot be seen."""
    changed = {
        "ai-service": replace(
            service(
                "ai-service", (DOWN, DOWN, DOWN), 0.062, rise=1.8, seed=3, rate=88, errors=0.041,
                cpu=0.81, reason="connection refused on 3 of 3; was ok until 09:10:43",
                needs=("elasticsearch",),
            ),
            diagnosis=diagnosis(),
        ),
        "elasticsearch": service(
            "elasticsearch", (OK, OK, BAD), 0.021, seed=4, rate=940, since=DISK_AT,
            reason="elasticsearch-3: disk 97% full, index is read-only",
        ),
        "oatie": replace(
            service(
                "oatie", (OK, BAD), 0.12, rise=0.35, seed=8, rate=34, cpu=0.34, since=OATIE_AT,
                begins=DISK_AT, reason="search: elasticsearch: cluster red",
                needs=("ai-service", "elasticsearch"),
            ),
            diagnosis=needed(),
        ),
        "mailer": replace(
            service("mailer", (LOST,), 0.34, seed=7, rate=0.4, since=LOST_AT,
                    reason="dns: no answer for mail.internal"), stale=True),
    }  # fmt: skip
    return tuple(changed.get(each.name, each) for each in calm_services())


def replicas(*, fire: bool) -> tuple[Replica, ...]:
    """What runs of the fleet; on fire three have died for lack of memory."""
    gib = 1 << 30
    out = [
        replica(
            f"{name}-1", image=f"{name}:v1.5.0", image_id=f"sha256:{index:064x}", health="healthy",
            restarts=index % 3, started_at=NOW - 9000, cpu=0.07 * index,
            memory=int(0.3 * gib * index), memory_limit=4 * gib, ports=(Port(8000, 8000 + index),),
        )
        for index, name in enumerate(
            ("errorscope", "oatie", "ai-backend", "gateway", "postgres", "redis"), 1
        )
    ]  # fmt: skip
    if fire:
        out += [
            replica(
                f"ai-service-{number}", Phase.ENDED, status="exited", image="ai-service:v1.5.0",
                image_id="sha256:77", exit_code=137, oom_killed=True, restarts=3,
                finished_at=KILLED_AT, memory_limit=4 * gib,
                detail="killed by the kernel: out of memory",
            )
            for number in (1, 2, 3)
        ]  # fmt: skip
    return tuple(out)


def host() -> Host:
    """A busy machine."""
    gib = 1 << 30
    return Host(
        "bastion-1", 0.61, (0.9, 0.5, 0.6, 0.44), (2.31, 1.9, 1.2), 23 * gib, 32 * gib, 0, gib,
        (Disk("/", 41 * gib, 100 * gib), Disk("/var/lib/docker", 171 * gib, 200 * gib)),
        12_000_000, 3_400_000, 86_400 * 41,
    )  # fmt: skip


def hosts(*, age: float = 1.0) -> tuple[HostView, ...]:
    """The one host, as it was seen ``age`` seconds ago."""
    return (HostView(host(), NOW - age, 2.0),)


def engines(*, fire: bool, age: float = 2.0) -> tuple[EngineView, ...]:
    """The one engine, as it answered ``age`` seconds ago."""
    return (engine(*replicas(fire=fire), at=NOW - age),)


def alert(
    name: str, severity: Severity, since: float, service_name: str, summary: str = "",
    *, quiet: bool = False, state: AlertState = AlertState.FIRING,
) -> Alert:  # fmt: skip
    """One alert as Alertmanager would report it."""
    labels = {"alertname": name, "service": service_name, "severity": severity.value}
    return Alert(
        alert_key(name, labels), name, severity, state, NOW - since, summary,
        service=service_name, labels=labels, sources=(named("alertmanager:alertmanager"),),
        suppressions=(Suppression("silenced", "s1", "kim", "known, ticket 4711"),) if quiet else (),
    )  # fmt: skip


def sources(*, fault: bool = False, age: float = 1.0) -> tuple[SourceView, ...]:
    """The places that are read; with ``fault`` Alertmanager does not answer."""
    trouble = (
        Fault(FaultKind.TIMEOUT, "no answer from 127.0.0.1:9093 within 5 s", phase="connect")
        if fault
        else None
    )
    return (
        SourceView(SourceId(SourceKind.PROBE), "17 endpoints", 5, NOW - age, NOW - 900),
        SourceView(
            named("prometheus:prometheus"), "http://127.0.0.1:9090", 15, NOW - age * 4, NOW - 900
        ),
        SourceView(
            named("docker:docker"), "unix:///var/run/docker.sock", 5, NOW - age * 2, NOW - 900
        ),
        SourceView(
            named("alertmanager:alertmanager"), "http://127.0.0.1:9093", 10,
            SILENT_AT if fault else NOW - age, SILENT_AT, trouble,
        ),
        SourceView(named("host:local"), "bastion-1", 2, NOW - age, NOW - 900),
    )  # fmt: skip


def events(*, fire: bool) -> tuple[Event, ...]:
    """What happened recently, oldest first."""
    calm = [
        Event(NOW - 7200, EventCode.NOTE, "handover from kim: quiet night", ""),
        Event(IMAGE_AT, EventCode.IMAGE_CHANGED, "", "ai-service", "ai-service", None, "v1.4.2",
              "v1.5.0"),
        Event(NOW - 500, EventCode.SOURCE, "docker answers again after 12 s", "", "docker"),
    ]  # fmt: skip
    if not fire:
        return tuple(calm)
    return (
        *calm,
        Event(crossed() + FOR, EventCode.ALERT_FIRED, "", "ai-service", "HighLatency", BAD),
        *(
            Event(KILLED_AT, EventCode.ENDED, "", "ai-service", f"ai-service-{number}", DOWN,
                  figure=137, memory=True)
            for number in (1, 2, 3)
        ),
        Event(DOWN_AT, EventCode.HEALTH_CHANGED, "connection refused", "ai-service",
              "ai-service", DOWN, "ok", "down"),
        Event(DISK_AT, EventCode.HEALTH_CHANGED, "disk 97% full, index is read-only",
              "elasticsearch", "elasticsearch-3", BAD, "ok", "degraded"),
        Event(OATIE_AT, EventCode.HEALTH_CHANGED, "search: elasticsearch: cluster red", "oatie",
              "oatie-2", BAD, "ok", "degraded"),
        Event(DOWN_AT + FOR, EventCode.ALERT_FIRED, "", "ai-service", "ServiceDown", DOWN),
        Event(LOST_AT, EventCode.HEALTH_CHANGED, "no answer for mail.internal", "mailer",
              "mailer-1", LOST, "ok", "unknown"),
    )  # fmt: skip


def crossed() -> float:
    """When the latency of ai-service missed its goal."""
    return missed_at(trace(0.062, rise=1.8, seed=3, ends=KILLED_AT))


PRODUCTION = EnvironmentView("production", "high", "aws · eu-west-1")


def calm(seq: int = 1) -> Snapshot:
    """All is well."""
    return Snapshot(
        seq, NOW, PRODUCTION, calm_services(), (), hosts(), engines(fire=False),
        events(fire=False), sources(),
    )  # fmt: skip


def on_fire(seq: int = 1, *, read_only: bool = False) -> Snapshot:
    """One down, one degraded by it, one that cannot be seen; Alertmanager does not answer."""
    return Snapshot(
        seq, NOW, PRODUCTION, burning_services(),
        (
            alert("ServiceDown", Severity.CRITICAL, NOW - DOWN_AT, "ai-service",
                  "no instance answers"),
            alert("HighLatency", Severity.WARNING, NOW - crossed(), "ai-service",
                  "p95 over 300 ms"),
            alert("LowCacheHit", Severity.WARNING, 3720, "ai-backend", "", quiet=True),
            alert("DiskWillFill", Severity.INFO, 9000, "", "in 9 h", state=AlertState.PENDING),
        ),
        hosts(), engines(fire=True),
        events(fire=True), sources(fault=True), read_only=read_only,
    )  # fmt: skip


def empty() -> Snapshot:
    """No configuration: this host and its containers."""
    return Snapshot(
        1, NOW, EnvironmentView(), hosts=hosts(), engines=engines(fire=False),
        sources=sources()[2:3] + sources()[4:],
    )  # fmt: skip


def stale() -> Snapshot:
    """Nothing was read for two minutes."""
    services = tuple(replace(each, stale=True) for each in calm_services())
    return replace(
        calm(), services=services, sources=sources(age=120), hosts=hosts(age=120),
        engines=engines(fire=False, age=120),
    )  # fmt: skip


def many(count: int, seq: int = 1) -> Snapshot:
    """``count`` services whose figures differ with ``seq``."""
    views = tuple(
        service(
            f"service-{index:04d}", (OK, OK) if index % 17 else (OK, BAD),
            0.02 + 0.001 * ((index * 7 + seq * 3) % 50), seed=index % 9,
            rate=100 + (index * 13 + seq * 7) % 90, cpu=0.1 + 0.01 * ((index + seq) % 60),
        )
        for index in range(count)
    )  # fmt: skip
    return replace(calm(seq), services=views, seq=seq)


EVIL = (
    "[/x]",
    "[@click=app.leave]press[/]",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b31mred",
    "abc\u202edcba",
    "OK\rFAIL",
    "a\x00b\x7f",
    "[link=https://x]y[/link] [$error]z",
    "zalgo" + "\u0301" * 40,
    "wide 漢字 🚀 flag 🇩🇪",
    "x" * 5000,
)


def hostile() -> Snapshot:
    """A fleet whose every word is meant to do harm, as if a source's door had been missed."""
    views = []
    for index, text in enumerate(EVIL):
        base = service(f"{text[:40]}{index}", (BAD,), 0.1, seed=index, reason=text, version=text)
        parts = (Component(text, DOWN, text, 0.1, (Component(text, BAD, text),)),)
        report = HealthReport(BAD, text, parts, version=text, message=text, raw=text)
        instances = tuple(
            replace(each, name=text, url=text, reason=text, report=report)
            for each in base.instances
        )
        actions = tuple(replace(view, name=text, summary=text) for view in ACTIONS)
        views.append(replace(base, instances=instances, actions=actions, depends_on=(text,)))
    ringing = tuple(alert(text, Severity.CRITICAL, 60, text, text) for text in EVIL)
    happened = tuple(Event(NOW - 5, EventCode.NOTE, text, text, text) for text in EVIL)
    fault = Fault(FaultKind.PROTOCOL, EVIL[2], EVIL[0])
    read = tuple(
        replace(each, id=SourceId(each.id.kind, EVIL[1]), fault=fault) for each in sources()
    )
    boxes = tuple(replace(each, name=EVIL[2], image=EVIL[3]) for each in replicas(fire=True))
    told = Inventory(DOCKER, EVIL[1], EVIL[2], boxes)
    return Snapshot(
        1, NOW, EnvironmentView(EVIL[0], "high", EVIL[2]), tuple(views), ringing, hosts(),
        (EngineView(told, NOW, 5.0),), happened, read, notices=EVIL,
    )  # fmt: skip
