"""Each fact of a diagnosis: when it is told, of what, and what is ruled out."""

from dataclasses import replace
from typing import Any

import pytest

from opsconsole.engine.judge.diagnosis.known import PRECISION
from opsconsole.model.alerting.alerts import AlertState, Severity, Suppression
from opsconsole.model.causes import WINDOW
from opsconsole.model.certificate import DAY, Validity
from opsconsole.model.diagnosis import Checked, Confidence, Fact, FactCode
from opsconsole.model.events import EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport
from opsconsole.model.running.host_certificates import HostCertificate
from opsconsole.model.running.hosts import Disk, Host, HostView
from opsconsole.model.running.workloads import Phase
from opsconsole.model.snapshot import ServiceView, SourceView
from opsconsole.model.state import State
from tests.engine.judge.diagnosis.stage import (
    NOW,
    REFUSED,
    T,
    alert,
    copy,
    diagnosis,
    ended,
    image,
    service,
)
from tests.named import named
from tests.workloads import engine, replica

GONE = replica("web-2", Phase.ENDED, exit_code=137, finished_at=T)
OTHERS = (replica("web-1"), replica("web-3"))
ONE_OF_THREE = service("web", State.DEGRADED, copy(1, State.OK), copy(2), copy(3, State.OK))


def leads(*services: ServiceView, **more: Any) -> list[Fact]:
    """What each explanation of ``web`` leads with."""
    return [each.lead for each in diagnosis(*services, **more).explanations]


def lead_of(code: FactCode, *services: ServiceView, **more: Any) -> Fact:
    """What is told of ``web`` with that code, which is told once."""
    (found,) = [each for each in leads(*services, **more) if each.code is code]
    return found


PART = HealthReport(State.DEGRADED, "components", (Component("db", State.DEGRADED, "slow"),))
WORSE = HealthReport(State.DOWN, "components", (Component("db", State.DOWN, "gone", since=T - 9),))


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ({}, True),
        ({"stale": True}, False),
        ({"state": State.OK}, False),
        ({"fault": REFUSED, "reason": ""}, False),
        ({"report": None, "reason": ""}, False),
    ],
)
def test_a_part_is_told_of_a_fresh_look_that_was_answered(
    more: dict[str, Any], is_told: bool
) -> None:
    given = replace(copy(1, State.DEGRADED, report=PART), **more)
    found = [each.code for each in leads(service("web", State.DEGRADED, given))]
    assert (FactCode.COMPONENT_FAILS in found) is is_told


def test_the_worst_said_of_a_part_is_told_and_the_earliest_since() -> None:
    copies = [
        copy(number, State.DEGRADED, report=report)
        for number, report in enumerate((PART, WORSE, PART), 1)
    ]
    found = lead_of(FactCode.COMPONENT_FAILS, service("web", State.DEGRADED, *copies))
    assert (found.after, found.state, found.copies, found.at) == ("gone", State.DOWN, 3, T - 9)


def test_looks_that_fail_alike_are_told_together_since_the_first_of_them() -> None:
    copies = (copy(1), copy(2, wrong_at=T - 7), replace(copy(3, wrong_at=None), since=T + 9))
    other = copy(4, State.DEGRADED, reason="slow")
    found = leads(service("web", State.DOWN, *copies, other))
    assert [
        (each.code, each.subject, each.figure, each.limit, each.state, each.at, each.copies)
        for each in found
    ] == [
        (FactCode.PROBE_FAILS, "web-1", 3.0, 4.0, State.DOWN, T - 7, 3),
        (FactCode.PROBE_FAILS, "web-4", 1.0, 4.0, State.DEGRADED, T, 1),
    ]


@pytest.mark.parametrize(("kind", "fresh"), [("docker:docker", True), ("host:host", False)])
@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8001"])
def test_what_is_not_read_is_told_of_the_place_that_alone_knows(
    kind: str, fresh: bool, url: str
) -> None:
    silent = SourceView(named(kind), "", 5.0, T, T - 3, Fault(FaultKind.CONNECT, "no such file"))
    answers = replace(silent, id=named("docker:other"), fault=None)
    lost = replace(copy(1, State.UNKNOWN, stale=True, reason="nothing known"), url=url)
    given = replace(service("web", State.UNKNOWN, lost), stale=True)
    found = lead_of(FactCode.NOT_READ, given, sources=(silent, answers))
    told_of_it = fresh and not url
    assert found.subject == (silent.name if told_of_it else "")
    assert found.at == (T - 3 if told_of_it else T)
    assert found.after == (str(silent.fault) if told_of_it else "nothing known")


@pytest.mark.parametrize(
    ("state", "stale", "reason", "is_told"),
    [
        (State.UNKNOWN, False, "lost", True),
        (State.DOWN, True, "lost", True),
        (State.DOWN, False, "lost", False),
        (State.UNKNOWN, False, "", False),
    ],
)
def test_what_is_not_read_is_told_of_the_unknown_and_the_stale(
    state: State, stale: bool, reason: str, is_told: bool
) -> None:
    given = replace(service("web", state, copy(1, state, reason=reason)), stale=stale)
    found = [each.code for each in leads(given)]
    assert (FactCode.NOT_READ in found) is is_told


def test_what_struck_one_copy_is_told_apart_from_the_looks_at_the_others() -> None:
    """The copy that ended explains its own look, and no other's."""
    two = service("web", State.DOWN, copy(1, reason="slow", fault=None), copy(2))
    gone = replace(GONE, exit_code=3)
    found = diagnosis(two, engines=[engine(gone, at=NOW)]).explanations
    told_of = {each.lead.code: [fact.code for fact in each.facts] for each in found}
    assert told_of == {
        FactCode.EXITED: [FactCode.EXITED, FactCode.PROBE_FAILS],
        FactCode.PROBE_FAILS: [FactCode.PROBE_FAILS],
    }
    (spared,) = [each.lead for each in found if each.lead.code is FactCode.PROBE_FAILS]
    assert (spared.subject, spared.limit) == ("web-1", 2.0)


@pytest.mark.parametrize(("ago", "is_told"), [(WINDOW - 5, True), (WINDOW + 5, False)])
def test_how_far_back_a_change_and_an_end_count(ago: float, is_told: bool) -> None:
    events = [image(T - ago, "web-1"), ended(T - ago, "web-1", 3)]
    given = replace(copy(1), well_at=T - 5)
    found = leads(service("web", State.DOWN, given), events=events)
    assert (FactCode.EXITED in [each.code for each in found]) is is_told
    assert any(each.because for each in found) is is_told


@pytest.mark.parametrize(
    ("later", "deaths"), [(1.0, 1), (PRECISION, 1), (PRECISION + 1, 2), (60.0, 2)]
)
def test_one_lack_of_memory_is_counted_once(later: float, deaths: int) -> None:
    lacked = replace(ended(T - 60, "web-2"), code=EventCode.OUT_OF_MEMORY, figure=None)
    events = [lacked, ended(T - 60 + later, "web-2", 137, memory=True)]
    found = lead_of(FactCode.OUT_OF_MEMORY, ONE_OF_THREE, events=events)
    assert (found.count, found.at, found.until) == (
        deaths,
        T - 60 + (later if deaths == 1 else 0),
        T - 60 + later,
    )


@pytest.mark.parametrize(("near", "codes"), [
    (1.0, {FactCode.OUT_OF_MEMORY}),
    (9.0, {FactCode.EXITED}),
])  # fmt: skip
def test_the_engine_may_know_what_the_last_end_was_of(near: float, codes: set[FactCode]) -> None:
    killed = replace(GONE, oom_killed=True)
    found = leads(
        ONE_OF_THREE,
        events=[ended(T - near, "web-2", 137)],
        engines=[engine(*OTHERS, killed, at=NOW)],
    )
    assert {each.code for each in found} == codes


@pytest.mark.parametrize(
    ("kinds", "alerts", "silenced"),
    [((), 1, 0), (("silence",), 0, 1), (("inhibition",), 0, 0), (("inhibition", "ack"), 0, 1)],
)
def test_what_another_alert_inhibits_is_silenced_by_nobody(
    kinds: tuple[str, ...], alerts: int, silenced: int
) -> None:
    quiet = tuple(Suppression(each, "1", "kim") for each in kinds)
    found = [
        each.code
        for each in leads(service("web", State.OK), alerts=[alert("A", T, suppressions=quiet)])
    ]
    assert found.count(FactCode.ALERT) == alerts
    assert found.count(FactCode.ALERTS_SILENCED) == silenced


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ({}, True),
        ({"cause": "Other"}, False),
        ({"state": AlertState.PENDING}, False),
        ({"severity": Severity.NONE}, False),
    ],
)
def test_an_alert_is_told_that_fires_and_follows_from_no_other(
    more: dict[str, Any], is_told: bool
) -> None:
    down = service("web", State.DOWN)
    found = [each.code for each in leads(down, alerts=[alert("A", T, **more)])]
    assert (FactCode.ALERT in found) is is_told


@pytest.mark.parametrize(
    ("severity", "state", "confidence"),
    [
        (Severity.CRITICAL, State.OK, Confidence.LIKELY),
        (Severity.WARNING, State.OK, Confidence.POSSIBLE),
        (Severity.CRITICAL, State.DOWN, Confidence.POSSIBLE),
    ],
)
def test_a_grave_alert_of_what_says_ok_is_likely(
    severity: Severity, state: State, confidence: Confidence
) -> None:
    found = diagnosis(service("web", state), alerts=[alert("A", T, severity=severity)])
    (sure,) = [each.confidence for each in found.explanations if each.lead.code is FactCode.ALERT]
    assert sure is confidence


CALM = Host("vm", 0.1, (0.1,), (0, 0, 0), 1, 9, 0, 0, (Disk("/", 1, 9),), None, None, 9.0)


@pytest.mark.parametrize(
    ("more", "is_not"),
    [
        ({}, None),
        ({"memory_used": 9}, Checked.HOST_MEMORY),
        ({"memory_total": 0}, Checked.HOST_MEMORY),
        ({"cpu": 0.95}, Checked.HOST_CPU),
        ({"disks": ()}, Checked.HOST_DISK),
        ({"disks": (Disk("/", 1, 9), Disk("/data", 95, 100))}, Checked.HOST_DISK),
    ],
)
def test_a_host_is_ruled_out_by_what_was_read_of_it(
    more: dict[str, Any], is_not: Checked | None
) -> None:
    view = HostView(replace(CALM, **more), NOW - 1, 5.0)
    found = diagnosis(service("web", State.DOWN), hosts=(view,)).ruled_out
    of_hosts = {Checked.HOST_MEMORY, Checked.HOST_CPU, Checked.HOST_DISK}
    assert set(found) & of_hosts == of_hosts - {is_not}


@pytest.mark.parametrize(
    ("elsewhere", "named", "told"),
    [
        (False, None, True),
        # Another host's disk is not ours, though it is read too.
        (True, None, False),
        (True, True, True),
        (False, False, False),
    ],
)
def test_a_full_disk_is_of_the_host_that_a_service_is_on(
    elsewhere: bool, named: bool | None, told: bool
) -> None:
    full = HostView(replace(CALM, disks=(Disk("/", 99, 100),)), NOW - 1, 5.0, elsewhere)
    calm = HostView(replace(CALM, name="calm"), NOW - 1, 5.0, elsewhere=True)
    on = {} if named is None else {"web": (full if named else calm,)}
    codes = [each.code for each in leads(service(), hosts=(full, calm), named=on)]
    assert (FactCode.DISK_FULL in codes) is told


def test_a_certificate_in_a_file_of_its_host_that_ends_is_told() -> None:
    def with_end(seconds: float) -> HostView:
        validity = Validity(0.0, NOW + seconds)
        held = HostCertificate("/a", 14 * DAY, DAY, "a.example", (), validity)
        return HostView(replace(CALM, certificates=(held,)), NOW - 1, 5.0)

    down = service("web", State.DOWN)
    told = lead_of(FactCode.HOST_CERTIFICATE, down, hosts=(with_end(3600.0),))
    assert (told.subject, told.figure, told.by) == ("a.example", 3600.0, CALM.name)
    codes = [each.code for each in leads(down, hosts=(with_end(2 * DAY),))]
    assert FactCode.HOST_CERTIFICATE not in codes


def test_a_host_without_memory_is_told_and_one_that_is_not_known_is_not() -> None:
    full = HostView(replace(CALM, memory_used=9), NOW - 1, 5.0)
    unknown = HostView(replace(CALM, memory_used=9, memory_total=0), NOW - 1, 5.0)
    down = service("web", State.DOWN)
    assert lead_of(FactCode.HOST_MEMORY, down, hosts=(full,)).figure == 1.0
    codes = [each.code for each in leads(down, hosts=(unknown,))]
    assert FactCode.HOST_MEMORY not in codes


@pytest.mark.parametrize(
    ("db", "is_ruled_out"),
    [
        (service("db", State.OK), True),
        (service("db", State.DEGRADED), False),
        (replace(service("db", State.OK), stale=True), False),
        (service("other", State.OK), False),
    ],
)
def test_what_a_service_needs_is_ruled_out_where_it_is_read_and_well(
    db: ServiceView, is_ruled_out: bool
) -> None:
    found = diagnosis(service("web", State.DOWN, depends_on=("db",)), db).ruled_out
    assert (Checked.DEPENDENCIES in found) is is_ruled_out


def test_a_look_is_told_once_by_its_part_or_by_itself() -> None:
    by_part = copy(1, State.DEGRADED, report=PART, reason="db is slow")
    with_nothing_to_say = copy(2, State.DEGRADED)
    found = leads(service("web", State.DEGRADED, by_part, with_nothing_to_say))
    assert [each.code for each in found] == [FactCode.COMPONENT_FAILS]


@pytest.mark.parametrize("known_by", [{"replicas": ()}, {"runs_as": ""}])
def test_a_copy_is_known_by_its_name_or_by_its_id(known_by: dict[str, Any]) -> None:
    (found,) = diagnosis(
        service("web", State.DOWN, copy(2, **known_by)),
        events=[ended(T, "web-2", 3)],
        engines=[engine(replace(GONE, exit_code=3), at=NOW)],
    ).explanations
    assert [fact.code for fact in found.facts] == [FactCode.EXITED, FactCode.PROBE_FAILS]
