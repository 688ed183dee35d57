"""What lasts is listed with who began it, until it is settled."""

from dataclasses import replace

from opsconsole.model.operation import ActionKind
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.promises.degradations import lasting
from opsconsole.operations.promises.due import due_in
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore
from tests.operations.journal.samples import intent, op


def test_every_degradation_that_is_not_settled() -> None:
    journal = MemoryJournal(MemoryStore())
    for name, service in (("one", "web"), ("two", "shop"), ("three", "mail")):
        journal.submit(intent(name, ActionKind.DEGRADE, service), 1.0)
    end = due_in(Promise(op("one"), PromiseKind.END, "web", 0.0, attempts=2), 100.0)
    journal.arm(end, 2.0)
    journal.arm(replace(end, operation=op("two"), service="shop"), 3.0)
    journal.settle(op("two"), PromiseKind.END, "recovered", 4.0)
    journal.arm(Promise(op("three"), PromiseKind.ROLLBACK, "mail", 9.0), 5.0)
    (found,) = lasting(journal)
    assert (found.operation, found.service, found.ends_at) == (op("one"), "web", end.due)
    assert (found.who, found.host, found.reason) == ("kim", "bastion-1", "why")
    assert found.attempts == 2


def test_one_whose_beginning_is_gone_is_listed_all_the_same() -> None:
    store = MemoryStore()
    end = due_in(Promise(op("one"), PromiseKind.END, "web", 0.0), 100.0)
    store.promises[end.operation, end.kind] = end
    (found,) = lasting(MemoryJournal(store))
    assert (found.who, found.host, found.reason) == ("somebody", "", "")
