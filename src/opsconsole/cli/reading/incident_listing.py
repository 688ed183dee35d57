"""``opsconsole incident list`` and ``show``: what people declared.

Invariant: it changes nothing, and makes no state. A list, and JSON, are of the state alone; one
that is shown has the parts that its page has: an open one of one look, a closed one of what was
recorded. Exit 0, 64 for what is no number, 69 where there is no such incident.
"""

import json
import sys
from dataclasses import replace
from typing import Final

from opsconsole.cli.configuration import Configuration
from opsconsole.cli.engine import archive_of
from opsconsole.cli.known_state import team_book
from opsconsole.cli.parsing import as_text
from opsconsole.cli.reading.one_look import look_with_state
from opsconsole.cli.reading.timeline import merged, of_state
from opsconsole.clock import SystemClock
from opsconsole.errors import OpsconsoleError
from opsconsole.model.events import Event
from opsconsole.model.incidents import Incident
from opsconsole.model.snapshot import Snapshot
from opsconsole.render.ink.cells import plain
from opsconsole.render.json.team import incidents_document
from opsconsole.render.team import incidents as render
from opsconsole.text import sanitize

_WIDTH: Final = 100
_CLOSED: Final = 100


def incident_number(text: str | None) -> int | None:
    """``14`` and ``INC-14``; None where nothing was said. Raises OpsconsoleError."""
    if text is None:
        return None
    digits = text.upper().removeprefix("INC-")
    if digits.isascii() and digits.isdigit() and len(digits) < 10:
        return int(digits)
    said = sanitize(text, limit=40)
    raise OpsconsoleError(
        f"{said} is no number of an incident", remedy="opsconsole incident list names them"
    )


def one(configuration: Configuration, number: int) -> Incident:
    """The incident of that number. Raises OpsconsoleError where there is none."""
    book = team_book(configuration)
    try:
        found = book.incident(number)
    finally:
        book.close()
    if found is None:
        raise OpsconsoleError(
            f"there is no INC-{number}", remedy="opsconsole incident list names them"
        )
    return found


def run(configuration: Configuration, number: int | None, *, as_json: bool) -> int:
    """Print one of them, or all."""
    now = SystemClock().now()
    if number is not None:
        shown: tuple[Incident, ...] = (one(configuration, number),)
    else:
        book = team_book(configuration)
        try:
            shown = tuple(render.order(book.incidents(_CLOSED)))
        finally:
            book.close()
    if as_json:
        json.dump(incidents_document(shown), sys.stdout, indent=2, ensure_ascii=False)
        print()
    elif number is not None:
        incident, snapshot = shown[0], _around(configuration, shown[0], now)
        for line in (
            render.title(incident, _WIDTH, now),
            *render.page(incident, snapshot, _WIDTH, now),
        ):
            print(as_text(plain([line])))
    elif shown:
        for each in shown:
            print(as_text(plain([render.row(each, _WIDTH, now)]).strip()))
    else:
        print("no incident was opened")
    return 0


def _around(configuration: Configuration, incident: Incident, now: float) -> Snapshot:
    """How its services stand now, while it is open; and what happened to them."""
    seen = look_with_state(configuration) if incident.open else Snapshot(0, now)
    shared, lacks = of_state(configuration)
    archive = archive_of(configuration)
    kept: tuple[Event, ...] = ()
    if archive is not None:
        try:
            end = now if incident.closed_at is None else incident.closed_at
            kept = archive.events(incident.opened_at, end, "")
            lacks += [f"what other hosts recorded: {archive.lacks}"] if archive.lacks else []
        finally:
            archive.close()
    for lack in (*seen.notices, *lacks):
        print(f"opsconsole: {as_text(lack)}", file=sys.stderr)
    return replace(seen, events=tuple(merged(kept, (*shared, *seen.events))))
