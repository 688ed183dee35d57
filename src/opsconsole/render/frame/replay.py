"""The text shown while a moment other than the present is shown.

Invariant: a replayed or held picture is marked at any width, with the moment, its age, and how to
return. The present states are shown beside it, so that new trouble is not missed. Imports only
cells, because it is needed before the first paint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from opsconsole.dataclass import dataclass
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Line, Role, Span, clip_line, line_width
from opsconsole.render.ink.own_keys import key_of

if TYPE_CHECKING:
    from opsconsole.model.past.replay import Gap, Moment
    from opsconsole.model.past.replay import Span as Recorded
    from opsconsole.model.snapshot import Snapshot

LIVE: Final = "live: not of the moment that is replayed"
"""The note of a part that always shows the present."""

_ROOM_FOR_SOURCES: Final = 24
_FAR: Final = 72_000.0
"""Age in seconds from which a moment is shown with its date."""

_ORIGINS: Final = {"memory": "from memory", "prometheus": "figures from Prometheus alone"}
"""The note on a moment that was not recorded, by its origin."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The banner's data. ``wanted`` is the moment that is being read, if any."""

    moment: Moment | None
    wanted: float | None
    held: bool = False


def _way_back() -> str:
    return f"{key_of('pause', 'p')} returns to now"


def banner(
    shown: Shown,
    latest: Snapshot | None,
    sources: Callable[[int], Line],
    width: int,
    now: float,
) -> Line:
    """One line over the whole ``width``; ``sources`` fill the remaining room."""
    parts = [Span(f" {_what(shown, now)} ", Role.REPLAY)]
    reading = _reading(shown, now)
    room = width - _present_width(latest)
    # Whose look it is counts for more than how to return.
    for texts in ((reading,), _origins(shown), ("" if reading else f"· {_way_back()} ",)):
        for text in texts:
            if text and line_width(tuple(parts)) + len(text) <= room:
                parts.append(Span(text, Role.REPLAY))
                break
    present = _present(latest)
    left = width - line_width(tuple(parts)) - line_width(present)
    if left >= _ROOM_FOR_SOURCES:
        parts += sources(left)
        left = width - line_width(tuple(parts)) - line_width(present)
    return clip_line((*parts, Span(" " * max(0, left), Role.REPLAY), *present), width)


def live_lines(is_live: bool) -> tuple[Line, ...]:
    """The note of a part that shows only the present; '' while the present is shown."""
    return () if is_live else ((Span(f"  {LIVE}", Role.ACCENT),),)


def when(moment: float, now: float) -> str:
    """The time of day in UTC, with the date if it is not recent."""
    clock = f"{figures.zoned(moment)}"
    return clock if 0 <= now - moment < _FAR else f"{figures.date(moment)} {clock}"


def gap_sentence(gap: Gap, now: float) -> str:
    """The message for a gap in the recording."""
    return f"nothing was recorded between {when(gap.begin, now)} and {when(gap.end, now)}"


def before_sentence(recorded: Recorded | None, now: float) -> str:
    """The message for a moment before the recording."""
    if recorded is None:
        return "nothing is recorded yet"
    return f"nothing is recorded before {when(recorded.begin, now)}"


def after_sentence(recorded: Recorded, now: float) -> str:
    """The message for a moment after the recording."""
    return f"nothing is recorded after {when(recorded.end, now)}; {_way_back()}"


def refused_sentence(moment: float, now: float, *, held: bool = False) -> str:
    """Why nothing can be changed while a past moment is shown."""
    shown = "the picture is held at" if held else "this is"
    return f"refused: {shown} {when(moment, now)}, not now; {_way_back()}"


def _what(shown: Shown, now: float) -> str:
    moment = shown.moment
    if moment is None:
        return "REPLAY"
    word = "HELD" if shown.held else "REPLAY"
    return f"{word} {when(moment.at, now)}, {figures.age(now - moment.at)} ago"


def _reading(shown: Shown, now: float) -> str:
    return "" if shown.wanted is None else f"· reading {when(shown.wanted, now)} … "


def _origins(shown: Shown) -> tuple[str, ...]:
    """Where the moment is from, in words that are shorter and shorter."""
    moment = shown.moment
    if moment is None or shown.held:
        return ()
    if seen_by := moment.snapshot.seen_by:
        return f"(as {seen_by} saw it) ", f"({seen_by}) ", "(of another host) "
    origin = _ORIGINS.get(moment.origin.value, "")
    return (f"({origin}) ",) if origin else ()


def _present(latest: Snapshot | None) -> Line:
    """The states of the services now, the most urgent first."""
    if latest is None:
        return ()
    # What snapshots are made of is not there before the first paint.
    from opsconsole.render.service.standing import Standing, seen_standing

    tally = Counter(seen_standing(each) for each in latest.services)
    if not tally:
        return ()
    spans = [Span(" now", Role.REPLAY)]
    for stands in Standing:
        if tally[stands]:
            spans.append(Span(f" {stands.glyph} {tally[stands]} ", stands.bar_role))
    return tuple(spans)


def _present_width(latest: Snapshot | None) -> int:
    return line_width(_present(latest))
