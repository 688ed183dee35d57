"""The two lines at the top: which environment, what is broken, and what is being read.

Invariant: the counts of states are never cut; what cannot be read is named with the reason or
counted, and the age is that of the oldest reading that counts as current. The clock is wall time,
to the second, so that a lagging link shows.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from opsconsole.model.reading import is_stale
from opsconsole.model.snapshot import EnvironmentView, ServiceView, Snapshot, SourceView
from opsconsole.render import people
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    Line,
    Role,
    Span,
    badge_role,
    clip,
    clip_line,
    line_width,
    spread,
    wrap,
)
from opsconsole.render.ink.once import once_for_the_same
from opsconsole.render.service.standing import Standing, seen_standing
from opsconsole.render.team import incidents

NOTICE_ROWS = 2
_SENTENCE = 90
"""Cells from which on the ages of sources stand beside what cannot be read."""
_NAMED = 100
"""Cells from which on the header says who commands an incident, and since when."""
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
    """Environment, counts by state, an open incident, read-only, and the clock, painted in the role
    ``clock``."""
    environment = snapshot.environment if snapshot else place
    badge = Span(f" {clip(environment.name.upper(), 20)} ", badge_role(environment.danger))
    right: list[Span] = []
    if note:
        right += [Span(f" {note} ", Role.BADGE_NOTE), Span(" ", Role.BAR)]
    if read_only or (snapshot is not None and snapshot.read_only):
        right += [Span(" READ-ONLY ", Role.BADGE_NOTE), Span("  ", Role.BAR)]
    right += _incident(snapshot, width)
    right.append(Span(f"{figures.zoned(wall)} ", clock))
    room = width - line_width(tuple(right)) - line_width((badge,)) - 3
    said = _counts_within(snapshot, room) if snapshot else [Span("looking …", Role.BAR_MUTED)]
    left: list[Span] = [badge, Span("  ", Role.BAR), *said]
    room = width - line_width(tuple(left)) - line_width(tuple(right))
    if room > len(environment.platform) + 3 and environment.platform:
        left.append(Span(f"  {environment.platform}", Role.BAR_MUTED))
    gap = width - line_width(tuple(left)) - line_width(tuple(right))
    return clip_line((*left, Span(" " * max(1, gap), Role.BAR), *right), width)


def _incident(snapshot: Snapshot | None, width: int) -> list[Span]:
    """The gravest open incident, with who commands it and since when where there is room."""
    going = snapshot.incidents if snapshot is not None else ()
    now = snapshot.taken_at if snapshot is not None else 0.0
    said = incidents.chip(going, now, brief=width < _NAMED)
    return [Span(f" {said} ", Role.BADGE_NOTE), Span("  ", Role.BAR)] if said else []


def _counts_within(snapshot: Snapshot, room: int) -> list[Span]:
    """The counts here and in other environments: words go first, then the others' names."""
    for words, names in ((True, 20), (False, 20), (False, 7), (False, 3)):
        said = [*counts(snapshot, words=words), *_elsewhere(snapshot, names, words=words)]
        if line_width(tuple(said)) <= room:
            break
    return said


def counts(snapshot: Snapshot, *, words: bool = True) -> list[Span]:
    """How many services are in each state, worst first; zeros are left out.

    Those of other environments are not counted.
    """
    here = Counter[Standing]()
    others = {each.name for each in snapshot.environments}
    for environment, tally in _tallies(snapshot.services).items():
        if environment not in others:
            here += tally
    spans = _chips(here, words=words)
    if not snapshot.services:
        spans.append(Span("no services configured", Role.BAR_MUTED))
    return spans


def _elsewhere(snapshot: Snapshot, name_width: int, *, words: bool) -> list[Span]:
    """One chip for each other environment that has services: its name, and its counts."""
    spans: list[Span] = []
    tallies = _tallies(snapshot.services)
    for place in snapshot.environments:
        if place.name in tallies:
            name = clip(place.name, name_width) if name_width > 3 else place.name[:3]
            chips = _chips(tallies[place.name], words=words)
            spans += [Span(f"  {name}", Role.BAR_MUTED), *chips]
    return spans


@once_for_the_same
def _tallies(services: tuple[ServiceView, ...]) -> dict[str, Counter[Standing]]:
    """How many services stand how, by their environment."""
    tallies: defaultdict[str, Counter[Standing]] = defaultdict(Counter)
    for each in services:
        tallies[each.environment][seen_standing(each)] += 1
    return dict(tallies)


def _chips(tally: Counter[Standing], *, words: bool) -> list[Span]:
    spans: list[Span] = []
    for each in Standing:
        if tally[each]:
            text = (
                f" {each.glyph} {tally[each]} {each.value} "
                if words
                else (f" {each.glyph} {tally[each]} ")
            )
            spans += [Span(text, each.bar_role), Span(" " if words else "", Role.BAR)]
    return spans


def too_small_lines(excuse: str, snapshot: Snapshot | None, width: int) -> list[Line]:
    """What a terminal too small for panels shows: why, and how many are in each state."""
    lines: list[Line] = [clip_line((Span(excuse, Role.STRONG),), width)]
    return [*lines, clip_line(tuple(counts(snapshot)), width)] if snapshot else lines


def sources(snapshot: Snapshot | None, width: int, now: float, found: int = 0) -> Line:
    """What cannot be read, in a sentence; then how many are read, and how old the oldest is; then
    how much was ``found`` that is not watched, and how many people are here.

    A source that fails has its reason; one that does not fit is counted.
    """
    if snapshot is None:
        return (Span(" starting the engine …".ljust(width), Role.BAR_MUTED),)
    if not snapshot.sources:
        return _filled((Span(" nothing is read yet", Role.BAR_MUTED),), width)
    troubled = [each for each in snapshot.sources if _troubled(each, now)]
    right = _read(snapshot.sources, now, brief=bool(troubled) and width < _SENTENCE)
    here = people.counted(snapshot.present)
    beside = [f"⊕ {found} found"] if found else []
    beside += [here] if here else []
    tray = (Span(f"{'   '.join(beside)} ", Role.BAR_STRONG),) if beside else ()
    if not troubled:
        return (
            spread((Span(" ", Role.BAR), *right), tray, width, Role.BAR)
            if tray
            else (_filled((Span(" ", Role.BAR), *right), width))
        )
    right = (*right, Span("   ", Role.BAR), *tray) if tray else right
    left = _unread(troubled, now, width - line_width(right) - 2)
    return spread(left, (*right, Span(" ", Role.BAR)), width, Role.BAR)


def _read(sources: Sequence[SourceView], now: float, *, brief: bool) -> Line:
    """``4 of 5 sources read, oldest 6s``; the first words alone if it is to be ``brief``."""
    seen = [each.taken_at for each in sources
            if each.taken_at is not None and not _troubled(each, now)]  # fmt: skip
    count, all_of_them = len(seen), len(sources)
    of = f" of {all_of_them}" if count < all_of_them else ""
    if brief:
        return (Span(f"{count}{of} read", Role.BAR_MUTED),)
    said = f"{count}{of} source{'s' * (all_of_them != 1)} read"
    age = f", oldest {figures.age(now - min(seen))}" if seen else ""
    return (Span(f"{said}{age}", Role.BAR_MUTED),)


def _unread(troubled: list[SourceView], now: float, room: int) -> Line:
    """As many as fit whole, those with a fault first; the reason goes before a source does."""
    troubled = sorted(troubled, key=lambda each: each.fault is None)
    for brief in (False, True):
        parts = [_silent(each, now, brief=brief) for each in troubled]
        if sum(line_width(part) for part in parts) <= room:
            break
    shown: list[Span] = []
    for number, part in enumerate(parts):
        rest = len(parts) - number
        more = 8 if rest > 1 else 0
        if number and line_width((*shown, *part)) + more > room:
            return (*shown, Span(f" +{rest} more", Role.BAR_DEGRADED))
        shown += part
    return tuple(shown)


def _silent(source: SourceView, now: float, *, brief: bool) -> Line:
    """``▲ alertmanager silent 1m14s: timeout, 127.0.0.1:9093``."""
    age = "" if source.taken_at is None else f" {figures.age(now - source.taken_at)}"
    if source.fault is None:
        return (Span(f" ◌ {source.name} stale{age}  ", Role.BAR_UNKNOWN),)
    where = source.endpoint.partition("://")[2] or source.endpoint
    kind = source.fault.kind.value
    said = kind if brief or not where else f"{kind}, {where}"
    return (
        Span(f" ▲ {source.name} silent{age}", Role.BAR_DEGRADED),
        Span(f": {said}  ", Role.BAR),
    )


def notices(
    snapshot: Snapshot | None, width: int, height: int, urgent: Sequence[str] = ()
) -> tuple[Line, ...]:
    """What is ``urgent``, then notices about the console itself, below the sources: the first in at
    most two lines.

    On a screen with few lines it gets one.
    """
    everything = (*urgent, *(snapshot.notices if snapshot is not None else ()))
    if not everything:
        return ()
    first, more = everything[0], len(everything) - 1
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


def _troubled(source: SourceView, now: float) -> bool:
    return source.fault is not None or is_stale(source.taken_at, source.interval, now)
