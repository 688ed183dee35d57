"""A large fleet costs few inspections, and nothing that changed waits for one."""

from dataclasses import replace

import pytest

from opsconsole.sources.docker.containers import Inspected, Listed
from opsconsole.sources.docker.inspections import SWEEP_LIMIT, Inspections

LISTED = Listed("a" * 64, "web", "shop:1", "x", "running", "Up 2 hours", "healthy", None, (), {})


def due_after(listed: Listed, now: float, *, touch: bool = False) -> bool:
    """Whether ``listed`` is inspected again at ``now`` after LISTED was at 100."""
    inspections = Inspections()
    assert inspections.due([LISTED], 100) == [LISTED.id]
    inspections.record([LISTED], {LISTED.id: Inspected(restarts=0)}, 100)
    if touch:
        inspections.touch(LISTED.id)
    return inspections.due([listed], now) == [LISTED.id]


def test_a_quiet_container_is_inspected_once_a_minute() -> None:
    assert not due_after(LISTED, 105)
    assert not due_after(LISTED, 159)
    assert due_after(LISTED, 161)


@pytest.mark.parametrize(
    "changed",
    [
        replace(LISTED, status="exited"),
        replace(LISTED, health="unhealthy"),
        replace(LISTED, health="starting"),
        replace(LISTED, uptime="Up 3 seconds (healthy)"),
    ],
)
def test_what_changed_is_inspected_at_once(changed: Listed) -> None:
    assert due_after(changed, 105)


def test_what_an_event_touched_is_inspected_at_once() -> None:
    assert due_after(LISTED, 105, touch=True)


def test_a_touch_during_the_inspection_counts_for_the_next() -> None:
    inspections = Inspections()
    inspections.due([LISTED], 100)
    inspections.touch(LISTED.id)
    inspections.record([LISTED], {LISTED.id: Inspected()}, 100)

    assert inspections.due([LISTED], 105) == [LISTED.id]


def test_a_touch_outlives_an_inspection_that_failed() -> None:
    inspections = Inspections()
    inspections.due([LISTED], 100)
    inspections.record([LISTED], {LISTED.id: Inspected()}, 100)
    inspections.touch(LISTED.id)

    assert inspections.due([LISTED], 105) == [LISTED.id]
    assert inspections.due([LISTED], 110) == [LISTED.id]


def test_a_sweep_is_bounded_and_the_rest_follows() -> None:
    fleet = [replace(LISTED, id=f"{number:064x}") for number in range(SWEEP_LIMIT + 50)]
    inspections = Inspections()

    first = inspections.due(fleet, 100)
    inspections.record(fleet, dict.fromkeys(first, Inspected()), 100)
    second = inspections.due(fleet, 105)

    assert len(first) == SWEEP_LIMIT
    assert len(second) == 50
    assert not set(first) & set(second)


def test_containers_that_are_gone_are_forgotten() -> None:
    inspections = Inspections()
    inspections.due([LISTED], 100)
    inspections.record([LISTED], {LISTED.id: Inspected()}, 100)
    inspections.record([], {}, 105)

    assert inspections.facts(LISTED.id) is None


def test_an_inspection_that_failed_is_left_alone_for_a_minute() -> None:
    inspections = Inspections()
    inspections.due([LISTED], 100)
    inspections.record([LISTED], {LISTED.id: None}, 100)

    assert inspections.due([LISTED], 159) == []
    assert inspections.due([LISTED], 161) == [LISTED.id]
