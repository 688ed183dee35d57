"""Thresholds, flapping and what is not known, by tables and by properties."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.judge.health import (
    FLAPPING_AT,
    LOOKS,
    NOT_LOOKED,
    Judged,
    Limits,
    Look,
    expire,
    look_at,
    step,
)
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport
from opsconsole.model.state import State

WORDS = {"o": State.OK, "g": State.DEGRADED, "d": State.DOWN, "u": State.UNKNOWN}
LIMITS = Limits(3, 2)


def play(looks: str, limits: Limits = LIMITS) -> list[Judged]:
    """One step a second; an upper-case D is decisive."""
    judged, seen = Judged(since=0.0), []
    for at, letter in enumerate(looks, 1):
        why = "" if letter == "o" else "because"
        look = Look(float(at), WORDS[letter.lower()], why, decisive=letter == "D")
        judged = step(judged, look, limits)
        seen.append(judged)
    return seen


def letters(looks: str, limits: Limits = LIMITS) -> str:
    names = {state: letter for letter, state in WORDS.items()}
    return "".join(names[judged.state] for judged in play(looks, limits))


@pytest.mark.parametrize(
    ("looks", "shown"),
    [
        ("o", "o"),
        ("g", "g"),
        ("d", "u"),
        ("ddd", "uud"),
        ("D", "d"),
        ("oD", "od"),
        ("oddo", "oooo"),
        ("oddd", "oood"),
        ("odddoo", "ooodd" + "o"),
        ("oddddodo", "oooddddd"),
        ("og", "og"),
        ("ogoo", "oggo"),
        ("dddgo", "uuddg"),
        ("uuu", "uuu"),
        ("ouu", "ooo"),
        ("ouuu", "ooou"),
        ("ouuuo", "ooouo"),
        ("oudud", "ooouu"),
        ("oududd", "ooouud"),
        ("ddduuu", "uudddu"),
        ("uo", "uo"),
        ("do", "uo"),
    ],
)
def test_what_is_shown_after_each_look(looks: str, shown: str) -> None:
    assert letters(looks) == shown


def test_a_single_look_decides_where_one_is_the_limit() -> None:
    assert letters("d", Limits(1, 1)) == "d"
    assert letters("do", Limits(1, 1)) == "do"
    assert letters("u", Limits(1, 1)) == "u"


def test_before_any_look_it_is_unknown_and_says_so() -> None:
    assert Judged().state is State.UNKNOWN
    assert Judged().reason == NOT_LOOKED


def test_a_failure_that_does_not_count_yet_is_told_and_asks_for_a_sooner_look() -> None:
    first, second, third = play("ddd")
    assert first.reason == "failing 1 of 3: because"
    assert first.undecided
    assert second.undecided
    assert third.reason == "because"
    assert not third.undecided


def test_recovery_that_does_not_count_yet_asks_for_a_sooner_look() -> None:
    *_, once, twice = play("dddoo")
    assert once.state is State.DOWN
    assert once.undecided
    assert not twice.undecided
    assert twice.reason == ""


def test_flapping_shows_the_worse_state_until_it_is_calm() -> None:
    seen = play("ododo" + "o" * 9)
    assert seen[4].flapping
    assert seen[4].state is State.DOWN
    assert seen[4].reason == "4 changes in 5 looks: because"
    assert play("odododd")[-1].reason == "5 changes in 7 looks: because"
    assert not seen[-1].flapping
    assert seen[-1].state is State.OK
    assert not any(judged.undecided for judged in seen if judged.flapping)


def test_since_is_when_the_state_changed() -> None:
    seen = play("odddd")
    assert [judged.since for judged in seen] == [1.0, 1.0, 1.0, 4.0, 4.0]


def test_expired_is_unknown_from_then_and_the_next_answer_decides() -> None:
    judged = expire(play("ooo")[-1], 20.0, "not looked at for 20 s")
    assert (judged.state, judged.since) == (State.UNKNOWN, 20.0)
    assert step(judged, Look(30.0, State.OK), LIMITS).state is State.OK


@pytest.mark.parametrize("kind", list(FaultKind))
def test_only_faults_that_blame_the_target_are_down(kind: FaultKind) -> None:
    fault = Fault(kind, "why")
    expected = State.DOWN if fault.blames_target else State.UNKNOWN
    assert look_at(1.0, None, fault).state is expected


def test_a_body_that_is_not_ok_names_its_first_culprit() -> None:
    database = Component("database", State.DOWN, "connection refused")
    report = HealthReport(State.DOWN, "json", (Component("cache", State.OK), database))
    assert look_at(1.0, report, None).reason == "database down: connection refused"


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (HealthReport(State.OK, "json", message="all is well"), ""),
        (HealthReport(State.DEGRADED, "json", message="slow"), "slow"),
        (HealthReport(State.DEGRADED, "json"), "says degraded"),
        (HealthReport(State.DOWN, "json", (Component("db", State.DOWN),)), "db down"),
        (
            HealthReport(
                State.DOWN,
                "json",
                (
                    Component("db", State.DOWN, "refused"),
                    Component("ok", State.OK),
                    Component("disk", State.DOWN, "full"),
                    Component("queue", State.DEGRADED),
                ),
            ),
            "db down: refused (+2 more)",
        ),
    ],
)
def test_why_a_body_is_not_ok(report: HealthReport, reason: str) -> None:
    assert look_at(1.0, report, None).reason == reason


def test_why_nothing_was_answered() -> None:
    assert look_at(1.0, None, Fault(FaultKind.CONNECT, "nobody listens")).reason == "nobody listens"
    bare = Fault(FaultKind.CONNECT, "")
    assert look_at(1.0, None, bare).reason == str(bare)


def test_what_could_not_be_looked_at_is_counted_apart_from_failures() -> None:
    reasons = [judged.reason for judged in play("ouuudd")]
    assert reasons[1:] == [
        "could not look 1 of 3: because",
        "could not look 2 of 3: because",
        "because",
        "failing 1 of 3: because",
        "failing 2 of 3: because",
    ]


def test_an_answer_that_does_not_count_yet_says_what_it_was_before() -> None:
    assert play("dddo")[-1].reason == "answers again, not settled yet; was down"


LOOK_LISTS = st.text(alphabet="ogduD", max_size=60)


@given(LOOK_LISTS, st.integers(1, 5), st.integers(1, 4))
def test_properties_of_every_history(looks: str, failures: int, successes: int) -> None:
    limits = Limits(failures, successes)
    seen = play(looks, limits)
    for number, judged in enumerate(seen):
        past = looks[max(0, number - LOOKS + 1) : number + 1]
        was = seen[number - 1].state if number else State.UNKNOWN
        if judged.state is State.DOWN and was is not State.DOWN and not judged.flapping:
            calmed = number > 0 and seen[number - 1].flapping
            run = looks[: number + 1].replace("g", "o").rpartition("o")[2].lower().count("d")
            assert run >= failures or "D" in looks or calmed, "down needs its failures"
        if judged.state is State.OK:
            assert "o" in looks[: number + 1], "never green without having been seen to be"
        if looks[number] == "o" and judged.settled is State.OK:
            assert judged.reason == "" or judged.flapping
        if judged.state is not State.OK:
            assert judged.reason
        if judged.state is State.DOWN:
            assert not judged.reason.startswith("failing"), "what did not count decided nothing"
        if set(past) <= {"u"} and number + 1 >= LOOKS and failures <= LOOKS:
            assert judged.settled is State.UNKNOWN, "what is not seen is not known"
    for before, after in pairwise(seen):
        assert after.since >= before.since, "since never goes back"
        assert (after.since == before.since) or after.state is not before.state


@given(st.text(alphabet="od", min_size=1, max_size=40))
def test_the_state_does_not_change_more_often_than_the_looks(looks: str) -> None:
    shown = [judged.state for judged in play(looks)]
    changes = sum(a is not b for a, b in pairwise(shown))
    heard = sum(a != b for a, b in pairwise(looks))
    assert changes <= heard + 1
    assert FLAPPING_AT > 1
