"""Whether a remedy acts: each rule alone, and that none can be got round."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.operation import OperationState
from opsconsole.model.remedies.episodes import Ending, Episode, Hand, HeldBack
from opsconsole.model.remedies.rules import Act, Hold, HoldCode, RemedyMode
from opsconsole.model.remedies.switch import Closing, Switch
from opsconsole.model.state import State
from opsconsole.model.written.hours import parse_hours
from opsconsole.watcher.remedies.decision import Seen, Trouble, World, is_storm
from tests.watcher.remedies.stage import (
    DOWN,
    LONG,
    NOW,
    RULE,
    SHARED,
    acted,
    ask,
    code,
    counting,
    down,
    fleet,
)

_H = HoldCode
KIM = Hand("kim", "bastion", NOW - 100, "new disks")
FAILED = OperationState.FAILED

WORLDS: dict[HoldCode, World] = {
    _H.NOT_RECORDED: World(fleet(), recorded=False),
    _H.NOT_ACTING: World(fleet(), acting=False),
    _H.EVIDENCE: World(fleet(web=replace(DOWN, stale=True))),
    _H.DARK: World(fleet(), dark=True),
    _H.OFF: World(fleet(), switch=Switch(off=KIM)),
    _H.MAINTENANCE: World(fleet(), maintained={"web": "new disks"}),
    _H.LOCKED: World(fleet(), under_way={"web": "kim@bastion"}),
    _H.PLANNED: World(fleet(), planned={"web": "kim@bastion"}),
    _H.ACKNOWLEDGED: World(fleet(), acknowledged={"web": "kim"}),
    _H.SILENCED: World(fleet(), silenced={"web": "kim"}),
    _H.STORM: World(fleet(others=down("s1", "s2"))),
    _H.CAUSE: World(fleet(web=replace(DOWN, bound=("s1",)), others=down("s1"))),
    _H.PEERS: World(
        fleet(
            web=replace(DOWN, group="a"),
            s1=Seen("s1", State.DEGRADED, group="a"),
            s2=Seen("s2", group="a"),
            s3=Seen("s3", State.DEGRADED, group="a"),
        )
    ),
}
"""A world for each thing in it that holds a remedy back, and nothing else."""


def test_one_that_is_down_among_many_that_are_well_is_acted_on() -> None:
    assert ask() == Act(RemedyMode.AUTO)


@pytest.mark.parametrize("mode", RemedyMode)
def test_a_remedy_goes_as_far_as_it_is_configured(mode: RemedyMode) -> None:
    assert ask(rule=replace(RULE, mode=mode)) == Act(mode)


@pytest.mark.parametrize("held", WORLDS)
def test_each_thing_in_the_way_holds_it_back(held: HoldCode) -> None:
    assert code(ask(WORLDS[held])) is held


@given(st.sampled_from(sorted(WORLDS)), st.sampled_from(sorted(WORLDS)))
def test_what_holds_it_back_does_so_whatever_else_does(first: HoldCode, second: HoldCode) -> None:
    one, other, usual = WORLDS[first], WORLDS[second], World(fleet())
    both = replace(
        one,
        **{
            name: getattr(other, name)
            for name in World.__slots__
            if getattr(other, name) != getattr(usual, name)
        },
    )

    assert code(ask(both)) is not None


@given(st.floats(0, 59.9), st.integers(0, 10))
def test_nothing_is_done_before_it_was_seen_for_long_enough(since: float, looks: int) -> None:
    assert code(ask(trouble=Trouble(NOW - since, looks))) is _H.EVIDENCE


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_nothing_is_done_before_enough_looks_saw_it(looks: int) -> None:
    assert code(ask(trouble=Trouble(NOW - 3600, looks))) is _H.EVIDENCE


def test_nothing_is_done_about_what_is_not_seen() -> None:
    assert code(ask(trouble=None)) is _H.EVIDENCE
    assert code(ask(World(fleet(web=Seen("web", State.UNKNOWN))))) is _H.EVIDENCE
    assert code(ask(World({"s1": Seen("s1")}))) is _H.EVIDENCE


def test_where_nothing_is_seen_to_be_well_it_may_be_the_eye() -> None:
    alone = World({"web": DOWN}, witnessed=False)

    assert code(ask(alone)) is _H.DARK
    assert ask(replace(alone, witnessed=True)) == Act(RemedyMode.AUTO)
    assert code(ask(World({"web": DOWN, **down("s1")}))) is _H.DARK


@given(st.integers(1, 40), st.integers(0, 40))
def test_all_at_once_or_many_is_never_acted_on(count: int, bad: int) -> None:
    names = [f"s{number}" for number in range(min(count, bad))]
    world = World(fleet(count, others=down(*names)))
    sick = 1 + len(names)

    decision = ask(world)

    if sick >= 3 or (sick >= 2 and sick > 0.4 * (count + 1)):
        assert code(decision) in {_H.STORM, _H.DARK}
    else:
        assert decision == Act(RemedyMode.AUTO)


def test_a_storm_holds_until_ten_minutes_after_it() -> None:
    def at(seconds: float) -> HoldCode | None:
        switch = Switch(stormy_at=NOW - 4000, calm_at=NOW - seconds)
        return code(ask(World(fleet(), switch=switch)))

    assert code(ask(World(fleet(), switch=Switch(stormy_at=NOW - 4000)))) is _H.STORM
    assert at(0) is at(599) is _H.STORM
    assert at(601) is None


def test_what_is_degraded_for_long_is_no_storm() -> None:
    tired = {f"s{number}": Seen(f"s{number}", State.DEGRADED) for number in range(3)}

    assert not is_storm(World(fleet(others=tired)), SHARED)
    assert not is_storm(World({"web": DOWN}), SHARED)


@pytest.mark.parametrize("state", [State.DOWN, State.UNKNOWN])
def test_a_cause_is_looked_for_behind_what_it_depends_on(state: State) -> None:
    chain = {"s1": Seen("s1", bound=("s2",)), "s2": Seen("s2", state, bound=("web",))}
    world = World(fleet(20, web=replace(DOWN, bound=("s1",)), others=chain))

    held = ask(world)

    assert code(held) is _H.CAUSE
    assert isinstance(held, Hold)
    assert held.subject == "s2"


def test_of_a_group_only_its_own_members_are_peers() -> None:
    others = {f"s{number}": Seen(f"s{number}", State.DEGRADED) for number in range(9)}
    mine = {"s0": Seen("s0", group="a"), "s1": Seen("s1", group="a")}
    world = World({"web": replace(DOWN, group="a"), **others, **mine})

    assert ask(world) == Act(RemedyMode.AUTO)


def test_the_last_of_its_group_that_serves_is_left_alone() -> None:
    limits = replace(RULE.limits, peers=0.0)
    still = replace(DOWN, state=State.DEGRADED, group="a", copies_well=1)
    world = World(fleet(20, web=still, s1=Seen("s1", State.DOWN, group="a")))

    assert code(ask(world, rule=replace(RULE, limits=limits))) is _H.LAST


def test_one_at_a_time_in_a_group_and_two_in_all() -> None:
    apart = fleet(9, s1=Seen("s1", group="a"), s2=Seen("s2", group="b"))
    world = World({**apart, "web": replace(DOWN, group="c"), "s3": Seen("s3", group="c")})

    assert ask(world, episodes=(counting("s1"),)) == Act(RemedyMode.AUTO)
    assert code(ask(world, episodes=(counting("s3"),))) is _H.BUSY
    assert code(ask(world, episodes=(counting("s1"), counting("s2")))) is _H.BUSY


def test_what_may_be_acting_still_counts_as_under_way() -> None:
    lost = replace(acted(NOW - 200), verdict=None, ended_at=None, ending=None, operation="")

    assert code(ask(episodes=(lost,))) is _H.BUSY


def test_two_in_half_an_hour_then_it_is_for_a_person_until_it_was_well_for_an_hour() -> None:
    acts = (acted(NOW - 1000), acted(NOW - 500))

    assert ask(episodes=acts[:1]) == Act(RemedyMode.AUTO)
    assert code(ask(episodes=acts)) is _H.RATE
    for later in (1800.0, 7200.0):
        # What follows from the second act is still going on, or came back soon.
        again = acted(NOW - 480 + later, over=NOW - 480 + later)
        held = replace(again, acted_at=None, counting_to=None, counting_from=None, plan="")
        gone_on = replace(held, since=NOW - 480, at=NOW - 480)
        assert code(ask(episodes=(*acts, gone_on), trouble=Trouble(NOW + later - 300, 9),
                        now=NOW + later)) is _H.RATE  # fmt: skip
    well = NOW + 2 * 3600
    assert ask(episodes=acts, trouble=Trouble(well - 60, 3), now=well) == Act(RemedyMode.AUTO)


@given(st.lists(st.floats(0, 1799), min_size=2, max_size=5))
def test_never_more_than_two_acts_in_half_an_hour(ago: list[float]) -> None:
    acts = tuple(acted(NOW - each, over=NOW - each) for each in ago)

    assert code(ask(episodes=acts)) is not None


@pytest.mark.parametrize(("ago", "held"), [(10, True), (299, True), (301, False)])
def test_five_minutes_lie_between_two_acts(ago: float, held: bool) -> None:
    assert (code(ask(episodes=(acted(NOW - ago),))) is _H.SPACING) is held


def test_what_was_never_begun_counts_for_nothing() -> None:
    refused = replace(
        acted(NOW - 100), operation="", verdict=None, not_begun=HeldBack(_H.LOCKED, NOW - 100)
    )

    assert ask(episodes=(refused, replace(refused, id="2-00000000"))) == Act(RemedyMode.AUTO)


def test_what_a_remedy_would_have_done_counts_for_what_it_suggests() -> None:
    rule = replace(RULE, mode=RemedyMode.SUGGEST)
    meant = replace(acted(NOW - 100), acted_at=None, plan="", suggested_at=NOW - 100)

    assert code(ask(rule=rule, episodes=(meant,))) is _H.SPACING
    assert ask(episodes=(meant,)) == Act(RemedyMode.AUTO)


def _slowly(count: int, *, verdict: OperationState, gap: float = 3000.0) -> tuple[Episode, ...]:
    return tuple(
        acted(NOW - gap * (count - number), verdict=verdict, ending=Ending.WENT_ON)
        for number in range(count)
    )


def test_three_that_failed_open_the_breaker_for_an_hour_then_one_more_may_try() -> None:
    rule = replace(RULE, limits=replace(RULE.limits, most=9, healthy=60.0))
    failed = _slowly(3, verdict=FAILED)
    opened = NOW - 3000

    assert code(ask(rule=rule, episodes=failed[:2])) is None
    assert code(ask(rule=rule, episodes=failed)) is _H.BREAKER
    assert ask(rule=rule, episodes=failed, now=opened + 3601) == Act(RemedyMode.AUTO)
    again = acted(opened + 3700, verdict=FAILED, ending=Ending.WENT_ON)
    for later in (opened + 4300, opened + 90000):
        held = ask(rule=rule, episodes=(*failed, again), now=later)
        assert code(held) is _H.BREAKER
    closed = Switch(closings=(Closing(RULE.name, replace(KIM, at=opened + 5000)),))
    world = World(fleet(), switch=closed)
    assert ask(world, rule=rule, episodes=(*failed, again), now=opened + 9000) == Act(
        RemedyMode.AUTO
    )


def test_three_verified_ones_after_which_it_came_back_open_it_too() -> None:
    rule = replace(RULE, limits=replace(RULE.limits, most=9, healthy=60.0))
    acts = tuple(acted(NOW - ago, over=NOW - ago + 20) for ago in (1500, 1000, 500))
    short = tuple(replace(each, since=(each.acted_at or 0) - 100) for each in acts)

    assert code(ask(rule=rule, episodes=short, trouble=LONG)) is not _H.BREAKER
    back = replace(counting("web"), id="9-00000000", since=NOW - 300, rule=RULE.name)
    assert code(ask(rule=rule, episodes=(*short, back), present=back.id)) is _H.BREAKER


def test_outside_its_hours_it_does_nothing() -> None:
    # 2023-11-14, a Tuesday, 22:13 in UTC.
    rule = replace(RULE, hours=(parse_hours("mon-fri 08:00-20:00"),))

    assert code(ask(rule=rule)) is _H.HOURS
    assert ask(rule=replace(rule, zone="America/Los_Angeles")) == Act(RemedyMode.AUTO)


def test_with_little_of_the_error_budget_left_it_asks() -> None:
    world = World(fleet(web=replace(DOWN, budget_left=0.09)))

    assert ask(world) == Act(RemedyMode.ASK)
    assert ask(world, rule=replace(RULE, mode=RemedyMode.SUGGEST)) == Act(RemedyMode.SUGGEST)


def test_what_somebody_stopped_stays_stopped() -> None:
    stopped = replace(counting("web"), rule=RULE.name, stopped=KIM)

    assert code(ask(episodes=(stopped,), present=stopped.id)) is _H.STOPPED


@given(st.permutations(sorted(WORLDS)))
def test_deciding_twice_on_the_same_is_deciding_the_same(order: list[HoldCode]) -> None:
    assert [ask(WORLDS[each]) for each in order] == [ask(WORLDS[each]) for each in order]
