"""What watchers do in scripted worlds, and that nothing is ever done twice."""

import asyncio
import itertools
import random

import pytest

from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.model.remedies.episodes import Ending, Stage
from opsconsole.model.remedies.rules import HoldCode
from opsconsole.model.state import State
from tests.watcher.remedies.theatre import RESTART, Killed, Theatre

MINUTE = 60.0
HOUR = 3600.0
HALF = 1800.0


def _held(theatre: Theatre) -> list[HoldCode]:
    return [each.code for episode in theatre.episodes for each in episode.holds]


def _by_hand(theatre: Theatre, kind: ActionKind = ActionKind.RESTART) -> Operation:
    now = theatre.clock.now()
    id_ = f"{len(theatre.by_hand) + 4096:016x}"
    done = OperationState.VERIFIED
    return Operation(id_, f"hand-{id_}", "web", kind, "", done, "kim", "b", now, now)


async def test_one_that_fails_is_restarted_once_and_all_of_it_is_recorded() -> None:
    stage = Theatre()
    stage.fail("web")
    await stage.go(85)
    assert stage.episodes[-1].stage is Stage.COUNTING
    assert stage.door.done == []
    await stage.go(20)

    (done,), (episode,) = stage.door.done, stage.episodes
    assert 90 <= stage.times[0] <= 105
    assert done.who == "auto, rule restart-web"
    assert done.reason.startswith("rule restart-web: state == down for")
    assert "connection refused" in done.reason
    assert stage.door.confirmed[0].typed == "web"
    await stage.go(HOUR)
    (episode,) = stage.episodes
    assert (episode.ending, episode.verdict) == (Ending.BY_REMEDY, OperationState.VERIFIED)
    assert (episode.operation, len(stage.door.done)) == (done.id, 1)


async def test_a_countdown_is_waited_for_whatever_anybody_records_of_it() -> None:
    stage = Theatre()
    stage.fail("web")
    while not stage.episodes:
        await stage.go(5)
    now = stage.clock.now()
    stage.book.add(
        stage.episodes[0].id,
        lambda _: [
            {"do": "hold", "at": now, "code": HoldCode.LOCKED.value, "subject": "somebody"},
            {"do": "count", "at": now, "until": now},
        ],
        now,
    )
    assert stage.episodes[0].counting_to == now
    await stage.go(24)
    assert stage.door.done == []
    await stage.go(15)
    assert len(stage.door.done) == 1


async def test_all_at_once_nothing_is_done_whatever_the_size() -> None:
    for count in (1, 2, 4, 9, 60):
        stage = Theatre(
            *({**RESTART, "service": f"s{number}"} for number in range(count)), RESTART,
            count=count,
        )  # fmt: skip
        stage.fail(*stage.states)
        await stage.go(HALF, step=30)

        assert stage.door.done == []
        assert set(_held(stage)) <= {HoldCode.STORM, HoldCode.DARK}


async def test_after_a_storm_late_recoveries_are_left_alone_for_ten_minutes() -> None:
    stage = Theatre()
    stage.fail("web", "s1", "s2")
    await stage.go(5 * MINUTE)
    stage.heal("s1", "s2")
    await stage.go(MINUTE)
    calm = stage.clock.now()
    await stage.go(9 * MINUTE - 10)
    assert stage.door.done == []
    await stage.go(3 * MINUTE)

    (done,) = stage.door.done
    assert done.started_at - calm > 9 * MINUTE
    assert HoldCode.STORM in _held(stage)


async def test_a_storm_is_remembered_by_the_next_watcher() -> None:
    stage = Theatre()
    stage.fail("web", "s1", "s2")
    await stage.go(5 * MINUTE)
    stage.heal("s1", "s2")
    stage.watcher = stage.another()
    await stage.go(9 * MINUTE)

    assert stage.door.done == []


async def test_a_flapping_one_is_restarted_twice_in_half_an_hour_then_it_is_for_a_person() -> None:
    stage = Theatre()
    for _ in range(40):
        stage.fail("web")
        await stage.go(3 * MINUTE, step=10)
        stage.heal("web")
        await stage.go(MINUTE, step=10)

    assert len(stage.times) == 2
    assert stage.times[1] - stage.times[0] >= 300
    assert _held(stage)[-1] is HoldCode.RATE
    await stage.go(HOUR, step=10)
    stage.fail("web")
    await stage.go(5 * MINUTE, step=10)
    assert len(stage.times) == 3


async def test_one_that_restarting_does_not_help_is_given_up() -> None:
    stage = Theatre({**RESTART, "limits": {"most": 9, "healthy": "1s"}})
    stage.when_acted = lambda operation: None
    stage.door.verdict = OperationState.FAILED
    stage.fail("web")
    await stage.go(HOUR, step=20)
    opened = list(stage.times)
    assert len(opened) == 3
    assert all(b - a >= 300 for a, b in itertools.pairwise(opened))
    await stage.go(HOUR, step=20)
    assert len(stage.times) == 4
    assert stage.times[3] - opened[2] >= HOUR
    await stage.go(6 * HOUR, step=20)
    assert len(stage.times) == 4
    assert _held(stage)[-1] is HoldCode.BREAKER

    stage.book.close_breaker("restart-web", "more memory", stage.clock.now())
    await stage.go(5 * MINUTE, step=20)
    assert len(stage.times) == 5


async def test_suggesting_does_nothing_and_says_what_then_happened() -> None:
    stage = Theatre({**RESTART, "mode": "suggest"})
    stage.fail("web")
    await stage.go(100, step=20)
    stage.heal("web")
    await stage.go(2 * HOUR, step=20)
    stage.fail("web")
    await stage.go(200, step=20)
    stage.hand(_by_hand(stage))
    await stage.go(2 * HOUR, step=20)
    stage.fail("web")
    await stage.go(200, step=20)
    stage.hand(_by_hand(stage, ActionKind.ROLLBACK))
    await stage.go(MINUTE, step=20)

    assert stage.door.done == []
    assert [each.ending for each in stage.episodes] == [
        Ending.ALONE, Ending.SAME_ACTION, Ending.OTHER_ACTION,
    ]  # fmt: skip
    assert all(each.suggested_at is not None for each in stage.episodes)
    assert [each.ended_by for each in stage.episodes] == ["", "kim", "kim"]


async def test_asking_shows_the_plan_and_begins_nothing() -> None:
    stage = Theatre({**RESTART, "mode": "ask"})
    stage.fail("web")
    await stage.go(10 * MINUTE)
    (episode,) = stage.episodes

    assert (episode.stage, episode.summary) == (Stage.ASKED, "restart web")
    assert stage.door.done == []
    stage.book.stop(episode.id, "", stage.clock.now())
    await stage.go(MINUTE)
    assert stage.episodes[0].stage is Stage.STOPPED


@pytest.mark.parametrize("hand", ["stop", "off", "lock", "plan", "maintenance"])
async def test_a_hand_in_the_countdown_stops_it(hand: str) -> None:
    stage = Theatre()
    stage.fail("web")
    await stage.go(80)
    assert stage.episodes[-1].stage is Stage.COUNTING
    now = stage.clock.now()
    match hand:
        case "stop":
            stage.book.stop(stage.episodes[-1].id, "", now)
        case "off":
            stage.book.switch_to(on=False, reason="", at=now)
        case "lock":
            stage.door.locked["web"] = "kim"
        case "plan":
            stage.book.plan_opened("web", now)
            await stage.go(4 * MINUTE)
            assert _held(stage)[-1] is HoldCode.PLANNED
            stage.book.plan_opened("web", stage.clock.now())
            await stage.go(4 * MINUTE)
            assert stage.door.done == []
            return
        case _:
            stage.maintenances = (Maintenance("1", ("web",), now, now + HOUR, who="kim"),)
    await stage.go(20 * MINUTE)

    assert stage.door.done == []


async def test_what_is_switched_on_again_counts_down_again() -> None:
    stage = Theatre()
    stage.book.switch_to(on=False, reason="", at=stage.clock.now())
    stage.fail("web")
    await stage.go(20 * MINUTE)
    assert stage.door.done == []
    stage.book.switch_to(on=True, reason="", at=stage.clock.now())
    on = stage.clock.now()
    await stage.go(2 * MINUTE)

    (done,) = stage.door.done
    assert done.started_at - on >= 30


async def test_a_refusal_of_policy_is_recorded_and_tried_again_after_five_minutes() -> None:
    stage = Theatre()
    stage.door.locked["web"] = "kim"
    stage.fail("web")
    await stage.go(MINUTE * 3)
    assert HoldCode.LOCKED in _held(stage)
    stage.door.locked.clear()
    await stage.go(MINUTE)

    assert len(stage.door.done) == 1


async def test_one_that_does_not_lead_does_nothing_and_records_nothing() -> None:
    stage = Theatre()
    stage.leads = False
    stage.fail("web")
    await stage.go(HOUR)

    assert (stage.door.done, stage.episodes) == ([], ())


async def test_two_rules_of_one_group_act_one_after_the_other() -> None:
    stage = Theatre(RESTART, {**RESTART, "service": "s1"}, count=12)
    stage.fail("web", "s1")
    stage.when_acted = lambda operation: None
    await stage.go(105, step=1)
    assert len(stage.door.done) == 1
    stage.heal(stage.door.done[0].service)
    await stage.go(HALF)
    assert {each.service for each in stage.door.done} == {"web", "s1"}


async def _one_try(rng: random.Random) -> tuple[bool, bool]:
    """A hand at a random point of the last second of a countdown. Returns whether something was
    done, and whether the hand was there before it was."""
    stage = Theatre(count=4)
    stage.fail("web")
    await stage.go(80, step=20)
    (episode,) = stage.episodes
    until = (episode.counting_to or 0.0) - stage.clock.now()
    points = rng.randrange(14)
    kind, first = rng.choice(["stop", "off", "lock"]), []

    def at_a_point() -> None:
        nonlocal points
        points -= 1
        if points == 0:
            stage.point = lambda: None
            # Once its act is recorded it has begun; a lock still wins until it is taken.
            recorded = stage.episodes[0].acted_at is not None
            first.append(not stage.door.done and (kind == "lock" or not recorded))
            if kind == "lock":
                stage.door.locked["web"] = "kim"
            elif kind == "off":
                stage.book.switch_to(on=False, reason="", at=stage.clock.now())
            else:
                stage.book.stop(episode.id, "", stage.clock.now())

    stage.clock.move(until - rng.random())
    stage.point = at_a_point
    for _ in range(3):
        await stage.watcher.consider(stage.snapshot, stage.clock.now())
        stage.clock.move(0.7)
    return bool(stage.door.done), bool(first and first[0])


def test_a_hand_in_the_last_second_wins_in_a_thousand_tries() -> None:
    rng = random.Random(16)

    async def tries() -> list[tuple[bool, bool]]:
        return [await _one_try(rng) for _ in range(1000)]

    outcomes = asyncio.run(tries())

    assert not [each for each in outcomes if all(each)]
    assert any(first for _, first in outcomes)
    assert any(done for done, _ in outcomes)


def test_killed_at_any_point_and_taken_over_it_is_never_done_twice() -> None:
    async def killed_at(number: int) -> tuple[int, int]:
        stage = Theatre(count=4)
        stage.fail("web")
        left = number

        def kill() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        stage.point = kill
        for _ in range(60):
            try:
                await stage.go(5)
            except Killed:
                stage.watcher = stage.another()
        stage.point = lambda: None
        # A plan that was recorded and never performed can be by nobody after ten minutes.
        await stage.go(25 * MINUTE)
        return len(stage.door.done), max(0, left)

    async def all_of_them() -> list[tuple[int, int]]:
        outcomes = []
        for number in range(1, 60):
            outcomes.append(await killed_at(number))
            if outcomes[-1][1] > 0:
                break
        return outcomes

    outcomes = asyncio.run(all_of_them())

    assert len(outcomes) > 10
    assert outcomes[-1][1] > 0, "there are more points than were tried"
    assert {done for done, _ in outcomes} == {1}


async def test_what_another_watcher_began_is_looked_up_and_not_repeated() -> None:
    stage = Theatre()
    stage.fail("web")
    stage.when_acted = lambda operation: None
    await stage.go(95)
    (done,) = stage.door.done
    stage.watcher = stage.another()
    await stage.go(MINUTE)

    assert stage.episodes[0].operation == done.id
    assert stage.episodes[0].verdict is OperationState.VERIFIED
    assert len(stage.door.done) == 1


async def test_what_ended_while_nobody_watched_is_called_that() -> None:
    stage = Theatre({**RESTART, "mode": "suggest"})
    stage.fail("web")
    await stage.go(100)
    stage.heal("web")
    stage.watcher = stage.another()
    await stage.go(MINUTE)

    assert stage.episodes[0].ending is Ending.NOT_SEEN


async def test_what_cannot_be_seen_is_not_over() -> None:
    stage = Theatre({**RESTART, "mode": "suggest"})
    stage.fail("web")
    await stage.go(100)
    stage.fail("web", state=State.UNKNOWN)
    await stage.go(10 * MINUTE)

    assert stage.episodes[0].open


async def test_a_rule_that_is_changed_to_suggest_begins_nothing_more() -> None:
    stage = Theatre()
    stage.fail("web")
    await stage.go(80)
    tamed = Theatre({**RESTART, "mode": "suggest"}).settings
    stage.watcher.use(tamed)
    await stage.go(HALF)

    assert stage.door.done == []
