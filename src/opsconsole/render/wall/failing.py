"""The services that are not ok, on the wall: with state, reason and since when.

Invariant: causes come before their symptoms; all are in large letters if all fit, else the worst
alone if that leaves the others a line each, else each has two lines or one; those that still do not
fit are counted, and take turns.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render import operations
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, fit, line_width, width_of
from opsconsole.render.ink.matching import Filter
from opsconsole.render.ink.once import once_for_the_same
from opsconsole.render.service import table as services
from opsconsole.render.service.standing import standing
from opsconsole.render.service.why import why_beside
from opsconsole.render.wall.big_digits import columns_of, drawable, rows_of
from opsconsole.render.wall.head import BIG_ROLES, WORD_ROLES
from opsconsole.render.wall.scene import (
    Scene,
    beside,
    enlarged,
    indented,
    padded,
    page_of,
    shown_state,
)

_LARGEST_NAME: Final = 5
_NEVER_ALONE: Final = 3
"""The scale of a name from which on its reason is in big letters too."""
_CHIP: Final = 12


def failing(scene: Scene, snapshot: Snapshot, width: int, height: int) -> list[Line]:
    """All services that are not ok, as large as possible with all of them visible."""
    listed = services.order(snapshot, services.Sort.STATE, Filter(), failing_only=True)
    if not listed:
        return []
    sizes = name_sizes(scene, listed, width, height)
    if sizes[0]:
        return _cards(scene, listed, width, height, sizes)
    return _worst_large(scene, listed, width, height) or _rows(scene, listed, width, height)


def _worst_large(
    scene: Scene, listed: Sequence[ServiceView], width: int, height: int
) -> list[Line]:
    """The worst with its name in large letters, the others below it; [] where that cannot be."""
    worst, *others = listed
    if not drawable(worst.name):
        return []
    for scale in range(_LARGEST_NAME, 0, -1):
        left = height - _card_rows(scene, scale, 0) - 1
        if left < len(others) or columns_of(worst.name, scale) > width - _beside(scale):
            continue
        roomy = left >= 2 * len(others)
        card = _cards(scene, [worst], width, height - left, (scale, 0))
        return [*card, BLANK, *_rows(scene, others, width, left if roomy else len(others))]
    return []


def _rows(scene: Scene, listed: Sequence[ServiceView], width: int, height: int) -> list[Line]:
    """Each on three lines, two or one."""
    for rows in (3, 2):
        if len(listed) * rows - (rows == 3) <= height:
            entries = (_entry(each, scene, width - 1, rows) for each in listed)
            return indented(line for entry in entries for line in entry)
    shown, more = page_of(listed, height if len(listed) <= height else height - 1, scene)
    lines = indented(_row(each, scene, width - 1) for each in shown)
    return [*lines, (Span(f"   {more}", Role.STRONG),)] if more else lines


def named(scene: Scene, snapshot: Snapshot, height: int) -> list[Line]:
    """As many of them as fit by name and age only, for a very small terminal."""
    listed = services.order(snapshot, services.Sort.STATE, Filter(), failing_only=True)
    return [
        (
            Span(f"{standing(each).glyph} {each.name}", WORD_ROLES[shown_state(each)]),
            Span(f"  {figures.age(scene.now - _began(each))}", Role.MUTED),
        )
        for each in listed[: max(0, height)]
    ]


def name_sizes(
    scene: Scene, listed: Sequence[ServiceView], width: int, height: int
) -> tuple[int, int]:
    """The largest scales of name and reason at which all fit, a blank line between any two of them;
    0 for plain text.
    """
    if 0 < len(listed) <= height and all(drawable(each.name) for each in listed):
        for scale in range(_LARGEST_NAME, 0, -1):
            widest = max(columns_of(each.name, scale) for each in listed)
            least = 1 if scale >= _NEVER_ALONE else 0
            for small in range(scale // 2, least - 1, -1):
                rows = len(listed) * (_card_rows(scene, scale, small) + 1) - 1
                if rows <= height and widest <= width - _beside(scale):
                    return scale, small
    return 0, 0


def _card_rows(scene: Scene, scale: int, small: int) -> int:
    """Rows of a card without the gap below it."""
    ascii_only = scene.ascii_only
    apart = 1 if small else 0
    return rows_of(scale, ascii_only=ascii_only) + apart + rows_of(small, ascii_only=ascii_only)


def _beside(scale: int) -> int:
    """Width from the edge to a card's name."""
    return columns_of("?", scale) + 4 + 3 + 1


def _cards(
    scene: Scene, listed: Sequence[ServiceView], width: int, height: int, sizes: tuple[int, int]
) -> list[Line]:
    """Each with its name in big letters, spaced as far as there is room."""
    scale, small = sizes
    rows = _card_rows(scene, scale, small)
    gap = min(2, (height - rows * len(listed)) // max(1, len(listed) - 1))
    at = _beside(scale) - 1
    lines: list[Line] = []
    for each in listed:
        name = enlarged(each.name, Role.STRONG, scale, ascii_only=scene.ascii_only)
        said = _said(each, scene, width - _beside(scale), small)
        below = [BLANK, *said] if small else said
        lines += beside(_slab(each, scene, at - 3, scale), [*name, *below], at)
        lines += [BLANK] * gap
    return indented(lines[: len(lines) - gap])


def _slab(service: ServiceView, scene: Scene, wide: int, scale: int) -> list[Line]:
    """The state's glyph on its own background, and the word below it."""
    state = shown_state(service)
    role = WORD_ROLES[state] if state is State.DOWN else Role.TEXT
    glyph = standing(service).glyph
    mark = enlarged(glyph, BIG_ROLES[state], scale, ascii_only=scene.ascii_only)
    side = Span("  ", role)
    lines = [(side, *padded(line, wide - 4, role), side) for line in mark]
    word = standing(service).upper()
    before = (wide - len(word)) // 2
    middle = (Span(" " * before, role), Span(word, WORD_ROLES[state]))
    return [*lines, padded(middle, wide, role)]


def _chip(service: ServiceView) -> Line:
    """Glyph and word, with a background if it is down."""
    state = shown_state(service)
    role = WORD_ROLES[state]
    ground = role if state is State.DOWN else Role.TEXT
    word = f"{standing(service).glyph} {standing(service).upper()}"
    return padded((Span(" ", ground), Span(word, role)), _CHIP, ground)


def _said(service: ServiceView, scene: Scene, width: int, scale: int) -> list[Line]:
    """For how long, and why; in big letters if all of it fits."""
    since = f"{_since(service, scene)}  "
    why = _why(service, scene, width - width_of(since))
    text = f"{figures.age(scene.now - _began(service))}  {why[0].text}".rstrip()
    if scale and len(why) == 1 and drawable(text) and columns_of(text, scale) <= width:
        return enlarged(text, Role.TEXT, scale, ascii_only=scene.ascii_only)
    return [padded((Span(since, Role.MUTED), *why), width)]


def _why(service: ServiceView, scene: Scene, width: int) -> Line:
    """Why, in ``width`` cells, and beside it what is being done about it, if anything."""
    doing = operations.beside_rows(scene.snapshot, scene.now).get(service.name)
    return why_beside(service, doing, width)


def _since(service: ServiceView, scene: Scene) -> str:
    began = _began(service)
    at = figures.when(began, scene.now).strip()
    zone = "Z" if ":" in at else ""
    lasts = figures.lasting(scene.now - began, at_least=service.at_least)
    return f"{lasts}, seen from {at}{zone}" if service.at_least else f"{lasts} since {at}{zone}"


def _began(service: ServiceView) -> float:
    """When its state began; for a stale service that was ok, when it was last looked at."""
    looks = [each.taken_at for each in service.instances if each.taken_at is not None]
    was_ok = service.state is State.OK
    return max(looks) if was_ok and service.stale and looks else service.since


def _entry(service: ServiceView, scene: Scene, width: int, rows: int) -> list[Line]:
    """Two lines, and a blank one if three fit."""
    first = (
        *_chip(service),
        Span("  "),
        Span(service.name, Role.STRONG),
        Span(f"   {_since(service, scene)}", Role.MUTED),
        Span(_copies(service), Role.MUTED),
    )
    second = padded((Span(" " * (_CHIP + 2)), *_why(service, scene, width - _CHIP - 2)), width)
    return [first, second, BLANK][:rows]


def _copies(service: ServiceView) -> str:
    total = len(service.instances)
    return f"   {service.ok_instances} of {total} ok" if total > 1 else ""


@once_for_the_same
def _longest_name(services: tuple[ServiceView, ...]) -> int:
    return max((width_of(each.name) for each in services), default=12)


def _row(service: ServiceView, scene: Scene, width: int) -> Line:
    """Everything on one line."""
    age = figures.age(scene.now - _began(service))
    longest = _longest_name(scene.snapshot.services if scene.snapshot else ())
    name = min(28, max(12, width // 4), longest)
    line = (
        *_chip(service),
        Span("  "),
        Span(fit(service.name, name), Role.STRONG),
        Span(f" {age:>6}  ", Role.MUTED),
    )
    return padded((*line, *_why(service, scene, width - line_width(line))), width)
