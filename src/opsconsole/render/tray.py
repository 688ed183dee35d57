"""What was found and is not watched: what it is, where, why it is thought so, and what to write.

Invariant: what is shown is what would be written, byte for byte.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from opsconsole.render.first_configuration import service_lines
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip_line, fit, width_of
from opsconsole.render.ink.cuts import cut_name, cut_sentence
from opsconsole.render.yaml_text import flow, scalar

if TYPE_CHECKING:
    from opsconsole.config.offers import Offer

_HEAD: Final = "# Taken over in the console, of what ran then. To undo it, remove this file."
_NEW: Final = "# A first configuration, of what was taken over in the console."
_NAME: Final = 24
_WHERE: Final = 12
_LEAST: Final = 12


def row(offer: "Offer", width: int) -> Line:
    """``⊕ shop-web  docker  service web of Compose project shop    services: shop-web``."""
    server = offer.server
    would = f"services: {offer.name}" if server is None else f"{server.kind}: {server.url}"
    name, where = min(_NAME, width // 4), min(_WHERE, width // 8)
    room = max(12, width - name - where - 7)
    # The reason is whole before anything is said of what would be written.
    said = min(room, max(room * 3 // 5, width_of(offer.what.evidence)))
    left = room - said
    return clip_line(
        (
            Span(" ⊕ ", Role.ACCENT),
            Span(fit(cut_name(offer.name, name), name), Role.STRONG),
            Span(f" {fit(cut_name(offer.where, where), where)} ", Role.MUTED),
            Span(fit(cut_sentence(offer.what.evidence, said), said)),
            Span(f"  {cut_sentence(would, left)}" if left >= _LEAST else "", Role.MUTED),
        ),
        width,
    )


def written(offer: "Offer", *, first: bool) -> tuple[str, ...]:
    """The lines of its file. ``first``: there is no configuration yet."""
    lines = [_NEW if first else _HEAD]
    if first:
        begins = offer.begins.items()
        lines += [f"{key}: {flow(value)}  # as without a configuration" for key, value in begins]
    if offer.service is not None:
        containers = {each.name: each for each in offer.containers}
        made = service_lines(offer.service, containers, engine=offer.several)
        lines += ["services:", *made]
    if offer.server is not None:
        server = offer.server
        named = f"name: {scalar(offer.called)}, " if offer.called else ""
        lines.append(f"{server.kind}: {{{named}url: {scalar(server.url)}}}  # {server.evidence}")
    return tuple(lines)


def difference(offer: "Offer", file: str, *, first: bool) -> list[Line]:
    """What taking it over would add, as a difference, with the file that it would be in."""
    lines: list[Line] = [(Span(f" {offer.what.evidence}, at {offer.where}"),), BLANK]
    if offer.blocked:
        lines += [(Span(f" {offer.blocked}", Role.DEGRADED),), BLANK]
    else:
        lines += [(Span(f" {file} would be made, and nothing else changed:", Role.MUTED),), BLANK]
    lines += [(Span(f" + {each}", Role.OK),) for each in written(offer, first=first)]
    return lines


def nothing(looked: bool) -> Sequence[Line]:
    """What an empty tray says."""
    said = "all that was found is watched" if looked else "looking at what runs here …"
    return [BLANK, (Span(f"  {said}", Role.MUTED),)]
