"""The verdict in words, from looks at a scripted world on a clock that only the looks move."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from opsconsole.model.operation import ActionKind, OperationState, Step
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.operations.running.verification import Baseline, Verdict, Verifier, lines_of

OK, DEGRADED, DOWN, UNKNOWN = State.OK, State.DEGRADED, State.DOWN, State.UNKNOWN
STEP = Step("restart a", "http", "http://a", instance="a")
NOTHING = Baseline({}, {})


@dataclass
class ScriptClock:
    """Moves by what is slept, and by a tenth of a second with each look."""

    at: float = 0.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class World:
    """``seen`` gives the instances at a moment, ``own`` what the driver sees."""

    seen: Callable[[float], dict[str, Sight]]
    own: Callable[[float], tuple[Sight, ...]] = lambda at: ()
    clock: ScriptClock = field(default_factory=ScriptClock)
    timeout: float = 2.0
    looks: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.seen(0))

    def verifier(
        self, kind: ActionKind, min_healthy: float = 10.0, deadline: float = 60.0
    ) -> Verifier:
        return Verifier(_Own(self), _Probes(self), self.clock, kind, min_healthy, deadline)

    async def verdict(self, kind: ActionKind, before: Baseline = NOTHING) -> Verdict:
        return await self.verifier(kind).verdict((STEP,), before, 0.0)


@dataclass
class _Own:
    world: World

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        return self.world.own(self.world.clock.at)


@dataclass
class _Probes:
    world: World

    @property
    def timeout(self) -> float:
        return self.world.timeout

    @property
    def names(self) -> tuple[str, ...]:
        return self.world.names

    async def look(self, since: float | None = None) -> dict[str, Sight]:
        self.world.looks += 1
        self.world.clock.at += 0.1
        return self.world.seen(self.world.clock.at)


def always(*states: State, uptime: float | None = None) -> Callable[[float], dict[str, Sight]]:
    """Instances a, b, … in these states for ever."""
    names = "abcdef"
    sights = {
        name: Sight(name, state, latency=0.02, uptime=uptime)
        for name, state in zip(names, states, strict=False)
    }
    return lambda at: sights


async def test_healthy_instances_are_verified_with_their_latencies() -> None:
    world = World(always(OK, OK))
    before = Baseline({"a": OK, "b": OK}, {"a": 0.004})
    verdict = await world.verdict(ActionKind.ROLLBACK, before)
    assert verdict.state is OperationState.VERIFIED
    assert verdict.summary.startswith("healthy for 10.")
    assert verdict.evidence == (
        "a: ok",
        "b: ok",
        "a: latency 4 ms before, 20 ms after",
        "b: latency 20 ms; it did not answer before",
    )
    assert world.looks > 10


@pytest.mark.parametrize(
    ("sight", "said"),
    [
        (Sight("a", DOWN, "HTTP 503", latency=0.072), "latency 20 ms; it was not healthy before"),
        (Sight("a", State.DEGRADED, latency=0.072), "latency 20 ms; it was not healthy before"),
        (Sight("a", DOWN, "connection refused"), "latency 20 ms; it did not answer before"),
        (Sight("a", OK, latency=0.02), "latency 20 ms before, 20 ms after"),
        (None, "latency 20 ms"),
    ],
)
async def test_what_it_was_before_is_what_was_seen(sight: Sight | None, said: str) -> None:
    world = World(lambda at: {} if sight is None else {"a": sight})
    before = await world.verifier(ActionKind.ROLLBACK).baseline()
    verdict = await World(always(OK)).verdict(ActionKind.ROLLBACK, before)
    assert verdict.evidence == ("a: ok", f"a: {said}")


@pytest.mark.parametrize("timeout", [0.0, 0.05, 2.0])
async def test_a_clock_that_wakes_a_little_late_makes_no_gap(timeout: float) -> None:
    class LateClock(ScriptClock):
        async def sleep(self, seconds: float) -> None:
            self.at += seconds + 0.3

    own = (Sight("container a", OK, run="later"),)
    world = World(lambda at: {}, lambda at: own, LateClock(), timeout=timeout)
    verdict = await world.verdict(ActionKind.RESTART)
    assert verdict.state is OperationState.VERIFIED, verdict


@pytest.mark.parametrize(
    ("before", "after", "slower"),
    [
        (0.1, 0.3, True),
        (0.1, 0.2, False),
        (0.01, 0.05, False),
        (0.02, 0.08, True),
        (0.3, 0.1, False),
    ],
)
async def test_what_has_become_much_slower_is_said(
    before: float, after: float, slower: bool
) -> None:
    world = World(lambda at: {"a": Sight("a", OK, latency=after)})
    verdict = await world.verdict(ActionKind.ROLLBACK, Baseline({"a": OK}, {"a": before}))
    assert ("slower than before" in verdict.evidence[-1]) is slower


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (ActionKind.DEGRADE, OperationState.VERIFIED),
        (ActionKind.RECOVER, OperationState.INCONCLUSIVE),
    ],
)
async def test_degraded_is_enough_for_a_degradation_alone(
    kind: ActionKind, state: OperationState
) -> None:
    assert (await World(always(DEGRADED)).verdict(kind)).state is state


async def test_a_restart_that_no_look_showed_is_inconclusive() -> None:
    verdict = await World(always(OK)).verdict(ActionKind.RESTART)
    assert verdict.state is OperationState.INCONCLUSIVE
    assert "no look showed that it started again" in verdict.summary


async def test_a_restart_that_did_not_happen_is_failed() -> None:
    world = World(lambda at: {"a": Sight("a", OK, uptime=86_400 + at)})
    verdict = await world.verdict(ActionKind.RESTART, Baseline({"a": OK}, {}, {"a": 86_400.0}))
    assert verdict.state is OperationState.FAILED
    assert verdict.summary.startswith("a has not started again: up 864")


async def test_a_restart_that_an_uptime_shows_is_verified() -> None:
    world = World(lambda at: {"a": Sight("a", OK, uptime=at)})
    verdict = await world.verdict(ActionKind.RESTART, Baseline({"a": OK}, {}, {"a": 86_400.0}))
    assert verdict.state is OperationState.VERIFIED


async def test_a_relapse_is_failed_before_the_deadline() -> None:
    world = World(lambda at: {"a": Sight("a", OK if at < 5 else DOWN, run="r")})
    verdict = await world.verdict(ActionKind.ROLLBACK)
    assert verdict.state is OperationState.FAILED
    assert verdict.summary.startswith("a healthy at first, then down again for 10")
    assert world.clock.at < 20


async def test_an_outage_in_between_stands_in_the_verdict() -> None:
    world = World(lambda at: {"a": Sight("a", DOWN if 5 < at < 9 else OK, run="r")})
    verdict = await world.verdict(ActionKind.ROLLBACK)
    assert verdict.state is OperationState.VERIFIED
    assert verdict.summary.endswith("; it went down again once, for 4 s")


@pytest.mark.parametrize(
    ("states", "before", "state", "summary"),
    [
        ((DOWN, OK), {}, OperationState.FAILED, "a not healthy after 60 s"),
        ((DEGRADED, OK), {}, OperationState.INCONCLUSIVE, "a degraded after 60 s"),
        ((UNKNOWN, DOWN), {}, OperationState.FAILED, "a, b not healthy after 60 s"),
        ((UNKNOWN,), {}, OperationState.INCONCLUSIVE, "a unknown after 60 s"),
        (
            (UNKNOWN,),
            {"a": UNKNOWN},
            OperationState.INCONCLUSIVE,
            "a unknown after 60 s, as before the change",
        ),
        ((UNKNOWN,), {"a": OK}, OperationState.INCONCLUSIVE, "a unknown after 60 s"),
        ((DOWN,) * 5, {}, OperationState.FAILED, "a, b, c not healthy after 60 s"),
    ],
)
async def test_what_is_not_healthy_by_the_deadline(
    states: tuple[State, ...], before: dict[str, State], state: OperationState, summary: str
) -> None:
    verdict = await World(always(*states)).verdict(ActionKind.ROLLBACK, Baseline(before, {}))
    assert (verdict.state, verdict.summary) == (state, summary)


async def test_one_that_is_down_at_the_last_look_alone_is_not_failed() -> None:
    world = World(lambda at: {"a": Sight("a", DOWN if at > 59.9 else UNKNOWN)})
    verdict = await world.verdict(ActionKind.ROLLBACK)
    assert verdict.state is OperationState.INCONCLUSIVE
    assert verdict.summary == "a down at the last look, and at no other"


async def test_healthy_but_not_for_long_enough_is_inconclusive() -> None:
    world = World(lambda at: {"a": Sight("a", OK if at > 55 else UNKNOWN)})
    verdict = await world.verdict(ActionKind.ROLLBACK)
    assert verdict.state is OperationState.INCONCLUSIVE
    assert verdict.summary == "healthy at last, but not for 10 s by the deadline"


async def test_what_runs_since_before_the_change_is_not_changed() -> None:
    world = World(lambda at: {}, lambda at: (Sight("unit", OK, since_change=False),))
    verdict = await world.verdict(ActionKind.RESTART)
    assert (verdict.state, verdict.summary) == (
        OperationState.FAILED,
        "unit not changed after 60 s",
    )


async def test_nothing_to_look_at_is_inconclusive() -> None:
    verdict = await World(lambda at: {}).verdict(ActionKind.RESTART)
    assert verdict.state is OperationState.INCONCLUSIVE
    assert verdict.summary == "done, but there is nothing to look at"
    settled = await World(lambda at: {}).verifier(ActionKind.RESTART).settle((), "a", NOTHING, 0)
    assert settled is None


async def test_a_baseline_is_of_several_looks() -> None:
    times = iter([0.5, 0.1, 0.2])
    world = World(lambda at: {"a": Sight("a", OK)})
    world.seen = lambda at: {
        "a": Sight("a", OK, latency=next(times) if at else None, uptime=7.0),
        "b": Sight("b", DOWN, latency=9.0),
        "c": Sight("c", DEGRADED),
    }
    before = await world.verifier(ActionKind.RESTART).baseline()
    assert before.latency == {"a": 0.2}
    assert before.uptimes == {"a": 7.0}
    assert before.healthy == {"a", "c"}
    assert await World(lambda at: {}).verifier(ActionKind.RESTART).baseline() == NOTHING


async def test_between_steps_what_was_healthy_and_what_was_touched_is_waited_for() -> None:
    world = World(always(OK, OK, DOWN))
    before = Baseline({"a": DOWN, "b": OK, "c": DOWN}, {})
    settled = await world.verifier(ActionKind.ROLLBACK).settle((STEP,), "a", before, 0.0)
    assert settled is not None
    assert settled.state is OperationState.VERIFIED
    assert settled.evidence[:2] == ("a: ok", "b: ok")


@pytest.mark.parametrize(
    ("states", "healthy"),
    [((OK,), set()), ((OK, DOWN), {"a"}), ((DEGRADED, OK), {"a", "b"}), ((UNKNOWN, DOWN), set())],
)
async def test_who_serves_now(states: tuple[State, ...], healthy: set[str]) -> None:
    assert await World(always(*states)).verifier(ActionKind.RESTART).healthy_of_many() == healthy


async def test_one_look_for_the_record_has_all() -> None:
    world = World(always(OK), lambda at: (Sight("unit", DOWN, "dead"),))
    sights = await world.verifier(ActionKind.RESTART).now((STEP,), 0.0)
    assert lines_of(sights) == ("unit: down, dead", "a: ok")


async def test_min_healthy_of_nothing_takes_one_look() -> None:
    world = World(always(OK))
    verdict = await world.verifier(ActionKind.BACKUP, 0.0).verdict((STEP,), NOTHING, 0.0)
    assert verdict.state is OperationState.VERIFIED
    assert world.looks == 1


async def test_an_outage_while_the_step_was_carried_out_shows_the_restart() -> None:
    over = asyncio.Event()

    def seen(at: float) -> dict[str, Sight]:
        if at > 0.4:
            over.set()
        return {"a": Sight("a", DOWN if 0.1 < at < 0.4 else OK)}

    world = World(seen)
    verifier = world.verifier(ActionKind.RESTART)

    async def command() -> str:
        await over.wait()
        return "done"

    assert await verifier.during(command()) == "done"
    verdict = await verifier.verdict((STEP,), Baseline({"a": OK}, {}), 0.5)
    assert verdict.state is OperationState.VERIFIED


async def test_what_was_down_before_and_serves_now_has_started() -> None:
    verdict = await World(always(OK)).verdict(ActionKind.RESTART, Baseline({"a": DOWN}, {}))
    assert verdict.state is OperationState.VERIFIED


async def test_nothing_is_looked_at_while_a_step_restarts_nothing() -> None:
    world = World(always(OK))

    async def call() -> int:
        return 7

    assert await world.verifier(ActionKind.BACKUP).during(call()) == 7
    assert world.looks == 0
