"""How a service stands, as all screens show it: one word, one glyph and one place in the order.

Invariant: what was not read recently is called stale, never by its last state, and a service that
says ok but misses an objective is never shown as ok.
"""

from enum import StrEnum
from typing import Final

from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.ink.cells import Role


class Standing(StrEnum):
    """The worst first."""

    DOWN = "down"
    DEGRADED = "degraded"
    MISSED = "missed"
    STALE = "stale"
    UNKNOWN = "unknown"
    OK = "ok"

    @property
    def glyph(self) -> str:
        """One cell; each standing has its own shape."""
        return _GLYPHS[self]

    @property
    def role(self) -> Role:
        """The role that it is painted with."""
        return _ROLES[self]

    @property
    def bar_role(self) -> Role:
        """The role that it is painted with in a bar."""
        return _BAR_ROLES[self]

    @property
    def urgency(self) -> int:
        """Higher is more urgent; ok is 0."""
        return _URGENCY[self]


def standing(service: ServiceView) -> Standing:
    """How ``service`` stands."""
    return Standing.STALE if service.stale else seen_standing(service)


def seen_standing(service: ServiceView) -> Standing:
    """How it stands where it is counted and sorted: what was seen failing stays so when stale."""
    if service.stale and service.state in _UNSEEN:
        return Standing.STALE
    return Standing.MISSED if service.missed else _OF_STATES[service.state]


def is_well(service: ServiceView) -> bool:
    """Whether its ``seen_standing`` is ok: asked of all of a large fleet again and again."""
    explained = service.diagnosis.explanations
    return service.state is _OK and not service.stale and not (explained and service.missed)


_OK: Final = State.OK
_UNSEEN: Final = frozenset({State.OK, State.UNKNOWN})
_URGENCY: Final = {each: urgency for urgency, each in enumerate(reversed(Standing))}
_OF_STATES: Final = {state: Standing(state.value) for state in State}
_GLYPHS: Final = {
    **{Standing(state.value): state.glyph for state in State},
    Standing.MISSED: "△",
    Standing.STALE: "◌",
}
_ROLES: Final = {
    Standing.DOWN: Role.DOWN,
    Standing.DEGRADED: Role.DEGRADED,
    Standing.MISSED: Role.DEGRADED,
    Standing.STALE: Role.STALE,
    Standing.UNKNOWN: Role.UNKNOWN,
    Standing.OK: Role.OK,
}
_BAR_ROLES: Final = {
    Standing.DOWN: Role.BAR_DOWN,
    Standing.DEGRADED: Role.BAR_DEGRADED,
    Standing.MISSED: Role.BAR_DEGRADED,
    Standing.STALE: Role.BAR_UNKNOWN,
    Standing.UNKNOWN: Role.BAR_UNKNOWN,
    Standing.OK: Role.BAR_OK,
}
