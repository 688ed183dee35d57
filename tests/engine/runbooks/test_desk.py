"""Running runbooks: one step at a time, by one console, refused where it has to be."""

from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.engine.runbooks import run_policy
from opsconsole.model.events import EventKind
from opsconsole.model.operation import ActionKind, Operation, OperationState, Refusal
from opsconsole.model.runbooks.runbook import (
    Check,
    CommandCheck,
    HttpCheck,
    MetricCheck,
    OperationCall,
    Question,
    StateCheck,
    Step,
    Wait,
)
from opsconsole.model.runbooks.runs import (
    RunbookAnswer,
    RunbookRequest,
    RunbookVerb,
    RunOutcome,
    StepState,
)
from opsconsole.model.state import State
from opsconsole.model.written.expressions import parse
from opsconsole.operations.journal.records import LedgerKind
from opsconsole.operations.state_place import place_from
from opsconsole.operations.who import whoami
from opsconsole.render.timeline.words import words
from tests.engine.runbooks.stage import ALL_KINDS, Stage
from tests.fakes import FakeClock


@pytest.fixture
def stage(tmp_path: Path, clock: FakeClock) -> Stage:
    return Stage(tmp_path, clock)


def refused(answer: RunbookAnswer | Refusal, code: str) -> None:
    assert isinstance(answer, Refusal)
    assert answer.code == code


def operation(stage: Stage, state: OperationState, **more: object) -> Operation:
    """What the journal shows of a restart that this user started now."""
    run, now = stage.run, stage.clock.now()
    made = Operation(
        "op-1", "plan-1", "shop", ActionKind.RESTART, "", state, run.who, run.host, now, now,
        summary="healthy for 10 s", evidence=("it answers",),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


async def test_a_runbook_is_run_to_its_end_and_told_on_the_timeline(stage: Stage) -> None:
    await stage.desk.poll(())
    assert (await stage.done("read")).said == "read"
    assert (await stage.done("ok")).state is StepState.PASSED
    answer = await stage.do("again")
    assert isinstance(answer, RunbookAnswer)
    assert answer.plan is not None
    assert (answer.plan.service, answer.plan.kind) == ("shop", ActionKind.RESTART)
    await stage.desk.poll((operation(stage, OperationState.VERIFYING),))
    at = stage.run.step("again")
    assert at is not None
    assert (at.state, at.operation) == (StepState.RUNNING, "op-1")
    await stage.desk.poll((operation(stage, OperationState.VERIFIED),))
    at = stage.run.step("again")
    assert at is not None
    assert (at.state, at.said) == (StepState.PASSED, "verified: healthy for 10 s")
    assert isinstance(await stage.do("more", verb=RunbookVerb.SKIP), RunbookAnswer)
    watched = await stage.done("watch")
    assert watched.said == "held in 6 of 6 looks over 1m"
    assert (await stage.done("list")).state is StepState.PASSED
    assert (await stage.done("fine", "yes")).answer == "yes"

    assert stage.run.outcome is RunOutcome.FINISHED
    assert stage.run.said == "finished: 6 passed, 1 skipped"
    told = [words(event) for event in stage.events]
    assert len(told) == 9
    assert "begun" in told[0]
    assert "2. the service is ok: passed" in told[2]
    assert "finished" in told[-1]
    assert all(event.kind is EventKind.RUNBOOK for event in stage.events)
    await stage.desk.close()


async def test_only_the_step_that_comes_next_is_run_and_none_twice(stage: Stage) -> None:
    refused(await stage.do("ok"), "not-next")
    assert stage.desk.runs == ()
    await stage.done("read")
    refused(await stage.do("read"), "done")
    refused(await stage.do("fine", "yes"), "not-next")
    refused(await stage.do("nothing"), "no-such-step")
    refused(await stage.do("ok", verb=RunbookVerb.SKIP), "not-optional")
    refused(await stage.desk.do(RunbookRequest("other", "shop", RunbookVerb.RUN)),
            "no-such-runbook")  # fmt: skip
    stage.looks.see = lambda _at: False
    assert (await stage.done("ok")).state is StepState.FAILED
    refused(await stage.do("again"), "not-next")
    stage.looks.see = lambda _at: True
    again = await stage.done("ok")
    await stage.desk.close()
    assert (again.state, again.attempts) == (StepState.PASSED, 2)


async def test_nothing_is_run_from_the_past(stage: Stage) -> None:
    for step in ("read", "ok", "again", "fine"):
        refused(await stage.do(step, "yes", replay=True), "replay")
    assert stage.desk.runs == ()
    await stage.desk.close()


LOOKS: tuple[Check, ...] = (
    StateCheck(State.OK),
    MetricCheck(parse("cpu < 1%")),
    HttpCheck("/health"),
    CommandCheck(("ls",), reads=True),
)
WRITES = CommandCheck(("rm", "x"), reads=False)


@pytest.mark.parametrize("kind", list(ActionKind))
def test_read_only_refuses_every_operation(kind: ActionKind) -> None:
    step = Step("s", "s", does=OperationCall(kind))

    refusal = run_policy.refuse_step(step, read_only=True)
    assert refusal is not None
    assert refusal.code == "read-only"
    assert run_policy.refuse_step(step, read_only=False) is None


@pytest.mark.parametrize("does", [None, Question("q"), Wait(1.0), *LOOKS,
                                  *(Wait(1.0, look) for look in LOOKS)])  # fmt: skip
def test_read_only_lets_everything_that_reads_go_on(does: Check | Question | Wait | None) -> None:
    for read_only in (True, False):
        assert run_policy.refuse_step(Step("s", "s", does=does), read_only=read_only) is None


@pytest.mark.parametrize("does", [WRITES, Wait(1.0, WRITES), Wait(1.0, WRITES, until=True)])
def test_a_command_that_does_not_declare_that_it_reads_is_never_run(does: Check | Wait) -> None:
    step = Step("s", "s", does=does)

    codes = [run_policy.refuse_step(step, read_only=ro) for ro in (True, False)]
    assert [each.code for each in codes if each] == ["read-only", "change-not-declared"]


async def test_a_read_only_console_checks_and_asks_and_changes_nothing(stage: Stage) -> None:
    await stage.desk.close()
    stage.desk = stage.open(read_only=True)
    await stage.done("read")
    await stage.done("ok")
    refused(await stage.do("again"), "read-only")
    at = stage.run.step("again")
    assert at is not None
    assert at.planned_at is None
    await stage.desk.close()


async def test_an_answer_has_to_be_one_of_those_that_are_taken(
    tmp_path: Path, clock: FakeClock
) -> None:
    text = "title: t\nservices: shop\nsteps:\n  - {id: q, question: {ask: b, expect: 'yes'}}\n"
    stage = Stage(tmp_path, clock, text)
    refused(await stage.do("q"), "no-answer")
    refused(await stage.do("q", "perhaps"), "answer-not-taken")
    wrong = await stage.done("q", "no")
    assert (wrong.state, wrong.said) == (StepState.FAILED, "no, wanted yes")
    assert stage.run.open
    assert (await stage.done("q", "yes")).state is StepState.PASSED
    refused(await stage.do("", verb=RunbookVerb.END), "no-run")
    await stage.desk.close()


async def test_a_console_that_is_closed_goes_on_where_it_stood(stage: Stage) -> None:
    await stage.desk.poll(())
    await stage.done("read")
    await stage.restart()
    assert stage.run.next is not None
    assert stage.run.next.id == "ok"
    refused(await stage.do("read"), "done")
    await stage.desk.close()


WATCH = """\
title: t
services: shop
steps:
  - {id: watch, wait: {for: 200s, while: state == ok, every: 10s}}
"""


@pytest.mark.parametrize("ends_at", [None, 1, 7, 15])
@pytest.mark.parametrize("fails_at", [None, 80.0])
async def test_a_wait_comes_to_the_same_end_whether_the_console_was_ended_or_not(
    tmp_path: Path, clock: FakeClock, ends_at: int | None, fails_at: float | None
) -> None:
    stage, began = Stage(tmp_path, clock, WATCH), clock.now()
    stage.looks.see = lambda at: fails_at is None or at - began < fails_at
    await stage.do("watch")
    for count in range(30):
        await stage.rest()
        if not stage.run.open or stage.run.steps[0].state is not StepState.RUNNING:
            break
        if count == ends_at:
            await stage.restart()
            await stage.rest()
        clock.move(10.0)
    at = await stage.settled("watch")

    if fails_at is None:
        assert at.state is StepState.PASSED
        assert at.ended_at is not None
        assert at.ended_at - began == 200.0
    else:
        assert (at.state, at.ended_at) == (StepState.FAILED, began + fails_at)
    assert at.attempts == 1
    await stage.desk.close()


async def test_a_step_that_somebody_else_wrote_into_a_run_is_not_carried_out(
    tmp_path: Path, clock: FakeClock
) -> None:
    stage = Stage(tmp_path, clock, WATCH)
    await stage.do("watch")
    await stage.rest()
    await stage.desk.close()
    run, who = stage.run, whoami()
    looks = len(stage.looks.at)
    forged = "1-0000000a"
    mine = {"step": "watch", "at": clock.now(), "who": who.name, "host": who.host}
    journal = place_from(stage.settings).journal()
    kind, ended = LedgerKind.RUNBOOK, {"do": "end", "at": 1.0, "outcome": "abandoned"}
    first = {**journal.ledger(kind, run.id)[0], "run": forged}
    journal.extend_ledger(kind, run.id, lambda _: [ended], 1.0)
    journal.begin_ledger(kind, forged, first, 2.0)
    journal.extend_ledger(kind, forged, lambda _: [{"do": "start", **mine}], 2.0)
    journal.close()
    stage.desk = stage.open()
    for _ in range(3):
        await stage.desk.poll(())
        await stage.rest()
        clock.move(10.0)
    assert stage.desk.runs[0].id == forged
    assert len(stage.looks.at) == looks
    await stage.desk.close()


async def test_time_in_which_no_console_was_open_is_told(tmp_path: Path, clock: FakeClock) -> None:
    stage = Stage(tmp_path, clock, WATCH)
    await stage.do("watch")
    await stage.rest()
    await stage.desk.close()
    clock.move(300.0)
    stage.desk = stage.open()
    await stage.desk.poll(())

    at = await stage.settled("watch")
    assert at.state is StepState.INCONCLUSIVE
    assert "only 5% of the time was seen" in at.said
    await stage.desk.close()


async def test_one_console_is_at_a_step_and_the_others_see_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    stage = Stage(tmp_path, clock, WATCH)
    await stage.do("watch")
    await stage.rest()
    mine, other = stage.desk, stage.open()
    await other.poll(())
    assert other.runs[0].steps[0].state is StepState.RUNNING
    assert other.runs[0].steps[0].who
    answer = await other.do(RunbookRequest("recover", "shop", RunbookVerb.RUN, "watch"))
    assert isinstance(answer, Refusal)
    assert answer.code in {"running", "held-elsewhere"}
    ended = await other.do(RunbookRequest("recover", "shop", RunbookVerb.END))
    assert isinstance(ended, RunbookAnswer)
    assert ended.run.outcome is RunOutcome.ABANDONED
    looked = len(stage.looks.at)
    clock.move(50.0)
    await stage.rest()
    assert len(stage.looks.at) == looked
    await mine.close()
    await other.close()


def edit(stage: Stage, was: str, now: str) -> None:
    path = stage.folder / "runbooks/recover.yaml"
    path.write_text(path.read_text().replace(was, now))


def kept(stage: Stage) -> list[Path]:
    return list((stage.folder / "state").rglob("*.runbook"))


async def test_a_run_goes_on_as_it_was_begun_whatever_becomes_of_its_file(stage: Stage) -> None:
    await stage.done("read")
    edit(stage, "fine?", "good?")
    await stage.restart()
    await stage.desk.poll(())
    (run,) = stage.desk.runs
    assert run.begun_as is not None
    assert "fine?" in str(run.begun_as.steps), "the screen has the steps as they were begun"
    assert "good?" in str(stage.desk.views[0].steps)
    assert isinstance(await stage.do("ok"), RunbookAnswer)
    (stage.folder / "runbooks/recover.yaml").unlink()
    await stage.restart()
    assert stage.desk.views == ()
    refused(await stage.do("ok"), "done")
    assert isinstance(await stage.do("", verb=RunbookVerb.END), RunbookAnswer)
    await stage.desk.close()


async def test_an_edit_of_the_words_alone_changes_no_run(stage: Stage) -> None:
    await stage.done("read")
    edit(stage, "recover {service}", "heal {service}")
    await stage.restart()
    await stage.desk.poll(())
    assert stage.desk.runs[0].begun_as is None
    await stage.desk.close()


async def test_only_what_this_user_kept_is_gone_on_with(stage: Stage) -> None:
    await stage.done("read")
    (mine,) = kept(stage)
    assert mine.stat().st_mode & 0o077 == 0
    edit(stage, "fine?", "good?")
    was = mine.read_text()
    for other in (was.replace("fine?", "bad?"), "{}", "["):
        mine.write_text(other)
        await stage.restart()
        refused(await stage.do("ok"), "runbook-changed")
    mine.write_text(was)
    mine.chmod(0o666)
    await stage.restart()
    refused(await stage.do("ok"), "runbook-changed")
    mine.unlink()
    await stage.restart()
    answer = await stage.do("ok")
    refused(answer, "runbook-changed")
    assert isinstance(answer, Refusal)
    assert "goes on as it was begun" in answer.lifted_by
    assert isinstance(await stage.do("", verb=RunbookVerb.END), RunbookAnswer)
    assert isinstance(await stage.do("read"), RunbookAnswer)
    await stage.desk.close()


async def test_steps_that_are_put_back_as_they_were_are_run_again(stage: Stage) -> None:
    await stage.done("read")
    for each in kept(stage):
        each.unlink()
    edit(stage, "fine?", "good?")
    await stage.restart()
    refused(await stage.do("ok"), "runbook-changed")
    edit(stage, "good?", "fine?")
    await stage.restart()
    assert isinstance(await stage.do("ok"), RunbookAnswer)
    await stage.desk.close()


async def test_runbooks_are_read_again_once_their_files_rest(stage: Stage) -> None:
    await stage.desk.poll(())
    path = stage.folder / "runbooks/recover.yaml"
    path.write_text("title: [")
    for _ in range(2):
        assert stage.titles == ["recover {service}"]
        stage.clock.move(4.0)
        await stage.desk.poll(())
    assert stage.titles == []
    assert "1 problem in the runbooks" in stage.desk.fault
    path.write_text(ALL_KINDS.replace("recover {service}", "repair {service}"))
    for _ in range(2):
        stage.clock.move(4.0)
        await stage.desk.poll(())
    assert stage.titles == ["repair {service}"]
    assert stage.desk.fault == ""
    await stage.desk.close()


async def test_an_operation_of_somebody_else_or_from_before_is_not_the_steps(stage: Stage) -> None:
    await stage.done("read")
    await stage.done("ok")
    earlier = stage.clock.now() - 60
    await stage.do("again")
    for strange in (
        {"who": "somebody"},
        {"host": "elsewhere"},
        {"service": "till"},
        {"kind": ActionKind.BACKUP},
        {"started_at": earlier},
    ):
        await stage.desk.poll((operation(stage, OperationState.VERIFIED, **strange),))
        at = stage.run.step("again")
        assert at is not None
        assert at.state is StepState.PENDING
    await stage.restart()
    await stage.desk.poll((operation(stage, OperationState.FAILED),))
    await stage.desk.poll((operation(stage, OperationState.FAILED),))
    at = stage.run.step("again")
    assert at is not None
    assert at.state is StepState.FAILED
    await stage.desk.close()


async def test_a_state_folder_that_cannot_be_used_is_a_reason_and_no_crash(stage: Stage) -> None:
    (stage.folder / "state").write_text("a file, not a folder")
    refused(await stage.do("read"), "cannot-record")
    await stage.desk.close()
