"""The data that the wall is drawn from, and what every part of it derives from that.

Invariant: a picture of the wall depends only on its scene. A stale service counts as unknown unless
a worse state was seen, as in the header of every screen.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Final, TypeVar

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert, Severity
from opsconsole.model.reading import is_stale
from opsconsole.model.snapshot import EnvironmentView, ServiceView, Snapshot, SourceView
from opsconsole.model.state import State
from opsconsole.render.alerts import rows as alerts
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip_line, line_width
from opsconsole.render.service.standing import Standing, seen_standing
from opsconsole.render.wall.big_digits import drawn

T = TypeVar("T")

STATES: Final = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.OK)
"""The order of the counts; it never changes, so that each state has a fixed place."""


class View(StrEnum):
    """What the body of the wall shows; the last two are chosen automatically."""

    OVERVIEW = "overview"
    SERVICES = "services"
    RESOURCES = "resources"
    TIMELINE = "timeline"
    RED = "red"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing is read at all: the engine has stopped or could not be created.

    ``again_in`` is seconds to the next attempt; ``attempts`` counts those already made.
    """

    reason: str
    since: float
    again_in: float = 0.0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """``shown_for`` is how long the view has been shown, ``page_time`` how long each page of it is.

    Both are in seconds; ``now`` is the steady clock's, ``wall`` the wall-clock time.
    """

    snapshot: Snapshot | None
    place: EnvironmentView
    now: float
    wall: float
    view: View = View.OVERVIEW
    views: tuple[View, ...] = (View.OVERVIEW,)
    shown_for: float = 0.0
    page_time: float = 10.0
    ascii_only: bool = False
    seconds: bool = True
    said: str = ""
    trouble: Trouble | None = None


def tally(services: Iterable[ServiceView]) -> dict[State, int]:
    """How many services are in each state."""
    counts = dict.fromkeys(STATES, 0)
    for service in services:
        counts[shown_state(service)] += 1
    return counts


def named(services: Iterable[ServiceView]) -> dict[State, Standing]:
    """What each count is called: as all of its services stand, else by its state."""
    found: dict[State, set[Standing]] = {}
    for service in services:
        found.setdefault(shown_state(service), set()).add(seen_standing(service))
    return {
        state: next(iter(stands)) if len(stands) == 1 else Standing(state.value)
        for state, stands in found.items()
    }


def shown_state(service: ServiceView) -> State:
    """The state that is counted: unknown if stale, unless it was seen failing; degraded if it
    misses its objectives."""
    if service.stale and service.state is State.OK:
        return State.UNKNOWN
    return service.counts_as


def is_red(snapshot: Snapshot | None) -> bool:
    """Whether a service is down or a critical alert fires that is not silenced."""
    if snapshot is None:
        return False
    return any(each.state is State.DOWN for each in snapshot.services) or any(
        each.severity is Severity.CRITICAL for each in loud(snapshot)
    )


def loud(snapshot: Snapshot) -> list[Alert]:
    """Firing alerts that are not silenced, the most urgent first."""
    return alerts.order(alerts.firing(snapshot.alerts))


def unseen(snapshot: Snapshot, now: float) -> list[SourceView]:
    """Sources whose latest look failed or is overdue."""
    return [
        each
        for each in snapshot.sources
        if each.fault is not None
        or (each.taken_at is not None and is_stale(each.taken_at, each.interval, now))
    ]


def data_age(snapshot: Snapshot | None, now: float) -> float | None:
    """Seconds since the oldest reading that counts as current; None if there is none."""
    if snapshot is None:
        return None
    hidden = {each.id for each in unseen(snapshot, now)}
    ages = [
        now - each.taken_at
        for each in snapshot.sources
        if each.taken_at is not None and each.id not in hidden
    ]
    return max(ages, default=None)


# ---- lines ----


def padded(line: Line, width: int, role: Role = Role.TEXT) -> Line:
    """``line`` in exactly ``width`` cells."""
    kept = clip_line(line, width)
    short = width - line_width(kept)
    return (*kept, Span(" " * short, role)) if short > 0 else kept


def enlarged(text: str, role: Role, scale: int, *, ascii_only: bool) -> list[Line]:
    """``text`` in big letters, or as one line if ``scale`` is 0."""
    return [(Span(row, role),) for row in drawn(text, scale, ascii_only=ascii_only)]


def beside(left: Sequence[Line], right: Sequence[Line], at: int) -> list[Line]:
    """``right`` in the columns from ``at`` on, ``left`` before it."""
    rows = max(len(left), len(right))
    return [
        (
            *padded(left[y] if y < len(left) else BLANK, at),
            *(right[y] if y < len(right) else BLANK),
        )
        for y in range(rows)
    ]


def indented(lines: Iterable[Line]) -> list[Line]:
    """``lines`` indented by one cell, as in all panels."""
    return [(Span(" "), *line) if line else BLANK for line in lines]


def page_of(entries: Sequence[T], room: int, scene: Scene) -> tuple[Sequence[T], str]:
    """As many of ``entries`` as fit ``room``, with a count of the others; pages turn slowly."""
    if len(entries) <= room:
        return entries, ""
    room = max(1, room)
    pages = -(-len(entries) // room)
    page = int(scene.shown_for // max(1.0, scene.page_time)) % pages
    first = page * room
    shown = entries[first : first + room]
    rest = len(entries) - len(shown)
    return shown, f"and {rest} more · {first + 1}–{first + len(shown)} of {len(entries)}"


def spaced(entries: Sequence[T], row: Callable[[T], Line], height: int, scene: Scene) -> list[Line]:
    """A row for each entry, spaced if there is room, else in pages."""
    if len(entries) * 2 - 1 <= height:
        return [line for entry in entries for line in (row(entry), BLANK)][:-1]
    shown, more = page_of(entries, height if len(entries) <= height else height - 1, scene)
    rows = [row(entry) for entry in shown]
    return [*rows, (Span(f"   {more}", Role.MUTED),)] if more else rows


def joined(parts: Iterable[list[Line]]) -> list[Line]:
    """The parts that are not empty, with a blank line between them."""
    lines: list[Line] = []
    for part in parts:
        if part:
            lines += [*([BLANK] if lines else []), *part]
    return lines
