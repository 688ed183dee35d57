"""Which verdicts a user has seen: nothing told twice, nothing lost, nothing written when closed."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.seen_verdicts import catch_up
from opsconsole.operations.who import Who
from tests.operations.journal.memory_journal import MemoryJournal, MemoryStore

KIM = Who("kim", 1000, 1000, 7, "bastion-1", "pts/3", 4711)
ANN = replace(KIM, name="ann", uid=1001, login_uid=1001)


def operation(number: int, ended: float | None, who: str = "kim", **more: object) -> Operation:
    state = OperationState.DISPATCHED if ended is None else OperationState.VERIFIED
    made = Operation(
        f"op-{number}", f"p-{number}", "api", ActionKind.RESTART, "", state, who, "bastion-1",
        90.0, 95.0, ended_at=ended,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture
def journal() -> Journal:
    return MemoryJournal(MemoryStore())


def told(
    journal: Journal, operations: list[Operation], who: Who = KIM, now: float = 100.0
) -> list[str]:
    return [each.id for each in catch_up(journal, who, operations, now, read_only=False)]


def test_the_first_console_ever_missed_nothing(journal: Journal) -> None:
    assert told(journal, [operation(1, 99.0)]) == []
    assert told(journal, [operation(1, 99.0)]) == []


def test_what_ended_meanwhile_is_told_once_oldest_first(journal: Journal) -> None:
    told(journal, [])
    ended = [operation(2, 130.0), operation(1, 120.0), operation(3, None)]
    assert told(journal, ended) == ["op-1", "op-2"]
    assert told(journal, ended) == []
    assert told(journal, [operation(3, 140.0), *ended]) == ["op-3"]


def test_others_and_what_was_refused_are_no_news(journal: Journal) -> None:
    told(journal, [])
    refused = operation(1, 120.0, state=OperationState.REFUSED)
    assert told(journal, [refused, operation(2, 120.0, who="ann")]) == []
    told(journal, [], ANN)
    assert told(journal, [operation(2, 120.0, who="ann")], ANN) == ["op-2"]


def test_in_read_only_it_is_told_and_nothing_is_written(journal: Journal) -> None:
    assert catch_up(journal, KIM, [], 100.0, read_only=True) == ()
    assert journal.seen_until("1000") is None
    told(journal, [])
    missed = catch_up(journal, KIM, [operation(1, 120.0)], 130.0, read_only=True)
    assert [each.id for each in missed] == ["op-1"]
    assert journal.seen_until("1000") == 100.0
