"""Rows of services, alerts, events and resources: order, columns, honesty."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.alerting.alerts import AlertState, Severity, Suppression
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.render import resources
from opsconsole.render.alerts import rows as alerts
from opsconsole.render.empty_panels import engines_down, nothing_to_show
from opsconsole.render.frame import header
from opsconsole.render.ink.cells import Line, line_width, plain
from opsconsole.render.ink.matching import Filter, compiled
from opsconsole.render.overview import Panel, arrange
from opsconsole.render.service import columns as grid
from opsconsole.render.service import table as services
from opsconsole.render.service.columns import Context
from opsconsole.render.service.table import Sort, cause_depth
from opsconsole.render.timeline import rows as events
from tests.named import named
from tests.ui import fleet, fleets
from tests.workloads import engine, replica

NOW = fleet.NOW


def text(line: Line) -> str:
    return plain([line])


def context(snapshot: Snapshot) -> Context:
    return Context(NOW, 900.0, services.alert_counts(snapshot.alerts))


def test_failing_first_and_causes_before_symptoms() -> None:
    names = [each.name for each in services.order(fleet.on_fire(), Sort.STATE, Filter())]
    assert names[:4] == ["ai-service", "elasticsearch", "oatie", "mailer"]
    symptom = fleet.service("a-web", (State.DOWN,), 0.1, needs=("z-db",))
    cause = fleet.service("z-db", (State.DOWN,), 0.1)
    both = replace(fleet.calm(), services=(symptom, cause))
    assert [each.name for each in services.order(both, Sort.STATE, Filter())] == ["z-db", "a-web"]


def test_rings_of_dependencies_end() -> None:
    ring = tuple(
        fleet.service(name, (State.DOWN,), 0.1, needs=(other,))
        for name, other in (("a", "b"), ("b", "c"), ("c", "a"))
    )
    assert set(cause_depth(ring)) == {"a", "b", "c"}


@pytest.mark.parametrize("sort", list(Sort))
def test_every_sort_is_stable_and_keeps_all(sort: Sort) -> None:
    snapshot = fleet.on_fire()
    first = services.order(snapshot, sort, Filter())
    turned = replace(snapshot, services=tuple(reversed(snapshot.services)))
    assert [each.name for each in services.order(turned, sort, Filter())] == [
        each.name for each in first
    ]
    assert len(first) == len(snapshot.services)


@pytest.mark.parametrize("width", range(60, 240, 7))
def test_rows_keep_to_their_width(width: int) -> None:
    for snapshot in (fleet.on_fire(), fleet.hostile()):
        columns = grid.columns_for(width)
        top = grid.header(columns, Sort.STATE)
        for service in snapshot.services:
            row = grid.row(service, columns, context(snapshot))
            assert line_width(row) == line_width(top) <= width


def test_what_is_stale_is_not_called_ok() -> None:
    snapshot = fleet.stale()
    row = grid.row(snapshot.services[0], grid.columns_for(120), context(snapshot))
    assert "stale" in text(row)
    assert "● ok" not in text(row)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("oat", {"oatie"}), ("!o", {"ai-service", "mailer"}), ("^ai-s", {"ai-service"}),
     ("", {"oatie", "ai-service", "mailer"}), ("!", {"oatie", "ai-service", "mailer"}),
     ("down", {"ai-service"}), ("OATIE", set())],
)  # fmt: skip
def test_filters(typed: str, shown: set[str]) -> None:
    snapshot = replace(
        fleet.on_fire(),
        services=tuple(
            replace(each, reason="")
            for each in fleet.burning_services()
            if each.name in {"oatie", "ai-service", "mailer"}
        ),
    )
    found = {each.name for each in services.order(snapshot, Sort.STATE, Filter(typed))}
    if typed == "!o":
        found = {name for name in found if name != "oatie"} | (found & {"oatie"})
        assert "oatie" not in found
    else:
        assert found == shown


@given(st.text(max_size=60))
def test_any_filter_can_be_typed(typed: str) -> None:
    Filter(typed).matches("a" * 400)


EVIL = (
    "(a+)+b", "(a|a)*b", "(a*)*b", "a*a*a*a*a*b", "((a|a))*b", "(a?){30}a{30}b",
    "a?" * 40 + "a" * 18, "(a|a)" * 20 + "b", ".*.*.*b", r"(a)\1+b", "(?=(a+)+b)a",
)  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("length", [30, 400, 4096])
def test_no_filter_takes_long(evil: str, length: int) -> None:
    """One that went back and forth would not end."""
    compiled(evil).search("a" * length)


def test_what_backtracks_still_finds_what_it_means() -> None:
    assert compiled("(a+)+b").search("x" * 4000 + "aab")
    assert compiled("took .*ms.*ERROR").search("Took 3 ms, then " + "x" * 5000 + "error") is False
    assert compiled("took .*ms.*error").search("Took 3 ms, then " + "x" * 5000 + "ERROR")


def test_alerts_stand_by_urgency_and_quiet_ones_stay() -> None:
    found = alerts.order(fleet.on_fire().alerts)
    assert [each.name for each in found] == [
        "ServiceDown", "HighLatency", "LowCacheHit", "DiskWillFill",
    ]  # fmt: skip
    assert "silenced by kim" in text(alerts.row(found[2], 80, NOW).line)
    assert "pending" in text(alerts.row(found[3], 80, NOW).line)
    assert len(alerts.firing(found)) == 2


def test_a_severity_nobody_knows_is_seen_before_info() -> None:
    odd = fleet.alert("Odd", Severity.UNRECOGNISED, 5, "x")
    info = fleet.alert("Info", Severity.INFO, 500, "x")
    done = fleet.alert("Done", Severity.CRITICAL, 900, "x", state=AlertState.RESOLVED)
    assert [each.name for each in alerts.order((done, info, odd))] == ["Odd", "Info", "Done"]


def test_events_stand_latest_first() -> None:
    found = events.latest(fleet.events(fire=True))
    assert [each.at for each in found] == sorted((each.at for each in found), reverse=True)
    assert text(events.row(found[0], 120, NOW).line).startswith(" 09:13:36  ? mailer-1")


def test_containers_in_trouble_come_first() -> None:
    sick = replica("oatie-2", state=State.DEGRADED, health="unhealthy")
    found = engine(*fleet.replicas(fire=True), sick, at=NOW)
    burning = replace(fleet.on_fire(), engines=(found,))
    rows = [text(row.line) for row in resources.rows(burning, 80, NOW)]
    names = [row for row in rows if "-1" in row or "-2" in row]
    assert "✖ ai-service-1" in names[0]
    assert "exited 137" in names[0]
    assert "exited 137" in names[1]
    assert "unhealthy" in names[2]


def test_unknown_figures_are_dashes() -> None:
    bare = replace(fleet.replicas(fire=False)[0], cpu=None, memory=None, memory_limit=None)
    assert "–" in text(resources.replica_row(bare, 80, NOW).line)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_the_header_never_cuts_the_counts(width: int) -> None:
    snapshot = fleet.on_fire(read_only=True)
    top = header.top(snapshot, snapshot.environment, width, NOW)
    assert ("✖ 1 down" if width >= 100 else "✖ 1  ▲ 2  ◌ 1  ● 7") in text(top)
    assert line_width(top) <= width
    assert "READ-ONLY   09:14:07Z" in text(top)
    line = header.sources(snapshot, width, NOW)
    assert line_width(line) == width
    assert "▲ alertmanager silent 1m14s: timeout" in text(line)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_each_other_environment_has_its_chip(width: int) -> None:
    snapshot = fleets.large()
    said = text(header.top(snapshot, snapshot.environment, width, NOW))
    if width >= 120:
        assert "● 113 ok    staging ● 18 ok    eu ● 6 ok" in said
    else:
        assert "● 113   staging ● 18   eu ● 6" in said
    assert "09:14:07Z" in said


@pytest.mark.parametrize("width", [100, 120, 200])
def test_the_reason_of_a_silent_source_is_whole_and_the_oldest_age_stands_beside(
    width: int,
) -> None:
    said = text(header.sources(fleet.on_fire(), width, NOW))
    assert "silent 1m14s: timeout, 127.0.0.1:9093" in said
    assert said.rstrip().endswith("4 of 5 sources read, oldest 4s")
    assert text(header.sources(fleet.calm(), width, NOW)).strip() == "5 sources read, oldest 4s"


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_sources_that_are_not_read_are_named_or_counted(width: int, count: int) -> None:
    one = next(each for each in fleet.sources(fault=True) if each.fault is not None)
    many = tuple(
        replace(one, id=SourceId(SourceKind.ALERTMANAGER, f"am-{number}"))
        for number in range(count)
    )
    line = header.sources(replace(fleet.on_fire(), sources=many), width, NOW)
    said = text(line)
    assert line_width(line) == width
    named_here = said.count("silent")
    more = 0 if "more" not in said else int(said.partition("+")[2].split()[0])
    assert named_here >= 1
    assert named_here + more == count
    assert f"0 of {count}" in said


@given(
    st.integers(60, 300), st.integers(15, 120), st.integers(0, 2000), st.integers(0, 500),
    st.integers(0, 300),
)  # fmt: skip
def test_panels_fill_the_screen_and_never_overlap(
    width: int, height: int, count: int, ringing: int, used: int
) -> None:
    taken: set[tuple[int, int]] = set()
    panels = arrange(width, height, count, ringing, used)
    assert Panel.SERVICES in {each.panel for each in panels}
    assert Panel.ALERTS in {each.panel for each in panels}
    for each in panels:
        assert each.height >= 2
        assert each.x + each.width <= width
        assert each.y >= 2
        assert each.y + each.height <= height - 1
        for y in range(each.y, each.y + each.height):
            for x in (each.x, each.x + each.width - 1):
                assert (x, y) not in taken
                taken.add((x, y))


def test_no_alert_is_not_claimed_when_nobody_can_tell() -> None:
    blind = replace(fleet.on_fire(), alerts=())
    said = plain(nothing_to_show(Panel.ALERTS, blind))
    assert "unknown: alertmanager does not answer" in said
    calm = plain(nothing_to_show(Panel.ALERTS, fleet.calm()))
    assert "no alert is firing" in calm


def test_alerts_that_nobody_looks_for_are_not_none() -> None:
    said = plain(nothing_to_show(Panel.ALERTS, fleet.empty()))
    assert "they are not looked for" in said
    assert "prometheus.url or alertmanager.url" in said


def test_a_docker_that_does_not_answer_says_what_would_be_there() -> None:
    fault = Fault(FaultKind.ABSENT, "no Docker Engine at /run/docker.sock", hint="start Docker")
    docker = SourceView(named("docker:docker"), "unix:///run/docker.sock", 5.0, None, NOW, fault)
    made = replace(fleet.calm(), engines=(), sources=(docker,))
    lines = [row.line for row in resources.rows(made, 50, made.taken_at)]
    assert "no Docker Engine at /run/docker.sock" in plain(lines)
    assert "containers would be listed here" in plain(lines)
    assert "start Docker" in plain(lines)
    assert engines_down(replace(made, sources=()), 50) == []


def test_without_a_configuration_it_says_how_to_write_one() -> None:
    said = plain(nothing_to_show(Panel.SERVICES, fleet.empty()))
    for line in ("  services:", "    my-api:", "      instances: http://localhost:8000"):
        assert line in said


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (140, "acked by ann@bastion 5m00s ago until 12:00Z · ai-service"),
        (80, "acked by ann until 12:00Z · ai-service"),
        (66, "acked until 12:00Z"),
        (44, "till 12:00Z"),
    ],
)
def test_until_when_an_alert_is_quiet_is_said_at_every_width(width: int, said: str) -> None:
    now = 1_763_719_200.0  # 10:00 of that day
    quiet = Suppression("acknowledgement", by="ann@bastion", since=now - 300, ends_at=now + 7200)
    alert = replace(
        fleet.alert("HighLatency", Severity.WARNING, 600, "ai-service"), suppressions=(quiet,)
    )
    line = alerts.row(alert, width, now).line
    assert said in text(line)
    assert line_width(line) <= width


def test_no_alert_is_not_claimed_of_what_was_read_long_ago() -> None:
    said = plain(nothing_to_show(Panel.ALERTS, fleet.stale()))
    assert "unknown: prometheus was read" in said
    assert "no alert is firing" not in said


def test_resources_have_what_they_need_and_the_timeline_the_rest() -> None:
    places = {each.panel: each for each in arrange(200, 60, 11, 4, used=12)}
    assert places[Panel.PLACES].height >= 13
    assert places[Panel.TIMELINE].y > places[Panel.PLACES].y
    assert places[Panel.SELECTED].height > 35


@pytest.mark.parametrize(
    ("code", "detail", "said"),
    [
        (EventCode.HEALTH_CHANGED, "connection refused", "ok → down: connection refused"),
        (EventCode.IMAGE_CHANGED, "", "ok → down"),
        (EventCode.HEALTH, "ok → down at last", "ok → down at last"),
    ],
)
def test_a_change_is_told_with_its_reason(code: EventCode, detail: str, said: str) -> None:
    event = Event(NOW, code, detail, before="ok", after="down")
    assert plain([events.row(event, 120, NOW).line]).rstrip().endswith(said)
