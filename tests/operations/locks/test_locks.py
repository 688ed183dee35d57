"""What all locks promise: one holder at a time, who it is, and free when it lets go."""

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind
from opsconsole.operations.locks.file_locks import FileLocks
from opsconsole.operations.locks.locks import Holder, LockKind, LockName, Locks
from opsconsole.operations.state_folder import prepare
from tests.operations.locks.memory_locks import MemoryLocks
from tests.operations.locks.postgresql import locks_at

RUNNER = LockName(LockKind.RUNNER, "0123456789abcdef")


@pytest.fixture(params=["files", "memory", pytest.param("postgresql", marks=pytest.mark.servers)])
def locks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Locks]:
    """Locks that nobody holds."""
    match request.param:
        case "memory":
            yield MemoryLocks()
        case "files":
            yield FileLocks(prepare(tmp_path / "state", shared=False))
        case _:
            there = locks_at(request.getfixturevalue("postgresql_database"))
            yield there
            there.close()


def holder(who: str, service: str = "web") -> Holder:
    """Somebody at a restart."""
    return Holder("0123456789abcdef", "restart", service, who, None, "here", "pts/1", 100.0)


def test_one_has_it_until_it_lets_go(locks: Locks) -> None:
    assert not locks.is_held(RUNNER)
    held = locks.take(RUNNER)
    assert held is not None
    assert locks.is_held(RUNNER)
    assert locks.take(RUNNER) is None
    held.release()
    held.release()
    assert not locks.is_held(RUNNER)
    again = locks.take(RUNNER)
    assert again is not None
    again.release()


def test_what_is_held_may_be_begun_under(locks: Locks) -> None:
    held = locks.take(RUNNER)
    assert held is not None
    assert held.may_begin()
    held.release()


def test_each_name_is_a_lock_of_its_own(locks: Locks) -> None:
    names = [LockName(kind, each) for kind in LockKind for each in ("a", "b")]
    held = [locks.take(name) for name in names]
    assert None not in held
    for each in held:
        assert each is not None
        each.release()


def test_who_waits_gets_it_when_it_is_free(locks: Locks) -> None:
    held = locks.take(RUNNER)
    assert held is not None
    got = threading.Event()

    def wait() -> None:
        mine = locks.take(RUNNER, patience=20.0)
        if mine is not None:
            got.set()
            mine.release()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not got.is_set()
    held.release()
    waiting.join(20)
    assert got.is_set()


def test_who_holds_a_service_is_known_while_they_do(locks: Locks) -> None:
    assert locks.holder("web") is None
    held = locks.take_service(holder("ann"))
    assert held is not None
    assert locks.holder("web") == holder("ann")
    assert locks.take_service(holder("bob")) is None
    assert locks.holder("web") == holder("ann")
    assert locks.holder("db") is None
    held.release()
    assert locks.holder("web") is None
    again = locks.take_service(holder("bob"))
    assert again is not None
    assert locks.holder("web") == holder("bob")
    again.release()


def test_who_is_at_a_part_of_a_service_leaves_the_rest_free(locks: Locks) -> None:
    part = replace(holder("ann"), subject="web.1")
    held = locks.take_service(part)
    assert held is not None
    assert locks.holder("web.1") == part
    assert locks.holder("web") is None
    assert locks.take_service(part) is None
    other = locks.take_service(replace(holder("bob"), subject="web.2"))
    assert other is not None
    for each in (held, other):
        each.release()


def test_a_forgotten_lock_can_be_taken_anew(locks: Locks) -> None:
    locks.forget(RUNNER)
    held = locks.take(RUNNER)
    assert held is not None
    held.release()
    locks.forget(RUNNER)
    assert not locks.is_held(RUNNER)


def test_a_name_that_leads_elsewhere_is_no_name(locks: Locks) -> None:
    for name in ("", ".", "../x", "a/b", "/etc/x", "a\n", "a\0b", "x" * 64, ".x"):
        for kind in LockKind:
            with pytest.raises(StateError, match="cannot be the name"):
                LockName(kind, name)
        with pytest.raises(StateError, match="cannot be the name"):
            locks.take_service(holder("ann", name))
        with pytest.raises(StateError, match="cannot be the name"):
            locks.holder(name)


def test_a_sentence_says_who_from_where_what_and_since_when() -> None:
    said = holder("ann").sentence(now=172.0)
    assert said == "ann@here (pts/1) is restarting web (01:12)"
    assert holder("ann").sentence(now=time.time() * 0).endswith("(00:00)")


@pytest.mark.parametrize("kind", [*ActionKind, "an operation", "of another version"])
def test_what_somebody_does_is_told_as_something_that_goes_on(kind: str) -> None:
    holder = Holder("1", kind, "web", "ann", None, "here", "", 0.0)
    said = holder.sentence(1.0)
    assert re.fullmatch(r"ann@here is \w+ing [a-z ]*web \(00:01\)", said), said
