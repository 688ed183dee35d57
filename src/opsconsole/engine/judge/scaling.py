"""How many copies a service should have, by the Kubernetes autoscaler's arithmetic. Pure.

Invariant: the advice is within the bounds; a load within the tolerance of its target asks for no
change; fewer copies are advised only when no recommendation of the stabilisation window asked for
more.

Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from opsconsole.model.running.scaling import Advice, Need, Recommendation, ScalingBounds
from opsconsole.model.running.workloads import Autoscaler
from opsconsole.model.written.units import format_duration

_NEARLY_WHOLE = 1e-9


def recommend(current: int, need: Need, tolerance: float) -> Recommendation:
    """``ceil(current × actual / target)``, or ``current`` within the tolerance."""
    ratio = need.actual / need.target
    if abs(ratio - 1) <= tolerance + _NEARLY_WHOLE:
        return Recommendation(need, current)
    return Recommendation(need, math.ceil(current * ratio - _NEARLY_WHOLE))


class Stabiliser:
    """The recommendations of the last ``window`` seconds; their largest limits scaling down."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._past: deque[tuple[float, int]] = deque()

    def add(self, now: float, desired: int) -> int:
        """Add ``desired``; returns the largest recommendation of the window.

        A recommendation followed by a larger one is dropped, so memory use is bounded by the
        maximum.
        """
        while self._past and self._past[-1][1] <= desired:
            self._past.pop()
        self._past.append((now, desired))
        while self._past and now - self._past[0][0] > self._window:
            self._past.popleft()
        return self._past[0][1]


def advise(
    current: int, needs: Sequence[Need], bounds: ScalingBounds, past: Stabiliser, now: float
) -> Advice | None:
    """The largest copy count that any need asks for, stabilised and bounded; None without needs."""
    if current < 1 or not needs:
        return None
    asked = [recommend(current, need, bounds.tolerance) for need in needs]
    most = max(asked, key=lambda each: each.desired)
    steady = past.add(now, most.desired)
    stable = min(current, steady) if most.desired < current else most.desired
    desired = max(bounds.minimum, min(bounds.maximum, stable))
    return Advice(current, desired, _sentence(current, most, stable, desired, bounds))


def described(autoscaler: Autoscaler) -> str:
    """What an autoscaler does, in a sentence."""
    aims = [f"{name} {share:.0%}" for name, share in _shares(autoscaler).items()]
    by = ", ".join([*aims, *autoscaler.others])
    least, most = autoscaler.minimum, autoscaler.maximum
    said = f"autoscaler {autoscaler.name} keeps {least} to {most} copies"
    said = f"{said} by {by}" if by else said
    if autoscaler.fault:
        return f"{said}, but does not know how many: {autoscaler.fault}"
    return said if autoscaler.wants is None else f"{said}, and wants {autoscaler.wants}"


def differing(
    autoscaler: Autoscaler, bounds: ScalingBounds, own: Mapping[str, float], desired: int | None
) -> Iterator[str]:
    """Where the autoscaler that is there differs from the targets of the configuration."""
    found = []
    theirs, ours = (autoscaler.minimum, autoscaler.maximum), (bounds.minimum, bounds.maximum)
    if theirs != ours:
        found.append(f"it keeps {theirs[0]} to {theirs[1]} copies, not {ours[0]} to {ours[1]}")
    shares = _shares(autoscaler)
    for name in ("cpu", "memory"):
        one, other = shares.get(name), own.get(name)
        if one is not None and other is not None and not math.isclose(one, other):
            found.append(f"it aims at {name} {one:.0%}, not {other:.0%}")
        elif (one is None) is not (other is None):
            found.append(f"it {'looks' if one is not None else 'does not look'} at {name}")
    if desired is not None and autoscaler.wants not in {None, desired}:
        found.append(f"it wants {autoscaler.wants} now, not {desired}")
    if found:
        yield f"autoscaler {autoscaler.name} differs: {'; '.join(found)}"
    if autoscaler.fault:
        yield f"autoscaler {autoscaler.name} does not know how many: {autoscaler.fault}"


def _shares(autoscaler: Autoscaler) -> dict[str, float]:
    known = {"cpu": autoscaler.cpu, "memory": autoscaler.memory}
    return {name: share for name, share in known.items() if share is not None}


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what was seen; None where nothing was."""
    seen = [value for value in values if value is not None and math.isfinite(value)]
    return sum(seen) / len(seen) if seen else None


def _sentence(
    current: int, most: Recommendation, stable: int, desired: int, bounds: ScalingBounds
) -> str:
    need = most.need
    ratio = need.actual / need.target
    sides = f"{_figure(need.actual, need.unit)} of {_figure(need.target, need.unit)}"
    said = f"{need.name} is {sides} a copy"
    if most.desired == current:
        why = f"{ratio:.2f} is within {bounds.tolerance:.0%} of 1"
        arithmetic = f"{said}, {why}"
    else:
        arithmetic = f"{said}: ceil({current} × {ratio:.2f}) = {most.desired}"
    if stable != most.desired:
        arithmetic += f", but {stable} was needed within {format_duration(bounds.stabilisation)}"
    if desired != stable:
        limit = "minimum" if desired > stable else "maximum"
        arithmetic += f", and the {limit} is {desired}"
    if desired == current:
        return f"keep {current}: {arithmetic}"
    verb = "scale up" if desired > current else "scale down"
    return f"{verb} from {current} to {desired}: {arithmetic}"


def _figure(value: float, unit: str) -> str:
    return f"{value:.0%}" if unit == "%" else f"{value:.3g}{unit}"
