"""The hours before a console: what it shows of them, and what stays unknown until looked at."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.engine.past import preload
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.writer import Writer
from opsconsole.engine.records.event_log import EventLog
from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.engine.traces.figure_trace import FigureTrace
from opsconsole.engine.traces.history import History
from opsconsole.engine.traces.past_values import past_values
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.past.replay import Gap
from opsconsole.model.reading import Reading
from opsconsole.model.series import Trace
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from tests.engine.conftest import ScriptedSource, fleet
from tests.fakes import FakeClock
from tests.named import named

START = 1_700_000_000.0
KEY = named("probe:api/api:health")


def settings() -> Settings:
    return fleet(
        {
            "api": {
                "instances": ["http://10.0.0.1:8000"],
                "interval": "5s",
                "metrics": {"queue": {"json": "queue"}},
            }
        }
    )


def lived(seconds: int, *, down_at: int | None = None) -> Store:
    """A store that looked at its service every five seconds."""
    store = Store(settings(), START)
    for second in range(0, seconds, 5):
        at = START + second
        down = second == down_at
        report = HealthReport(State.DOWN if down else State.OK, "x", figures={"queue": 7.0})
        store.apply(Reading(KEY, at, 0.1 if down else 0.02, value=report))
        store.settle(at)
    return store


def picture(store: Store, at: float) -> Snapshot:
    views = tuple(each.view for each in store.services.values() if each.view is not None)
    return Snapshot(1, at, services=views, events=store.events.view())


def seen(store: Store, now: float) -> ServiceView:
    store.settle(now)
    view = store.services["api"].view
    assert view is not None
    return view


def test_a_new_console_shows_the_traces_of_the_one_before() -> None:
    before = lived(600, down_at=300)
    old = seen(before, START + 595.0)
    now = START + 640.0
    store = Store(settings(), now)
    preload.fill(store, preload.Past(picture(before, START + 595.0)), now)
    view = seen(store, now)
    assert old.latency.trace is not None
    assert view.latency.trace is not None
    known = {at: value for at, value in slots(old.latency.trace) if value is not None}
    shown = {at: value for at, value in slots(view.latency.trace) if value is not None}
    assert shown == known
    assert view.state_trace is not None
    assert old.state_trace is not None
    looked = {at: value for at, value in slots(old.state_trace) if value is not None}
    assert {at: value for at, value in slots(view.state_trace) if value is not None} == looked


def test_what_is_old_never_looks_fresh() -> None:
    now = START + 640.0
    store = Store(settings(), now)
    preload.fill(store, preload.Past(picture(lived(600), START + 595.0)), now)
    view = seen(store, now)
    assert view.state is State.UNKNOWN
    assert view.since == now
    assert view.latency.last is view.latency.p95 is None
    assert view.error_rate is None
    assert [(metric.value, metric.at) for metric in view.metrics] == [(None, None)]
    assert [each.taken_at for each in view.instances] == [None]
    assert view.latency.trace is not None
    assert view.latency.trace.values[-1] is None, "the open slot is for what is seen now"


def test_what_was_seen_meanwhile_stays() -> None:
    now = START + 640.0
    store = Store(settings(), now)
    store.apply(Reading(KEY, now, 0.5, value=HealthReport(State.OK, "x", figures={"queue": 9.0})))
    store.settle(now)
    preload.fill(store, preload.Past(picture(lived(600), START + 595.0)), now)
    view = seen(store, now)
    assert view.state is State.OK
    assert view.latency.p95 == pytest.approx(0.5, rel=0.02)
    (metric,) = view.metrics
    assert metric.value == 9.0
    store.apply(Reading(KEY, now, 0.5, value=HealthReport(State.OK, "x", figures={"queue": 9.0})))
    (metric,) = seen(store, now).metrics
    assert metric.trace is not None
    assert {value for value in metric.trace.values if value is not None} == {7.0, 9.0}


def test_a_window_that_has_passed_brings_events_and_states_alone(
    tmp_path: Path,
) -> None:
    event = Event(START + 10.0, EventCode.NOTE, "ann: deploying")
    writer = Writer(tmp_path / "recording.db")
    writer.write(replace(picture(lived(100), START + 95.0), events=(event,)))
    writer.close()
    archive = Archive(tmp_path / "recording.db")
    past = preload.read(archive, START + 2000.0, 900.0)
    assert (past.events, past.recent) == ((event,), False)
    assert past.gap == Gap(START + 95.0, START + 2000.0)
    store = Store(settings(), START + 2000.0)
    preload.fill(store, past, START + 2000.0)
    trace = seen(store, START + 2000.0).latency.trace
    assert trace is None or not any(trace.values)
    assert preload.read(archive, START + 500.0, 900.0).recent
    assert preload.read(archive, START - 1.0, 900.0) == preload.Past()
    assert preload.read(archive, START + 90_000.0, 900.0) == preload.Past()


def test_events_come_before_those_told_since_and_none_twice() -> None:
    early, note, late = (
        Event(START + second, EventCode.NOTE, f"note {second}") for second in (1, 2, 3)
    )
    log = EventLog()
    log.add(late)
    log.add(note)
    log.preload((early, note))
    assert log.view() == (early, late, note)
    log.add(early)
    assert log.view() == (early, late, note)
    crowded = EventLog(kept=2)
    crowded.add(late)
    crowded.preload((early, note))
    assert crowded.view() == (note, late), "what is new goes before what is old"


def test_a_watch_goes_on_unless_nobody_looked_in_between() -> None:
    now = START + 640.0
    before = picture(lived(600), START + 595.0)
    assert [each.diagnosis.watched_since for each in before.services] == [START]
    for gap, since in ((None, START), (Gap(START + 595.0, now), now)):
        store = Store(settings(), now)
        assert seen(store, now).diagnosis.watched_since == now
        preload.fill(store, preload.Past(before, gap=gap), now)
        assert seen(store, now).diagnosis.watched_since == since
    store.suspended(now + 60)
    store.touch(store.services["api"])
    assert seen(store, now + 60).diagnosis.watched_since == now + 60


@pytest.mark.parametrize("seen_by", ["", "kim@bastion-2"])
def test_an_alert_that_waits_goes_on_from_what_this_host_saw_alone(seen_by: str) -> None:
    rule = {"name": "Down", "when": "state == down", "for": "60s"}
    config = fleet({"api": {"instances": ["http://10.0.0.1:8000"], "alerts": [rule]}})

    def down(store: Store, at: float) -> tuple[Alert, ...]:
        for earlier in (10.0, 5.0, 0.0):
            store.apply(Reading(KEY, at - earlier, 0.1, fault=Fault(FaultKind.CONNECT, "refused")))
            store.settle(at - earlier)
        return SnapshotBuilder(config, store, read_only=False).build(at, (), ()).alerts

    before = Store(config, START)
    (waits,) = down(before, START + 15)
    assert waits.state is AlertState.PENDING
    shown = replace(picture(before, START + 40), alerts=(waits,), seen_by=seen_by)
    after = Store(config, START + 41)
    preload.fill(after, preload.Past(shown), START + 41)
    (alert,) = down(after, START + 80)
    assert alert.state is (AlertState.PENDING if seen_by else AlertState.FIRING)


def test_what_is_learnt_afterwards_is_not_told_beside_its_record() -> None:
    """Two consoles date an event of an engine differently by the drift of their clocks."""
    died = Event(START, EventCode.ENDED, subject="web-1", figure=1.0, place="docker")
    again = replace(died, at=START + 30)
    log = EventLog()
    log.preload((died, again))
    log.add(replace(died, at=START + 1e-6))
    log.add(replace(again, at=again.at - 1e-6))
    assert log.view() == (died, again)
    news = replace(died, at=START + 40)
    log.add(news)
    assert log.view() == (died, again, news)


def test_a_peak_is_not_lost_in_longer_slots() -> None:
    trace = Trace(1_700_000_010.0, 10.0, (1.0, 9.0, 2.0, None, None, None))
    assert dict(past_values(trace, 30.0, 0, 10**9)) == {1_700_000_010 // 30: 9.0}


@given(
    st.floats(1.0, 60.0),
    st.lists(st.none() | st.floats(0.0, 10.0), max_size=30),
    st.integers(0, 90),
)
def test_no_value_leaves_its_time(step: float, values: list[float | None], later: int) -> None:
    trace = Trace(START, 10.0, tuple(values))
    kept = FigureTrace(40, step)
    now = trace.end + later
    kept.fill(trace, now)
    found = kept.view(now)
    assert found.values[-1] is None
    for at, value in slots(found):
        if value is not None:
            near = [old for when, old in slots(trace) if at - 10.0 <= when <= at + step]
            assert value in near


def test_a_state_that_is_none_is_left_out() -> None:
    history = History(900.0, 5.0)
    history.fill_states(Trace(START, 10.0, (0.0, 3.0, 17.0)), START + 100.0)
    known = [value for value in history.state_trace(START + 100.0).values if value is not None]
    assert known == [0.0, 3.0]


def test_an_engine_shows_the_hours_before_without_waiting_for_them(tmp_path: Path) -> None:
    now = time.time()
    event = Event(now - 300.0, EventCode.NOTE, "ann: deploying")
    trace = Trace(now - 600.0, 15.0, (0.1,) * 30)
    latency = seen(lived(10), START + 10.0).latency
    view = ServiceView("api", State.DOWN, now - 300.0, latency=replace(latency, trace=trace))
    writer = Writer(tmp_path / "recording.db")
    writer.write(Snapshot(1, now - 60.0, services=(view,), events=(event,)))
    writer.close()
    source = ScriptedSource(KEY, 5.0, FakeClock(now))
    found: list[Snapshot] = []
    came = threading.Event()

    def listen(snapshot: Snapshot) -> None:
        found.append(snapshot)
        if event in snapshot.events:
            came.set()

    archive = Archive(tmp_path / "recording.db")
    engine = Engine(settings(), base=tmp_path, sources=[source], archive=archive)
    engine.listen(listen)
    engine.start()
    try:
        assert came.wait(5.0)
    finally:
        engine.stop()
    service = found[-1].service("api")
    assert service is not None
    assert service.state is not State.DOWN
    assert service.latency.trace is not None
    assert sum(value is not None for value in service.latency.trace.values) > 10


def slots(trace: Trace) -> list[tuple[float, float | None]]:
    """Each slot's beginning and its value."""
    return [(trace.start + trace.step * index, value) for index, value in enumerate(trace.values)]
