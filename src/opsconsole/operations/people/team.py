"""What people share in one state: incidents, hand-overs, and who is here.

Invariant: each request is decided on all that was recorded so far, and nobody records in between.
Nothing in the world is changed by it, so that a read-only console may do it; where the state cannot
be written it is refused. Nothing is made where there is no state and nothing is asked for.
"""

import contextlib
import secrets
from collections.abc import Iterable
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.handover import Handover, fold_handover
from opsconsole.model.incidents import Incident, IncidentRequest, IncidentVerb, fold
from opsconsole.model.operation import Refusal
from opsconsole.model.people import Person, Present, PresentKind
from opsconsole.operations.journal.folded_ledgers import FoldedLedgers
from opsconsole.operations.journal.journal import LedgerExistsError
from opsconsole.operations.journal.records import LedgerKind, Scope
from opsconsole.operations.people.incidents import deciding, not_there, opening
from opsconsole.operations.presence import Presence
from opsconsole.operations.state_place import LateJournal, StatePlace
from opsconsole.operations.who import whoami

CLOSED_SHOWN: Final = 20
"""Incidents that were closed which are shown, the last ones."""

_LAST: Final = 10**9 - 1
_TRIES: Final = 100

_APART: Final = 1000
"""How far a number is beyond the one before it that was not given by counting."""

_LATEST: Final = 5
"""Hand-overs that are read: of those that moved last, one was taken last."""


class TeamBook:
    """The people's side of one state; its journal is opened when it is first needed.

    ``since`` is when this console was opened, ``kind`` what it is. Raises StateError throughout.
    """

    def __init__(
        self,
        state: StatePlace,
        scope: Scope | None = None,
        *,
        kind: PresentKind = PresentKind.CONSOLE,
        since: float = 0.0,
    ) -> None:
        self._journal = LateJournal(state, scope)
        self._presence: Presence = state.presence()
        self._kind, self._since = kind, since
        self._incidents = FoldedLedgers(LedgerKind.INCIDENT, lambda id_, all_: fold(int(id_), all_))
        self._handovers = FoldedLedgers(LedgerKind.HANDOVER, fold_handover)
        self._who: Person | None = None
        self._tty = ""

    @property
    def person(self) -> Person:
        """Who runs this process."""
        if self._who is None:
            who = whoami()
            self._who, self._tty = Person(who.name, who.host), who.tty
        return self._who

    # ---- incidents ----

    def incidents(self, closed: int = CLOSED_SHOWN) -> tuple[Incident, ...]:
        """Those that are open and the last that were ``closed``, the newest first."""
        if not self._journal.is_there():
            return ()
        found = self._incidents.read(self._journal.open())
        ordered = sorted(found, key=lambda each: -each.number)
        shut = [each for each in ordered if not each.open][:closed]
        return tuple(each for each in ordered if each.open or each in shut)

    def incident(self, number: int) -> Incident | None:
        """One incident, however old."""
        if not self._journal.is_there() or not 0 < number <= _LAST:
            return None
        return fold(number, self._journal.open().ledger(LedgerKind.INCIDENT, str(number)))

    def do(self, request: IncidentRequest, at: float) -> Incident | Refusal:
        """Carry out a request of the user who runs this process."""
        if request.verb is IncidentVerb.OPEN:
            return self._opened(request, at)
        known = self.incident(request.number)
        if known is None:
            return not_there(request.number)
        journal, id_ = self._journal.open(), str(request.number)
        decide = deciding(request, self.person, at)
        answer = journal.extend_ledger(LedgerKind.INCIDENT, id_, decide, at)
        if isinstance(answer, Refusal):
            return answer
        return self.incident(request.number) or not_there(request.number)

    def _opened(self, request: IncidentRequest, at: float) -> Incident | Refusal:
        journal = self._journal.open()
        first_free = _first_free(int(each.id) for each in journal.ledgers(LedgerKind.INCIDENT))
        for number in range(first_free, first_free + _TRIES):
            first = opening(number, request, self.person, at)
            if isinstance(first, Refusal):
                return first
            try:
                journal.begin_ledger(LedgerKind.INCIDENT, str(number), first, at)
            except LedgerExistsError:
                continue  # somebody else has just opened one
            opened = fold(number, [first])
            assert opened is not None, "the first record opens an incident"
            return opened
        raise StateError("no number was free for an incident", remedy="try again")

    # ---- hand-overs ----

    def handover(self) -> Handover | None:
        """The last one that was taken."""
        if not self._journal.is_there():
            return None
        found = self._handovers.read(self._journal.open(), _LATEST)
        return max(found, key=lambda each: (each.at, each.id), default=None)

    def take(self, open_things: int, at: float) -> Handover:
        """Record that the user who runs this process takes over what is open."""
        journal, person = self._journal.open(), self.person
        id_ = f"{int(at)}-{secrets.token_hex(4)}"
        signed = {"at": at, "who": person.who, "host": person.host}
        journal.begin_ledger(
            LedgerKind.HANDOVER, id_, {"do": "take", **signed, "open": open_things}, at
        )
        end = {"do": "end", **signed}
        journal.extend_ledger(LedgerKind.HANDOVER, id_, lambda _: [end], at)
        return Handover(id_, at, person, open_things)

    # ---- who is here ----

    def present(self, service: str) -> tuple[Present, ...]:
        """Show that this console looks at ``service``, and return every console that is open.

        Where nothing may be written, this one is not shown, and the others are seen.
        """
        person = self.person
        here = Present(person.who, person.host, self._tty, self._since, service, self._kind)
        with contextlib.suppress(StateError):
            self._presence.show(here)
        return self._presence.all()

    def here(self) -> tuple[Present, ...]:
        """Every console that is open; this process is not shown to them."""
        return self._presence.all()

    def close(self) -> None:
        """Leave, and release the journal; idempotent."""
        with contextlib.suppress(StateError):
            self._presence.leave()
        self._journal.close()


def _first_free(numbers: Iterable[int]) -> int:
    """The number after those that were counted; one that somebody made up does not end them."""
    last = 0
    for number in sorted(numbers):
        if last and number > last + _APART:
            break
        last = number
    return last + 1 if last < _LAST - _TRIES else 1
