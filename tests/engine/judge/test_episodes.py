"""When a service was wrong, from the flips of its parts and of itself as a whole."""

import pytest

from opsconsole.engine.judge.episodes import Episode, episodes
from opsconsole.model.events import Event, EventCode
from opsconsole.model.state import State

STATES = {"o": State.OK, "g": State.DEGRADED, "d": State.DOWN, "u": State.UNKNOWN}


def flips(*told: str, service: str = "web") -> list[Event]:
    """``"7 web-1 d"`` is a flip of ``web-1`` to down at 7 s."""
    found = []
    for each in told:
        at, subject, state = each.split()
        found.append(
            Event(
                float(at), EventCode.HEALTH_CHANGED, service=service, subject=subject,
                state=STATES[state],
            )
        )  # fmt: skip
    return found


def stretches(*told: str) -> list[tuple[float, float | None, State]]:
    found = episodes(flips(*told)).get("web", ())
    return [(each.began_at, each.ended_at, each.worst) for each in found]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (("1 web-1 o",), []),
        (("1 web-1 u",), []),
        (("1 web-1 g",), [(1.0, None, State.DEGRADED)]),
        (("1 web-1 d", "5 web-1 o"), [(1.0, 5.0, State.DOWN)]),
        (("1 web-1 g", "3 web-1 d", "4 web-1 g", "5 web-1 o"), [(1.0, 5.0, State.DOWN)]),
        (("5 web-1 o", "1 web-1 d"), [(1.0, 5.0, State.DOWN)]),
        (("1 web-1 d", "5 web-1 u"), [(1.0, None, State.DOWN)]),
        (("1 web-1 d", "2 web-2 g", "5 web-1 o"), [(1.0, None, State.DOWN)]),
        (("1 web-1 d", "2 web-2 g", "5 web-1 o", "6 web-2 o"), [(1.0, 6.0, State.DOWN)]),
        (
            ("1 web-1 g", "2 web-1 o", "4 web-1 d", "6 web-1 o"),
            [(1.0, 2.0, State.DEGRADED), (4.0, 6.0, State.DOWN)],
        ),
        (("1 web-1 d", "2 web-2 d", "5 web o"), [(1.0, 5.0, State.DOWN)]),
        (("1 web-1 d", "2 web d", "3 web g", "5 web-1 o"), [(1.0, 5.0, State.DOWN)]),
        (("1 web-1 d", "2 web d", "5 web-1 o"), [(1.0, None, State.DOWN)]),
        (("1 web g", "5 web-1 o"), [(1.0, None, State.DEGRADED)]),
    ],
)
def test_an_episode_lasts_from_the_first_part_to_the_last(
    told: tuple[str, ...], found: list[tuple[float, float | None, State]]
) -> None:
    assert stretches(*told) == found


def test_each_service_has_its_own_and_other_news_begins_none() -> None:
    alert = Event(1.0, EventCode.ALERT_FIRED, service="web", subject="Slow", state=State.DOWN)
    nobody = flips("1 host d", service="")
    found = episodes([alert, *nobody, *flips("2 a d"), *flips("3 b g", "4 b o", service="shop")])
    assert found == {
        "web": (Episode("web", 2.0, None, State.DOWN),),
        "shop": (Episode("shop", 3.0, 4.0),),
    }


@pytest.mark.parametrize(
    ("at", "ended", "covered"),
    [(0.9, 5.0, False), (1.0, 5.0, True), (4.9, 5.0, True), (5.0, 5.0, False), (99.0, None, True)],
)
def test_an_episode_covers_its_beginning_and_not_its_end(
    at: float, ended: float | None, covered: bool
) -> None:
    assert Episode("web", 1.0, ended).covers(at) is covered
