"""Hand-overs: who took over what was open, and when.

Invariant: what its records add up to, for any records at all; a hand-over gives nobody any right.
"""

from collections.abc import Iterable

from opsconsole.dataclass import dataclass
from opsconsole.model.ledger_record import Record, moment_in, text_in
from opsconsole.model.people import Person


@dataclass(frozen=True, slots=True)
class Handover:
    """What was open at ``at`` was taken by ``taker``; ``open_things`` is how much that was."""

    id: str
    at: float
    taker: Person
    open_things: int = 0


def fold_handover(id_: str, records: Iterable[Record]) -> Handover | None:
    """The hand-over that ``records`` add up to; None where there is none in them."""
    for record in records:
        at, who, count = moment_in(record), text_in(record, "who"), record.get("open")
        if record.get("do") == "take" and at is not None and who:
            things = count if isinstance(count, int) and not isinstance(count, bool) else 0
            return Handover(id_, at, Person(who, text_in(record, "host")), max(0, things))
    return None
