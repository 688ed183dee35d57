"""What every journal promises of ledgers: they grow by decisions, one at a time, within bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.operations.journal.journal import LedgerExistsError
from opsconsole.operations.journal.ledger_bounds import BOUNDS
from opsconsole.operations.journal.records import LedgerKind
from tests.operations.journal.conftest import Open

BEGIN = {"do": "begin", "at": 1.0}
RUN, STAMP = LedgerKind.RUNBOOK, "1-0000000a"
_NAMES: Mapping[LedgerKind, str] = {
    LedgerKind.INCIDENT: "1",
    LedgerKind.AUTOMATION: "automation",
    LedgerKind.NOTICE: "on-call",
}


def _bounded(monkeypatch: pytest.MonkeyPatch, **bounds: int) -> None:
    for kind, found in BOUNDS.items():
        monkeypatch.setitem(BOUNDS, kind, replace(found, **bounds))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", LedgerKind)
def test_a_ledger_grows_by_what_is_decided_on_it(open_journal: Open, kind: LedgerKind) -> None:
    journal, name = open_journal(), _NAMES.get(kind, STAMP)
    journal.begin_ledger(kind, name, BEGIN, 1.0)
    (stamp,) = journal.ledgers(kind)
    assert (stamp.kind, stamp.id) == (kind, name)

    def decide(records: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
        return [{"do": "start", "after": len(records)}]

    assert journal.extend_ledger(kind, name, decide, 2.0) == [{"do": "start", "after": 1}]
    assert journal.extend_ledger(kind, name, lambda _: (), 3.0) == ()
    no = Refusal("running", "somebody is at it")
    assert journal.extend_ledger(kind, name, lambda _: no, 3.0) is no
    assert open_journal().ledger(kind, name) == (BEGIN, {"do": "start", "after": 1})
    assert journal.ledgers(kind) != (stamp,)
    with pytest.raises(LedgerExistsError, match="already"):
        journal.begin_ledger(kind, name, BEGIN, 4.0)
    assert len(journal.ledger(kind, name)) == 2
    for other in set(LedgerKind) - {kind}:
        assert (journal.ledgers(other), journal.ledger(other, name)) == ((), ())


def test_what_was_not_begun_does_not_grow(open_journal: Open) -> None:
    journal = open_journal()
    assert journal.ledger(RUN, STAMP) == ()
    with pytest.raises(StateError, match="there is no run of a runbook"):
        journal.extend_ledger(RUN, STAMP, lambda _: [BEGIN], 3.0)
    assert journal.ledgers(RUN) == ()


def test_a_ledger_that_moved_last_comes_first(open_journal: Open) -> None:
    journal = open_journal()
    for number in range(3):
        journal.begin_ledger(RUN, f"{number}-0000000a", BEGIN, float(number))
    journal.extend_ledger(RUN, "0-0000000a", lambda _: [{"do": "start"}], 4.0)
    assert [each.id[0] for each in journal.ledgers(RUN)] == ["0", "2", "1"]


def test_a_ledger_that_is_full_takes_no_more(
    open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bounded(monkeypatch, size=300)
    journal = open_journal()
    journal.begin_ledger(RUN, STAMP, BEGIN, 1.0)
    answer = journal.extend_ledger(RUN, STAMP, lambda _: [{"said": "x" * 300}], 2.0)
    assert isinstance(answer, Refusal)
    assert answer.code == "ledger-full"
    assert journal.ledger(RUN, STAMP) == (BEGIN,)


def test_one_that_never_ends_lets_its_oldest_records_go(
    open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bounded(monkeypatch, size=100)
    journal, kind = open_journal(), LedgerKind.NOTICE
    journal.begin_ledger(kind, "on-call", BEGIN, 1.0)
    for number in range(20):
        before = journal.ledgers(kind)
        added = [{"sent": f"number {number:04}"}]
        assert journal.extend_ledger(kind, "on-call", lambda _, added=added: added, 2.0) == added  # type: ignore[misc]
        assert journal.ledgers(kind) != before
    kept = journal.ledger(kind, "on-call")
    assert [each["sent"] for each in kept] == [f"number {number:04}" for number in range(16, 20)]
    huge = journal.extend_ledger(kind, "on-call", lambda _: [{"sent": "x" * 100}], 3.0)
    assert isinstance(huge, Refusal)
    assert journal.ledger(kind, "on-call") == kept


def test_ledgers_that_go_on_are_kept_whatever_their_age(
    open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bounded(monkeypatch, kept=3)
    journal = open_journal()
    journal.begin_ledger(LedgerKind.INCIDENT, "1", BEGIN, 0.0)
    journal.extend_ledger(LedgerKind.INCIDENT, "1", lambda _: [{"do": "end"}], 0.0)
    for number in range(6):
        run = f"{number}-0000000a"
        journal.begin_ledger(RUN, run, BEGIN, float(number))
        if number != 1:
            journal.extend_ledger(RUN, run, lambda _: [{"do": "end"}], number + 0.5)
    assert [each.id[0] for each in journal.ledgers(RUN)] == ["5", "4", "3", "1"]
    assert len(journal.ledgers(LedgerKind.INCIDENT)) == 1, "each kind has its own bound"
