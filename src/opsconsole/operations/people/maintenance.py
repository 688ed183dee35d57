"""Announced work on services, begun and ended by people or by the hours of the configuration.

Invariant: it is the same for every configuration of a state, as locks are, and changes nothing in
the world: a read-only console may begin one. Nothing is made where there is no state and nothing is
begun.
"""

import secrets
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from opsconsole.config.settings import Settings
from opsconsole.model.ledger_record import Record
from opsconsole.model.maintenance import LONGEST, SERVICES, Maintenance, fold
from opsconsole.model.operation import Refusal
from opsconsole.model.written.hours import parse_hours
from opsconsole.operations.journal.folded_ledgers import FoldedLedgers
from opsconsole.operations.journal.records import LedgerKind
from opsconsole.operations.state_place import LateJournal, StatePlace
from opsconsole.operations.who import whoami
from opsconsole.text import sanitize
from opsconsole.zones import zone_of

REASON: Final = 400
KEPT: Final = 86400.0
"""Seconds for which one that is over is listed."""

_NO_SUCH: Final = Refusal(
    "no-such-maintenance",
    "no such maintenance is going on",
    "opsconsole maintenance list names them",
)
_NO_REASON: Final = Refusal(
    "reason-missing", "a maintenance has a reason", "say in a few words what is done"
)


def scheduled(settings: Settings, now: float) -> tuple[Maintenance, ...]:
    """What the hours of ``settings`` say is going on."""
    found = []
    for index, each in enumerate(settings.maintenance):
        for hours in each.hours:
            span = parse_hours(hours).span_of(now, zone_of(each.zone))
            if span is not None:
                id_ = f"hours-{index + 1}"
                found.append(Maintenance(id_, each.services, *span, reason=each.reason))
    return tuple(found)


def _nothing_to_end(what: str, known: Iterable[Maintenance], at: float) -> Refusal:
    """Work on ``what`` that is on others as well is ended by its id, as it ends for all of them."""
    wider = [each.id for each in known if each.is_on(at) and what in each.services]
    if not wider:
        return _NO_SUCH
    return Refusal(
        "not-alone",
        f"what is done on {sanitize(what)} is done on others as well, and ends for all of them",
        f"end it by its id: {', '.join(wider)}",
    )


def _folded(identity: str, records: Sequence[Record]) -> tuple[Maintenance, bool] | None:
    """A maintenance, and whether its end is recorded."""
    found = fold(identity, records)
    return None if found is None else (found, _is_closed(records))


def _is_closed(records: Sequence[Record]) -> bool:
    return any(each.get("do") == "end" for each in records)


def _once(end: Record, records: Sequence[Record]) -> Sequence[Record]:
    return () if _is_closed(records) else (end,)


class MaintenanceBook:
    """One per process; its journal is opened when it is first needed. Raises StateError."""

    def __init__(self, state: StatePlace) -> None:
        self._journal = LateJournal(state, None)
        self._known = FoldedLedgers(LedgerKind.MAINTENANCE, _folded)

    def all(self, now: float) -> tuple[Maintenance, ...]:
        """Those that go on, and those that ended within a day, the latest first."""
        if not self._journal.is_there():
            return ()
        found = self._known.read(self._journal.open())
        kept = (each for each, _ in found if now - each.ends_at < KEPT)
        return tuple(sorted(kept, key=lambda each: (-each.starts_at, each.id)))

    def start(
        self, services: Iterable[str], lasts: float, reason: str, at: float
    ) -> Maintenance | Refusal:
        """Begin one, as the user who runs this process, for ``lasts`` seconds."""
        said = sanitize(reason, limit=REASON).strip()
        if not said:
            return _NO_REASON
        if not 0 < lasts <= LONGEST:
            days = f"{LONGEST / 86400:.0f} days"
            return Refusal("bad-duration", f"it lasts more than nothing and at most {days}")
        who, id_ = whoami(), f"{int(at)}-{secrets.token_hex(4)}"
        record = {
            "do": "begin", "at": at, "ends_at": at + lasts, "reason": said,
            "services": list(dict.fromkeys(services))[:SERVICES], "who": who.name,
            "host": who.host,
        }  # fmt: skip
        begun = fold(id_, [record])
        assert begun is not None, "the first record begins a maintenance"
        journal = self._journal.open()
        journal.begin_ledger(LedgerKind.MAINTENANCE, id_, record, at)
        for each, is_closed in self._known.read(journal):
            if each.ends_at <= at and not is_closed:
                # What ended by itself says so, or it would count as going on in what is kept.
                end = {"do": "end", "at": at}
                journal.extend_ledger(LedgerKind.MAINTENANCE, each.id, partial(_once, end), at)
        return begun

    def end(self, what: str, at: float) -> tuple[Maintenance, ...] | Refusal:
        """End the one of that id, or all that are for the service ``what`` alone."""
        ending = [
            each
            for each in self.all(at)
            if each.is_on(at) and (each.id == what or each.services == (what,))
        ]
        if not ending:
            return _nothing_to_end(what, self.all(at), at)
        who = whoami()
        record = {"do": "end", "at": at, "who": who.name, "host": who.host}
        for each in ending:
            self._journal.open().extend_ledger(
                LedgerKind.MAINTENANCE, each.id, lambda _: [record], at
            )
        now_over = {each.id for each in ending}
        return tuple(each for each in self.all(at) if each.id in now_over) or _NO_SUCH

    def close(self) -> None:
        """Release the journal; idempotent."""
        self._journal.close()
