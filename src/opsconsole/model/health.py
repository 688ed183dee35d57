"""What a health endpoint says of itself.

Invariant: a report holds what was understood and nothing that was guessed. ``figures`` are the
numbers of the body by dotted path, for metrics and objectives; ``raw`` is the sanitised body
for a person to read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State, worst


class ProbeKind(StrEnum):
    """Kubernetes' names: may it serve, should it live, has it started."""

    HEALTH = "health"
    LIVE = "live"
    READY = "ready"
    STARTUP = "startup"


@dataclass(frozen=True, slots=True)
class Sign:
    """A look at a part that was not ok: when, in which state, and what was said of it."""

    at: float
    state: State
    message: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """A part that a health body reports, with its own parts. ``latency`` is in seconds.

    ``since`` is when it was first seen in this state, None before that was noted (``aged``); it is
    known by its name among its siblings. ``breaker`` is the word for the circuit breaker before it
    (closed, half open, open), '' where it has none. One that is not ``critical`` makes the whole
    degraded at the worst; one that is not ``used`` (switched off, not set up) says nothing of the
    whole. ``first`` is its first sign of trouble since it was last ok, None while it is (``aged``).
    """

    name: str
    state: State
    message: str = ""
    latency: float | None = None
    children: tuple["Component", ...] = ()
    since: float | None = None
    breaker: str = ""
    critical: bool = True
    used: bool = True
    first: Sign | None = None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """A health body as understood. ``format`` names the shape recognised, ``text`` if plain."""

    state: State
    format: str
    components: tuple[Component, ...] = ()
    version: str = ""
    message: str = ""
    status_code: int = 200
    figures: Mapping[str, float] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""
    content_type: str = ""


def whole(components: Iterable[Component]) -> State:
    """The state of what has these parts and says nothing of itself."""
    return worst(_effect(part) for part in components if part.used)


def _effect(part: Component) -> State:
    return State.DEGRADED if part.state is State.DOWN and not part.critical else part.state


def failing(components: tuple[Component, ...]) -> tuple[Component, ...]:
    """The components that are not ok, most urgent first, innermost culprit before its parent."""
    found: list[Component] = []
    for component in components:
        found.extend(failing(component.children))
        if component.state is not State.OK and component.used:
            found.append(component)
    return tuple(sorted(found, key=lambda component: -component.state.urgency))


def aged(report: HealthReport, before: HealthReport | None, at: float) -> HealthReport:
    """``report``, seen at ``at``, with since when each component is in its state.

    ``before`` is the one before it. A new component, or one whose state changed, has its state
    since ``at``.
    """
    if not report.components:
        return report
    earlier = before.components if before is not None else ()
    return replace(report, components=_aged(report.components, earlier, at))


def _aged(
    components: tuple[Component, ...], before: tuple[Component, ...], at: float
) -> tuple[Component, ...]:
    known = {component.name: component for component in before}
    out: list[Component] = []
    for component in components:
        old = known.get(component.name)
        since = old.since if old is not None and old.state is component.state else None
        children = component.children
        if children:
            children = _aged(children, old.children if old is not None else (), at)
        out.append(
            replace(
                component,
                since=at if since is None else since,
                children=children,
                first=_first_sign(component, old, at),
            )
        )
    return tuple(out)


def _first_sign(component: Component, old: Component | None, at: float) -> Sign | None:
    """Being unable to look at a part is no sign, and ends no trouble."""
    if component.state is State.OK:
        return None
    if old is not None and old.first is not None:
        return old.first
    if component.state is State.UNKNOWN:
        return None
    return Sign(at, component.state, component.message)
