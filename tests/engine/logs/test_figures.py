"""Numbers that patterns take out of logs: quantiles by name, for objectives and alerts."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.log_figures import figures_of, is_value, values_of
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.services import Rule, Service
from opsconsole.engine.logs import figures as log_figures
from opsconsole.engine.logs.figures import shares_of
from opsconsole.engine.logs.intake import LogIntake
from opsconsole.engine.logs.ring import LogRing
from opsconsole.engine.logs.values import ValueWindow, quantile
from opsconsole.sources.logs.raw_lines import RawLine
from tests.fakes import FakeClock

DONE = r"completed in (?P<seconds>[\d.]+)"
SOURCE = ServiceLog(file="a.log", patterns={"done": DONE, "refused": "429|403"})


def intake(clock: FakeClock, *lines: str, **patterns: str) -> LogIntake:
    made = LogIntake(LogRing("a.log"), clock, "auto", patterns or {"done": DONE})
    made.lines([RawLine(line.encode()) for line in lines], live=True)
    return made


def told(*intakes: LogIntake, now: float) -> dict[str, float | None]:
    found = log_figures.figures("api", intakes, (0.5, 0.95), now)
    return {each.name: each.value for each in found}


def test_groups_are_figures_by_name_and_their_names_are_units() -> None:
    assert list(figures_of(SOURCE.patterns)) == ["done", "done.seconds", "refused"]
    assert [(v.unit, v.scale) for v in values_of("(?P<ms>.)(?P<bytes>.)(?P<hits>.)")] == [
        ("s", 0.001),
        ("B", 1.0),
        ("", 1.0),
    ]
    assert is_value((SOURCE,), "done.seconds")
    assert not is_value((SOURCE,), "done.minutes")
    assert not is_value((SOURCE,), "done")


@given(st.lists(st.floats(1e-4, 1e6), min_size=1, max_size=200), st.floats(0.01, 0.999))
def test_a_quantile_is_within_one_percent_of_a_number_that_was_seen(
    values: list[float], share: float
) -> None:
    window = ValueWindow(60.0)
    window.add(values, 100.0)
    found = quantile(window.counts(100.0), share)
    exact = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    assert found == pytest.approx(exact, rel=0.0101)


def test_numbers_that_are_none_are_left_out_and_old_ones_forgotten() -> None:
    window = ValueWindow(60.0)
    window.add([math.nan, math.inf, -1.0], 100.0)
    assert quantile(window.counts(100.0), 0.5) is None
    window.add([0.0], 100.0)
    window.add([5.0], 130.0)
    assert quantile(window.counts(130.0), 0.01) == 0.0
    assert quantile(window.counts(161.0), 0.01) == pytest.approx(5.0, rel=0.01)
    assert window.counts(191.0) == Counter()


def test_quantiles_are_told_in_base_units() -> None:
    clock = FakeClock()
    lines = [f"completed in {n / 10}" for n in range(1, 101)]
    found = told(intake(clock, *lines, "completed in soon"), now=clock.now())
    assert found["p50(done.seconds)"] == pytest.approx(5.0, rel=0.02)
    assert found["p95(done.seconds)"] == pytest.approx(9.5, rel=0.02)
    quick = told(intake(clock, "took 250 ms", took=r"took (?P<ms>\d+) ms"), now=clock.now())
    assert quick["p50(took.ms)"] == pytest.approx(0.25, rel=0.02)


def test_several_logs_are_one_figure_and_one_that_is_not_read_makes_it_unknown() -> None:
    clock = FakeClock()
    one, other = intake(clock, "completed in 1"), intake(clock, "completed in 9")
    both = told(one, other, now=clock.now())
    assert both["p95(done.seconds)"] == pytest.approx(9.0, rel=0.02)
    other.trouble("a.log is missing")
    assert told(one, other, now=clock.now())["p95(done.seconds)"] is None


def test_quantiles_that_expressions_name_are_told() -> None:
    service = Service(
        logs=(SOURCE,),
        objectives=("p90(done.seconds) < 2s",),
        alerts=(Rule(name="Slow", when="p99.9(done.seconds) > 30s"),),
    )
    assert shares_of(service) == pytest.approx((0.5, 0.9, 0.95, 0.99, 0.999))
    assert shares_of(None) == (0.5, 0.95, 0.99)


@pytest.mark.parametrize(
    ("seconds", "known"),
    [(["9"], 0.0), (["1", "9"], 1.0), (["1"] * 18 + ["9"], 1.0), (["1"] * 20, None)],
)
def test_what_few_numbers_are_at_least_is_without_their_highest(
    seconds: list[str], known: float | None
) -> None:
    clock = FakeClock()
    lines = [f"took {each}s" for each in seconds]
    source = intake(clock, *lines, done=r"took (?P<seconds>\d+)s")
    shown = log_figures.figures("api", [source], [0.95], clock.now())
    (found,) = [each.at_least for each in shown if each.name == "p95(done.seconds)"]
    assert found == (known if not known else pytest.approx(known, rel=0.02))
