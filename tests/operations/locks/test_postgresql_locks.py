"""Locks in PostgreSQL: they last while they are renewed, and nobody is kept out by the dead."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import psycopg
import pytest

from opsconsole.errors import StateError
from opsconsole.operations.locks.lease import Terms
from opsconsole.operations.locks.locks import Holder, LockKind, LockLostError, LockName
from opsconsole.operations.locks.postgresql_locks import HeldLease, PostgresqlLocks
from opsconsole.operations.postgresql.database import PostgresqlDatabase
from tests.operations.locks.postgresql import QUICK, locks_at
from tests.patience import until
from tests.servers.postgresql import Postgresql

WEB = LockName(LockKind.SERVICE, "web")
SLOW = Terms(renew_every=8.0, lasts=20.0, begins_within=9.0)
"""Terms under which nothing is renewed while a test runs."""

_HOLDS = """
import sys
from tests.operations.locks.postgresql import QUICK, locks_at
from tests.operations.locks.test_postgresql_locks import WEB
locks = locks_at(sys.argv[1], QUICK)
(held,) = locks.inherit(sys.argv[2:]) if sys.argv[2:] else (locks.take(WEB),)
while True:
    print("may begin" if held.may_begin() else "may not", flush=True)
    if not sys.stdin.readline():
        break
"""


@pytest.fixture
def opened(postgresql_database: str) -> Iterator["Opened"]:
    with ExitStack() as stack:
        yield Opened(postgresql_database, stack)


class Opened:
    """Locks of several consoles."""

    def __init__(self, place: str, stack: ExitStack) -> None:
        self.place, self._stack = place, stack

    def __call__(self, terms: Terms = QUICK, place: str = "") -> PostgresqlLocks:
        locks = locks_at(place or self.place, terms)
        self._stack.callback(locks.close)
        return locks

    def take(self, locks: PostgresqlLocks, name: LockName = WEB) -> HeldLease:
        held = locks.take(name)
        assert held is not None
        self._stack.callback(held.release)
        return held

    def process(self, *grants: str) -> "subprocess.Popen[str]":
        """Another process that holds the lock, by a grant or by itself."""
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLDS, self.place, *grants],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

        def end() -> None:
            process.kill()
            process.communicate()

        self._stack.callback(end)
        return process


def free(locks: PostgresqlLocks) -> HeldLease:
    """The lock, once it is nobody's."""
    held = until(lambda: locks.take(WEB))
    assert held is not None
    return held


def said(process: "subprocess.Popen[str]", *, asked: bool = True) -> str:
    """What it says of its lock."""
    assert process.stdin is not None
    assert process.stdout is not None
    if asked:
        process.stdin.write("?\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def is_reached(locks: PostgresqlLocks) -> bool:
    """Whether the server can be asked: one that was not reached is left alone for a while."""
    try:
        locks.forget(LockName(LockKind.RUNNER, "nobodys"))
    except StateError:
        return False
    return True


def is_copied(place: str) -> bool:
    """Whether a standby has the lock that was taken at its primary."""
    try:
        return bool(rows(place))
    except psycopg.errors.UndefinedTable:
        return False


def rows(place: str) -> list[tuple[object, ...]]:
    """Each lock that there is."""
    with psycopg.connect(place) as connection:
        query = "SELECT kind, id, token FROM opsconsole.locks ORDER BY token"
        return list(connection.execute(query))


def test_it_lasts_as_long_as_it_is_renewed(opened: Opened) -> None:
    mine, other = opened(), opened()
    held = opened.take(mine)
    with psycopg.connect(opened.place, autocommit=True) as connection:
        query = "SELECT extract(epoch FROM ends_at) FROM opsconsole.locks"
        first = connection.execute(query).fetchone()
        assert first is not None

        def end() -> float:
            row = connection.execute(query).fetchone()
            assert row is not None
            return float(row[0])

        until(lambda: end() > float(first[0]) + 2 * QUICK.lasts, moves=end)
    assert held.may_begin()
    assert other.take(WEB) is None
    held.release()
    assert rows(opened.place) == []
    assert not held.may_begin()
    assert other.take(WEB) is not None


def test_who_is_suspended_may_begin_nothing_until_it_has_its_lock_again(opened: Opened) -> None:
    process, other = opened.process(), opened()
    assert said(process, asked=False) == "may begin"
    os.kill(process.pid, signal.SIGSTOP)
    held = free(other)
    os.kill(process.pid, signal.SIGCONT)
    assert said(process) == "may not"
    assert held.may_begin()
    held.release()
    assert said(process) == "may not", "what was another's meanwhile is not its own again"


def test_what_was_lost_takes_nothing_from_who_has_it_now(opened: Opened) -> None:
    mine, other = opened(SLOW), opened()
    held = opened.take(mine)
    with psycopg.connect(opened.place, autocommit=True) as connection:
        connection.execute("UPDATE opsconsole.locks SET ends_at = clock_timestamp()")
    theirs = opened.take(other)
    assert held.may_begin(), "it cannot know"
    held.renew(mine.line)
    assert not held.may_begin()
    held.release()
    assert other.is_held(WEB)
    assert theirs.may_begin()
    assert theirs.fence.token > held.fence.token


def test_what_ended_and_was_nobodys_meanwhile_lasts_on(opened: Opened) -> None:
    mine = opened(SLOW)
    held = opened.take(mine)
    with psycopg.connect(opened.place, autocommit=True) as connection:
        connection.execute("UPDATE opsconsole.locks SET ends_at = clock_timestamp()")
    assert not mine.is_held(WEB)
    held.renew(mine.line)
    assert mine.is_held(WEB)
    assert held.may_begin()


def test_a_child_holds_on_when_its_starter_lets_go(opened: Opened) -> None:
    mine, other = opened(), opened()
    held = opened.take(mine)
    assert "web" in held.grant
    held.handed_over()
    process = opened.process(held.grant)
    assert said(process, asked=False) == "may begin"
    held.release()
    (before,) = rows(opened.place)
    assert other.take(WEB, patience=QUICK.lasts * 1.2) is None
    assert said(process) == "may begin"
    assert rows(opened.place) == [before]
    process.kill()
    process.wait()
    assert free(other).fence.token > int(str(before[2]))


def test_what_was_handed_over_and_let_go_waits_for_the_child(opened: Opened) -> None:
    mine, child = opened(SLOW), opened(SLOW)
    held = opened.take(mine)
    held.handed_over()
    held.release()
    assert child.is_held(WEB)
    (theirs,) = child.inherit([held.grant])
    assert theirs.may_begin()
    theirs.release()
    assert not child.is_held(WEB)


def test_a_grant_that_is_over_is_worth_nothing(opened: Opened) -> None:
    mine, child = opened(SLOW), opened(SLOW)
    runner = opened.take(mine, LockName(LockKind.RUNNER, "r"))
    held = opened.take(mine)
    grants = [runner.grant, held.grant]
    held.release()
    with pytest.raises(LockLostError, match="the service lock of web has lapsed"):
        child.inherit(grants)
    forged = json.dumps({**json.loads(runner.grant), "key": "guessed"})
    with pytest.raises(LockLostError):
        child.inherit([forged])


def test_a_transaction_keeps_what_it_checked(opened: Opened) -> None:
    mine, other = opened(SLOW), opened()
    operation = "0123456789abcdef"
    said = Holder(operation, "restart", "web", "ann", None, "here", "", 0.0)
    runner, service = mine.take(LockName(LockKind.RUNNER, operation)), mine.take_service(said)
    assert runner is not None
    assert service is not None
    database = PostgresqlDatabase(opened.place)
    with database.transaction() as transaction:
        mine.check(operation, transaction)
        with pytest.raises(LockLostError, match="holds no lock for operation"):
            mine.check("fedcba9876543210", transaction)
        with pytest.raises(LockLostError, match="holds no lock for operation"):
            other.check(operation, transaction)
        # Nobody may take what a transaction rests on, whatever the clock says by then.
        with psycopg.connect(opened.place) as hasty:
            hasty.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                hasty.execute("UPDATE opsconsole.locks SET ends_at = clock_timestamp()")
    for held, kind in ((service, "service"), (runner, "runner")):
        with psycopg.connect(opened.place, autocommit=True) as connection:
            query = "UPDATE opsconsole.locks SET ends_at = clock_timestamp() WHERE token = %s"
            connection.execute(query, (held.fence.token,))
        match = f"the {kind} lock of {held.fence.id} has lapsed"
        with pytest.raises(LockLostError, match=match), database.transaction() as transaction:
            mine.check(operation, transaction)
        held.renew(mine.line)
    database.close()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"who": 3}', "[" * 60_000, '{"since": "nan"}'])
def test_who_holds_it_may_be_nonsense(opened: Opened, text: str) -> None:
    mine = opened(SLOW)
    opened.take(mine)
    with psycopg.connect(opened.place, autocommit=True) as connection:
        connection.execute("UPDATE opsconsole.locks SET holder = %s", (text,))
    holder = mine.holder("web")
    assert holder is not None
    assert holder.who == "somebody"


def test_nothing_is_left_of_what_is_over(opened: Opened) -> None:
    mine = opened(SLOW)
    opened.take(mine).handed_over()
    mine.forget(WEB)
    assert rows(opened.place) != [], "it is held"
    with psycopg.connect(opened.place, autocommit=True) as connection:
        connection.execute("UPDATE opsconsole.locks SET ends_at = clock_timestamp()")
    mine.forget(WEB)
    assert rows(opened.place) == []


def test_a_server_that_restarts_takes_no_lock_away(private_postgresql: Postgresql) -> None:
    place = private_postgresql.database()
    with ExitStack() as stack:
        opened = Opened(place, stack)
        mine, other = opened(), opened(SLOW)
        held = opened.take(mine)
        assert other.take(WEB) is None
        private_postgresql.stop(at_once=True)
        until(lambda: not held.may_begin())
        with pytest.raises(StateError, match="cannot use the state in PostgreSQL"):
            other.take(WEB)
        private_postgresql.start()
        until(held.may_begin)
        until(lambda: is_reached(other))
        assert other.take(WEB) is None


def test_a_standby_that_takes_over_knows_who_holds_what(private_postgresql: Postgresql) -> None:
    place = private_postgresql.database()
    standby = private_postgresql.standby()
    hosts = f"port={private_postgresql.port},{standby.port} target_session_attrs=read-write"
    both = place.replace(f"port={private_postgresql.port}", hosts).replace(
        "host=127.0.0.1", "host=127.0.0.1,127.0.0.1"
    )
    with ExitStack() as stack:
        opened = Opened(both, stack)
        mine, other = opened(Terms(0.2, 30.0, 1.0)), opened(SLOW)
        held = opened.take(mine)
        copied = place.replace(f"port={private_postgresql.port}", f"port={standby.port}")
        until(lambda: is_copied(copied))
        private_postgresql.stop(at_once=True)
        until(lambda: not held.may_begin())
        standby.promote()
        until(held.may_begin)
        until(lambda: is_reached(other))
        assert other.take(WEB) is None


def test_a_pooler_that_gives_each_question_another_session_changes_nothing(
    postgresql_server: Postgresql, postgresql_database: str
) -> None:
    port = postgresql_server.pooler()
    pooled = postgresql_database.replace(f"port={postgresql_server.port}", f"port={port}")
    with ExitStack() as stack:
        opened = Opened(pooled, stack)
        mine, *others = (opened() for _ in range(4))
        held = opened.take(mine)
        assert all(each.take(WEB) is None for each in others)
        first = held._lease.asked_at
        until(lambda: held._lease.asked_at > first, moves=partial(rows, pooled))
        assert held.may_begin()
        held.release()
        assert [each.take(WEB) is not None for each in others] == [True, False, False]
