"""Announced work on services: their alerts wake nobody meanwhile, and nothing is done by itself.

Invariant: a maintenance has an end, and ends by itself. What is said of one is bounded and safe to
show; a record out of turn is ignored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.ledger_record import SAID, Record, moment_in, text_in, texts_in

LONGEST: Final = 14 * 86400.0
"""Seconds that one may last."""

SERVICES: Final = 200


@dataclass(frozen=True, slots=True)
class Maintenance:
    """One span of work on ``services``, () for all. Times are Unix seconds.

    ``who`` is '' of one that the configuration has each week. ``ended_by`` ended it early.
    """

    id: str
    services: tuple[str, ...]
    starts_at: float
    ends_at: float
    reason: str = ""
    who: str = ""
    host: str = ""
    ended_by: str = ""

    def is_on(self, now: float) -> bool:
        """Whether it is going on."""
        return self.starts_at <= now < self.ends_at

    def covers(self, service: str) -> bool:
        """Whether ``service`` is worked on in it."""
        return not self.services or service in self.services

    @property
    def scheduled(self) -> bool:
        """Whether the configuration has it."""
        return not self.who


def maintained(maintenances: Iterable[Maintenance], service: str, now: float) -> Maintenance | None:
    """The one that ``service`` is in now; of several the one that ends last."""
    found = (each for each in maintenances if each.is_on(now) and each.covers(service))
    return max(found, key=lambda each: each.ends_at, default=None)


def fold(identity: str, records: Sequence[Record]) -> Maintenance | None:
    """What the records add up to; None if the first one does not begin a maintenance."""
    found = _begun(identity, records[0]) if records else None
    if found is None:
        return None
    for record in records[1:]:
        at = moment_in(record)
        if record.get("do") == "end" and at is not None and at < found.ends_at:
            by = text_in(record, "who")
            found = replace(found, ends_at=max(at, found.starts_at), ended_by=by)
    return found


def _begun(identity: str, record: Record) -> Maintenance | None:
    starts, ends = moment_in(record), moment_in(record, "ends_at")
    who = text_in(record, "who")
    if record.get("do") != "begin" or starts is None or ends is None or not who:
        return None
    services = texts_in(record, "services", SERVICES)
    if not services and record.get("services") != []:
        return None
    return Maintenance(
        id=identity,
        services=services,
        starts_at=starts,
        ends_at=min(max(starts, ends), starts + LONGEST),
        reason=text_in(record, "reason", SAID),
        who=who,
        host=text_in(record, "host"),
    )
