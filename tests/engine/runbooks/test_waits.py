"""When a wait is over: the same however often it was looked at, and honest about gaps."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.runbooks.waits import SAMPLES, every, judge, left
from opsconsole.model.runbooks.runbook import StateCheck, Wait
from opsconsole.model.runbooks.runs import Samples, StepRun, StepState
from opsconsole.model.state import State

OK = StateCheck(State.OK)
BEGAN = StepRun("w", StepState.RUNNING, started_at=100.0)


def seen(**counts: int) -> StepRun:
    return replace(BEGAN, samples=Samples(**counts, last_at=130.0, last="shop is down"))


def test_a_time_alone_is_over_when_it_has_passed() -> None:
    wait = Wait(60.0)

    assert judge(wait, BEGAN, 159.9) is None
    assert left(wait, BEGAN, 130.0) == 30.0
    over = judge(wait, BEGAN, 160.0)
    assert over is not None
    assert (over.state, over.said) == (StepState.PASSED, "waited 1m")


def test_a_watch_fails_at_the_first_look_that_does_not_hold() -> None:
    wait = Wait(60.0, OK, every=10.0)

    assert judge(wait, seen(held=2), 130.0) is None
    failed = judge(wait, seen(held=2, failed=1), 130.0)
    assert failed is not None
    assert failed.state is StepState.FAILED
    assert "shop is down" in failed.said


def test_a_watch_that_saw_too_little_has_not_passed() -> None:
    wait = Wait(60.0, OK, every=10.0)

    enough, little = judge(wait, seen(held=5), 160.0), judge(wait, seen(held=3), 160.0)
    blind = judge(wait, seen(held=1, unknown=5), 160.0)

    assert enough is not None
    assert enough.state is StepState.PASSED
    for verdict in (little, blind):
        assert verdict is not None
        assert verdict.state is StepState.INCONCLUSIVE
        assert "of the time was seen" in verdict.said


def test_until_ends_when_it_holds_and_fails_at_its_deadline() -> None:
    wait = Wait(60.0, OK, until=True, every=10.0)

    assert judge(wait, seen(failed=3), 130.0) is None
    held = judge(wait, seen(failed=3, held=1), 130.0)
    assert held is not None
    assert held.said == "held after 30s: shop is down"
    late, blind = judge(wait, seen(failed=3), 160.0), judge(wait, seen(unknown=3), 160.0)
    assert late is not None
    assert late.state is StepState.FAILED
    assert blind is not None
    assert blind.state is StepState.INCONCLUSIVE


@given(st.floats(1, 7 * 86400), st.floats(1, 3600))
def test_a_wait_is_looked_at_a_bounded_number_of_times(seconds: float, wanted: float) -> None:
    wait = Wait(seconds, OK, every=wanted)

    assert seconds / every(wait) <= SAMPLES + 1e-6
    assert every(wait) >= wanted


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.floats(0, 1e4))
def test_no_green_that_was_not_seen(held: int, failed: int, unknown: int, after: float) -> None:
    for wait in (Wait(60.0, OK, every=10.0), Wait(60.0, OK, until=True, every=10.0)):
        verdict = judge(wait, seen(held=held, failed=failed, unknown=unknown), 100.0 + after)
        if verdict is not None and verdict.state is StepState.PASSED:
            assert held
            assert wait.until or not failed
