"""State of a service, an instance or a component, and how states combine.

Invariant: UNKNOWN means that we could not look or could not understand; it never hides a
DOWN that was seen, and it is never shown as OK.
"""

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class State(StrEnum):
    """Shown as glyph, word and colour, in that order of trust."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"

    @property
    def glyph(self) -> str:
        """One cell; each state has its own shape, so that colour is never needed."""
        return _GLYPHS[self]

    @property
    def urgency(self) -> int:
        """Higher is more urgent: ok 0, unknown 1, degraded 2, down 3."""
        return _URGENCY[self]


class ExitCode(IntEnum):
    """The exit codes of ``status``, which are those of a Nagios plugin."""

    OK = 0
    DEGRADED = 1
    DOWN = 2
    UNKNOWN = 3


_GLYPHS = {State.OK: "●", State.DEGRADED: "▲", State.DOWN: "✖", State.UNKNOWN: "?"}
_URGENCY = {State.OK: 0, State.UNKNOWN: 1, State.DEGRADED: 2, State.DOWN: 3}


def worst(states: Iterable[State]) -> State:
    """The most urgent of ``states``; UNKNOWN when there is none."""
    return max(states, key=lambda state: state.urgency, default=State.UNKNOWN)


def combine_instances(states: Iterable[State]) -> State:
    """State of a service from its instances: all down is down, some not ok is degraded.

    Instances that could not be looked at count as unknown: a service all of whose instances
    are unknown is unknown, one with an ok and an unknown instance is unknown too, because
    neither green nor red was seen of the whole.
    """
    seen = list(states)
    if not seen:
        return State.UNKNOWN
    kinds = set(seen)
    if len(kinds) == 1:
        return seen[0]
    if State.DOWN in kinds or State.DEGRADED in kinds:
        return State.DOWN if kinds <= {State.DOWN, State.UNKNOWN} else State.DEGRADED
    return State.UNKNOWN


def exit_code(states: Iterable[State]) -> ExitCode:
    """What ``status`` exits with for services in ``states``."""
    return ExitCode[worst(states).name]
