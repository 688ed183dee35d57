"""Whether a change did what it was meant to: looking at it, and the verdict in words.

Invariant: the verdict is that of ``evidence``: VERIFIED means that everything looked at was healthy
for ``min_healthy`` seconds without a break before ``deadline``, in looks begun after the change.
What could not be looked at, or is not known, is INCONCLUSIVE; FAILED needs something that was seen
to be down or unchanged. The names and defaults (10 s, 5 min) are Nomad's.
"""

import asyncio
import statistics
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import field
from typing import Any, Final, Protocol, TypeVar, assert_never

from opsconsole.clock import Clock
from opsconsole.dataclass import dataclass
from opsconsole.model.operation import ActionKind, OperationState, Step
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.operations.running.evidence import (
    Evidence,
    Finding,
    Look,
    Terms,
    finding,
    taken_in,
    unmoved_in,
)

BASELINE_LOOKS: Final = 3
_PAUSE: Final = 0.5
_SHORTEST: Final = 0.02
_BETWEEN: Final = 0.2
"""Seconds between looks while a step is carried out."""

_LEAST_LONGEST: Final = 5.0
"""Seconds that a look may take at least, whatever the probes' own timeout."""

_LEAST_LATE: Final = 2.0
"""Seconds that a look may begin late at least; a service without probes has no timeout to go by."""

GIVEN_UP: Final = "given up"

_LONGEST: Final = 300
"""Characters of a summary that is made of what several subjects say."""

T = TypeVar("T")

_MUCH_SLOWER: Final = 2.0
_NOTICEABLE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """A final state with one line of summary and lines of evidence."""

    state: OperationState
    summary: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the instances were before the change. Latencies and uptimes in seconds, by instance;
    ``starts`` are when each started, by its own clock.

    ``latency`` is of those that were healthy; ``unwell`` answered, and none of it was healthy.
    """

    states: Mapping[str, State]
    latency: Mapping[str, float]
    uptimes: Mapping[str, float] = field(default_factory=dict)
    starts: Mapping[str, float] = field(default_factory=dict)
    unwell: frozenset[str] = frozenset()

    @property
    def healthy(self) -> frozenset[str]:
        """The instances that were ok or degraded."""
        return frozenset(name for name, state in self.states.items() if _serves(state))


class Own(Protocol):
    """What is needed of a driver here: its own looks."""

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """What the driver itself sees of the steps' targets."""
        ...


class Probes(Protocol):
    """A service's instances, looked at as its panels look at them."""

    @property
    def timeout(self) -> float:
        """Seconds after which a look at an instance is given up."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The instances that can be looked at."""
        ...

    async def look(self, since: float | None = None) -> dict[str, Sight]:
        """One look at every instance; an answer from before ``since`` is none."""
        ...


class Verifier:
    """Looks at one service for one operation."""

    def __init__(
        self,
        driver: Own,
        probes: Probes,
        clock: Clock,
        kind: ActionKind,
        min_healthy: float,
        deadline: float,
        given_up: Callable[[], str] = lambda: "",
    ) -> None:
        self._driver = driver
        self._probes = probes
        self._clock = clock
        enough = {State.OK, State.DEGRADED} if kind is ActionKind.DEGRADE else {State.OK}
        self._enough = frozenset(enough)
        self._restarts = kind is ActionKind.RESTART
        self._min_healthy = min_healthy
        self._deadline = deadline
        self._seen_down: set[str] = set()
        self._given_up = given_up

    @property
    def patience(self) -> float:
        """Seconds that what was changed may not be seen, as while its host is away."""
        return self._deadline

    @property
    def given_up(self) -> str:
        """Who asked that verifying ends, or ''."""
        return self._given_up()

    async def baseline(self) -> Baseline:
        """A few looks at every instance before anything is changed."""
        count = BASELINE_LOOKS if self._probes.names else 0
        looks = [await self._probes.look() for _ in range(count)]
        states = {name: sight.state for name, sight in looks[-1].items()} if looks else {}
        times: dict[str, list[float]] = {}
        for look in looks:
            _collect(times, tuple(look.values()))
        latest = looks[-1].values() if looks else ()
        uptimes = {each.subject: each.uptime for each in latest if each.uptime is not None}
        starts = {each.subject: each.started for each in latest if each.started is not None}
        medians = {name: statistics.median(each) for name, each in times.items()}
        answered = {each.subject for look in looks for each in look.values() if _answered(each)}
        return Baseline(states, medians, uptimes, starts, frozenset(answered - set(medians)))

    async def during(self, change: Coroutine[Any, Any, T]) -> T:
        """Await ``change``, and look meanwhile: an outage shows a restart at work.

        A command may return only once the service is up again, when there is no outage left to see.
        """
        task = asyncio.ensure_future(change)
        while self._restarts and self._probes.names and not task.done():
            seen = await self._probes.look()
            self._seen_down.update(name for name, it in seen.items() if it.state is State.DOWN)
            await asyncio.wait({task}, timeout=_BETWEEN)
        return await task

    async def settle(
        self, steps: tuple[Step, ...], instance: str, before: Baseline, since: float
    ) -> Verdict | None:
        """Wait until what ``steps`` touched, ``instance`` and all that was healthy is healthy.

        Several instances are written with commas. None when there is nothing to look at.
        """
        meant = frozenset(instance.split(",")) & frozenset(self._probes.names)
        wanted = before.healthy | meant
        return await self._hold(steps, wanted, before, since)

    async def healthy_of_many(self) -> frozenset[str]:
        """The instances that serve at this moment; none where the service has but one."""
        if len(self._probes.names) < 2:
            return frozenset()
        seen = await self._probes.look()
        return frozenset(name for name, sight in seen.items() if _serves(sight.state))

    async def verdict(
        self, steps: tuple[Step, ...], before: Baseline, since: float, *, alone: str = ""
    ) -> Verdict:
        """Wait until everything is healthy, and say whether it was.

        ``alone`` are the instances that were meant: others count only if they were healthy.
        """
        if alone:
            held = await self.settle(steps, alone, before, since)
        else:
            held = await self._hold(steps, frozenset(self._probes.names), before, since)
        return held or Verdict(
            OperationState.INCONCLUSIVE,
            "done, but there is nothing to look at",
            ("the service has no health probe, and its driver cannot look by itself",),
        )

    async def now(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """One look at everything, for the record."""
        seen = await self._probes.look(since)
        return (*await self._driver.look(steps, since), *seen.values())

    async def _hold(
        self, steps: tuple[Step, ...], wanted: Iterable[str], before: Baseline, since: float
    ) -> Verdict | None:
        names = frozenset(wanted)
        terms = self._terms(steps, since, before)
        known = Evidence(shown=self._was_down(terms.instances or names, before))
        times: dict[str, list[float]] = {}
        while True:
            begun = self._clock.now()
            sights = await self._look(steps, names, since)
            known = taken_in(known, Look(begun, self._clock.now(), sights), terms)
            _collect(times, sights)
            found = finding(known, terms)
            if found is not None:
                return self._verdict(found, known, terms, before, times)
            if who := self.given_up:
                said = f"{GIVEN_UP} by {who}"
                return Verdict(OperationState.INCONCLUSIVE, said, lines_of(sights))
            await self._clock.sleep(min(_PAUSE, max(_SHORTEST, self._min_healthy / 4)))

    def _was_down(self, instances: frozenset[str], before: Baseline) -> bool:
        """Whether one that is to be healthy was seen to be down before the change or during it."""
        earlier = {name for name, state in before.states.items() if state is State.DOWN}
        return bool(instances & (self._seen_down | earlier))

    def _terms(self, steps: tuple[Step, ...], since: float, before: Baseline) -> Terms:
        timeout = self._probes.timeout
        return Terms(
            since=since,
            min_healthy=self._min_healthy,
            deadline=self._deadline,
            longest_pause=_PAUSE + max(_LEAST_LATE, timeout),
            longest_look=max(_LEAST_LONGEST, timeout),
            enough=self._enough,
            restarts=self._restarts,
            instances=frozenset(step.instance for step in steps) - {""},
            uptimes=before.uptimes,
            starts=before.starts,
        )

    def _verdict(
        self,
        found: Finding,
        known: Evidence,
        terms: Terms,
        before: Baseline,
        times: Mapping[str, list[float]],
    ) -> Verdict | None:
        look = known.last
        assert look is not None
        lines = lines_of(look.sights)
        match found:
            case Finding.NOTHING_TO_SEE:
                return None
            case Finding.VERIFIED:
                return _verified(known, look, terms, before, times)
            case Finding.NOT_SEEN:
                summary = (
                    f"healthy for {known.held:.1f} s, but no look showed that it started again"
                )
                return Verdict(OperationState.INCONCLUSIVE, summary, lines)
            case Finding.UNMOVED:
                said = ", ".join(map(_not_again, unmoved_in(look, terms)[:3]))
                return Verdict(OperationState.FAILED, said, lines)
            case Finding.RELAPSED:
                down = ", ".join(
                    sight.subject for sight in look.sights if sight.state is State.DOWN
                )
                summary = f"{down} healthy at first, then down again for {known.down_for:.0f} s"
                return Verdict(OperationState.FAILED, summary, lines)
            case Finding.LOST:
                said = ", ".join(
                    f"{sight.subject}: {sight.detail}" for sight in look.sights if sight.lost
                )
                return Verdict(OperationState.FAILED, said[:_LONGEST], lines)
            case Finding.OVER:
                return self._not_healthy(known, look, before)
            case _:
                assert_never(found)

    async def _look(
        self, steps: tuple[Step, ...], names: frozenset[str], since: float
    ) -> tuple[Sight, ...]:
        own = await self._driver.look(steps, since)
        seen = await self._probes.look(since) if names else {}
        return (*own, *(sight for name, sight in seen.items() if name in names))

    def _not_healthy(self, known: Evidence, look: Look, before: Baseline) -> Verdict:
        sights = look.sights
        evidence = lines_of(sights)
        bad = [
            sight for sight in sights if sight.state not in self._enough or not sight.since_change
        ]
        if not bad:
            summary = f"healthy at last, but not for {self._min_healthy:g} s by the deadline"
            return Verdict(OperationState.INCONCLUSIVE, summary, evidence)
        names = ", ".join(sight.subject for sight in bad[:3])
        after = f"after {self._deadline:g} s"
        down = any(sight.state is State.DOWN for sight in bad)
        if down and known.down_looks < min(2, known.looks):
            summary = f"{names} down at the last look, and at no other"
            return Verdict(OperationState.INCONCLUSIVE, summary, evidence)
        if down:
            return Verdict(OperationState.FAILED, f"{names} not healthy {after}", evidence)
        if any(not sight.since_change for sight in bad):
            return Verdict(OperationState.FAILED, f"{names} not changed {after}", evidence)
        as_before = all(before.states.get(sight.subject) is sight.state for sight in bad)
        summary = f"{names} {bad[0].state} {after}" + (
            ", as before the change" if as_before else ""
        )
        return Verdict(OperationState.INCONCLUSIVE, summary, evidence)


def _not_again(sight: Sight) -> str:
    by = "it started when it did before" if sight.uptime is None else f"up {sight.uptime:.0f} s"
    return f"{sight.subject} has not started again: {by}"


def _serves(state: State) -> bool:
    return state in {State.OK, State.DEGRADED}


def _answered(sight: Sight) -> bool:
    return sight.latency is not None


def _collect(times: dict[str, list[float]], sights: tuple[Sight, ...]) -> None:
    for sight in sights:
        if sight.latency is not None and sight.state is State.OK:
            times.setdefault(sight.subject, []).append(sight.latency)


def _verified(
    known: Evidence,
    look: Look,
    terms: Terms,
    before: Baseline,
    times: Mapping[str, list[float]],
) -> Verdict:
    after = look.ended - terms.since
    summary = f"healthy for {known.held:.1f} s, {after:.1f} s after the change"
    if known.relapses:
        often = "once" if known.relapses == 1 else f"{known.relapses} times"
        summary += f"; it went down again {often}, for {known.outage:.0f} s"
    latencies = tuple(
        _latency_line(name, before, statistics.median(values)) for name, values in times.items()
    )
    return Verdict(OperationState.VERIFIED, summary, (*lines_of(look.sights), *latencies))


def _latency_line(name: str, baseline: Baseline, after: float) -> str:
    before = baseline.latency.get(name)
    if before is None:
        said = f"{name}: latency {after * 1000:.0f} ms"
        if name in baseline.unwell:
            return f"{said}; it was not healthy before"
        # Nobody looked before where the one who began the change is gone.
        return f"{said}; it did not answer before" if name in baseline.states else said
    slower = after > _MUCH_SLOWER * before and after - before > _NOTICEABLE
    warning = "; slower than before" if slower else ""
    return f"{name}: latency {before * 1000:.0f} ms before, {after * 1000:.0f} ms after{warning}"


def lines_of(sights: tuple[Sight, ...]) -> tuple[str, ...]:
    """Sights as lines of evidence."""
    return tuple(
        f"{sight.subject}: {sight.state}" + (f", {sight.detail}" if sight.detail else "")
        for sight in sights
    )
