"""When a service went wrong, read from its health flips. Pure.

Invariant: an episode begins when the first part of a service turns degraded or down and ends when
every part that did is ok again. Being unable to look neither begins nor ends one.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.events import Event, EventKind
from opsconsole.model.state import State

RED: Final = frozenset({State.DEGRADED, State.DOWN})


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of trouble. ``ended_at`` is None while it lasts; ``worst`` is its worst state.

    ``began_unseen`` are the seconds before its beginning in which nobody looked, so that it may
    have begun then; ``ended_unseen`` those before its end.
    """

    service: str
    began_at: float
    ended_at: float | None = None
    worst: State = State.DEGRADED
    began_unseen: float = 0.0
    ended_unseen: float = 0.0

    def covers(self, at: float) -> bool:
        """Whether the service was wrong at ``at``."""
        return self.began_at <= at and (self.ended_at is None or at < self.ended_at)


def episodes(events: Iterable[Event]) -> dict[str, tuple[Episode, ...]]:
    """The episodes of each service that had one, oldest first."""
    found: dict[str, list[Episode]] = {}
    wrong: dict[str, set[str]] = {}
    for event in sorted(_flips(events), key=lambda each: each.at):
        parts = wrong.setdefault(event.service, set())
        known = found.setdefault(event.service, [])
        if event.state in RED:
            if not parts:
                unseen = event.figure or 0.0
                known.append(Episode(event.service, event.at, began_unseen=unseen))
            parts.add(event.subject)
            if event.state is State.DOWN:
                known[-1] = replace(known[-1], worst=State.DOWN)
        elif event.state is State.OK and parts:
            parts.discard(event.subject)
            if event.subject == event.service:
                parts.clear()
        _leave_to_parts(event, parts)
        if known and not parts and known[-1].ended_at is None:
            unseen = event.figure or 0.0
            known[-1] = replace(known[-1], ended_at=event.at, ended_unseen=unseen)
    return {service: tuple(each) for service, each in found.items() if each}


def _leave_to_parts(event: Event, parts: set[str]) -> None:
    """A service that is no longer down as a whole is judged by its parts, whose events show the
    end."""
    whole = event.subject == event.service
    if whole and event.state is not State.DOWN and len(parts) > 1:
        parts.discard(event.service)


def _flips(events: Iterable[Event]) -> Iterable[Event]:
    return (each for each in events if each.kind is EventKind.HEALTH and each.service)
