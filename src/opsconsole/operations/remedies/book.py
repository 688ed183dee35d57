"""The episodes of remedies and the switch of automation, shared by every console of a state.

Invariant: each record is decided on all that was recorded before it, and nobody records in between:
of a person who stops an episode and a watcher that begins its act, one is first and holds. The
switch is one for all configurations of a state, so that anybody's hand stops all of it. Nothing is
made where there is no state and nothing is recorded.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from opsconsole.errors import StateError
from opsconsole.model.ledger_record import Record
from opsconsole.model.operation import Refusal
from opsconsole.model.remedies import switch
from opsconsole.model.remedies.episodes import Episode, applied, fold
from opsconsole.model.remedies.switch import ON, SWITCH, Switch, kept_in
from opsconsole.operations.journal.folded_ledgers import FoldedLedgers
from opsconsole.operations.journal.journal import Journal, LedgerExistsError
from opsconsole.operations.journal.records import LedgerKind, LedgerStamp, Scope
from opsconsole.operations.state_place import LateJournal, StatePlace
from opsconsole.operations.who import whoami
from opsconsole.text import sanitize

REASON: Final = 400

NO_SUCH: Final = Refusal("no-such-episode", "there is no such episode", "look at the list again")
BEGUN: Final = Refusal(
    "already-begun", "it has begun already", "look at the operations; some can be given up"
)
NO_REASON: Final = Refusal(
    "reason-missing", "a breaker is closed with a reason", "say what was done about the cause"
)

Decide = Callable[[Episode], Sequence[Record] | Refusal]


class RemedyBook:
    """One per process; its journals are opened when they are first needed.

    Raises StateError throughout.
    """

    def __init__(self, state: StatePlace, scope: Scope | None) -> None:
        self._journal = LateJournal(state, scope)
        self._of_all = LateJournal(state, None)
        self._episodes = FoldedLedgers(LedgerKind.REMEDY, fold)
        self._switch: tuple[tuple[LedgerStamp, ...], Switch] = (), ON

    def switch(self) -> Switch:
        """The switch as it stands."""
        if not self._of_all.is_there():
            return ON
        journal = self._of_all.open()
        stamps = journal.ledgers(LedgerKind.AUTOMATION)
        if stamps != self._switch[0]:
            self._switch = stamps, _switch_in(journal)
        return self._switch[1]

    def episodes(self) -> tuple[Episode, ...]:
        """The episodes that moved last, the latest first."""
        if not self._journal.is_there():
            return ()
        found = self._episodes.read(self._journal.open())
        return tuple(sorted(found, key=lambda each: (-each.at, each.id)))

    # ---- by people ----

    def switch_to(self, on: bool, reason: str, at: float) -> Switch:
        """Switch all automation on or off, as the user who runs this process."""
        return self._add_to_switch({"do": "on" if on else "off", **_signed(reason, at)}, at)

    def close_breaker(self, rule: str, reason: str, at: float) -> Switch | Refusal:
        """Let a rule act again before its breaker has rested."""
        if not reason.strip():
            return NO_REASON
        return self._add_to_switch({"do": "close", "rule": rule, **_signed(reason, at)}, at)

    def plan_opened(self, service: str, at: float) -> Switch:
        """Record that the user who runs this process looks at a plan of a change to ``service``."""
        return self._add_to_switch({"do": "plan", "service": service, **_signed("", at)}, at)

    def stop(self, episode: str, reason: str, at: float) -> Episode | Refusal:
        """Keep an episode from acting; refused once its act has been begun."""

        def decide(stood: Episode) -> Sequence[Record] | Refusal:
            if stood.acted_at is not None:
                return BEGUN
            if not stood.open or stood.stopped is not None:
                return ()
            return [{"do": "stop", **_signed(reason, at)}]

        return self.add(episode, decide, at)

    # ---- by the process that watches ----

    def begin(self, first: Record, at: float) -> Episode:
        """Begin an episode."""
        who, id_ = whoami(), f"{int(at)}-{secrets.token_hex(4)}"
        record = {**first, "do": "begin", "at": at, "who": who.name, "host": who.host}
        begun = fold(id_, [record])
        assert begun is not None, "the first record begins an episode"
        self._journal.open().begin_ledger(LedgerKind.REMEDY, id_, record, at)
        return begun

    def add(self, episode: str, decide: Decide, at: float) -> Episode | Refusal:
        """Add what ``decide`` makes of an episode as it stands. Returns the episode after it."""
        stood: list[Episode] = []

        def on_records(records: Sequence[Record]) -> Sequence[Record] | Refusal:
            found = fold(episode, records)
            if found is None:
                return NO_SUCH
            stood.append(found)
            return decide(found)

        if not self._journal.is_there():
            return NO_SUCH
        journal = self._journal.open()
        try:
            added = journal.extend_ledger(LedgerKind.REMEDY, episode, on_records, at)
        except StateError:
            if not stood:
                return NO_SUCH
            raise
        if isinstance(added, Refusal):
            return added
        after = stood[-1]
        for record in added:
            after = applied(after, record)
        return after

    def storm(self, begins: bool, at: float) -> Switch:
        """Record that a storm was seen to begin, or to be over."""
        return self._add_to_switch({"do": "storm" if begins else "calm", "at": at}, at)

    def close(self) -> None:
        """Release the journals; idempotent."""
        self._journal.close()
        self._of_all.close()

    def _add_to_switch(self, record: Record, at: float) -> Switch:
        journal = self._of_all.open()
        try:
            journal.begin_ledger(LedgerKind.AUTOMATION, SWITCH, record, at)
        except LedgerExistsError:
            journal.extend_ledger(
                LedgerKind.AUTOMATION, SWITCH, lambda all_: [*kept_in(all_), record], at
            )
        return self.switch()


def _switch_in(journal: Journal) -> Switch:
    return switch.fold(journal.ledger(LedgerKind.AUTOMATION, SWITCH))


def _signed(reason: str, at: float) -> dict[str, object]:
    who = whoami()
    said = sanitize(reason, limit=REASON).strip()
    return {"at": at, "who": who.name, "host": who.host, "reason": said}
