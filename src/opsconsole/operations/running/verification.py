"""Whether a change did what it was meant to: a verdict from what is seen after it.

Invariant: VERIFIED means that everything looked at was healthy for ``min_healthy`` seconds on end
before ``deadline``, in looks begun after the change. What could not be looked at, or cannot be
told, is INCONCLUSIVE; FAILED needs something that was seen to be down or unchanged. The names and
defaults (10 s, 5 min) are Nomad's.
"""

import statistics
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from opsconsole.clock import Clock
from opsconsole.model.operation import ActionKind, OperationState, Step
from opsconsole.model.state import State
from opsconsole.operations.planning.driver import Driver, Sight
from opsconsole.operations.running.instance_probes import InstanceProbes

BASELINE_LOOKS: Final = 3
_PAUSE: Final = 0.5
_SHORTEST: Final = 0.02
_MUCH_SLOWER: Final = 2.0
_NOTICEABLE: Final = 0.05

Progress = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A final state with one line of summary and lines of evidence."""

    state: OperationState
    summary: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """How the instances were before the change. ``latency`` in seconds, by instance."""

    states: Mapping[str, State]
    latency: Mapping[str, float]

    @property
    def healthy(self) -> frozenset[str]:
        """The instances that were ok or degraded."""
        return frozenset(name for name, state in self.states.items() if _serves(state))


class Verifier:
    """Looks at one service for one operation."""

    def __init__(
        self,
        driver: Driver,
        probes: InstanceProbes,
        clock: Clock,
        kind: ActionKind,
        min_healthy: float,
        deadline: float,
    ) -> None:
        self._driver = driver
        self._probes = probes
        self._clock = clock
        self._enough = {State.OK, State.DEGRADED} if kind is ActionKind.DEGRADE else {State.OK}
        self._min_healthy = min_healthy
        self._deadline = deadline

    async def baseline(self) -> Baseline:
        """A few looks at every instance before anything is changed."""
        count = BASELINE_LOOKS if self._probes.names else 0
        looks = [await self._probes.look() for _ in range(count)]
        states = {name: sight.state for name, sight in looks[-1].items()} if looks else {}
        times: dict[str, list[float]] = {}
        for look in looks:
            _collect(times, tuple(look.values()))
        return Baseline(states, {name: statistics.median(each) for name, each in times.items()})

    async def settle(
        self, steps: tuple[Step, ...], instance: str, before: Baseline, since: float
    ) -> Verdict | None:
        """Wait until what ``steps`` touched, ``instance`` and all that was healthy is healthy.

        None when there is nothing to look at.
        """
        wanted = before.healthy | ({instance} if instance in self._probes.names else set())
        return await self._hold(steps, wanted, before, since)

    async def healthy_of_many(self) -> frozenset[str]:
        """The instances that serve at this moment; none where the service has but one."""
        if len(self._probes.names) < 2:
            return frozenset()
        seen = await self._probes.look()
        return frozenset(name for name, sight in seen.items() if _serves(sight.state))

    async def verdict(self, steps: tuple[Step, ...], before: Baseline, since: float) -> Verdict:
        """Wait until everything is healthy, and say whether it was."""
        held = await self._hold(steps, frozenset(self._probes.names), before, since)
        return held or Verdict(
            OperationState.INCONCLUSIVE,
            "done, but there is nothing to look at",
            ("the service has no health probe, and its driver has no eyes of its own",),
        )

    async def now(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """One look at everything, for the record."""
        seen = await self._probes.look()
        return (*await self._driver.look(steps, since), *seen.values())

    async def _hold(
        self, steps: tuple[Step, ...], wanted: Iterable[str], before: Baseline, since: float
    ) -> Verdict | None:
        names = frozenset(wanted)
        ends = since + self._deadline
        healthy_since: float | None = None
        times: dict[str, list[float]] = {}
        runs: tuple[str, ...] = ()
        while True:
            started = self._clock.now()
            sights = await self._look(steps, names, since)
            if not sights:
                return None
            _collect(times, sights)
            if runs != (runs := tuple(sight.run for sight in sights)):
                healthy_since = None
            if all(sight.state in self._enough and sight.since_change for sight in sights):
                healthy_since = started if healthy_since is None else healthy_since
                if self._clock.now() - healthy_since >= self._min_healthy:
                    held = self._clock.now() - healthy_since
                    return _verified(sights, held, self._clock.now() - since, before, times)
            else:
                healthy_since = None
            if self._clock.now() >= ends:
                return self._not_healthy(sights, before, healthy_since is not None)
            await self._clock.sleep(min(_PAUSE, max(_SHORTEST, self._min_healthy / 4)))

    async def _look(
        self, steps: tuple[Step, ...], names: frozenset[str], since: float
    ) -> tuple[Sight, ...]:
        own = await self._driver.look(steps, since)
        seen = await self._probes.look() if names else {}
        return (*own, *(sight for name, sight in seen.items() if name in names))

    def _not_healthy(
        self, sights: tuple[Sight, ...], before: Baseline, healthy_at_last: bool
    ) -> Verdict:
        evidence = lines_of(sights)
        if healthy_at_last:
            summary = f"healthy at last, but not for {self._min_healthy:g} s by the deadline"
            return Verdict(OperationState.INCONCLUSIVE, summary, evidence)
        bad = [
            sight for sight in sights if sight.state not in self._enough or not sight.since_change
        ]
        names = ", ".join(sight.subject for sight in bad[:3])
        after = f"after {self._deadline:g} s"
        if any(sight.state is State.DOWN for sight in bad):
            return Verdict(OperationState.FAILED, f"{names} not healthy {after}", evidence)
        if any(not sight.since_change for sight in bad):
            return Verdict(OperationState.FAILED, f"{names} not changed {after}", evidence)
        as_before = all(before.states.get(sight.subject) is sight.state for sight in bad)
        summary = f"{names} {bad[0].state} {after}" + (
            ", as before the change" if as_before else ""
        )
        return Verdict(OperationState.INCONCLUSIVE, summary, evidence)


def _serves(state: State) -> bool:
    return state in {State.OK, State.DEGRADED}


def _collect(times: dict[str, list[float]], sights: tuple[Sight, ...]) -> None:
    for sight in sights:
        if sight.latency is not None and sight.state is State.OK:
            times.setdefault(sight.subject, []).append(sight.latency)


def _verified(
    sights: tuple[Sight, ...],
    held: float,
    after: float,
    before: Baseline,
    times: Mapping[str, list[float]],
) -> Verdict:
    summary = f"healthy for {held:.1f} s, {after:.1f} s after the change"
    latencies = tuple(
        _latency_line(name, before.latency.get(name), statistics.median(values))
        for name, values in times.items()
    )
    return Verdict(OperationState.VERIFIED, summary, (*lines_of(sights), *latencies))


def _latency_line(name: str, before: float | None, after: float) -> str:
    if before is None:
        return f"{name}: latency {after * 1000:.0f} ms; it did not answer before"
    slower = after > _MUCH_SLOWER * before and after - before > _NOTICEABLE
    warning = "; slower than before" if slower else ""
    return f"{name}: latency {before * 1000:.0f} ms before, {after * 1000:.0f} ms after{warning}"


def lines_of(sights: tuple[Sight, ...]) -> tuple[str, ...]:
    """Sights as lines of evidence."""
    return tuple(
        f"{sight.subject}: {sight.state}" + (f", {sight.detail}" if sight.detail else "")
        for sight in sights
    )
