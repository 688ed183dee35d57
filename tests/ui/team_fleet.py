"""A fleet that several people look at, with an incident."""

from dataclasses import replace

from opsconsole.model.events import Event, EventCode
from opsconsole.model.incidents import Incident, fold
from opsconsole.model.ledger_record import Record
from opsconsole.model.people import Present, PresentKind
from opsconsole.model.snapshot import Snapshot
from tests.ui.fleet import NOW, on_fire

PRESENT = (
    Present("kim", "bastion-1", "pts/1", NOW - 900, "", own=True),
    Present("ana", "bastion-2", "pts/4", NOW - 600, "ai-service"),
    Present("ana", "laptop", "pts/0", NOW - 60),
    Present("wall", "bastion-1", "tty1", NOW - 86_400, kind=PresentKind.WALL),
)


def said(do: str, ago: float, who: str, host: str = "bastion-2", **more: object) -> Record:
    """A record of an incident, so many seconds ago."""
    return {"do": do, "at": NOW - ago, "who": who, "host": host, **more}


def incident(number: int = 14, *more: Record, title: str = "checkout slow") -> Incident:
    """One that kim opened twelve minutes ago and ana has joined."""
    opened = said(
        "open", 720, "kim", "bastion-1", title=title, severity="critical",
        services=["ai-service", "elasticsearch"],
    )  # fmt: skip
    joined = said("join", 600, "ana", text="talks to customers")
    status = said("status", 300, "kim", "bastion-1", text="rolling ai-service back")
    folded = fold(number, [opened, joined, status, *more])
    assert folded is not None
    return folded


CLOSED = incident(13, said("end", 200, "ana", text="p95 is well"), title="mail late")


def together(snapshot: Snapshot | None = None) -> Snapshot:
    """``snapshot``, else the fleet on fire, with two people and their incidents."""
    before = snapshot or on_fire()
    note = Event(NOW - 240, EventCode.NOTE, "ana: ! keep the old image", "ai-service", name="!")
    return replace(
        before,
        incidents=(incident(), CLOSED),
        present=PRESENT,
        events=(*before.events, note),
    )
