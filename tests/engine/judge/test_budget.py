"""Error budgets against cases worked out by hand."""

import pytest

from opsconsole.engine.judge.budget import PAIRS, Budget, budget_of, burn
from opsconsole.engine.traces.budget_history import HOURS, MINUTES, BudgetHistory

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MONTH = 30 * DAY
NOW = 1_800_000_000.0
ALLOWED = 0.001


def history(*parts: tuple[float, float], every: float = 10.0) -> BudgetHistory:
    """Looks ``every`` seconds up to NOW: each part lasts seconds with a share of failures."""
    found = BudgetHistory()
    at = NOW - sum(lasts for lasts, _ in parts)
    for lasts, share in parts:
        owed = 0.0
        for _ in range(round(lasts / every)):
            owed += share
            bad = owed >= 1 - 1e-9
            owed -= bad
            found.add(at, bad=bad)
            at += every
    return found


def budget(found: BudgetHistory, allowed: float = ALLOWED, window: float = MONTH) -> Budget:
    result = budget_of(
        allowed, window, lambda over: found.counts(NOW, over), lambda over: found.seen(NOW, over)
    )
    assert result is not None
    return result


def rate(found: BudgetHistory, over: float, allowed: float = ALLOWED) -> float:
    return burn(
        allowed, over, lambda over: found.counts(NOW, over), lambda over: found.seen(NOW, over)
    )


def test_a_month_of_three_nines_buys_43_minutes_of_failure() -> None:
    # 0.1 % of 30 d = 2592 s. 1296 s of complete failure spend half of it.
    found = budget(history((MONTH - 1320.0, 0.0), (1320.0, 1.0), every=60.0))
    assert found.seen == pytest.approx(MONTH, abs=HOUR)
    assert found.left == pytest.approx(1 - 1320 / 2592, abs=0.01)
    assert found.seconds_left == pytest.approx(2592 - 1320, abs=20)
    assert found.good == pytest.approx(1 - 1320 / MONTH, abs=1e-5)


def test_burning_at_one_spends_the_budget_in_its_window() -> None:
    found = history((3 * DAY, ALLOWED))
    assert rate(found, 3 * DAY) == pytest.approx(1.0, rel=0.05)


def test_a_complete_outage_burns_a_thousand_times_too_fast() -> None:
    found = history((HOUR, 0.0), (5 * MINUTE, 1.0))
    assert rate(found, 5 * MINUTE) == pytest.approx(1000, rel=0.01)
    # 5 of the last 60 minutes: 1000 × 5/60 = 83.3 times.
    assert rate(found, HOUR) == pytest.approx(83.3, rel=0.02)
    assert str(budget(found).burning) == "14.4× over 1h/5m"


@pytest.mark.parametrize(
    ("lasts", "share", "pair"),
    [
        (HOUR, 0.05, PAIRS[0]),  # 50 times over both 1 h and 5 m
        (6 * HOUR, 0.007, PAIRS[1]),  # 7 times over 6 h and 30 m
        (DAY, 0.004, PAIRS[2]),  # 4 times over 1 d and 2 h
        (3 * DAY, 0.002, PAIRS[3]),  # twice over 3 d and 6 h
        (3 * DAY, 0.0005, None),  # half as fast as allowed
    ],
)
def test_each_pair_of_windows_notices_its_own_speed(
    lasts: float, share: float, pair: object
) -> None:
    quiet = 3 * DAY - lasts
    found = history((quiet, 0.0), (lasts, share)) if quiet else history((lasts, share))
    assert budget(found).burning == pair


def test_a_short_window_that_is_quiet_again_ends_the_alarm() -> None:
    found = history((HOUR, 0.1), (10 * MINUTE, 0.0))
    assert rate(found, HOUR) > 14.4
    assert rate(found, 5 * MINUTE) == 0
    assert budget(found).burning != PAIRS[0]


def test_one_failure_in_a_minute_of_watching_is_no_alarm() -> None:
    found = budget(history((50.0, 0.0), (10.0, 1.0)))
    assert found.burning is None
    assert found.seen == pytest.approx(60, abs=10)
    assert found.left == pytest.approx(1 - 10 / 2592, abs=0.001)


def test_a_window_shorter_than_the_pairs_is_judged_by_those_that_fit() -> None:
    found = history((2 * HOUR, 1.0))
    assert budget(found, window=HOUR).burning == PAIRS[0]
    assert budget(found, window=30 * MINUTE).burning is None


def test_a_budget_can_be_overdrawn() -> None:
    found = budget(history((2 * DAY, 0.5), every=60.0))
    assert found.left == pytest.approx(1 - DAY / 2592, rel=0.01)


def test_nothing_seen_is_no_budget() -> None:
    empty = BudgetHistory()
    assert budget_of(0.1, HOUR, lambda over: empty.counts(NOW, over), lambda _: 0.0) is None


def test_it_burns_by_the_failing_share_of_what_was_watched() -> None:
    # 1 of 4 looks failed, half of the hour was watched, and 1 % may fail.
    assert burn(0.01, HOUR, lambda _: (3.0, 1.0), lambda over: over / 2) == pytest.approx(12.5)
    assert burn(0.01, HOUR, lambda _: (0.0, 2.0), lambda over: over) == pytest.approx(100.0)
    assert burn(0.01, HOUR, lambda _: (2.0, 0.0), lambda over: over) == 0.0
    assert burn(0.01, HOUR, lambda _: (1.0, 1.0), lambda over: over) == pytest.approx(50.0)
    assert burn(0.01, HOUR, lambda _: (0.0, 0.0), lambda _: 0.0) == 0.0


def test_a_budget_worked_out() -> None:
    # 1 of 4 failed of half a day that was watched: 3 h of failing time, of 2.4 h that may fail.
    found = budget_of(0.1, DAY, lambda _: (3.0, 1.0), lambda over: over / 2)
    assert found is not None
    assert (found.good, found.seen) == (0.75, DAY / 2)
    assert found.left == pytest.approx(1 - 3 / 2.4)
    assert found.seconds_left == pytest.approx(-0.6 * HOUR)
    assert found.burn_rate == pytest.approx(1.25)
    assert found.burning is None
    half = budget_of(0.1, DAY, lambda _: (1.0, 1.0), lambda over: over)
    assert half is not None
    assert half.good == 0.5


def test_the_rate_is_that_of_the_pair_that_burns_else_of_the_last_hour() -> None:
    def counts(over: float) -> tuple[float, float]:
        return (99.0, 1.0) if over <= HOUR else (100.0, 0.0)

    calm = budget_of(0.01, MONTH, counts, lambda over: over)
    assert calm is not None
    assert calm.burning is None
    assert calm.burn_rate == pytest.approx(1.0)
    fast = budget_of(0.01, MONTH, lambda over: (50.0, 50.0 * (over / DAY)), lambda over: over)
    assert fast is not None
    assert fast.burning is not None
    assert fast.burn_rate == pytest.approx(
        burn(0.01, fast.burning.long, lambda over: (50.0, 50.0 * (over / DAY)), lambda over: over)
    )


def test_what_is_older_than_the_window_is_forgotten() -> None:
    found = BudgetHistory()
    found.add(NOW, bad=True)
    assert found.counts(NOW + 4 * MINUTE, 5 * MINUTE) == (0, 1)
    assert found.counts(NOW + 6 * MINUTE, 5 * MINUTE) == (0, 0)
    assert found.counts(NOW + MINUTES * MINUTE + MINUTE, DAY) == (0, 0)
    assert found.counts(NOW + 29 * DAY, MONTH) == (0, 1)
    assert found.counts(NOW + HOURS * HOUR + HOUR, MONTH) == (0, 0)


def test_a_clock_that_steps_back_loses_nothing() -> None:
    found = BudgetHistory()
    found.add(NOW, bad=False)
    found.add(NOW - HOUR, bad=True)
    assert found.counts(NOW, HOUR) == (1, 1)
