"""What looks prove: worked cases, and a scripted world that stops, relapses and lies."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.operations.running.evidence import (
    LOST_FOR,
    RELAPSE_LOOKS,
    UNMOVED_LEAST,
    UPTIME_SLACK,
    Evidence,
    Finding,
    Look,
    Terms,
    finding,
    taken_in,
    unmoved_in,
)

TERMS = Terms(since=0.0, min_healthy=10.0, deadline=300.0, longest_pause=2.5, longest_look=5.0)
RESTART = replace(TERMS, restarts=True)
OK, DOWN, UNKNOWN = State.OK, State.DOWN, State.UNKNOWN


@dataclass
class World:
    """Looks at one subject, each of ``took`` seconds, half a second apart."""

    terms: Terms = TERMS
    took: float = 0.1
    at: float = 0.0
    known: Evidence = field(default_factory=Evidence)
    found: Finding | None = None

    def look(self, state: State, run: str = "r1", uptime: float | None = None) -> Finding | None:
        """One look; what all of them amount to."""
        return self.see(Sight("web", state, run=run, uptime=uptime))

    def see(self, sight: Sight) -> Finding | None:
        """One look that has this sight."""
        look = Look(self.at, self.at + self.took, (sight,))
        self.known = taken_in(self.known, look, self.terms)
        self.at += self.took + 0.5
        self.found = finding(self.known, self.terms)
        return self.found

    def until(self, end: float, state: State, run: str = "r1") -> Finding | None:
        """Look until ``end``, or until there is a finding."""
        while self.at < end and self.look(state, run) is None:
            pass
        return self.found


def test_healthy_is_verified_by_a_look_that_began_after_min_healthy() -> None:
    world = World()
    assert world.until(400, OK) is Finding.VERIFIED
    assert world.known.last is not None
    assert world.known.last.begun >= 0.1 + TERMS.min_healthy
    assert world.known.held >= TERMS.min_healthy


def test_min_healthy_of_nothing_needs_one_look() -> None:
    assert World(replace(TERMS, min_healthy=0.0)).look(OK) is Finding.VERIFIED


def test_a_stop_between_two_looks_ends_the_run_of_health() -> None:
    world = World()
    world.until(5, OK)
    world.at += 22
    assert world.look(OK) is None
    assert world.known.held == 0
    assert world.until(400, OK) is Finding.VERIFIED
    assert world.known.gaps == 1
    assert world.at > 5 + 22 + TERMS.min_healthy


def test_a_stop_within_a_look_is_no_beginning_of_health() -> None:
    world = World()
    world.until(5, OK)
    world.took = 22
    assert world.look(OK) is None
    assert world.known.healthy_since is None
    world.took = 0.1
    assert world.until(400, OK) is Finding.VERIFIED


def test_time_that_nobody_looked_at_does_not_reach_the_deadline() -> None:
    world = World()
    world.look(DOWN)
    world.at += 10 * TERMS.deadline
    assert world.look(DOWN) is None
    assert world.known.looked < 10
    world.look(OK)
    assert world.until(20 * TERMS.deadline, OK) is Finding.VERIFIED


def test_looking_at_something_down_until_the_deadline_is_over() -> None:
    world = World()
    assert world.until(1000, DOWN) is Finding.OVER
    assert TERMS.deadline <= world.known.looked < TERMS.deadline + 5
    assert world.known.down_looks == world.known.looks


def test_a_relapse_fails_early() -> None:
    world = World()
    world.until(4, OK)
    began = world.at
    assert world.until(400, DOWN) is Finding.RELAPSED
    assert world.at < began + TERMS.min_healthy + 2
    assert world.known.down_looks >= RELAPSE_LOOKS


def test_an_outage_that_ends_is_told_beside_the_verdict() -> None:
    world = World()
    world.until(4, OK)
    world.until(9, DOWN)
    assert world.until(400, OK) is Finding.VERIFIED
    assert world.known.relapses == 1
    assert world.known.outage == pytest.approx(5, abs=1)


def test_what_cannot_be_looked_at_is_no_relapse() -> None:
    world = World()
    world.until(4, OK)
    assert world.until(1000, UNKNOWN) is Finding.OVER
    assert world.known.relapses == 0


def test_another_run_begins_health_anew() -> None:
    world = World()
    world.until(8, OK, "r1")
    assert world.until(17, OK, "r2") is None
    assert world.until(30, OK, "r2") is Finding.VERIFIED


def test_a_restart_that_no_look_shows_is_not_verified() -> None:
    world = World(RESTART)
    assert world.until(100, OK, run="") is Finding.NOT_SEEN


def test_an_outage_after_the_call_shows_the_restart_and_is_no_relapse() -> None:
    world = World(RESTART)
    world.until(3, OK, run="")
    assert world.until(30, DOWN, run="") is None, "a slow start is not a relapse"
    assert world.until(100, OK, run="") is Finding.VERIFIED
    assert world.known.relapses == 0


@pytest.mark.parametrize(
    ("before", "unit"), [(86_400.0, 1.0), (86_400_000.0, 1000.0), (30.0, 1.0)], ids=str
)
def test_an_uptime_that_fell_shows_the_restart(before: float, unit: float) -> None:
    world = World(replace(RESTART, uptimes={"web": before}))
    while world.look(OK, "", uptime=world.at * unit) is None:
        pass
    assert world.found is Finding.VERIFIED


def test_an_uptime_that_went_on_is_failed() -> None:
    world = World(replace(RESTART, uptimes={"web": 86_400.0}))
    while world.look(OK, "", uptime=86_400.0 + world.at) is None:
        pass
    assert world.found is Finding.UNMOVED
    assert world.at >= UNMOVED_LEAST


@pytest.mark.parametrize("its_clock", [0.0, -3600.0, 90_000.0], ids=str)
@pytest.mark.parametrize("again", [True, False], ids=str)
def test_a_start_is_compared_with_the_one_before_by_whatever_clock(
    its_clock: float, again: bool
) -> None:
    world = World(replace(RESTART, starts={"web": its_clock - 500.0}))
    started = its_clock + 0.5 if again else its_clock - 500.0
    while world.found is None:
        world.see(Sight("web", OK, started=started))
    assert world.found is (Finding.VERIFIED if again else Finding.UNMOVED)


def test_an_uptime_of_unknown_unit_decides_nothing() -> None:
    world = World(RESTART)
    while world.look(OK, "", uptime=5_000 + world.at * 1000) is None:
        pass
    assert world.found is Finding.NOT_SEEN


def test_of_several_that_restart_each_must_show_it() -> None:
    terms = replace(RESTART, instances=frozenset({"a", "b"}), uptimes={"a": 500.0, "b": 500.0})
    known = Evidence()
    for number in range(40):
        at = number * 0.6
        sights = (Sight("a", OK, uptime=at), Sight("b", OK, uptime=500 + at), Sight("c", OK))
        known = taken_in(known, Look(at, at + 0.1, sights), terms)
        assert finding(known, terms) is None


def test_what_the_restart_does_not_touch_shows_nothing() -> None:
    terms = replace(RESTART, instances=frozenset({"a"}))
    look = Look(0.0, 0.1, (Sight("a", OK), Sight("b", OK, uptime=0.0)))
    assert not taken_in(Evidence(), look, terms).shown


def test_nothing_to_look_at_is_said_at_once() -> None:
    assert finding(taken_in(Evidence(), Look(0, 0.1, ()), TERMS), TERMS) is Finding.NOTHING_TO_SEE


SCRIPT = st.lists(
    st.tuples(
        st.sampled_from([OK, OK, OK, DOWN, UNKNOWN]),
        st.sampled_from(["r1", "r2", ""]),
        st.floats(0.01, 30.0) | st.floats(0.05, 2.0),
        st.floats(0.01, 30.0) | st.floats(0.05, 0.5),
    ),
    min_size=1,
    max_size=80,
)


@given(SCRIPT, st.booleans(), st.floats(0.5, 15.0))
def test_verified_is_never_said_without_a_whole_run_of_looks(
    script: list[tuple[State, str, float, float]], restarts: bool, min_healthy: float
) -> None:
    terms = replace(TERMS, restarts=restarts, min_healthy=min_healthy)
    known, at, looks = Evidence(), 0.0, []
    for state, run, pause, took in script:
        at += pause
        look = Look(at, at + took, (Sight("web", state, run=run),))
        at += took
        looks.append(look)
        known = taken_in(known, look, terms)
        found = finding(known, terms)
        if found is Finding.VERIFIED:
            _assert_proven(looks, terms)
        if found is Finding.OVER:
            assert sum(_looked(looks, terms)) >= terms.deadline - 1e-6
        if found is Finding.RELAPSED:
            last = looks[-RELAPSE_LOOKS:]
            assert all(each.sights[0].state is DOWN for each in last)
        if found is not None:
            return


def _assert_proven(looks: list[Look], terms: Terms) -> None:
    """The last look began ``min_healthy`` after an unbroken run of health had its first end."""
    last = looks[-1]
    run = [last]
    for look in reversed(looks[:-1]):
        whole = look.ended - look.begun <= terms.longest_look
        near = run[-1].begun - look.ended <= terms.longest_pause
        same = look.sights[0].run == last.sights[0].run
        if not (whole and near and same and look.sights[0].state is OK):
            break
        run.append(look)
    assert last.begun - run[-1].ended >= terms.min_healthy
    assert all(each.ended - each.begun <= terms.longest_look for each in run)


def _looked(looks: list[Look], terms: Terms) -> list[float]:
    """What each look adds at most to the time that was looked at."""
    return [
        min(
            look.ended - (looks[n - 1].ended if n else look.begun),
            terms.longest_pause + terms.longest_look,
        )
        for n, look in enumerate(looks)
    ]


@pytest.mark.parametrize(
    ("uptime", "moved"),
    [
        (0.0, True),
        (100.0 + UPTIME_SLACK, True),
        (100.0 + UPTIME_SLACK + 1, True),  # less than before the change
        (501.0, False),
        (None, None),
    ],
)
def test_since_the_change_runs_what_is_up_for_no_longer_than_that(
    uptime: float | None, moved: bool | None
) -> None:
    terms = replace(RESTART, since=1000.0, uptimes={"web": 500.0})
    sight = Sight("web", OK, uptime=uptime)
    look = Look(1099.0, 1100.0, (sight,))
    assert unmoved_in(look, terms) == ((sight,) if moved is False else ())
    assert unmoved_in(look, replace(terms, restarts=False)) == ()
    assert taken_in(Evidence(), look, terms).shown is (moved is True)


def test_it_has_not_moved_after_so_long_whenever_the_operation_began() -> None:
    world = World(replace(RESTART, min_healthy=1.0, since=5000.0, uptimes={"web": 90.0}), at=5000.0)
    began = world.at
    while world.found is None:
        world.look(OK, run="", uptime=90.0 + world.at)
    assert world.found is Finding.UNMOVED
    assert UNMOVED_LEAST <= world.at - began < UNMOVED_LEAST + 2


def _lost_look(begun: float, *, lost: bool = True) -> Look:
    sights = (Sight("web-1", OK, run="a"), Sight("web-2", DOWN, run="b", lost=lost))
    return Look(begun, begun + 0.1, sights)


def _found(looks: list[Look], terms: Terms) -> Finding | None:
    known, found = Evidence(), None
    for look in looks:
        known = taken_in(known, look, terms)
        found = finding(known, terms)
        if found is not None:
            break
    return found


def test_what_will_not_get_well_by_waiting_fails_long_before_the_deadline() -> None:
    every = [_lost_look(at * 0.6) for at in range(50)]
    assert _found(every, RESTART) is Finding.LOST
    assert _found(every[: int(LOST_FOR / 0.6)], RESTART) is None


def test_down_without_being_lost_is_waited_for() -> None:
    assert _found([_lost_look(at * 0.6, lost=False) for at in range(50)], RESTART) is None


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_only_an_unbroken_time_of_looks_at_what_is_lost_counts(lost: list[bool]) -> None:
    looks = [_lost_look(at * 0.6, lost=each) for at, each in enumerate(lost)]
    longest = max(len(run) for run in "".join("x" if each else " " for each in lost).split(" "))
    enough = longest >= RELAPSE_LOOKS and (longest - 1) * 0.6 + 0.1 >= LOST_FOR
    assert (_found(looks, RESTART) is Finding.LOST) == enough


def test_a_time_in_which_nobody_looked_makes_nothing_lost() -> None:
    apart = [_lost_look(at * 30.0) for at in range(5)]
    assert _found(apart, RESTART) is None
