"""Windows are asked at their own pace, and a slow one keeps no other from its turn."""

import time
from pathlib import Path

import pytest

from opsconsole.config.services import Service
from opsconsole.config.settings import Prometheus
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.observations import BudgetsSeen
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.budget_series import budget_series
from opsconsole.sources.metrics.declared import Vector
from opsconsole.sources.prometheus.history import PrometheusHistory, pace
from tests.fakes import FakeClock

SLOW = Fault(FaultKind.TIMEOUT, "slow")
SPANS = (300.0, 3600.0)
MONTH = 30 * 86400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Scripted(PrometheusHistory):
    """Answers every window but those in ``failing``."""

    def __init__(self, clock: FakeClock, timeout: float = 10.0) -> None:
        config = {"availability": {"gauge": "up"}, "objectives": ["availability 99% over 30d"]}
        series = list(budget_series("api", Service.model_validate(config)))
        settings = Prometheus(url="http://127.0.0.1:1", timeout=timeout)
        super().__init__(settings, series, SPANS, clock, Connector(), Path())
        self.failing: set[float] = set()
        self.asked: list[float] = []
        self.takes = 0.0

    def _ask(self, promql: str, moment: float | None = None) -> Vector | Fault:
        over = next(over for over in (*SPANS, MONTH) if f"[{over:.0f}s]" in promql)
        self.asked.append(over)
        time.sleep(self.takes)
        if over in self.failing:
            return SLOW
        parts = {"good": 1.0, "all": 1.0, "steps": 720.0}
        return [({"opsconsole_part": name}, value) for name, value in parts.items()]


@pytest.mark.parametrize(
    ("over", "seconds"),
    [(300.0, 15.0), (3600.0, 60.0), (6 * 3600.0, 360.0), (86400.0, 1440.0), (MONTH, 3600.0)],
)
def test_a_window_is_asked_in_proportion_to_its_length(over: float, seconds: float) -> None:
    assert pace(over, 15.0) == seconds


async def test_an_hour_of_looks_asks_for_the_month_twice_and_often_for_minutes(
    clock: FakeClock,
) -> None:
    source = Scripted(clock)
    for _ in range(241):
        assert (await source.collect()).fault is None
        clock.move(15.0)
    assert [source.asked.count(over) for over in (*SPANS, MONTH)] == [241, 61, 2]


async def test_a_query_that_fails_is_told_and_asked_again_within_a_minute(
    clock: FakeClock,
) -> None:
    source = Scripted(clock)
    source.failing = {MONTH}
    view = (await source.collect()).value
    assert isinstance(view, BudgetsSeen)
    assert [each.over for each in view.counts] == [300.0, 3600.0]
    assert [fault for _, fault in view.problems] == [SLOW]
    source.failing = set()
    clock.move(60.0)
    view = (await source.collect()).value
    assert isinstance(view, BudgetsSeen)
    assert MONTH in [each.over for each in view.counts]
    assert view.problems == ()


async def test_a_server_that_answers_nothing_is_a_fault(clock: FakeClock) -> None:
    source = Scripted(clock)
    source.failing = {*SPANS, MONTH}
    assert (await source.collect()).fault == SLOW


async def test_what_no_time_was_left_for_comes_first_at_the_next_look(clock: FakeClock) -> None:
    source = Scripted(clock, timeout=0.05)
    source.takes = 0.06
    view = (await source.collect()).value
    assert isinstance(view, BudgetsSeen)
    assert source.asked == [300.0]
    source.takes = 0.0
    clock.move(15.0)
    await source.collect()
    assert source.asked == [300.0, 3600.0, MONTH, 300.0]


async def test_a_real_server_that_is_away_is_a_classified_fault(clock: FakeClock) -> None:
    config = {"availability": {"gauge": "up"}, "objectives": ["availability 99% over 30d"]}
    series = list(budget_series("api", Service.model_validate(config)))
    settings = Prometheus(url="http://127.0.0.1:1")
    reading = await PrometheusHistory(settings, series, SPANS, clock, Connector(), Path()).collect()
    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.CONNECT
