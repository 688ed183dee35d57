"""What the recording knows of a service or an instance when a console begins to look.

Invariant: it decides nothing that is shown before somebody has looked. The first look that decides
goes on with the state that was recorded where it is the same: with its beginning, and without an
event. Where it differs, the event says what it was before, and for how long nobody looked.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.health import NOT_LOOKED
from opsconsole.model.snapshot import InstanceView, ServiceView
from opsconsole.model.state import State

WITHIN: Final = 60.0
"""Seconds from the start within which all instances of a service are looked at."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """The state that was recorded last. ``unseen_from`` is since when nobody looked, if so."""

    state: State
    reason: str
    since: float
    at_least: bool
    began: float
    unseen_from: float | None = None

    def unseen(self, at: float) -> float | None:
        """Seconds before ``at`` in which nobody looked; None where somebody did."""
        return None if self.unseen_from is None else max(0.0, at - self.unseen_from)

    def waits(self, now: float, judged: Iterable[bool]) -> bool:
        """Whether some part of a service may still be looked at for the first time."""
        return now - self.began < WITHIN and not all(judged)


def recalled(
    view: ServiceView | InstanceView, began: float, unseen_from: float | None
) -> Recalled | None:
    """What a recorded view says; None where it had not been looked at."""
    if view.state is State.UNKNOWN and view.reason in {"", NOT_LOOKED}:
        return None
    return Recalled(view.state, view.reason, view.since, view.at_least, began, unseen_from)
