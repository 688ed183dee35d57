"""Which event names the last trouble.

Invariant: pure; a recovery on its way, and what was taken away to end it, do not name a trouble.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.engine.judge.episodes import Episode, episodes
from opsconsole.model.events import Event, EventKind
from opsconsole.model.operation import ActionKind
from opsconsole.render.timeline.rows import latest
from opsconsole.render.timeline.selection import is_bad

_LEAVE_AS_IT_IS: Final = frozenset({ActionKind.TEST, ActionKind.CALL, ActionKind.BACKUP})


def last_trouble(events: Iterable[Event]) -> Event | None:
    """The event that names the last trouble of any service; None where none was seen.

    Of a trouble seen by looks it is the first of its worst, before anything was done about it.
    """
    shown = latest(events)
    last = next((each for each in shown if each.service and is_bad(each)), None)
    if last is None:
        return None
    mine = [each for each in reversed(shown) if each.service == last.service]
    found = episodes(mine).get(last.service, ())
    lasted = next((each for each in reversed(found) if _holds(each, last.at)), None)
    return last if lasted is None else _named(lasted, mine)


def _holds(episode: Episode, at: float) -> bool:
    return episode.began_at <= at and (episode.ended_at is None or at <= episode.ended_at)


def _named(episode: Episode, events: Iterable[Event]) -> Event:
    """The event of ``events``, by time, that names ``episode``: its beginning is one of them."""
    within = [each for each in events if _holds(episode, each.at)]
    acted = next((each.at for each in within if _changes(each)), float("inf"))
    flips = [each for each in within if each.kind is EventKind.HEALTH and is_bad(each)]
    own = [each for each in flips if each.at < acted] or flips
    return max(own, key=lambda each: each.state.urgency if each.state else 0)


def _changes(event: Event) -> bool:
    return event.kind is EventKind.OPERATION and event.action not in _LEAVE_AS_IT_IS
