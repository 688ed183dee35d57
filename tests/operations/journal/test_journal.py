"""What every journal promises: states in order, one performance per plan, a row for each change."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, Group, OperationState
from opsconsole.operations.journal import journal as protocol
from opsconsole.operations.journal.audit import verify
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.journal import Journal, PlanUsedError
from opsconsole.operations.journal.records import (
    LedgerKind,
    Note,
    Promise,
    PromiseKind,
    Scope,
    StepRecord,
)
from opsconsole.operations.journal.transitions import TransitionError
from tests.operations.journal.conftest import Open
from tests.operations.journal.samples import KIM, intent, op, plan

_S = OperationState
RUN, BEGIN = LedgerKind.RUNBOOK, {"do": "begin", "at": 1.0}
END, ROLLBACK = PromiseKind.END, PromiseKind.ROLLBACK


@pytest.fixture
def journal(open_journal: Open) -> Journal:
    """A journal with one operation under way."""
    opened = open_journal()
    opened.submit(intent("one"), 1.0)
    return opened


def end(name: str, due: float = 60.0, service: str = "web") -> Promise:
    """The promise that a degradation ends."""
    return Promise(op(name), END, service, due, "boot", 5.0)


# ---- operations ----


def test_what_was_written_is_read_by_another(open_journal: Open) -> None:
    writer, reader = open_journal(), open_journal()
    version = reader.version()
    writer.submit(intent("one"), 1.0)
    assert reader.version() != version
    assert reader.intent(op("one")) == intent("one")
    writer.advance(op("one"), _S.DISPATCHED, 2.0)
    writer.step_begins(op("one"), 0, 3.0, {"started": "then"})
    found = reader.operation(op("one"))
    assert found is not None
    assert [(step.state, step.detail) for step in found.steps] == [("running", "")]
    writer.step_ends(op("one"), 0, "done", 4.0, "restarted")
    writer.advance(op("one"), _S.VERIFYING, 5.0)
    writer.advance(op("one"), _S.VERIFIED, 6.0, summary="fine", evidence=("web-1: ok",))
    found = reader.operation(op("one"))
    assert found is not None
    assert (found.state, found.summary, found.evidence) == (_S.VERIFIED, "fine", ("web-1: ok",))
    assert (found.who, found.host, found.usual_duration) == ("kim", "bastion-1", 12.5)
    assert (found.started_at, found.updated_at, found.ended_at) == (1.0, 6.0, 6.0)
    assert [(step.state, step.detail) for step in found.steps] == [("done", "restarted")]
    (step,) = reader.step_records(op("one"))
    assert step == StepRecord(0, "done", "restarted", 3.0, {"started": "then"})
    assert reader.open_operations() == ()
    assert (reader.operation(op("two")), reader.intent(op("two"))) == (None, None)
    assert reader.step_records(op("two")) == ()


def test_a_plan_is_performed_once(journal: Journal) -> None:
    with pytest.raises(PlanUsedError, match="performed already"):
        journal.submit(replace(intent("two"), plan=plan("plan-one")), 2.0)
    assert journal.operation(op("two")) is None
    assert len(journal.audit_rows()) == 1


def test_a_step_is_begun_once_and_a_verdict_is_never_taken_back(journal: Journal) -> None:
    journal.advance(op("one"), _S.DISPATCHED, 2.0)
    journal.step_begins(op("one"), 0, 3.0, {})
    with pytest.raises(StateError, match="begun before"):
        journal.step_begins(op("one"), 0, 4.0, {})
    journal.advance(op("one"), _S.FAILED, 5.0, summary="broken")
    with pytest.raises(TransitionError):
        journal.advance(op("one"), _S.VERIFYING, 6.0)
    with pytest.raises(StateError, match="there is no operation"):
        journal.advance(op("two"), _S.DISPATCHED, 6.0)
    found = journal.operation(op("one"))
    assert found is not None
    assert found.summary == "broken"


def _ended(journal: Journal, name: str, at: float, state: OperationState = _S.FAILED) -> None:
    journal.submit(intent(name), at)
    journal.advance(op(name), state, at + 1)


def test_verifying_is_given_up_once_and_before_the_verdict(journal: Journal) -> None:
    one = op("one")
    journal.advance(one, _S.DISPATCHED, 2.0)
    journal.advance(one, _S.VERIFYING, 3.0, evidence=("seen",))
    assert journal.give_up(one, "kim@bastion", 4.0)
    assert not journal.give_up(one, "ana@bastion", 5.0)
    assert not journal.give_up(op("none"), "kim@bastion", 5.0)
    found = journal.operation(one)
    assert found is not None
    assert (found.given_up, found.evidence, found.next_steps) == ("kim@bastion", ("seen",), ())
    journal.advance(one, _S.INCONCLUSIVE, 6.0, next_steps=("look",))
    found = journal.operation(one)
    assert found is not None
    assert (found.given_up, found.next_steps) == ("kim@bastion", ("look",))
    journal.submit(intent("two"), 7.0)
    journal.advance(op("two"), _S.REFUSED, 8.0)
    assert not journal.give_up(op("two"), "kim@bastion", 9.0)


def test_an_operation_says_which_of_its_group_it_is(open_journal: Open) -> None:
    journal = open_journal()
    group = Group("1a2b3c4d5e6f7a8b", 1, 2, ("db",))
    made = intent("one")
    journal.submit(replace(made, plan=replace(made.plan, group=group)), 1.0)
    journal.submit(intent("two"), 2.0)
    assert [each.group for each in journal.operations()] == [None, group]
    found = journal.intent(op("one"))
    assert found is not None
    assert found.plan.group == group


def test_what_was_seen_after_a_verdict_is_said_before_it(journal: Journal) -> None:
    one = op("one")
    for state in (_S.DISPATCHED, _S.VERIFYING, _S.VERIFIED):
        journal.advance(one, state, 2.0, summary="healthy for 10 s")
    journal.correct(one, "web-1 died again after 28 s", 30.0)
    found = journal.operation(one)
    assert found is not None
    assert found.state is _S.VERIFIED
    assert found.summary == "web-1 died again after 28 s; healthy for 10 s"
    assert found.corrected == "web-1 died again after 28 s"
    assert found.evidence == ()


def test_lists_are_in_the_order_that_they_say(open_journal: Open) -> None:
    journal = open_journal()
    for name, at in (("a", 10.0), ("b", 20.0), ("c", 20.0)):
        _ended(journal, name, at)
    journal.submit(intent("open"), 5.0)
    journal.submit(intent("other", service="db"), 30.0)
    _ended(journal, "refused", 40.0, _S.REFUSED)
    journal.submit(intent("looked", ActionKind.TEST), 50.0)

    def ids(*names: str) -> list[str]:
        return [op(name) for name in names]

    assert [each.id for each in journal.operations(3)] == ids("looked", "refused", "other")
    assert [each.id for each in journal.open_operations()] == ids("open", "other", "looked")
    since = journal.since("web", 21.0)
    assert [each.id for each in since[:2]] == ids("looked", "refused")
    assert {each.id for each in since} == set(ids("looked", "refused", "b", "c", "open"))
    past = journal.past("web", ActionKind.RESTART, "")
    assert {each.id for each in past[:2]} == set(ids("b", "c"))
    assert [each.id for each in past[2:]] == ids("a")
    plans = [each.plan.id for each in journal.past_plans("web")]
    assert plans == ["plan-c", "plan-b", "plan-a", "plan-open"]
    assert [each.state for each in journal.past_plans("web")] == [_S.FAILED] * 3 + [_S.INTENT]


def test_what_was_recorded_later_is_later_whatever_the_clocks(open_journal: Open) -> None:
    journal = open_journal()
    journal.submit(intent("first"), 5000.0)
    journal.submit(intent("elsewhere", service="db"), 5001.0)
    journal.submit(intent("set back"), 1400.0)
    assert [each.id for each in journal.later(op("first"))] == [op("set back")]
    assert journal.later(op("set back")) == journal.later(op("nothing")) == ()


# ---- promises ----


def test_an_end_takes_the_place_of_earlier_ones_of_its_service(journal: Journal) -> None:
    for name, service in (("two", "web"), ("three", "db")):
        journal.submit(intent(name, service=service), 2.0)
    for name, service in (("one", "web"), ("three", "db"), ("two", "web")):
        journal.arm(end(name, service=service), 3.0)
    assert {each.operation for each in journal.promises()} == {op("two"), op("three")}
    replaced = journal.promise(op("one"), END)
    assert replaced is not None
    assert replaced.outcome == op("two")


def test_a_promise_is_settled_once_and_told_on(journal: Journal) -> None:
    journal.arm(end("one"), 2.0)
    assert journal.promises() == (end("one"),)
    journal.tried(op("one"), END, "refused: locked", 3.0)
    assert journal.promises() == (replace(end("one"), attempts=1),)
    assert journal.settle(op("one"), END, "begun", 4.0, KIM.document())
    assert not journal.settle(op("one"), END, "stopped", 5.0)
    journal.set_outcome(op("one"), END, "verified as 7", 6.0)
    journal.tried(op("one"), END, "too late", 7.0)
    assert journal.promises() == ()
    assert journal.promise(op("one"), END) == replace(
        end("one"), attempts=1, outcome="verified as 7"
    )
    assert journal.promise(op("one"), ROLLBACK) is None
    assert not journal.settle(op("one"), ROLLBACK, "stopped", 8.0)


def test_a_rollback_is_armed_with_the_verdict_and_shown_with_the_operation(
    journal: Journal,
) -> None:
    journal.advance(op("one"), _S.FAILED, 10.0, rollback_after=30.0)
    found = journal.operation(op("one"))
    assert found is not None
    assert (found.rollback_at, found.rollback) == (40.0, "")
    assert journal.promises() == (Promise(op("one"), ROLLBACK, "web", 40.0),)
    journal.settle(op("one"), ROLLBACK, "stopped by kim", 11.0)
    found = journal.operation(op("one"))
    assert found is not None
    assert (found.rollback_at, found.rollback) == (None, "stopped by kim")


# ---- the audit ----

_CHANGES: Mapping[str, Callable[[Journal], object]] = {
    "submit": lambda journal: journal.submit(intent("two"), 2.0),
    "advance": lambda journal: journal.advance(op("one"), _S.DISPATCHED, 2.0),
    "step_begins": lambda journal: journal.step_begins(op("one"), 0, 2.0, {}),
    "step_ends": lambda journal: journal.step_ends(op("one"), 0, "done", 2.0),
    "give_up": lambda journal: journal.give_up(op("one"), "kim@bastion", 2.0),
    "correct": lambda journal: journal.correct(op("one"), "died again after 28 s", 2.0),
    "note": lambda journal: journal.note(op("one"), "concluding", 2.0, {}),
    "arm": lambda journal: journal.arm(end("one"), 2.0),
    "settle": lambda journal: journal.settle(op("armed"), END, "recovered", 2.0),
    "set_outcome": lambda journal: journal.set_outcome(op("armed"), END, "recovered", 2.0),
    "tried": lambda journal: journal.tried(op("armed"), END, "locked", 2.0),
}
_NOT_AUDITED = {
    "add_note": "words of a person",
    "see": "what a person has seen",
    "begin_ledger": "a ledger is told and changes nothing in the world",
    "extend_ledger": "a ledger is told and changes nothing in the world",
    "close": "", "use_sinks": "", "use_scope": "",
}  # fmt: skip


def _members(part: type) -> set[str]:
    return {name for name, value in vars(part).items() if callable(value) and name[0] != "_"}


def test_every_way_to_write_is_known_to_be_audited_or_not() -> None:
    parts = (protocol.OperationRecords, protocol.Promises, protocol.People, protocol.Ledgers)
    writing = set().union(*(_members(part) for part in (*parts, Journal)))
    reading = {
        "intent", "step_records", "operation", "operations", "open_operations", "since", "later",
        "past", "past_plans", "promise", "promises", "notes", "seen_until", "ledgers",
        "ledger",
        "why_not_writable", "version", "audit_rows",
    }  # fmt: skip
    assert writing - reading == set(_CHANGES) | set(_NOT_AUDITED)


@pytest.mark.parametrize("name", _CHANGES)
def test_every_change_has_one_row_and_the_chain_stays_whole(journal: Journal, name: str) -> None:
    journal.submit(intent("armed", service="db"), 1.0)
    journal.arm(end("armed", service="db"), 1.0)
    before = len(journal.audit_rows())
    _CHANGES[name](journal)
    rows = journal.audit_rows()
    assert len(rows) == before + 1
    assert verify(rows).whole
    assert json.loads(rows[-1].record)["at"] == 2.0


def test_an_end_that_is_replaced_has_a_row_of_its_own(journal: Journal) -> None:
    journal.submit(intent("two"), 1.0)
    journal.arm(end("one"), 2.0)
    journal.arm(end("two"), 3.0)
    told = [json.loads(row.record) for row in journal.audit_rows()][-2:]
    assert [(each["operation"], each.get("outcome")) for each in told] == [
        (op("one"), op("two")),
        (op("two"), None),
    ]


def test_the_second_sink_holds_the_same_chain(open_journal: Open, tmp_path: Path) -> None:
    sink = tmp_path / "audit.jsonl"
    journal = open_journal(AuditSinks(sink))
    journal.submit(intent("one"), 1.0)
    journal.advance(op("one"), _S.DISPATCHED, 2.0)
    lines = [json.loads(line) for line in sink.read_text().splitlines()]
    assert [line["hash"] for line in lines] == [row.hash for row in journal.audit_rows()]
    assert sink.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["submit", "step_begins"])
def test_nothing_is_begun_that_the_second_sink_does_not_hold(
    open_journal: Open, tmp_path: Path, name: str
) -> None:
    sink = tmp_path / "audit.jsonl"
    journal = open_journal()
    journal.submit(intent("one"), 1.0)
    sink.mkdir()
    journal.use_sinks(AuditSinks(sink))
    with pytest.raises(StateError, match="cannot write the audit file"):
        _CHANGES[name](journal)
    assert journal.operation(op("two")) is None
    assert journal.step_records(op("one"))[0].state == "waiting"
    journal.advance(op("one"), _S.FAILED, 3.0, summary="an outcome is kept all the same")
    assert [json.loads(row.record)["event"] for row in journal.audit_rows()] == ["intent", "failed"]
    assert verify(journal.audit_rows()).whole


# ---- people ----


def test_notes_are_numbered_and_read_on_from_the_last(open_journal: Open) -> None:
    mine, other = open_journal(), open_journal()
    assert other.notes() == ()
    first, second = Note(1.0, "kim", "first", "web", "here"), Note(2.0, "ann", "second")
    mine.add_note(first)
    ((number, found),) = other.notes()
    assert found == first
    mine.add_note(second)
    assert [note for _, note in other.notes(number)] == [second]
    assert [note for _, note in mine.notes()] == [first, second]


def test_what_each_user_has_seen(open_journal: Open) -> None:
    journal = open_journal()
    assert journal.seen_until("1000") is None
    for until in (5.0, 7.0):
        journal.see("1000", until)
    assert (open_journal().seen_until("1000"), journal.seen_until("1001")) == (7.0, None)


# ---- ids ----


@pytest.mark.parametrize(
    "identity", ["", "../../etc/passwd", "0123456789abcdef\n", "0123456789ABCDEF", "0" * 15]
)
def test_an_id_that_is_none_is_not_kept(journal: Journal, identity: str) -> None:
    with pytest.raises(StateError, match="not the id of an operation"):
        journal.submit(replace(intent("two"), operation=identity), 1.0)
    with pytest.raises(StateError, match="not the id of an operation"):
        journal.arm(replace(end("one"), operation=identity), 1.0)
    for kind in LedgerKind:
        with pytest.raises(StateError, match="not the id of a"):
            journal.begin_ledger(kind, identity.replace("0", "%"), BEGIN, 1.0)


def test_what_two_configurations_keep_in_one_state_stays_apart(open_journal: Open) -> None:
    journal = open_journal()
    mine, other = Scope("/c.yaml", ("production", "batch")), Scope("/d.yaml", ("production",))
    elsewhere = Scope("/c.yaml", ("staging",))
    journal.submit(intent("mine"), 1.0)
    journal.submit(replace(intent("other"), config_path="/d.yaml"), 2.0)
    for name in ("mine", "other"):
        journal.advance(op(name), OperationState.DISPATCHED, 3.0)
        journal.arm(Promise(op(name), END, "web", 9.0), 3.0)
        journal.advance(op(name), OperationState.VERIFYING, 4.0)
        journal.advance(op(name), OperationState.VERIFIED, 5.0)
    journal.add_note(Note(1.0, "kim", "of an earlier version"))
    for scope, run in ((mine, "1-aaaaaaaa"), (other, "1-bbbbbbbb")):
        journal.use_scope(scope)
        journal.add_note(Note(2.0, "kim", f"of {scope.config_path}"))
        journal.begin_ledger(RUN, run, {"do": "begin"}, 2.0)
        journal.begin_ledger(LedgerKind.INCIDENT, "1", {"of": scope.config_path}, 2.0)

    def read() -> tuple[list[str], list[str], list[str]]:
        seen = [each.id for each in journal.operations()]
        assert [each.id for each in journal.since("web", 0.0)] == seen
        assert [each.id for each in journal.past("web", ActionKind.RESTART, "")] == seen
        assert [
            op(each.plan.id.removeprefix("plan-")) for each in journal.past_plans("web")
        ] == seen
        assert [each.operation for each in journal.promises()] == seen
        runs = [each.id for each in journal.ledgers(RUN)]
        for record in journal.ledger(LedgerKind.INCIDENT, "1"):
            assert record == {"of": seen and journal.intent(seen[0]).config_path}  # type: ignore[union-attr]
        return seen, [note.text for _, note in journal.notes()], runs

    journal.use_scope(mine)
    first = "of an earlier version"
    assert read() == ([op("mine")], [first, "of /c.yaml"], ["1-aaaaaaaa"])
    journal.use_scope(other)
    assert read() == ([op("other")], [first, "of /d.yaml"], ["1-bbbbbbbb"])
    journal.use_scope(elsewhere)
    assert read() == ([], [first], [])
    assert journal.operation(op("other")) is not None, "what is asked for by its id"


def test_hosts_that_share_a_state_are_one_fleet_wherever_their_configurations_lie(
    open_journal: Open,
) -> None:
    one, other, elsewhere = open_journal(), open_journal(), open_journal()
    for journal in (one, other):
        journal.use_scope(Scope(None, ("production",)))
    elsewhere.use_scope(Scope(None, ("staging",)))
    for number, journal in enumerate((one, other)):
        name, path = f"of-{number}", f"/home/{number}/opsconsole.yaml"
        journal.submit(replace(intent(name), config_path=path), 1.0 + number)
        journal.advance(op(name), OperationState.DISPATCHED, 3.0)
        journal.arm(Promise(op(name), END, "web", 9.0), 3.0)
    one.add_note(Note(2.0, "kim", "look here"))
    one.begin_ledger(LedgerKind.INCIDENT, "1", {"do": "begin"}, 2.0)
    for journal in (one, other):
        assert [each.id for each in journal.operations()] == [op("of-1"), op("of-0")]
        assert [each.operation for each in journal.promises()] == [op("of-1")], "it took its place"
        assert [note.text for _, note in journal.notes()] == ["look here"]
        assert [each.id for each in journal.ledgers(LedgerKind.INCIDENT)] == ["1"]
    assert (elsewhere.operations(), elsewhere.notes(), elsewhere.promises()) == ((), (), ())
