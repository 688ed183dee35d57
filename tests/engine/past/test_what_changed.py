"""What changed, asked of a snapshot: which moment it is that is to be explained."""

import pytest

from opsconsole.engine.past.what_changed import before_alert, before_service
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.causes import WINDOW
from opsconsole.model.events import Event, EventCode
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State
from tests.workloads import engine, replica

T = 10_000.0


def flip(at: float, state: State, service: str = "api") -> Event:
    return Event(at, EventCode.HEALTH_CHANGED, "", service, f"{service}-1", state)


def snapshot(
    *events: Event, state: State = State.OK, since: float = 0.0, alerts: tuple[Alert, ...] = ()
) -> Snapshot:
    instance = InstanceView("api", "api-1", "http://h1:80", state, since)
    beside = InstanceView("cron", "cron-1", "http://h1:81", State.OK, 0.0)
    services = (
        ServiceView("api", state, since, (instance,)),
        ServiceView("cron", State.OK, 0.0, (beside,)),
        ServiceView("boxed", State.OK, 0.0, replicas=("boxed-1",)),
    )
    engines = (engine(replica("boxed-1"), at=T),)
    return Snapshot(1, T, services=services, events=events, alerts=alerts, engines=engines)


def alert(since: float, service: str = "api") -> Alert:
    return Alert("k", "Slow", Severity.WARNING, AlertState.FIRING, since, service=service)


def test_the_moment_is_the_first_red_since_it_was_last_ok() -> None:
    told = (
        flip(T - 900, State.DOWN),
        flip(T - 800, State.OK),
        flip(T - 300, State.DEGRADED),
        flip(T - 100, State.DOWN),
    )
    changes = before_service(snapshot(*told, state=State.DOWN, since=T - 100), "api")
    assert (changes.moment, changes.over) == (T - 300, False)


def test_trouble_that_is_over_is_asked_about_as_such() -> None:
    told = (flip(T - 300, State.DOWN), flip(T - 200, State.OK))
    changes = before_service(snapshot(*told), "api")
    assert (changes.moment, changes.over) == (T - 300, True)


def test_trouble_whose_beginning_no_event_tells_began_when_the_state_did() -> None:
    changes = before_service(snapshot(state=State.DOWN, since=T - 400), "api")
    assert changes.moment == T - 400


def test_trouble_whose_end_no_event_tells_is_over_by_the_state() -> None:
    changes = before_service(snapshot(flip(T - 300, State.DOWN), since=T - 50), "api")
    assert (changes.moment, changes.over) == (T - 300, True)


def test_a_service_that_only_rings_is_asked_about_from_its_alert_on() -> None:
    ringing = snapshot(alerts=(alert(T - 60), alert(T - 90), alert(T - 500, "cron")))
    assert before_service(ringing, "api").moment == T - 90


def test_a_service_that_is_well_has_no_moment() -> None:
    changes = before_service(snapshot(), "api")
    assert changes.moment is None
    assert (changes.since, changes.until) == (T - WINDOW, T)


@pytest.mark.parametrize(
    ("rang", "moment"), [(T - 50, T - 300), (T - 301, T - 301), (T - 600, T - 600)]
)
def test_an_alert_is_about_the_trouble_that_it_rang_in(rang: float, moment: float) -> None:
    down = snapshot(flip(T - 300, State.DOWN), state=State.DOWN, since=T - 300)
    assert before_alert(down, alert(rang)).moment == moment


def test_an_alert_of_no_service_is_asked_about_too() -> None:
    image = Event(T - 100, EventCode.IMAGE_CHANGED, "", "api", "a", None, "a:1", "a:2")
    changes = before_alert(snapshot(image), alert(T - 50, ""))
    assert [cause.event for cause in changes.likely] == [image]


def test_hosts_are_those_of_instances_and_of_the_engine() -> None:
    restarted = Event(T - 10, EventCode.RESTARTED, "", "cron", "cron-1")
    boxed = Event(T - 10, EventCode.RESTARTED, "", "boxed", "boxed-1")
    changes = before_service(
        snapshot(restarted, boxed, flip(T, State.DOWN), state=State.DOWN, since=T), "api"
    )
    told = {cause.event.service: cause.reason.split("; ")[1] for cause in changes.likely}
    assert told == {"cron": "cron, on the same host", "boxed": "boxed, elsewhere"}
