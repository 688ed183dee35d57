"""A lease under what goes wrong: never two at once, and what no lock can close is said.

Random schedules of three bastions on one server (``lease_model``): ``OPSCONSOLE_TEST_LEASES=10000``
runs so many.
"""

import os
from collections.abc import Iterator
from itertools import pairwise

import pytest

from opsconsole.operations.locks.lease import TERMS, Lease, Terms
from tests.operations.locks.lease_model import SERVICES, Call, Hazards, World

SCHEDULES = int(os.environ.get("OPSCONSOLE_TEST_LEASES", "2000"))
SOME = 1_000


def at_once(world: World) -> Iterator[tuple[Call, Call]]:
    """Calls of one service that were made at once by two holders."""
    for service in SERVICES:
        calls = [each for each in world.calls if each.operation.service == service]
        calls.sort(key=lambda each: each.begun_at)
        for first, second in pairwise(calls):
            if second.begun_at < first.ended_at and first.operation is not second.operation:
                yield first, second


def holds_always(world: World) -> None:
    """What is true whatever happens: no step twice, each one written down, none left open."""
    made = [(call.operation.number, call.step) for call in world.calls]
    assert len(made) == len(set(made)), f"schedule {world.seed} made a step twice"
    for call in world.calls:
        stood = call.operation.steps[call.step]
        assert stood in {"done", "unknown"}, f"schedule {world.seed} forgot a call"
        assert call.intended == call.token, f"schedule {world.seed} meant a step without the lock"
    for each in world.operations:
        assert each.final, f"schedule {world.seed} left operation {each.number} open"
        assert "running" not in each.steps or not each.taken_up


def test_no_two_holders_are_at_a_service_at_once_whatever_happens() -> None:
    taken_up = calls = unknown = 0
    for seed in range(SCHEDULES):
        world = World(seed)
        holds_always(world)
        assert not list(at_once(world)), f"schedule {seed}"
        for call in world.calls:
            assert call.token == call.checked, f"schedule {seed} began under another's lock"
        calls += len(world.calls)
        taken_up += sum(each.taken_up for each in world.operations)
        unknown += sum(each.steps.count("unknown") for each in world.operations)
    assert calls > SCHEDULES
    assert taken_up > SCHEDULES / 2, "the schedules harm too little"
    assert unknown > SCHEDULES / 100, "no schedule leaves a step that nobody knows"


@pytest.mark.parametrize("hazard", ["gap", "long_calls", "leap"])
def test_what_no_lock_can_close_is_only_what_is_named(hazard: str) -> None:
    found = 0
    for seed in range(SOME):
        world = World(seed, Hazards(**{hazard: True}))
        holds_always(world)
        for first, second in at_once(world):
            found += 1
            said = f"schedule {seed}: {first} and {second}"
            late = [each.ended_at - each.checked_at for each in (first, second)]
            assert hazard == "leap" or max(late) > TERMS.margin, said
            # Who comes second had looked up what the first had begun, and could not know it.
            assert first.operation.taken_up or second.operation.taken_up, said
    assert found, "the model would not show it"


def test_a_holder_that_does_not_look_at_its_clock_would_be_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Lease, "may_begin", lambda *_: True)
    assert any(list(at_once(World(seed))) for seed in range(SOME))


def test_a_journal_that_does_not_ask_for_the_token_would_be_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unchecked(world: World, process: object, made: object, step: int, token: int) -> bool:
        made.steps[step] = "running"  # type: ignore[attr-defined]
        return True

    monkeypatch.setattr(World, "step_begins", unchecked)
    worlds = (World(seed, Hazards(leap=True)) for seed in range(SOME))
    assert any(call.token != call.intended for world in worlds for call in world.calls)


def test_a_lease_is_certain_for_so_long_after_it_was_asked_for() -> None:
    lease = Lease(1, 100.0)
    assert lease.may_begin(100.0)
    assert lease.may_begin(100.0 + TERMS.begins_within - 0.001)
    assert not lease.may_begin(100.0 + TERMS.begins_within)
    assert not lease.may_begin(99.0), "a clock that went back is another machine's"
    assert lease.renewed(105.0).may_begin(114.9)
    assert lease.renewed(90.0) == lease, "an answer that came late takes nothing away"


@pytest.mark.parametrize(
    "terms", [(5, 20, 20), (5, 10, 20), (10, 20, 10), (0, 20, 10), (5, 20, 5), (-1, 20, 10)]
)
def test_terms_that_protect_nothing_are_none(terms: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="cannot have the terms"):
        Terms(*terms)
