"""Runbooks on the screen: found, read, run a step at a time, and never by enter."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Refusal
from opsconsole.model.runbooks.runbook import OnFailure, RunbookView, StepKind, StepView
from opsconsole.model.runbooks.runs import (
    RunbookAnswer,
    RunbookRequest,
    RunbookRun,
    RunbookVerb,
    RunOutcome,
    Samples,
    StepRun,
    StepState,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.screens.alerts.alert import AlertScreen
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.incident.runbook import RunbookScreen
from opsconsole.ui.screens.incident.runbooks import RunbooksScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.ui import fleet, ringing
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine
from tests.ui.fleet import NOW
from tests.ui.screens.changes.test_operations import line_of
from tests.ui.screens.changes.test_requests import SIZES, shown
from tests.ui.tabs import key_of

STEPS = (
    StepView("read", StepKind.TEXT, "look first", text="Look at {service} first."),
    StepView("ok", StepKind.CHECK, "the health check passes", "GET /health"),
    StepView("again", StepKind.OPERATION, "restart", "restart", changes=True),
    StepView("watch", StepKind.WAIT, "watch it", "watch for 30m that the service is ok",
             seconds=1800.0),
    StepView("way", StepKind.QUESTION, "which way?", "which way?", answers=("left", "right"),
             expect="left", optional=True),
    StepView("end", StepKind.TEXT, "tell the users", text="Tell them.",
             on_failure=OnFailure.CONTINUE),
)  # fmt: skip
BOOK = RunbookView(
    "recover", "recover {service}", STEPS, "Bring {service} back.", ("ServiceDown",),
    ("ai-service",), digest="d",
)  # fmt: skip
OTHER = RunbookView("other", "something else", STEPS[:1], services=("oatie",))


def run(*states: StepState, **more: object) -> RunbookRun:
    """A run that stands as ``states`` say."""
    steps = [
        StepRun(
            step.id, state, optional=step.optional, on_failure=step.on_failure,
            said="as it was told", who="kim", host="bastion-1", attempts=1,
            started_at=NOW - 600, ended_at=None if state is StepState.RUNNING else NOW - 540,
        )
        if state is not StepState.PENDING
        else StepRun(step.id, optional=step.optional, on_failure=step.on_failure)
        for step, state in zip(
            STEPS, (*states, *[StepState.PENDING] * (len(STEPS) - len(states))), strict=True
        )
    ]  # fmt: skip
    made = RunbookRun("run-1", "recover", "recover ai-service", "ai-service", "d", "kim",
                      "bastion-1", NOW - 600, NOW - 60, tuple(steps))  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


P, R, F = StepState.PASSED, StepState.RUNNING, StepState.FAILED


def written(*runs: RunbookRun, read_only: bool = False) -> Snapshot:
    snapshot = fleet.on_fire(read_only=read_only)
    return replace(snapshot, runbooks=(BOOK, OTHER), runbook_runs=runs)


async def to_runbook(stage: Stage) -> None:
    stage.app.push_screen(RunbookScreen("recover", "ai-service"))
    await stage.pilot.pause()
    await stage.pilot.pause()


@pytest.mark.parametrize("size", [*SIZES, (200, 60)])
async def test_the_tab_lists_what_is_written_for_the_service(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(written(run(P, P)), size=size) as stage:
        stage.app.push_screen(ServiceScreen("ai-service"))
        await stage.pilot.pause()
        await stage.press(key_of("runbooks"))
        assert "runbooks ▶1" in stage.text
        assert "≡ recover ai-service: step 3 of 6" in stage.text
        row = line_of(stage, "▶ recover ai-service")
        assert "step 3 of 6" in row
        assert "something else" not in stage.text
        await stage.press("enter")
        assert shown(stage) is RunbookScreen
        assert stage.engine.runbook_requests == []


@pytest.mark.parametrize("size", [*SIZES, (200, 60)])
async def test_a_checklist_says_how_each_step_stands_and_what_comes_next(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(written(run(P, F)), size=size) as stage:
        await to_runbook(stage)
        assert "recover ai-service" in stage.text
        assert "Bring ai-service back." in stage.text
        passed, failed = line_of(stage, " 1 read"), line_of(stage, " 2 check")
        assert passed.lstrip().startswith("●")
        assert "as it was told" in passed
        assert failed.startswith("›✖")
        assert "kim" in (passed if size[0] >= 100 else stage.text)
        assert "R runs it again" in stage.text
        assert line_of(stage, " 4 wait").startswith(" ○")


async def test_enter_reads_and_runs_nothing(open_stage: OpenStage) -> None:
    async with open_stage(written(run(P, P))) as stage:
        await to_runbook(stage)
        await stage.press("enter")
        assert " 1 read" not in stage.text
        await stage.press("enter", "enter", "d", "space", "g", "enter", "enter")
        assert stage.engine.runbook_requests == []
        assert stage.engine.requests == []


async def test_a_key_of_its_own_runs_the_step_that_is_selected_and_it_is_the_next(
    open_stage: OpenStage,
) -> None:
    async with open_stage(written(run(P))) as stage:
        await to_runbook(stage)
        stage.engine.answer_runbook = lambda _request: RunbookAnswer(run(P, R))
        await stage.press("R")
        asked = stage.engine.runbook_requests
        assert asked == [RunbookRequest("recover", "ai-service", RunbookVerb.RUN, "ok")]
        await stage.publish(replace(written(run(P, P)), seq=2))
        assert line_of(stage, " 3 act").startswith("›○")
        assert "R opens its plan" in stage.text


async def test_a_step_that_changes_something_opens_the_ordinary_plan(
    open_stage: OpenStage,
) -> None:
    async with open_stage(written(run(P, P))) as stage:
        await to_runbook(stage)
        plan = ActionRequest("ai-service", ActionKind.RESTART, "restart")
        stage.engine.answer_runbook = lambda _request: RunbookAnswer(run(P, P), plan)
        await stage.press("R")
        assert shown(stage) is PlanScreen
        assert [(each.service, each.kind) for each in stage.engine.requests] == [
            ("ai-service", ActionKind.RESTART)
        ]
        assert stage.engine.performed == []


async def test_a_wait_says_how_much_is_left(open_stage: OpenStage) -> None:
    waiting = run(P, P, P, R)
    steps = tuple(
        replace(each, samples=Samples(held=59, unknown=1, last="ai-service is ok", last_at=NOW))
        if each.id == "watch"
        else each
        for each in waiting.steps
    )
    async with open_stage(written(replace(waiting, steps=steps))) as stage:
        await to_runbook(stage)
        assert "20m00s left, held in 59 of 60 looks" in stage.text
        assert "ai-service is ok" in stage.text
        stage.clock.at += 60
        stage.app.show()
        await stage.pilot.pause()
        assert "19m00s left" in stage.text


async def test_a_question_is_answered_in_a_line_and_the_beginning_is_enough(
    open_stage: OpenStage,
) -> None:
    async with open_stage(written(run(P, P, P, P))) as stage:
        await to_runbook(stage)
        assert "left, right" in stage.text
        await stage.press("R")
        assert stage.engine.runbook_requests == []
        await stage.press("escape")
        assert shown(stage) is RunbookScreen
        assert stage.engine.runbook_requests == []
        await stage.press("R", "r", "enter")
        (asked,) = stage.engine.runbook_requests
        assert (asked.step, asked.answer) == ("way", "right")
        await stage.press("S")
        assert stage.engine.runbook_requests[-1].verb is RunbookVerb.SKIP


async def test_a_refusal_says_why(open_stage: OpenStage) -> None:
    async with open_stage(written()) as stage:
        await to_runbook(stage)
        stage.engine.answer_runbook = lambda _r: Refusal("not-next", "step read comes first")
        await stage.press("j", "R")
        assert "step read comes first" in stage.text


async def test_a_run_is_ended_by_a_word_and_a_new_one_begins_at_the_top(
    open_stage: OpenStage,
) -> None:
    async with open_stage(written(run(P, P))) as stage:
        await to_runbook(stage)
        await stage.press("E", "n", "o", "enter")
        assert stage.engine.runbook_requests == []
        await stage.press("E", "e", "n", "d", "enter")
        assert stage.engine.runbook_requests[-1].verb is RunbookVerb.END
        over = run(P, P, ended_at=NOW, outcome=RunOutcome.ABANDONED, said="ended: 2 passed")
        await stage.publish(replace(written(over), seq=2))
        assert "ended: 2 passed" in stage.text
        before = len(stage.engine.runbook_requests)
        await stage.press("R")
        assert "A begins a new one" in stage.text
        await stage.press("A")
        assert line_of(stage, " 1 read").startswith("›○")
        assert "last: ended: 2 passed" in stage.text
        assert len(stage.engine.runbook_requests) == before


async def test_read_only_says_what_it_refuses_and_looks_all_the_same(
    open_stage: OpenStage,
) -> None:
    async with open_stage(written(run(P, P), read_only=True)) as stage:
        await to_runbook(stage)
        assert "this console is read-only" in stage.text
        assert "run step (read-only)" in stage.text


async def test_a_held_picture_runs_nothing(open_stage: OpenStage) -> None:
    async with open_stage(written(run(P))) as stage:
        await to_runbook(stage)
        await stage.press("p", "R")
        assert all(each.replay for each in stage.engine.runbook_requests)
        assert "nothing is run from it" in stage.text


@pytest.mark.parametrize("size", SIZES)
async def test_an_alert_leads_to_the_runbook_that_is_written_for_it(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    snapshot = replace(ringing.ringing(), runbooks=(BOOK, OTHER))
    down = next(each for each in snapshot.alerts if each.name == "ServiceDown")
    async with open_stage(snapshot, size=size, engine=FakeEngine(snapshot)) as stage:
        stage.app.push_screen(AlertScreen(down.key))
        await stage.pilot.pause()
        assert "b opens the runbook: recover ai-service" in stage.text
        await stage.press("b")
        assert shown(stage) is RunbookScreen
        assert "Bring ai-service back." in stage.text
        await stage.press("escape", "escape")
        await stage.press("b")
        assert shown(stage) in {RunbooksScreen, RunbookScreen}


async def test_the_list_of_all_opens_by_its_command(open_stage: OpenStage) -> None:
    async with open_stage(written()) as stage:
        await stage.press("colon", *"runbooks", "enter")
        assert shown(stage) is RunbooksScreen
        assert "recover ai-service" in stage.text
        await stage.press("j", "enter")
        assert shown(stage) is RunbookScreen


async def test_each_runbook_is_a_command_that_opens_it_and_runs_nothing(
    open_stage: OpenStage,
) -> None:
    async with open_stage(written()) as stage:
        await stage.press("colon", *"runbook", "space", *"rec", "tab", "enter")
        assert shown(stage) is RunbookScreen
        assert "Bring ai-service back." in stage.text
        assert stage.engine.runbook_requests == []


async def test_a_runbook_that_is_gone_says_so_and_stays(open_stage: OpenStage) -> None:
    async with open_stage(written()) as stage:
        await to_runbook(stage)
        await stage.publish(replace(fleet.on_fire(), seq=2))
        assert "there is no such runbook any more" in stage.text
        await stage.press("R", "S", "enter", "y")
        assert shown(stage) is RunbookScreen


async def test_hostile_words_stay_words(open_stage: OpenStage) -> None:
    evil = replace(BOOK, title="[red]x[/] {service}", purpose="[link=file:///]y[/link]")
    snapshot = replace(written(), runbooks=(evil,))
    async with open_stage(snapshot) as stage:
        await to_runbook(stage)
        assert "[red]x[/] ai-service" in stage.text
        assert "[link=file:///]y[/link]" in stage.text


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_of_a_runbook_that_has_changed_shows_the_steps_as_they_were_begun(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    snapshot = written(run(P, digest="before", begun_as=replace(BOOK, digest="before")))
    later = replace(BOOK, steps=(replace(STEPS[0], title="look nowhere"), *STEPS[1:]))
    async with open_stage(replace(snapshot, runbooks=(later,)), size=size) as stage:
        await to_runbook(stage)
        assert "the runbook has changed since: this run goes on as begun" in stage.text
        assert "look first" in stage.text
        assert "look nowhere" not in stage.text
        assert "were changed since" not in stage.text
