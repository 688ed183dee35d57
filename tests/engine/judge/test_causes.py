"""Ranking what changed: hand-worked cases, and what holds whatever happened."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.judge.causes import Question, what_changed
from opsconsole.engine.judge.episodes import Episode, episodes
from opsconsole.model.causes import Changes, Ties, Topology
from opsconsole.model.events import Event, EventCode, EventKind
from opsconsole.model.operation import ActionKind
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words

T = 10_000.0
WINDOW = 900.0

TOPOLOGY = Topology(
    {
        "web": Ties(("api",), frozenset({"h1"})),
        "api": Ties(("db", "cache"), frozenset({"h1"})),
        "db": Ties((), frozenset({"h2"})),
        "cache": Ties((), frozenset({"h1"})),
        "mailer": Ties((), frozenset({"h1"})),
        "far": Ties((), frozenset({"h9"})),
    }
)

IMAGE = Event(T - 300, EventCode.IMAGE_CHANGED, "", "api", "api-1", None, "a:1", "a:2")
OOM = Event(T - 2, EventCode.ENDED, "", "api", "api-1", State.DOWN, figure=137, memory=True)
KILLED = Event(T - 2.1, EventCode.OUT_OF_MEMORY, "", "api", "api-1", State.DOWN)
RED = Event(T, EventCode.HEALTH_CHANGED, "", "api", "api-1", State.DOWN, "ok", "down")


def flip(at: float, service: str, state: State, subject: str = "") -> Event:
    return Event(at, EventCode.HEALTH_CHANGED, "", service, subject or f"{service}-1", state)


def operation(at: float, state: str, action: ActionKind = ActionKind.RESTART) -> Event:
    return Event(at, EventCode.OPERATION, "", "api", "api", after=state, action=action, by="kim")


def asked(*events: Event, service: str = "api", moment: float | None = T) -> Changes:
    question = Question(service, service, moment, T + 100)
    return what_changed(question, events, episodes(events), TOPOLOGY)


def named(changes: Changes) -> list[str]:
    return [words(cause.event) for cause in changes.likely]


def test_the_image_comes_before_the_kill_that_it_led_to() -> None:
    changes = asked(KILLED, OOM, RED, IMAGE)
    assert named(changes) == [words(IMAGE), words(OOM)]
    first, second = changes.likely
    assert first.reason == "another image; the service itself; 5m00s before"
    assert second.reason == "it ran out of memory; the service itself; 2s before"
    # By hand: 100 × 1 × (1 − 0.25 × 300/900), 64 × 1 × (1 − 0.25 × 2/900).
    assert (first.score, second.score) == (91.667, 63.964)
    assert changes.rest == (RED,)


def test_the_end_and_the_start_of_a_replaced_container_belong_to_its_image() -> None:
    ended = Event(IMAGE.at, EventCode.ENDED, "", "api", "api-1", State.DOWN, figure=137)
    started = Event(IMAGE.at + 1, EventCode.STARTED, "", "api", "api-1", State.OK)
    changes = asked(IMAGE, ended, started, OOM)
    assert named(changes) == [words(IMAGE), words(OOM)]
    assert changes.likely[0].count == 1


def test_an_image_of_the_other_end_of_the_window_still_leads() -> None:
    old = Event(T - WINDOW, EventCode.IMAGE_CHANGED, "", "api", "api-1", None, "1", "2")
    assert named(asked(old, OOM)) == [words(old), words(OOM)]


def test_what_is_elsewhere_comes_after_what_is_near() -> None:
    def restarted(service: str) -> Event:
        return Event(T - 10, EventCode.RESTART, f"{service} restarted", service, service)

    near = [restarted(name) for name in ("far", "mailer", "db", "api")]
    changes = asked(*near)
    assert [each.event.service for each in changes.likely] == ["api", "db", "mailer", "far"]
    assert [each.reason.split("; ")[1] for each in changes.likely] == [
        "the service itself",
        "db, which it needs",
        "mailer, on the same host",
        "far, elsewhere",
    ]


def test_a_need_that_went_wrong_first_is_the_root_and_moves_the_window() -> None:
    version = Event(T - 1000, EventCode.VERSION_CHANGED, "", "db", "db-1", None, "1", "2")
    first = flip(T - 200, "db", State.DOWN)
    changes = asked(version, first, flip(T - 5, "api", State.DEGRADED), RED, service="web")
    assert changes.root == "db"
    assert changes.since == T - 200 - WINDOW
    assert named(changes) == [words(version), words(first)]
    assert "db, needed through api" in changes.likely[0].reason


def test_what_befell_a_need_after_it_was_wrong_is_an_effect() -> None:
    red = flip(T - 200, "db", State.DOWN)
    restarted = Event(T - 100, EventCode.RESTARTED, "", "db", "db-1")
    changes = asked(red, restarted)
    assert named(changes) == [words(red)]
    assert restarted in changes.rest


def test_symptoms_are_no_causes() -> None:
    own_alert = Event(T - 1, EventCode.ALERT_FIRED, "", "api", "Slow", State.DOWN)
    symptoms = [
        flip(T - 3, "web", State.DEGRADED),
        flip(T - 4, "mailer", State.DOWN),
        Event(T - 3, EventCode.ALERT_FIRED, "", "web", "Slow", State.DOWN),
        own_alert,
        Event(T - 5, EventCode.CHECK_RESULT, "unhealthy", "api", "api-1"),
        Event(T - 6, EventCode.NOTE, "kim: looking", "api"),
        operation(T - 7, "verified", ActionKind.BACKUP),
    ]
    changes = asked(*symptoms)
    assert changes.likely == ()
    assert set(changes.rest) == set(symptoms)


def test_an_alert_of_a_host_may_be_a_cause() -> None:
    full = Event(T - 60, EventCode.ALERT_FIRED, "", "", "DiskFull", State.DOWN)
    assert named(asked(full)) == [words(full)]


def test_a_run_is_one_cause_and_acted_from_its_beginning() -> None:
    changes = asked(operation(T - 90, "dispatched"), operation(T - 60, "verified"))
    assert named(changes) == ["restart: started, by kim"]
    refused = operation(T - 5, "refused")
    assert named(asked(refused)) == []


def test_a_crash_loop_is_one_row_with_its_count() -> None:
    ends = [
        Event(T - 40 + at, EventCode.ENDED, "", "api", "api-1", State.DOWN, figure=1)
        for at in range(0, 30, 10)
    ]
    starts = [Event(each.at + 1, EventCode.STARTED, "", "api", "api-1") for each in ends]
    (cause,) = asked(*ends, *starts).likely
    assert (words(cause.event), cause.count) == ("died, exit 1", 3)


def test_a_service_that_never_went_wrong_is_asked_about_the_last_minutes() -> None:
    changes = asked(IMAGE, moment=None)
    assert changes.moment is None
    assert changes.until == T + 100
    assert named(changes) == [words(IMAGE)]


def test_an_episode_ends_when_every_part_is_ok_again() -> None:
    told = [
        flip(1, "api", State.DEGRADED, "api-1"),
        flip(2, "api", State.DOWN, "api-2"),
        flip(2, "api", State.DOWN, "api"),
        flip(3, "api", State.UNKNOWN, "api-1"),
        flip(4, "api", State.DEGRADED, "api"),
        flip(5, "api", State.OK, "api-1"),
        flip(6, "api", State.OK, "api-2"),
        flip(9, "api", State.DEGRADED, "api-1"),
    ]
    assert episodes(told)["api"] == (
        Episode("api", 1, 6, State.DOWN),
        Episode("api", 9, None, State.DEGRADED),
    )


def test_what_cannot_be_looked_at_has_not_gone_wrong() -> None:
    assert episodes([flip(1, "api", State.UNKNOWN), flip(2, "api", State.OK)]) == {}


EVENTS = st.lists(
    st.builds(
        Event,
        at=st.floats(T - 2000, T + 200, allow_nan=False),
        code=st.sampled_from(EventCode),
        detail=st.sampled_from(["", "refused", "x"]),
        figure=st.sampled_from([None, 0.0, 137.0]),
        memory=st.booleans(),
        action=st.sampled_from([None, *ActionKind]),
        service=st.sampled_from(["", "web", "api", "db", "cache", "far"]),
        subject=st.sampled_from(["", "a", "b"]),
        state=st.sampled_from([None, *State]),
    ),
    max_size=30,
    unique=True,
)


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_is_total_and_does_not_depend_on_that_of_the_events(
    events: list[Event], random: object
) -> None:
    changes = asked(*events)
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert asked(*shuffled) == changes
    order = [(-each.score, -each.event.at) for each in changes.likely]
    assert order == sorted(order)
    keys = [(cause.score, cause.event) for cause in changes.likely]
    assert len(set(keys)) == len(keys)


@given(EVENTS)
def test_nothing_later_than_the_moment_and_nothing_before_the_window(events: list[Event]) -> None:
    changes = asked(*events)
    before = list(changes)
    assert all(changes.since <= event.at <= T for event in before)
    assert all(T < event.at <= T + 100 for event in changes.afterwards)
    assert changes.since >= T - 2 * WINDOW
    within = [event for event in events if changes.since <= event.at <= T]
    assert set(before) <= set(within)
    folded = len(within) - len(before)
    assert folded >= 0 if changes.likely else folded == 0


@given(EVENTS)
def test_no_symptom_is_a_cause(events: list[Event]) -> None:
    for cause in asked(*events).likely:
        if cause.event.kind in {EventKind.HEALTH, EventKind.ALERT}:
            assert cause.event.service in {"", "db", "cache"}
            assert cause.event.state in {State.DOWN, State.DEGRADED}
        assert 0 < cause.score <= 100


def test_a_death_is_never_taken_for_a_part_of_a_repair() -> None:
    """Killed first, a new image after it, and a new container that dies at once: three things."""
    died = Event(T - 60, EventCode.ENDED, "", "api", "api-1", State.DOWN, figure=137)
    repair = replace(IMAGE, at=T - 57)
    at_once = replace(died, at=T - 56, figure=1.0)
    changes = asked(died, repair, at_once)
    assert [each.event for each in changes.likely] == [repair, at_once]
    assert changes.likely[1].count == 2


def test_what_a_container_was_made_of_again_is_a_change_of_configuration() -> None:
    made = Event(T - 60, EventCode.RECREATED, "", "api", "api-1", before="env LLM_URL")
    assert named(asked(made, OOM)) == ["re-created: env LLM_URL removed", words(OOM)]
