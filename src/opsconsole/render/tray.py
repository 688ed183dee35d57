"""What was found and is not watched: what it is, where, why it is thought so, and what to write.

Invariant: what is shown is what would be written, byte for byte.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.config.effective import FoundService
from opsconsole.inspection.offers import Offer
from opsconsole.inspection.servers_around import ServerAround
from opsconsole.render.first_configuration import service_lines
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip_line, fit
from opsconsole.render.ink.cuts import cut_name, cut_sentence
from opsconsole.render.yaml_text import scalar

_HEAD: Final = "# Taken over in the console, of what ran then. To undo it, remove this file."
_NEW: Final = "# A first configuration, of what was taken over in the console."
_EVERYTHING: Final = "discover: {docker: true}  # as without a configuration"
_NAME: Final = 24
_WHERE: Final = 12


def name_of(offer: Offer) -> str:
    """What it would be called."""
    match offer.what:
        case FoundService(name=name):
            return name
        case ServerAround(kind=kind):
            return str(kind)


def evidence_of(offer: Offer) -> str:
    """Why it is thought to be that."""
    return offer.what.evidence


def row(offer: Offer, width: int) -> Line:
    """``⊕ shop-web  docker  service web of Compose project shop    services: shop-web``."""
    match offer.what:
        case FoundService():
            would = f"services: {name_of(offer)}"
        case ServerAround(kind=kind, url=url):
            would = f"{kind}: {url}"
    room = max(12, width - _NAME - _WHERE - 8)
    said = max(12, room * 3 // 5)
    return clip_line(
        (
            Span(" ⊕ ", Role.ACCENT),
            Span(fit(cut_name(name_of(offer), _NAME), _NAME), Role.STRONG),
            Span(f" {fit(cut_name(offer.where, _WHERE), _WHERE)} ", Role.MUTED),
            Span(fit(cut_sentence(evidence_of(offer), said), said)),
            Span(f"  {cut_name(would, room - said)}", Role.MUTED),
        ),
        width,
    )


def written(offer: Offer, *, first: bool) -> tuple[str, ...]:
    """The lines of its file. ``first``: there is no configuration yet."""
    head = (_NEW, _EVERYTHING) if first else (_HEAD,)
    match offer.what:
        case FoundService() as found:
            containers = {each.name: each for each in offer.containers}
            return (*head, "services:", *service_lines(found, containers, engine=offer.several))
        case ServerAround(kind=kind, url=url, evidence=evidence):
            return (*head, f"{kind}: {{url: {scalar(url)}}}  # {evidence}")


def difference(offer: Offer, file: str, *, first: bool) -> list[Line]:
    """What taking it over would add, as a difference, with the file that it would be in."""
    lines: list[Line] = [(Span(f" {evidence_of(offer)}, at {offer.where}"),), BLANK]
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
