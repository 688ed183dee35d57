"""The best known cause of each kind of trouble, as the row says it."""

from dataclasses import replace
from typing import Any

import pytest

from opsconsole.model.alerting.alerts import Severity, Suppression
from opsconsole.model.certificate import DAY, Validity
from opsconsole.model.diagnosis import Checked, Confidence, Diagnosis, FactCode
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport
from opsconsole.model.operation import ActionKind
from opsconsole.model.running.hosts import Disk, Host, HostView
from opsconsole.model.running.workloads import Phase, Update
from opsconsole.model.snapshot import CertificateView, InstanceView, ServiceView, SourceView
from opsconsole.model.state import State
from tests.engine.judge.diagnosis.stage import (
    NOW,
    REFUSED,
    T,
    alert,
    copy,
    diagnosed,
    diagnosis,
    ended,
    image,
    missed,
    service,
    told,
)
from tests.named import named
from tests.workloads import engine, replica, workload

GONE = replica("web-2", Phase.ENDED, exit_code=137, finished_at=T)
OTHERS = (replica("web-1"), replica("web-3"))
ONE_OF_THREE = service("web", State.DEGRADED, copy(1, State.OK), copy(2), copy(3, State.OK))
KILLED_THRICE = [ended(T - 40 + 20 * n, "web-2", 137, memory=True) for n in range(3)]


def showing(number: int, days: float) -> InstanceView:
    """A copy that is well, whose certificate ends so many days from now."""
    ends = NOW + days * DAY
    shown = CertificateView(Validity(ends - 90 * DAY, ends), NOW - 1, 5.0)
    return copy(number, State.OK, certificate=shown)


BODY = Fault(FaultKind.STATUS, "HTTP 500 from 127.0.0.1:8001", status=500)
EXPIRED = Fault(FaultKind.TLS, "certificate expired 3d ago")
CLUSTER = HealthReport(
    State.DEGRADED,
    "components",
    (Component("elasticsearch", State.DOWN, "cluster red", since=T),),
)
FULL = HostView(
    Host("vm", 0.1, (0.1,), (0, 0, 0), 1, 9, 0, 0, (Disk("/data", 99, 100),), None, None, 9.0),
    NOW - 1,
    5.0,
)
KIM = Suppression("silence", "1", "kim", ends_at=T + 3600)

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "web-2 killed, out of memory ×3 since 1.0→2.0": (
        "memory after another image",
        {
            "services": [ONE_OF_THREE],
            "events": [image(T - 100, "web-2"), *KILLED_THRICE],
            "engines": [engine(*OTHERS, GONE, at=NOW)],
        },
    ),
    "web-2 killed, out of memory, limit 64M": (
        "memory, told by the engine's inspection alone",
        {
            "services": [ONE_OF_THREE],
            "engines": [
                engine(*OTHERS, replace(GONE, oom_killed=True, memory_limit=64 << 20), at=NOW)
            ],
        },
    ),
    "web-2 stopped by SIGKILL": (
        "a kill that was ordered",
        {
            "services": [ONE_OF_THREE],
            "events": [ended(T, "web-2", 137, signal="SIGKILL")],
            "engines": [engine(*OTHERS, GONE, at=NOW)],
        },
    ),
    "web-2 died, exit 3": (
        "an end that was not seen",
        {
            "services": [ONE_OF_THREE],
            "engines": [engine(*OTHERS, replace(GONE, exit_code=3), at=NOW)],
        },
    ),
    "web-2 restarts in a loop, ×4 in 30s, exit 1": (
        "a loop of restarts",
        {
            "services": [ONE_OF_THREE],
            "events": [ended(T + 10 * n, "web-2") for n in range(4)],
            "engines": [engine(*OTHERS, replica("web-2", Phase.RESTARTING), at=NOW)],
        },
    ),
    "web-2 paused": (
        "paused",
        {
            "services": [ONE_OF_THREE],
            "engines": [engine(*OTHERS, replica("web-2", Phase.PAUSED, State.DEGRADED), at=NOW)],
        },
    ),
    "web-2: connection refused by 127.0.0.1:8001": (
        "one of three does not answer, and nothing more is known",
        {"services": [ONE_OF_THREE]},
    ),
    "2 of 2: connection refused by 127.0.0.1:8001": (
        "nobody answers",
        {"services": [service("web", State.DOWN, copy(1), copy(2))]},
    ),
    "HTTP 500 from 127.0.0.1:8001 since 1.0→2.0": (
        "a bad rollout",
        {
            "services": [service("web", State.DOWN, copy(1, fault=BODY, reason=BODY.message))],
            "events": [image(T - 100)],
        },
    ),
    "elasticsearch down: cluster red": (
        "a part that fails",
        {"services": [service("web", State.DEGRADED, copy(1, State.DEGRADED, report=CLUSTER))]},
    ),
    "↳ db: db-1 stopped by SIGKILL": (
        "a dependency of a dependency",
        {
            "services": [
                service("web", State.DOWN, depends_on=("api",)),
                service("api", State.DOWN, depends_on=("db",)),
                service("db", State.DOWN),
            ],
            "events": [ended(T - 3, "db-1", 137, signal="SIGKILL")],
            "engines": [
                engine(replica("db-1", Phase.ENDED, exit_code=137, finished_at=T - 3), at=NOW)
            ],
        },
    ),
    "certificate expired 3d ago": (
        "a certificate that is over",
        {"services": [service("web", State.DOWN, copy(1, fault=EXPIRED, reason=EXPIRED.message))]},
    ),
    "certificate ends in 6 days": (
        "a certificate that ends, of a service that is well",
        {"services": [service("web", State.OK, showing(1, 6.5))]},
    ),
    "certificate ends in 1 day": (
        "the same of each copy",
        {"services": [service("web", State.OK, showing(1, 1.5), showing(2, 1.2))]},
    ),
    "web-2: certificate ends in 5 h": (
        "a certificate that ends today, of one copy",
        {"services": [service("web", State.OK, showing(1, 60), showing(2, 0.23))]},
    ),
    "certificate expired 2 days ago": (
        "a certificate that is over and that nobody refuses",
        {"services": [service("web", State.OK, showing(1, -2.5))]},
    ),
    "p95 2.4 s > 240 ms": (
        "an objective that is missed while a certificate ends",
        {
            "services": [
                service(
                    "web",
                    State.OK,
                    showing(1, 2),
                    objectives=(missed("p95(latency) < 240ms", 2.4, 0.24),),
                )
            ]
        },
    ),
    "web-1 died, exit 3 since env LLM_URL removed": (
        "a setting that is gone since the container was made again",
        {
            "services": [service("web", State.DOWN)],
            "events": [
                Event(T - 9, EventCode.RECREATED, "", "web", "web-1", before="env LLM_URL"),
                ended(T, "web-1", 3),
            ],
        },
    ),
    "disk full, /data 99%, vm": (
        "a full disk",
        {"services": [service("web", State.DOWN)], "hosts": (FULL,)},
    ),
    "p95 2.4 s > 250 ms": (
        "an objective that is missed",
        {
            "services": [
                service("web", State.OK, objectives=(missed("p95(latency) < 250ms", 2.4, 0.25),))
            ]
        },
    ),
    "error_rate 1.2% > 0.5%": (
        "the worst objective of several",
        {
            "services": [
                service(
                    "web",
                    State.OK,
                    objectives=(
                        missed("p95(latency) < 250ms", 0.3, 0.25),
                        missed("error_rate < 0.5%", 0.012, 0.005, "%"),
                    ),
                )
            ]
        },
    ),
    "ApiErrors fires, half of it fails": (
        "a critical alert of a service that says ok",
        {
            "services": [service("web", State.OK)],
            "alerts": [alert("ApiErrors", T, summary="half of it fails")],
        },
    ),
    "2 silenced by kim until 23:13": (
        "what somebody silenced",
        {
            "services": [service("web", State.OK)],
            "alerts": [alert(each, T, suppressions=(KIM,)) for each in ("A", "B")],
        },
    ),
    "update paused, task failed": (
        "an update that the engine stopped",
        {
            "services": [service("web", State.DEGRADED, copy(1, State.OK), workloads=("w",))],
            "engines": [
                engine(
                    at=NOW,
                    workloads=[
                        workload("web", 1, 1, id="w", update=Update.PAUSED, said="task failed")
                    ],
                )
            ],
        },
    ),
    "web-2 flaps, connection refused by 127.0.0.1:8001": (
        "a copy that comes and goes",
        {"services": [service("web", State.DEGRADED, copy(1, State.OK), copy(2, flapping=True))]},
    ),
    "not read: docker: connect: no such file": (
        "a place that is not read",
        {
            "services": [
                replace(
                    service("web", State.UNKNOWN),
                    stale=True,
                    instances=(replace(copy(1, State.UNKNOWN, stale=True), url=""),),
                )
            ],
            "sources": (
                SourceView(
                    named("docker:docker"),
                    "unix:///run/docker.sock",
                    5.0,
                    T,
                    T,
                    Fault(FaultKind.CONNECT, "no such file"),
                ),
            ),
        },
    ),
}


@pytest.mark.parametrize("said", CASES)
def test_the_best_known_cause_is_told(said: str) -> None:
    given = dict(CASES[said][1])
    assert told(*given.pop("services"), **given) == said


def test_a_service_that_is_well_has_no_explanation() -> None:
    well = service("web", State.OK)
    found = diagnosed(well, events=[ended(T, "web-1", 1)])["web"]
    assert found is well
    assert found.diagnosis.explanations == ()


@pytest.mark.parametrize(
    ("more", "is_missed"),
    [
        ({"alerts": [alert("ApiErrors", T)]}, True),
        ({"alerts": [alert("Slow", T, severity=Severity.WARNING)]}, False),
        ({"alerts": [alert("ApiErrors", T, suppressions=(KIM,))]}, False),
        ({"alerts": [alert("ApiErrors", T, "db")]}, False),
        ({}, False),
    ],
)
def test_ok_is_not_plainly_ok_while_a_critical_alert_fires(
    more: dict[str, Any], is_missed: bool
) -> None:
    found = diagnosed(service("web", State.OK), **more)["web"]
    assert found.missed is is_missed
    assert found.counts_as is (State.DEGRADED if is_missed else State.OK)


def test_what_began_later_is_unlikely_and_says_by_how_much() -> None:
    late = service("db", State.DOWN, copy(1, service="db", wrong_at=T + 30, well_at=T + 25))
    late = replace(late, since=T + 30)
    found = diagnosis(service("web", State.DOWN, depends_on=("db",)), late)
    assert [(each.lead.code, each.confidence) for each in found.explanations] == [
        (FactCode.PROBE_FAILS, Confidence.POSSIBLE),
        (FactCode.DEPENDENCY, Confidence.UNLIKELY),
    ]
    assert found.explanations[-1].later == 25


def test_a_dependency_that_may_have_failed_first_is_likely() -> None:
    """It was seen to fail later, but nobody had looked at it since before."""
    slow = service("db", State.DOWN, copy(1, service="db", wrong_at=T + 9, well_at=T - 21))
    slow = replace(slow, since=T + 9)
    found = diagnosis(service("web", State.DOWN, depends_on=("db",)), slow)
    assert found.explanations[0].lead.code is FactCode.DEPENDENCY
    assert found.explanations[0].confidence is Confidence.LIKELY


def test_what_could_not_be_looked_at_is_not_ruled_out() -> None:
    silent = SourceView(
        named("prometheus:main"), "http://x", 5.0, T, T, Fault(FaultKind.TIMEOUT, "no answer")
    )
    late = replace(FULL, taken_at=NOW - 60)
    found = diagnosis(service("web", State.DOWN), hosts=(late,), sources=(silent,))
    assert found.ruled_out == ()
    assert [(each.what, each.why) for each in found.unknown] == [
        ("metrics and alerts (main)", "timeout: no answer")
    ]


def test_what_was_read_and_is_well_is_ruled_out() -> None:
    calm = Host("vm", 0.1, (0.1,), (0, 0, 0), 1, 9, 0, 0, (Disk("/", 1, 9),), None, None, 9.0)
    web = replace(
        service("web", State.DOWN, depends_on=("db",)),
        diagnosis=Diagnosis(watched_since=T - 2000),
    )
    found = diagnosis(
        web,
        service("db", State.OK),
        hosts=(HostView(calm, NOW - 1, 5.0),),
        engines=[engine(replica("web-1", Phase.ENDED, exit_code=1), at=NOW)],
    )
    assert found.ruled_out == tuple(Checked)
    assert found.watched_since == T - 2000
    late = replace(web, diagnosis=Diagnosis(watched_since=T - 5))
    again = diagnosis(late, engines=[engine(replica("web-1", Phase.ENDED, exit_code=1), at=NOW)])
    assert again.ruled_out == (), "nobody watched for changes before it went wrong"


def test_services_that_need_each_other_come_to_an_end() -> None:
    found = diagnosed(
        service("web", State.DOWN, depends_on=("api",)),
        service("api", State.DOWN, depends_on=("web",)),
    )
    assert {each.diagnosis.lead is not None for each in found.values()} == {True}


def test_an_end_that_was_ordered_is_forgotten_once_the_copy_runs_again() -> None:
    back = engine(*OTHERS, replica("web-2"), at=NOW)
    events = [ended(T - 30, "web-2", 137, signal="SIGKILL")]
    assert told(ONE_OF_THREE, events=events, engines=[back]).startswith("web-2: connection")


def test_an_operation_is_told_with_what_followed_it() -> None:
    restart = Event(
        T - 10, EventCode.OPERATION, "", "web", "web", action=ActionKind.RESTART,
        by="kim", after="intent",
    )  # fmt: skip
    said = told(service("web", State.DOWN), events=[restart], width=60)
    assert said == f"{REFUSED.message} after restart by kim"


def test_a_certificate_that_ends_explains_nothing_that_is_wrong() -> None:
    service_down = service("web", State.DOWN, replace(showing(1, 2), state=State.DOWN))
    codes = {each.lead.code for each in diagnosis(service_down).explanations}
    assert FactCode.CERTIFICATE_ENDS not in codes
    slow = missed("p95(latency) < 240ms", 2.4, 0.24)
    found = diagnosis(service("web", State.OK, showing(1, 2), objectives=(slow,))).explanations
    (beside,) = [each for each in found if each.lead.code is FactCode.CERTIFICATE_ENDS]
    assert beside.confidence is Confidence.UNLIKELY


def test_a_certificate_that_nobody_was_shown_lately_is_not_spoken_of() -> None:
    assert told(service("web", State.OK, showing(1, 2)), now=NOW + 3600) == ""


BOTH = service("web", State.DEGRADED, copy(1, State.OK), copy(2))
OF_ALL = replace(image(T - 90), subject="web")


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ([image(T - 100, "web-2")], True),
        # Another copy was changed, and this one was not.
        ([image(T - 100, "web-1")], False),
        ([image(T - 100, "web-1"), image(T - 80, "web-2")], True),
        # The workload, or a copy that nobody knows by name now.
        ([OF_ALL], True),
        ([image(T - 100, "web-9")], True),
    ],
)
def test_a_copy_died_since_a_change_of_its_own(changes: list[Event], since: bool) -> None:
    said = told(BOTH, events=[*changes, ended(T - 1, "web-2")])
    assert said == "web-2 died, exit 1" + " since 1.0→2.0" * since


@pytest.mark.parametrize(
    ("which", "ends", "leads"),
    [
        (service(), [T - 1], True),
        # It was seen to be well afterwards.
        (service(), [T - 800], False),
        (BOTH, [T - 800], False),
        # Well between two ends, as what ends again and again is.
        (service(), [T - 300, T - 160, T - 20], True),
        (service(), [T - 800, T - 790, T - 780], False),
        # Never looked at since.
        (service("web", State.DOWN, copy(1, well_at=None)), [T - 800], True),
    ],
)
def test_an_end_that_a_copy_got_over_is_not_why(
    which: ServiceView, ends: list[float], leads: bool
) -> None:
    deaths = [ended(at, "web-1", 137, memory=True) for at in ends]
    found = diagnosis(which, events=deaths)
    assert found.lead is not None
    assert (found.lead.code is FactCode.OUT_OF_MEMORY) is leads
    assert FactCode.OUT_OF_MEMORY in [each.lead.code for each in found.explanations]
