"""A local rule's life: inactive, pending, firing, resolved. Pure.

Invariant: it fires only after its condition held without a break for ``for_`` seconds; once firing
it continues until the condition was seen not to hold for ``keep_firing_for`` seconds; what could
not be seen neither starts nor ends an alert. ``since`` never goes back while active.

Source of the semantics: Prometheus' alerting rules, ``for`` and ``keep_firing_for``.
"""

from dataclasses import field, replace
from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import AlertState


class Phase(StrEnum):
    """The state of a rule. RESOLVED is reported once, then it is INACTIVE."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class RuleState:
    """``since`` is when the condition began to hold, ``quiet_since`` when it ceased to.

    ``at_least``: it was never seen not to hold before, and may have held for longer. ``clear``: it
    was just seen not to hold.
    """

    phase: Phase = Phase.INACTIVE
    since: float = 0.0
    quiet_since: float | None = None
    at_least: bool = field(default=False, compare=False)
    clear: bool = field(default=False, compare=False)


INACTIVE = RuleState()
CLEAR = RuleState(clear=True)


def recalled(state: AlertState, since: float, *, at_least: bool = False) -> RuleState | None:
    """The state of a rule whose alert was recorded; None where it is over."""
    match state:
        case AlertState.FIRING:
            return RuleState(Phase.FIRING, since, at_least=at_least)
        case AlertState.PENDING:
            return RuleState(Phase.PENDING, since, at_least=at_least)
        case AlertState.RESOLVED:
            return None


def step(
    state: RuleState, holds: bool | None, now: float, for_: float, keep_firing_for: float
) -> RuleState:
    """The state at ``now``, when the condition holds, does not, or is not known (None)."""
    if state.phase is Phase.FIRING:
        return _firing(state, holds, now, keep_firing_for)
    if not holds:
        # An unknown value must not lead to an alert either: the wait restarts.
        return INACTIVE if holds is None else CLEAR
    pending = state.phase is Phase.PENDING
    since = state.since if pending else now
    at_least = state.at_least if pending else not state.clear
    phase = Phase.FIRING if now - since >= for_ else Phase.PENDING
    return RuleState(phase, since, at_least=at_least)


def _firing(state: RuleState, holds: bool | None, now: float, keep_firing_for: float) -> RuleState:
    if holds is None:
        return state
    if holds:
        return state if state.quiet_since is None else replace(state, quiet_since=None)
    quiet = now if state.quiet_since is None else state.quiet_since
    if now - quiet >= keep_firing_for:
        return replace(state, phase=Phase.RESOLVED, quiet_since=quiet)
    return replace(state, quiet_since=quiet)
