"""What is due to a receiver: once for each cause, whatever is restarted and whatever flaps."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.config.notify import Notify, Receiver
from opsconsole.model.alerting.alerts import Severity
from opsconsole.model.incidents import Incident, IncidentEntry, IncidentSeverity, IncidentVerb
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.notices import Notice, What
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.model.people import Person
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.remedies.episodes import Episode
from opsconsole.model.remedies.rules import RemedyMode
from opsconsole.model.state import State
from opsconsole.watcher.notify.book import GONE_AFTER, Book
from opsconsole.watcher.notify.episodes import Notified, Record, folded
from tests.watcher.world import World

WAIT, WELL = 30.0, 60.0


def receiver(**more: object) -> Receiver:
    return Receiver.model_validate({"command": ["/bin/true"], **more})


class Reader:
    """One receiver that takes everything at once; ``restart`` leaves only what was kept."""

    def __init__(self, world: World, told_of: Receiver | None = None, **notify: object) -> None:
        self.world = world
        self.receiver = told_of or receiver()
        self.notify = Notify.model_validate({"wait": WAIT, "wait_well": WELL, **notify})
        self.kept: list[Record] = []
        self.heard: list[Notice] = []
        self.book = Book(self.notify, self.receiver, Notified())

    def restart(self) -> None:
        self.book = Book(self.notify, self.receiver, folded(self.kept))

    def keep(self, record: Record) -> None:
        self.kept.append(record)
        self.book.notified.apply(record)

    def round(self, *, takes: bool = True) -> list[Notice]:
        now, snapshot = self.world.now, self.world.snapshot
        troubles = self.world.troubles(*map(State, self.notify.states))
        for record in self.book.decide(troubles, snapshot, now):
            self.keep(record)
        notices = list(self.book.notices(troubles, snapshot, now))
        for each in notices if takes else ():
            self.heard.append(each)
            self.keep(self.book.sent(each, now))
        return notices

    def watch(self, seconds: float, every: float = 5.0) -> list[Notice]:
        heard: list[Notice] = []
        for _ in range(int(seconds / every)):
            self.world.pass_(every)
            heard += self.round()
        return heard


@pytest.fixture
def world() -> World:
    found = World()
    found.add("db")
    for each in range(200):
        found.add(f"web-{each:03d}", ["db"])
    found.add("mail")
    return found


def whats(notices: list[Notice]) -> list[What]:
    return [each.what for each in notices]


def test_trouble_is_told_when_it_has_lasted_and_its_end_when_that_has(world: World) -> None:
    reader = Reader(world)
    reader.round()
    world.turn("mail", State.DOWN)
    assert reader.watch(WAIT - 5) == []
    (new,) = reader.watch(5)
    assert new.what is What.NEW
    assert new.episode is not None
    assert [each.service for each in new.episode.members] == ["mail"]
    world.turn("mail", State.OK)
    assert reader.watch(WELL - 5) == []
    (over,) = reader.watch(5)
    assert (over.what, over.key) == (What.OVER, new.key)
    assert reader.watch(3600) == []


def test_what_ends_before_it_has_lasted_is_never_told(world: World) -> None:
    reader = Reader(world)
    world.turn("mail", State.DOWN)
    reader.watch(WAIT - 5)
    world.turn("mail", State.OK)
    assert reader.watch(3600) == []


def test_two_hundred_services_down_through_one_cause_are_one_message(world: World) -> None:
    reader = Reader(world)
    reader.round()
    # Half of the symptoms are seen before their cause is.
    names = [each for each in world.views if each.startswith("web")]
    for name in names[:100]:
        world.turn(name, State.DOWN)
    world.pass_(4)
    world.turn("db", State.DOWN, instances=())
    world.views["db"] = replace(world.views["db"], since=world.now - 4)
    for name in names[100:]:
        world.turn(name, State.DOWN)
    (new,) = reader.watch(600)
    assert new.episode is not None
    assert [each.service for each in new.episode.members] == ["db"]
    assert len(new.folded) == 200
    for name in ["db", *names]:
        world.turn(name, State.OK)
    assert whats(reader.watch(600)) == [What.OVER]


def test_as_many_without_a_known_cause_share_a_message_that_ends_once(world: World) -> None:
    reader = Reader(world)
    reader.round()
    names = [each for each in world.views if each != "db"][:40]
    for name in names:
        world.turn(name, State.DOWN)
        world.pass_(0.5)
    (new,) = reader.watch(600)
    assert new.episode is not None
    assert len(new.episode.members) == 40
    for name in names:
        world.turn(name, State.OK)
        assert reader.watch(5) == []
    assert whats(reader.watch(600)) == [What.OVER]


def test_symptoms_that_outlast_their_cause_are_told_then(world: World) -> None:
    reader = Reader(world)
    reader.round()
    for name in ("db", "web-001", "web-002"):
        world.turn(name, State.DOWN)
    assert whats(reader.watch(60)) == [What.NEW]
    world.turn("db", State.OK)
    assert whats(reader.watch(120)) == [What.NEW, What.NEW, What.OVER]


def test_what_is_not_known_is_neither_trouble_nor_its_end(world: World) -> None:
    reader = Reader(world)
    world.turn("mail", State.DOWN)
    assert whats(reader.watch(60)) == [What.NEW]
    world.turn("mail", State.UNKNOWN)
    assert reader.watch(3600) == []
    world.turn("mail", State.OK, stale=True)
    assert reader.watch(3600) == []
    world.turn("mail", State.OK, stale=False, flapping=True)
    assert reader.watch(3600) == []
    world.turn("mail", State.OK, flapping=False)
    assert whats(reader.watch(120)) == [What.OVER]


def test_a_service_that_is_watched_no_longer_ends_after_a_while(world: World) -> None:
    reader = Reader(world)
    world.turn("mail", State.DOWN)
    reader.watch(60)
    del world.views["mail"]
    assert reader.watch(GONE_AFTER - 60, every=30) == []
    assert whats(reader.watch(120)) == [What.OVER]


def test_it_is_told_again_after_a_while_unless_somebody_has_taken_it_on(world: World) -> None:
    reader = Reader(world, receiver(remind="1h"))
    key = world.fire("Slow", "mail")
    assert whats(reader.watch(3 * 3600, every=60)) == [What.NEW, What.REMINDER, What.REMINDER]
    world.fire("Slow", "mail", acked=True)
    assert reader.watch(3 * 3600, every=60) == []
    world.resolve(key)
    assert whats(reader.watch(120)) == [What.OVER]


def test_what_is_acknowledged_before_it_is_told_is_not_told(world: World) -> None:
    reader = Reader(world)
    world.fire("Slow", "mail", acked=True)
    assert reader.watch(3600) == []
    world.fire("Slow", "mail")
    assert whats(reader.watch(60)) == [What.NEW]


def test_nobody_is_notified_of_what_is_worked_on(world: World) -> None:
    reader = Reader(world)
    world.maintenances = (Maintenance("m", ("mail",), world.now, world.now + 3600, who="kim"),)
    world.turn("mail", State.DOWN)
    world.fire("Slow", "mail")
    world.turn("db", State.DOWN)
    (new,) = reader.watch(3500)
    assert new.episode is not None
    assert new.episode.members[0].service == "db"
    assert whats(reader.watch(200)) == [What.NEW]


def test_one_who_is_told_of_the_unanswered_alone(world: World) -> None:
    reader = Reader(world, receiver(unanswered_for="15m"))
    world.fire("Slow", "mail")
    assert reader.watch(14 * 60) == []
    assert whats(reader.watch(120)) == [What.NEW]
    world.fire("Wrong", "db")
    reader.watch(300)
    world.fire("Wrong", "db", acked=True)
    assert reader.watch(3600) == []
    world.fire("Full", "web-001")
    begun = world.now + 1
    world.operations = (run("op-1", OperationState.VERIFYING, begun, "web-001"),)
    assert reader.watch(3600) == []
    # What a remedy begins is nobody's answer.
    episode = Episode(
        "r", "r", "web-001", ActionKind.RESTART, "restart", RemedyMode.AUTO, begun, begun,
        operation="op-1",
    )  # fmt: skip
    world.automation = Automation(episodes=(episode,))
    assert whats(reader.watch(60)) == [What.NEW]


def test_an_incident_that_somebody_commands_is_an_answer_as_long_as_an_acknowledgement(
    world: World,
) -> None:
    reader, kim = Reader(world, receiver(unanswered_for="15m")), Person("kim", "b1")
    world.fire("Slow", "mail")
    opened = Incident(
        1, "slow", IncidentSeverity.MAJOR, kim, world.now, kim, services=("db", "mail")
    )
    world.incidents = (opened,)
    assert reader.watch(2 * 3600) == []
    note = IncidentEntry(world.now, IncidentVerb.NOTE, kim, "it is the disk")
    world.incidents = (replace(opened, entries=(note,)),)
    assert reader.watch(3 * 3600) == []
    assert whats(reader.watch(2 * 3600)) == [What.NEW]


@pytest.mark.parametrize("more", [{"services": ("db",)}, {"services": ()}, {"closed_at": 1.0}])
def test_an_incident_about_others_or_that_is_closed_is_none(
    world: World, more: dict[str, Any]
) -> None:
    reader, kim = Reader(world, receiver(unanswered_for="15m")), Person("kim", "b1")
    world.fire("Slow", "mail")
    opened = Incident(1, "slow", IncidentSeverity.MAJOR, kim, world.now, kim, services=("mail",))
    world.incidents = (replace(opened, **more),)
    assert whats(reader.watch(3600)) == [What.NEW]


def run(
    name: str, state: OperationState, at: float, service: str = "mail", corrected: str = ""
) -> Operation:
    ended = at if state.final else None
    return Operation(
        name, name, service, ActionKind.RESTART, "restart", state, "kim", "b1", at, at,
        ended_at=ended, corrected=corrected,
    )  # fmt: skip


def test_verdicts_are_told_once_and_none_from_before(world: World) -> None:
    reader = Reader(world)
    before = run("op-0", OperationState.FAILED, world.now - 60)
    world.operations = (before,)
    assert reader.watch(10) == []
    world.operations = (
        run("op-2", OperationState.VERIFIED, world.now),
        run("op-1", OperationState.FAILED, world.now),
        before,
    )
    assert [each.id for each in reader.watch(10)] == ["op-1-failed"]
    reader.restart()
    assert reader.watch(10) == []
    world.operations = (
        run("op-2", OperationState.VERIFIED, world.now, corrected="web-1 died again"),
        *world.operations[1:],
    )
    assert [each.id for each in reader.watch(10)] == ["op-2-corrected"]


@pytest.mark.parametrize(
    ("wants", "hears"),
    [
        ({"least": "critical"}, ["Down"]),
        ({"least": "info"}, ["Down", "Slow", "Full"]),
        ({"services": ["db"]}, ["Down"]),
        ({"teams": ["payments"]}, ["Slow"]),
    ],
)
def test_a_receiver_hears_of_what_it_wants(
    world: World, wants: dict[str, object], hears: list[str]
) -> None:
    reader = Reader(world, receiver(**wants))
    world.add("shop", team="payments")
    world.fire("Down", "db", Severity.CRITICAL)
    world.fire("Slow", "shop")
    world.fire("Full", "mail", Severity.INFO)
    found = reader.watch(60)
    said = {member.name for each in found if each.episode for member in each.episode.members}
    assert said == set(hears)


def test_a_cause_that_is_not_for_this_receiver_hides_no_symptom_from_it(world: World) -> None:
    reader = Reader(world, receiver(services=["web-001"]))
    for name in ("db", "web-001"):
        world.turn(name, State.DOWN)
    (new,) = reader.watch(60)
    assert new.episode is not None
    assert [each.service for each in new.episode.members] == ["web-001"]


def test_services_that_need_each_other_are_told_all_the_same() -> None:
    world = World()
    world.add("one", ["two"])
    world.add("two", ["one"])
    reader = Reader(world)
    for name in ("one", "two"):
        world.turn(name, State.DOWN)
        world.fire("Dead", name, Severity.CRITICAL)
    assert 1 <= len(reader.watch(60)) <= 2


# ---- what holds whatever happens ----

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["turn", "turn", "turn", "pass", "kill", "lose", "refuse"]),
        st.integers(0, 4),
        st.sampled_from([State.OK, State.DOWN, State.UNKNOWN, State.DEGRADED]),
        st.sampled_from([1.0, 5.0, 20.0, 45.0, 90.0]),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_nothing_is_lost_or_doubled_however_often_it_is_killed(
    steps: list[tuple[str, int, State, float]],
) -> None:
    """A watcher is killed between any two things; what is heard twice has the same id."""
    world = World()
    names = ["db", "api", "web", "mail", "job"]
    world.add("db")
    world.add("api", ["db"])
    world.add("web", ["api"])
    world.add("mail")
    world.add("job")
    reader = Reader(world)
    heard: dict[str, Notice] = {}

    def hear(notices: list[Notice]) -> None:
        for each in notices:
            again = heard.setdefault(each.id, each)
            assert (again.what, again.key) == (each.what, each.key)

    for what, number, state, seconds in steps:
        match what:
            case "turn":
                world.turn(names[number], state)
            case "kill":
                reader.restart()
            case "lose":
                # Taken, and killed before that was kept.
                hear(reader.round(takes=False))
                reader.restart()
            case "refuse":
                reader.round(takes=False)
        world.pass_(seconds)
        hear(reader.round())
    for name in names:
        world.turn(name, State.OK)
    hear(reader.watch(300))
    begun = {each.key for each in heard.values() if each.what is What.NEW}
    over = [each.key for each in heard.values() if each.what is What.OVER]
    assert len(over) == len(set(over))
    assert begun <= set(over)
    assert reader.book.notified.episodes == {}


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_what_is_down_for_long_was_told_or_is_folded(
    steps: list[tuple[str, int, State, float]],
) -> None:
    world = World()
    names = ["db", "api", "web", "mail", "job"]
    for number, name in enumerate(names):
        world.add(name, names[: min(number, 2)])
    reader = Reader(world)
    for _what, number, state, seconds in steps:
        world.turn(names[number], state)
        world.pass_(seconds)
        reader.round()
    reader.watch(120)
    open_ = [each for each in reader.book.notified.episodes.values() if each.over_at is None]
    notified = {member.service for each in open_ for member in each.members}
    below = reader.book.below(world.troubles())
    explained = notified | {name for names_ in below.values() for name in names_}
    down = {name for name in names if world.views[name].state is State.DOWN}
    assert down <= explained


_RECORDS: st.SearchStrategy[Record] = st.dictionaries(
    st.sampled_from(["do", "id", "at", "members", "key", "x"]),
    st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.floats(), st.text(),
            st.sampled_from(["opened", "taken", "over", "closed", "verdict", "whole", "followed"]),
        ),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(_RECORDS, max_size=20))
def test_whatever_is_kept_folds_to_a_value_that_folds_to_itself(records: list[Record]) -> None:
    notified = folded(records)
    again = folded([{"do": "opened"}, *notified.records(1.0)])
    assert (again.episodes, again.followed_at) == (notified.episodes, notified.followed_at)


def test_the_whole_folds_to_the_same(world: World) -> None:
    reader = Reader(world, receiver(remind="10m"))
    world.turn("mail", State.DOWN)
    world.operations = (run("op-1", OperationState.FAILED, world.now + 10),)
    reader.watch(3600)
    world.turn("mail", State.OK)
    reader.watch(65)
    world.turn("db", State.DOWN)
    reader.watch(60)
    notified = reader.book.notified
    again = folded(notified.records(world.now))
    assert again.episodes == notified.episodes
    assert again.verdicts == notified.verdicts
    assert again.followed_at == notified.followed_at
