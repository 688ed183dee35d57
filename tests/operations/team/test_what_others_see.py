"""What a console of one host records, one of another reads: by one PostgreSQL and no file."""

from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.engine.runbooks.run_records import begun
from opsconsole.engine.runbooks.run_store import RunStore
from opsconsole.model.alerting.silences import OWN_RULES
from opsconsole.model.incidents import Incident, IncidentRequest, IncidentVerb
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.model.runbooks.runbook import Runbook, Step
from opsconsole.operations.driving.own_acknowledgements import kept
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.notes import NoteBook
from opsconsole.operations.people.team import TeamBook
from opsconsole.operations.postgresql_place import PostgresqlPlace
from opsconsole.operations.promises.promising import lasting
from opsconsole.operations.running.dispatch import runner_lock
from opsconsole.render.timeline.words import words
from tests.fakes import FakeClock
from tests.operations.journal.samples import intent, op

Hosts = tuple[PostgresqlPlace, PostgresqlPlace]
AT = 100.0


@pytest.fixture
def hosts(postgresql_database: str, tmp_path: Path) -> Hosts:
    """Two hosts that have nothing in common but the server."""
    made = [PostgresqlPlace(postgresql_database, tmp_path / name) for name in ("a", "b")]
    return made[0], made[1]


def test_operations_verdicts_and_what_was_seen_of_them(hosts: Hosts) -> None:
    here, there = (each.journal() for each in hosts)
    here.submit(intent("one"), AT)
    here.advance(op("one"), OperationState.DISPATCHED, AT)
    held = hosts[0].locks.take(runner_lock(op("one")))
    assert held is not None
    here.step_begins(op("one"), 0, AT, {})
    here.step_ends(op("one"), 0, "done", AT, "restarted")
    here.advance(op("one"), OperationState.VERIFYING, AT)
    here.advance(op("one"), OperationState.VERIFIED, AT, summary="fine")
    held.release()
    here.see("kim", AT)
    there.submit(intent("two"), AT + 1)
    found = {each.id: each for each in there.operations(10)}
    assert (found[op("one")].who, found[op("one")].state) == ("kim", OperationState.VERIFIED)
    assert found[op("one")].host == "bastion-1"
    assert there.seen_until("kim") == AT
    assert {each.id for each in here.operations(10)} == {op("one"), op("two")}
    assert hosts[0].audit_rows() == hosts[1].audit_rows()
    assert verify(hosts[1].audit_rows()).whole, "both wrote into one chain"
    for each in (here, there):
        each.close()


def test_ends_of_degradations_and_acknowledgements(hosts: Hosts) -> None:
    here, there = (each.journal() for each in hosts)
    here.submit(intent("one", ActionKind.DEGRADE), AT)
    here.arm(Promise(op("one"), PromiseKind.END, "web", AT + 60), AT)
    (degradation,) = lasting(there)
    assert (degradation.service, degradation.who) == ("web", "kim")
    acknowledged = intent("two", ActionKind.ACKNOWLEDGE, OWN_RULES)
    plan = replace(acknowledged.plan, parameters={"matcher 1": 'alertname="Slow"'}, ends_at=AT + 60)
    here.submit(replace(acknowledged, plan=plan), AT)
    for state in (OperationState.DISPATCHED, OperationState.VERIFYING, OperationState.VERIFIED):
        here.advance(op("two"), state, AT)
    (silence,) = kept(there, AT + 1)
    assert silence.id == op("two")
    for each in (here, there):
        each.close()


def test_notes_and_runs_of_runbooks(hosts: Hosts) -> None:
    mine, other = (NoteBook(each) for each in hosts)
    mine.write("! keep the old image", "web", AT)
    (note,) = other.unread()
    assert words(note).endswith(": ! keep the old image")
    book = Runbook("book", "book", (Step("a", "a"), Step("b", "b")), digest="d")
    here, there = (RunStore(each, FakeClock()) for each in hosts)
    first = begun("1-0000000a", book, "web", "kim", "bastion-1", AT)
    here.create("1-0000000a", first, book.written)
    (run,) = there.runs()
    assert (run.id, run.who) == ("1-0000000a", "kim")
    for each in (mine, other, here, there):
        each.close()


def test_incidents_and_who_took_over(hosts: Hosts) -> None:
    here, there = (TeamBook(each) for each in hosts)
    opened = here.do(IncidentRequest(IncidentVerb.OPEN, text="checkout slow"), AT)
    assert isinstance(opened, Incident)
    assert there.incidents() == (opened,)
    closed = there.do(IncidentRequest(IncidentVerb.CLOSE, opened.number, "well"), AT + 1)
    assert isinstance(closed, Incident)
    assert here.incidents() == (closed,)
    taken = here.take(3, AT)
    assert there.handover() == taken
    for each in (here, there):
        each.close()
