"""What the console says of itself."""

from typing import Any

from opsconsole.engine.notices import SUSPENDED_SHOWN, Notices


def lines(notices: Notices, now: float = 0.0, **facts: Any) -> tuple[str, ...]:
    known = {"skew": 0.0, "lag": 0.0, "errors": 0, "cut_off": False, **facts}
    return notices.update(now, **known)


def test_nothing_to_say_is_the_same_nothing() -> None:
    notices = Notices()
    assert lines(notices) == ()
    assert lines(notices, 1.0) is lines(notices, 2.0)


def test_each_fact_has_its_line() -> None:
    assert lines(Notices(), skew=-3600.0) == ("the clock was set 60 min back; ages are right",)
    assert lines(Notices(), skew=3.0) == ("the clock was set 3 s forward; ages are right",)
    busy = Notices()
    # One hiccup is no news: looks are late for a while before it is said.
    assert lines(busy, lag=2.1) == lines(busy, 9.0, lag=2.1) == ()
    assert lines(busy, 10.0, lag=2.1) == ("this console is busy: looks are late by 2 s",)
    assert lines(busy, 11.0) == lines(busy, 12.0, lag=2.1) == ()
    assert lines(Notices(), errors=2) == ("2 internal errors; please report them",)
    assert lines(Notices(), journal="disk full") == ("operations cannot be followed: disk full",)
    stopped = "recording has stopped: disk full"
    assert lines(Notices(), recording=stopped) == (stopped,)
    assert "local network" in lines(Notices(), cut_off=True)[0]


def test_a_suspension_is_told_for_a_while() -> None:
    notices = Notices()
    notices.suspended(7200.0, 100.0)
    assert lines(notices, 100.0)[0].startswith("was suspended for 2 h")
    assert lines(notices, 100.0 + SUSPENDED_SHOWN) == ()


def test_small_changes_keep_the_line() -> None:
    notices = Notices()
    assert lines(notices, lag=2.0) is lines(notices, lag=2.1)
