"""The top of the wall: environment, clock, age of the data, and how many services are in each
state.

Invariant: all of it is visible in every view. A state's count is at a fixed place whatever the
counts are; a zero is not drawn, and only DOWN has its own background, so that it can be recognised
by its shape without colours.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.model.state import State
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Line,
    Role,
    Span,
    badge_role,
    clip,
    line_width,
    spread,
)
from opsconsole.render.service.standing import Standing
from opsconsole.render.wall.big_digits import LARGEST, columns_of, drawable, largest, rows_of
from opsconsole.render.wall.scene import (
    STATES,
    Scene,
    beside,
    data_age,
    enlarged,
    indented,
    named,
    padded,
    tally,
    unseen,
)
from opsconsole.zones import USUAL, shown

BIG_ROLES: Final = {
    State.DOWN: Role.BAR_DOWN,
    State.DEGRADED: Role.BIG_DEGRADED,
    State.UNKNOWN: Role.BIG_UNKNOWN,
    State.OK: Role.BIG_OK,
}
WORD_ROLES: Final = {
    State.DOWN: Role.BAR_DOWN,
    State.DEGRADED: Role.DEGRADED,
    State.UNKNOWN: Role.UNKNOWN,
    State.OK: Role.OK,
}
_NAMES: Final = {
    State.DOWN: (Standing.DOWN,),
    State.DEGRADED: (Standing.DEGRADED, Standing.MISSED),
    State.UNKNOWN: (Standing.UNKNOWN, Standing.STALE),
    State.OK: (Standing.OK,),
}
_LARGEST_CLOCK: Final = 2
_ZONE: Final = 4
"""Cells beside the large clock, for the seconds and the zone."""
_TWO_BIG_LINES: Final = 10
"""Height of the head from which on the age is in big letters too."""
_ROOMY: Final = 8
"""Height of the counts from which on one more row is no loss to the body below."""
_SPACING: Final = ((2, 3), (1, 2))
"""Cells at both sides of a count, and between two of them; wider if there is room."""


# ---- place, clock, age ----


def head(scene: Scene, width: int, height: int) -> list[Line]:
    """The environment at the left and the clock at the right, as large as possible."""
    clock = figures.clock(scene.wall, seconds=False)
    scale = next(
        (
            each
            for each in range(_LARGEST_CLOCK, 0, -1)
            if columns_of(clock, each) * 5 <= width * 2
            and rows_of(each, ascii_only=scene.ascii_only) * 9 <= height
        ),
        0,
    )
    if scale == 0:
        right = (*_age(scene, brief=width < 100), Span("   "), Span(_clock(scene), Role.STRONG))
        return [spread((Span(" "), *_place(scene)), right, width)]
    at = width - columns_of(clock, scale) - _ZONE
    left = indented(_large_place(scene, at - 5, scale))
    big = enlarged(clock, Role.STRONG, scale, ascii_only=scene.ascii_only)
    drawn = beside([padded(line, at - 4) for line in left], big, at)
    seconds = figures.clock(scene.wall)[5:] if scene.seconds else ""
    beyond: list[Line] = [(Span(seconds, Role.MUTED),), *[BLANK] * (len(big) - 2)]
    return beside(drawn, [*beyond, (Span(_zone(), Role.MUTED),)], width - 3)


def _clock(scene: Scene) -> str:
    """Without an offset, which no one reads from afar, unless it is UTC."""
    return f"{figures.clock(scene.wall, seconds=scene.seconds)} {_zone()}".rstrip()


def _zone() -> str:
    return "UTC" if shown() == USUAL else ""


def _place(scene: Scene) -> Line:
    environment = scene.snapshot.environment if scene.snapshot else scene.place
    badge = Span(f" {clip(environment.name.upper(), 20)} ", badge_role(environment.danger))
    return (badge, Span(f"  {environment.platform}", Role.MUTED))


def _large_place(scene: Scene, width: int, scale: int) -> list[Line]:
    """The name, then the sources and their ages, at the height of the clock."""
    rows = rows_of(scale, ascii_only=scene.ascii_only)
    age = [_age(scene)]
    said = "".join(span.text for span in age[0]).strip()
    if rows >= _TWO_BIG_LINES and drawable(said) and columns_of(said, 1) <= width:
        age = enlarged(said, age[0][-1].role, 1, ascii_only=scene.ascii_only)
    read: list[Line] = [*age, sources(scene, width)]
    environment = scene.snapshot.environment if scene.snapshot else scene.place
    name = environment.name.upper()
    size = largest(name, width, rows - len(read) - 1, ascii_only=scene.ascii_only)
    if size == 0:
        return [_place(scene), *[BLANK] * (rows - len(read) - 1), *read]
    big = enlarged(name, Role.STRONG, size, ascii_only=scene.ascii_only)
    return [*big, *[BLANK] * (rows - len(big) - len(read)), *read]


def _age(scene: Scene, *, brief: bool = False) -> Line:
    """The age of the oldest reading shown as current, or that nothing is read."""
    snapshot, now = scene.snapshot, scene.now
    if scene.trouble is not None:
        return (Span(f" NO DATA {figures.age(now - scene.trouble.since)} ", Role.BAR_DOWN),)
    if snapshot is None:
        return (Span("looking …", Role.MUTED),)
    age = data_age(snapshot, now)
    if age is None:
        waiting = all(each.taken_at is None and each.fault is None for each in snapshot.sources)
        return (Span("looking …", Role.MUTED),) if waiting else (Span(" NO DATA ", Role.BAR_DOWN),)
    words = "data " if brief else "data read within "
    return (Span(words, Role.MUTED), Span(figures.age(age), Role.STRONG))


def sources(scene: Scene, width: int) -> Line:
    """The sources with their ages, failing ones first; whole entries only."""
    snapshot, now = scene.snapshot, scene.now
    if snapshot is None:
        return ()
    hidden = unseen(snapshot, now)
    spans: list[Span] = []
    for source in sorted(snapshot.sources, key=lambda each: each not in hidden):
        age = "waiting" if source.fault is None else figures.UNKNOWN
        if source.taken_at is not None:
            age = figures.age(now - source.taken_at)
        if source in hidden:
            entry: Line = (Span(f"▲ {source.name} {age}", Role.DEGRADED),)
        else:
            entry = (Span(f"{source.name} ", Role.MUTED), Span(age.rjust(3), Role.TEXT))
        if line_width((*spans, *entry)) + 3 > width:
            break
        spans += [*entry, Span("   ")]
    return tuple(spans[:-1])


# ---- counts ----


def counts(scene: Scene, width: int, height: int) -> list[Line]:
    """The four counts in at most ``height`` rows, as large as fits.

    The background of DOWN extends one row beyond its figure, so that it shows by its shape; if
    there is room, that row is added to ``height``.
    """
    if scene.snapshot is None or not scene.snapshot.services:
        return []
    found, words = tally(scene.snapshot.services), named(scene.snapshot.services)
    digits = len(str(len(scene.snapshot.services)))
    width -= 1
    for scale, word in _sizes(height, scene):
        widths = [max(columns_of("0" * digits, scale), _word_width(each, word)) for each in STATES]
        for pad, gap in _SPACING:
            spare = width - sum(widths) - 2 * pad * len(STATES) - gap * (len(STATES) - 1)
            if spare >= 0:
                apart = gap + min(spare // (len(STATES) - 1), 4 * pad)
                tiles = _tiles(scene, found, words, widths, (scale, word), pad, apart)
                if found[State.DOWN] and (len(tiles) < height or height >= _ROOMY):
                    worst = Standing.DOWN
                    down = _tile(scene, State.DOWN, worst, found[State.DOWN], (scale, word), pad)
                    tiles = [(Span(" " * line_width(down[0]), Role.BAR_DOWN),), *tiles]
                return indented(tiles)
    written = [_written(each, words[each], found[each]) for each in STATES if found[each]]
    whole = tuple(span for line in written for span in line)
    return [whole] if line_width(whole) <= width or height < len(STATES) else written


def _sizes(height: int, scene: Scene) -> list[tuple[int, int]]:
    """Scales of figure and word that fit the height, the largest figure first."""
    return [
        (scale, word)
        for scale in range(LARGEST, 0, -1)
        for word in range(scale // 2, -1, -1)
        if sum(rows_of(each, ascii_only=scene.ascii_only) for each in (scale, word)) + (word > 0)
        <= height
    ]


def _word_width(state: State, scale: int) -> int:
    """The widest of what a count may be called."""
    return max(columns_of(_words(each), scale) for each in _NAMES[state])


def _words(stands: Standing) -> str:
    return f"{stands.glyph} {stands.upper()}"


def _tiles(
    scene: Scene, found: dict[State, int], words: Mapping[State, Standing], widths: list[int],
    scales: tuple[int, int], pad: int, gap: int,
) -> list[Line]:  # fmt: skip
    """Each count above its word, at places that do not depend on the counts."""
    rows: list[Line] = []
    at = 0
    for state, wide in zip(STATES, widths, strict=True):
        stands = words.get(state, Standing(state.value))
        rows = beside(rows, _tile(scene, state, stands, found[state], scales, pad), at)
        at += wide + 2 * pad + gap
    return rows


def _tile(
    scene: Scene, state: State, stands: Standing, count: int, scales: tuple[int, int], pad: int
) -> list[Line]:
    scale, word = scales
    if not count:
        rows = sum(rows_of(each, ascii_only=scene.ascii_only) for each in scales) + (word > 0)
        return [BLANK] * rows
    big, small = BIG_ROLES[state], WORD_ROLES[state]
    ground = Role.BAR_DOWN if state is State.DOWN else Role.TEXT
    side = Span(" " * pad, ground)
    lines = enlarged(str(count), big, scale, ascii_only=scene.ascii_only)
    lines += [BLANK] if word else []
    lines += enlarged(_words(stands), big if word else small, word, ascii_only=scene.ascii_only)
    wide = max(line_width(line) for line in lines)
    return [(side, *padded(line, wide, ground), side) for line in lines]


def _written(state: State, stands: Standing, count: int) -> Line:
    """A count on a screen too small for big figures."""
    return (Span(f" {stands.glyph} {count} {stands} ", WORD_ROLES[state]), Span("  "))
