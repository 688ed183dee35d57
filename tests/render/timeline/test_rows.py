"""A short list of events keeps what explains: many alerts of one time are one row."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.events import Event, EventCode
from opsconsole.model.state import State
from opsconsole.render.ink.cells import plain
from opsconsole.render.timeline.rows import MANY, TOGETHER, gathered, latest, row

T = 1_700_000_000.0
DIED = Event(T, EventCode.ENDED, "", "api", "api-1", State.DOWN, figure=137.0)


def fires(at: float, name: str, service: str = "api") -> Event:
    return Event(at, EventCode.ALERT_FIRED, "", service, name, State.DEGRADED)


def test_seven_alerts_leave_room_for_the_death_that_they_are_about() -> None:
    flood = [fires(T + 5 + n, f"A{n}") for n in range(7)]
    shown = gathered([DIED, *flood])
    assert len(shown) == 2
    assert "7 alerts fire: A0, A1, A2, A3, A4, A5, A6" in plain([row(shown[0], 120, T + 60).line])
    assert shown[1] is DIED
    assert shown[0].at == flood[0].at, "it began with the first"
    assert all("died, exit 137" in plain([row(shown[1], width, T).line]) for width in (80, 120))


def test_alerts_of_several_services_name_none() -> None:
    (one,) = gathered([fires(T + n, "Down", f"s{n}") for n in range(3)])
    assert (one.service, one.detail) == ("", "3 alerts fire: Down")


def test_a_few_and_those_of_another_time_stay_as_they_are() -> None:
    few = [fires(T, "A"), fires(T + 1, "B"), fires(T + TOGETHER + 2, "C"), fires(T + 200, "D")]
    assert gathered(few) == latest(few)


EVENTS = st.lists(
    st.builds(
        Event,
        at=st.floats(0, 500),
        code=st.sampled_from([EventCode.ALERT_FIRED, EventCode.ALERT_RESOLVED, EventCode.ENDED]),
        subject=st.sampled_from("abc"),
        service=st.sampled_from(["", "x", "y"]),
    ),
    max_size=30,
)


@given(EVENTS)
def test_nothing_but_alerts_is_gathered_and_all_are_counted(happened: list[Event]) -> None:
    shown = gathered(happened)
    others = [each for each in latest(happened) if each.code is EventCode.ENDED]
    assert [each for each in shown if each.code is EventCode.ENDED] == others
    counted = sum(
        int(each.detail.split()[0]) if each.code is EventCode.ALERT else 1 for each in shown
    )
    assert counted == len(happened)
    assert [each.at for each in shown] == sorted((each.at for each in shown), reverse=True)
    assert all(int(each.detail.split()[0]) >= MANY for each in shown if each.code.value == "alert")
