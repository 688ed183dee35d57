"""What is due of a host of which nothing is left: it is said, and its service is set free."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from opsconsole.clock import SystemClock
from opsconsole.engine.judge.events import promise_left
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.plan_codec import published
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.locks.locks import Held, Holder, LockKind, LockName
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.postgresql_place import PostgresqlPlace
from opsconsole.operations.promises.left_to_others import left_to_others
from opsconsole.operations.running.dispatch import take_up
from opsconsole.operations.who import whoami
from opsconsole.render.timeline.words import words
from tests.operations.journal.samples import intent, op

S = OperationState
ONE = op("one")
OWN = OwnConfiguration("/c.yaml", "/")


@dataclass
class Bastion:
    """One host of a team."""

    place: PostgresqlPlace
    journal: Journal

    def takes_up(self) -> Operation:
        """What becomes of the operation when this host finds it open."""
        found = self.journal.operation(ONE)
        assert found is not None
        assert not take_up(self.place, self.journal, OWN, found, whoami(), SystemClock())
        found = self.journal.operation(ONE)
        assert found is not None
        return found

    def begins(self, *states: OperationState) -> list[Held]:
        """Confirm an operation of two steps and hold its locks."""
        given = intent("one")
        steps = given.plan.steps * 2
        given = replace(given, plan=published(replace(given.plan, steps=steps, parameters={})))
        self.journal.submit(given, 1.0)
        self.place.mandates.give(given)
        holder = Holder(ONE, "restart", "web", "kim", None, "bastion-1", "", 1.0)
        taken = [
            self.place.locks.take_service(holder),
            self.place.locks.take(LockName(LockKind.RUNNER, ONE)),
        ]
        for state in states:
            self.journal.advance(ONE, state, 2.0)
        return [held for held in taken if held is not None]


@pytest.fixture
def bastion(postgresql_database: str, tmp_path: Path) -> Iterator[Callable[..., Bastion]]:
    with ExitStack() as stack:

        def made(name: str, key: str = "") -> Bastion:
            path = tmp_path / f"{name}.key"
            path.write_text(key)
            path.chmod(0o600)
            place = PostgresqlPlace(postgresql_database, tmp_path / name, str(path) if key else "")
            journal = place.journal()
            stack.callback(journal.close)
            return Bastion(place, journal)

        yield made


def test_what_a_lost_host_began_is_said_not_to_be_known(bastion: Callable[..., Bastion]) -> None:
    lost, other = bastion("a"), bastion("b")
    held = lost.begins(S.DISPATCHED)
    lost.journal.step_begins(ONE, 0, 3.0, {})
    assert other.takes_up().state is S.DISPATCHED, "its runner lives"
    for each in held:
        each.release()
    ended = other.takes_up()
    assert ended.state is S.INCONCLUSIVE
    assert ended.summary == (
        "bastion-1, where kim began it, is out of reach; nobody here can look: restart web-1"
    )
    assert [step.state for step in ended.steps] == ["unknown", "waiting"]
    said = [row.record for row in other.journal.audit_rows() if "another host" in row.record]
    assert len(said) == 1
    assert whoami().name in said[0]
    assert other.takes_up() == ended


def test_what_a_lost_host_did_not_begin_was_not_done(bastion: Callable[..., Bastion]) -> None:
    lost, other = bastion("a"), bastion("b")
    for each in lost.begins():
        each.release()
    ended = other.takes_up()
    assert ended.state is S.FAILED
    assert ended.summary.endswith("is out of reach; nothing was done")


def test_who_has_the_key_is_given_time_to_come_first(bastion: Callable[..., Bastion]) -> None:
    lost, other = bastion("a", "k" * 40), bastion("b")
    for each in lost.begins(S.DISPATCHED):
        each.release()
    with psycopg.connect(other.place.conninfo, autocommit=True) as connection:
        query = "UPDATE opsconsole.operations SET updated_at = extract(epoch FROM now())"
        connection.execute(query)
        assert other.takes_up().state is S.DISPATCHED
        connection.execute(f"{query} - 61")
    assert other.takes_up().state is S.INCONCLUSIVE


def test_what_nobody_can_do_any_more_is_said_by_whoever_sees_it(
    bastion: Callable[..., Bastion],
) -> None:
    lost, other = bastion("a"), bastion("b")
    lost.begins(S.DISPATCHED, S.VERIFYING, S.VERIFIED)
    promise = Promise(ONE, PromiseKind.END, "web", 100.0)
    lost.place.mandates.arm(promise)
    lost.journal.arm(promise, 2.0)
    keeps = lost.place.mandates.take_promise(ONE, PromiseKind.END)
    assert keeps is not None
    assert left_to_others(other.place, other.journal, OWN) == (), "it is kept"
    keeps.release()
    (left,) = left_to_others(other.place, other.journal, OWN)
    assert (left.service, left.action, left.by) == ("web", ActionKind.RECOVER, "kim@bastion-1")
    assert words(promise_left(left)) == (
        "its degradation is past its end, and waits for kim@bastion-1, whose host is out of reach"
    )
    assert left_to_others(lost.place, lost.journal, OWN) == (), "it has the mandate itself"
