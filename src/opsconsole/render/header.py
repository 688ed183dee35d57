"""The two lines at the top: which environment, what is broken, and what is being read.

Invariant: the counts of states are never cut; every source shows the age of its last good reading,
and a failing source shows why. The clock is wall time in UTC, to the second, so that a lagging link
shows.
"""

from collections import Counter

from opsconsole.model.reading import is_stale
from opsconsole.model.snapshot import EnvironmentView, Snapshot, SourceView
from opsconsole.render.curtain import badge_role
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Line, Role, Span, clip, clip_line, line_width, wrap
from opsconsole.render.service.standing import Standing, seen_standing

NOTICE_ROWS = 2
ROOMY = 20
"""Minimum height of a screen on which a notice may take two lines."""


def top(
    snapshot: Snapshot | None,
    place: EnvironmentView,
    width: int,
    wall: float,
    *,
    read_only: bool = False,
    note: str = "",
    clock: Role = Role.BAR_STRONG,
) -> Line:
    """Environment, counts by state, read-only, and the clock, painted in the role ``clock``."""
    environment = snapshot.environment if snapshot else place
    badge = Span(f" {clip(environment.name.upper(), 20)} ", badge_role(environment.danger))
    left: list[Span] = [badge, Span("  ", Role.BAR)]
    left += counts(snapshot) if snapshot else [Span("looking …", Role.BAR_MUTED)]
    right: list[Span] = []
    if note:
        right += [Span(f" {note} ", Role.BADGE_NOTE), Span(" ", Role.BAR)]
    if read_only or (snapshot is not None and snapshot.read_only):
        right += [Span(" READ-ONLY ", Role.BADGE_NOTE), Span("  ", Role.BAR)]
    right.append(Span(f"{figures.zoned(wall)} ", clock))
    room = width - line_width(tuple(left)) - line_width(tuple(right))
    if room > len(environment.platform) + 3 and environment.platform:
        left.append(Span(f"  {environment.platform}", Role.BAR_MUTED))
    gap = width - line_width(tuple(left)) - line_width(tuple(right))
    return clip_line((*left, Span(" " * max(1, gap), Role.BAR), *right), width)


def counts(snapshot: Snapshot) -> list[Span]:
    """How many services are in each state, worst first; zeros are left out."""
    tally = Counter(map(seen_standing, snapshot.services))
    spans: list[Span] = []
    for each in Standing:
        if tally[each]:
            text = f" {each.glyph} {tally[each]} {each.value} "
            spans += [Span(text, each.bar_role), Span(" ", Role.BAR)]
    if not snapshot.services:
        spans.append(Span("no services configured", Role.BAR_MUTED))
    return spans


def too_small_lines(excuse: str, snapshot: Snapshot | None, width: int) -> list[Line]:
    """What a terminal too small for panels shows: why, and how many are in each state."""
    lines: list[Line] = [clip_line((Span(excuse, Role.STRONG),), width)]
    return [*lines, clip_line(tuple(counts(snapshot)), width)] if snapshot else lines


def sources(snapshot: Snapshot | None, width: int, now: float) -> Line:
    """The sources with their ages, as many as fit whole; failing ones first, with the reason."""
    if snapshot is None:
        return (Span(" starting the engine …".ljust(width), Role.BAR_MUTED),)
    ordered = sorted(snapshot.sources, key=lambda source: not _troubled(source, now))
    faults = sum(source.fault is not None for source in ordered)
    gap = 3 if _bare_width(ordered, now, 3) < width else 2
    room = width - 1 - _bare_width(ordered, now, gap)
    share = max(0, room // faults) if faults else 0
    spans: list[Span] = [Span(" ", Role.BAR)]
    for source in ordered:
        entry = _source(source, now, share, gap)
        if len(spans) > 1 and line_width((*spans, *entry)) - gap > width:
            break
        spans += entry
    if not ordered:
        spans.append(Span("nothing is read yet", Role.BAR_MUTED))
    line = clip_line(tuple(spans), width)
    return (*line, Span(" " * max(0, width - line_width(line)), Role.BAR))


def notices(snapshot: Snapshot | None, width: int, height: int) -> tuple[Line, ...]:
    """Notices about the console itself, below the sources: the first in at most two lines.

    On a screen with few lines it gets one.
    """
    if snapshot is None or not snapshot.notices:
        return ()
    first, more = snapshot.notices[0], len(snapshot.notices) - 1
    said = f"{first} (and {more} more)" if more else first
    rows = NOTICE_ROWS if height >= ROOMY else 1
    parts = wrap(said, max(8, width - 4))
    if len(parts) > rows:
        parts = [*parts[: rows - 1], clip(" ".join(parts[rows - 1 :]), max(8, width - 4))]
    return tuple(
        _filled(
            (Span(" ▲ " if number == 0 else "   ", Role.BAR_DEGRADED), Span(part, Role.BAR)), width
        )
        for number, part in enumerate(parts)
    )


def _filled(line: Line, width: int) -> Line:
    cut = clip_line(line, width)
    return (*cut, Span(" " * max(0, width - line_width(cut)), Role.BAR))


def _bare_width(ordered: list[SourceView], now: float, gap: int) -> int:
    """The width of the sources with their faults named by kind only."""
    return sum(line_width(_source(source, now, 0, gap)) for source in ordered)


def _troubled(source: SourceView, now: float) -> bool:
    return source.fault is not None or is_stale(source.taken_at, source.interval, now)


def _source(source: SourceView, now: float, room: int, gap: int) -> Line:
    """One source; ``room`` is the width left for the reason of its fault, besides the kind."""
    if source.taken_at is None and source.fault is None:
        return (Span(f"{source.name} waiting{' ' * gap}", Role.BAR_MUTED),)
    age = figures.UNKNOWN if source.taken_at is None else figures.age(now - source.taken_at)
    if source.fault is None:
        late = is_stale(source.taken_at, source.interval, now)
        return (
            Span(f"{source.name} ", Role.BAR_MUTED),
            Span(
                f"{age.rjust(gap)}{' stale' if late else ''}",
                Role.BAR_UNKNOWN if late else Role.BAR,
            ),
            Span(" " * gap, Role.BAR),
        )
    kind = source.fault.kind.value
    reason = clip(str(source.fault), len(kind) + room) if room > 4 else kind
    return (
        Span(f"▲ {source.name} {age} ", Role.BAR_DEGRADED),
        Span(reason, Role.BAR),
        Span(" " * gap, Role.BAR),
    )
