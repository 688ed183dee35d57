"""Objectives in words: shares as they are, and how long they were watched."""

from dataclasses import replace

import pytest

from opsconsole.model.objectives import Attainment
from opsconsole.render.ink.cells import Role, line_width, plain
from opsconsole.render.objectives import objective_line, objectives
from tests.ui import fleet


def availability(actual: float | None, **more: float | None) -> Attainment:
    """An objective over 30 days."""
    met = None if actual is None else actual >= 0.999
    return Attainment("api", "availability 99.9% over 30d", actual, 0.999, "%", met, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.9994, "99.94%"), (1.0, "100%"), (0.999999, "99.999%"), (0.5, "50%"), (0.0, "0%")],
)
def test_shares_are_never_rounded_up_to_all(share: float, shown: str) -> None:
    assert f" {shown}" in plain([objective_line(availability(share))])


def test_what_was_watched_is_said_where_it_is_less_than_the_window() -> None:
    month = 30 * 86400.0
    assert "seen over 12m00s" in plain([objective_line(availability(1.0, seen=720.0))])
    assert "seen over" not in plain([objective_line(availability(1.0, seen=month))])


def test_the_witness_of_a_budget_is_named() -> None:
    month = 30 * 86400.0
    item = replace(availability(1.0), seen=month, origin="prometheus")
    assert plain([objective_line(item)]).rstrip().endswith("prometheus, 30d")
    own = replace(item, seen=7200.0, origin="own looks")
    assert "own looks, 2h" in plain([objective_line(own)])


def test_too_little_seen_is_early_and_not_missed() -> None:
    item = replace(availability(0.44, seen=9.0), met=None)
    said = plain([objective_line(item)])
    assert "? early" in said
    assert "missed" not in said
    assert "44%" in said


def test_unknown_is_never_met() -> None:
    line = objective_line(availability(None))
    assert "unknown" in plain([line])
    assert line[0].role is Role.UNKNOWN


@pytest.mark.parametrize("width", [52, 60, 64, 80, 200])
def test_nothing_is_cut(width: int) -> None:
    item = availability(0.9994, budget_left=0.38, burn_rate=1.4)
    line = objective_line(item, width)
    assert line_width(line) <= width
    assert ("38% budget" in plain([line])) is (width >= 60)


def test_of_a_stale_service_nothing_is_green() -> None:
    line = objective_line(availability(1.0), stale=True)
    assert "◌ met" in plain([line])
    assert Role.OK not in {span.role for span in line}


def details(item: Attainment) -> str:
    service = replace(fleet.calm().services[0], objectives=(item,))
    return " ".join(plain(objectives(service, 200)).split())


@pytest.mark.parametrize(
    ("left", "rate", "said"),
    [
        (0.5, 2.0, "burns 2.0×, lasts 7d12h at this rate"),
        (0.5, 1.0, "burns 1.0×;"),
        (0.0, 3.0, "burns 3.0×;"),
        (-0.2, 3.0, "burns 3.0×;"),
    ],
)
def test_how_long_a_budget_lasts_is_said_where_it_ends(left: float, rate: float, said: str) -> None:
    item = availability(0.9994, budget_left=left, burn_rate=rate, seen=7200.0)
    assert said in details(replace(item, origin="own looks"))


def test_early_and_own_looks_are_explained_where_they_stand() -> None:
    item = replace(availability(0.44, seen=9.0), met=None, origin="own looks")
    assert "early: too little was seen" in details(item)
    assert "by this console's own looks, 9s" in details(item)
