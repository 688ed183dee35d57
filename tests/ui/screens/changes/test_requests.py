"""Forms before a plan: what is asked, what they give, and that nothing starts from them."""

from dataclasses import replace

import pytest
from textual import events
from textual.widgets import Input

from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    ActionView,
    ConfirmLevel,
    Operation,
    OperationState,
    Refusal,
    StepResult,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.routes import RequestDialog
from opsconsole.ui.screens.base import ConsoleScreen
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.changes.request import RequestScreen
from opsconsole.ui.screens.changes.together import TogetherScreen
from opsconsole.ui.screens.overview.screen import OverviewScreen
from opsconsole.ui.widgets.choice import Choice
from opsconsole.ui.widgets.grid_table import GridTable
from tests.ui import fleet, working
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine, a_plan, an_operation
from tests.ui.fleet import EVIL, NOW
from tests.ui.tabs import key_of
from tests.workloads import engine, replica, workload

SIZES = ((80, 24), (120, 40))


def shown(stage: Stage) -> type:
    """What sort of screen is on top."""
    return type(stage.app.screen)


async def to_service(stage: Stage, name: str) -> None:
    """Put the cursor on ``name``."""
    for _ in range(20):
        screen = stage.app.screen
        assert isinstance(screen, ConsoleScreen)
        if screen.target is not None and screen.target.name == name:
            return
        await stage.press("j")
    raise AssertionError(f"{name} is not listed")


@pytest.mark.parametrize("size", SIZES)
async def test_degrade_asks_for_a_reason_and_shows_its_end(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(working.acting(), size=size) as stage:
        await stage.press("D")
        assert shown(stage) is RequestScreen
        assert "ends by itself at 09:44:07Z, in 30m00s" in stage.text
        await stage.press("enter", "enter", "enter")
        assert "a reason is needed" in stage.text
        assert stage.engine.requests == []
        await stage.press(*"load")
        await stage.press("enter")
        assert stage.app.screen.focused is stage.app.screen.query_one("#for")
        await stage.press("backspace", "backspace", "backspace", *"5s", "enter")
        assert "09:14:12Z, in 5s" in stage.text
        assert isinstance(stage.app.screen.focused, Choice)
        await stage.press("enter")
        assert shown(stage) is PlanScreen
        [request] = stage.engine.requests
        assert (request.kind, request.reason, request.duration) == (ActionKind.DEGRADE, "load", 5.0)
        assert stage.engine.performed == []


async def test_keys_that_come_at_once_stay_in_order(open_stage: OpenStage) -> None:
    async with open_stage(working.acting()) as stage:
        await stage.press("D")
        typed = (*"lo", "enter", "ctrl+u", *"5x", "backspace", "s", "enter")
        for key in typed:
            stage.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await stage.pilot.pause(0.1)
        values = [field.value for field in stage.app.screen.query(Input)]
        assert values == ["lo", "5s"]
        assert "in 5s" in stage.text
        assert isinstance(stage.app.screen.focused, Choice)


async def test_an_end_that_cannot_be_is_said_at_once(open_stage: OpenStage) -> None:
    async with open_stage(working.acting()) as stage:
        await stage.press("D", *"load", "enter", "backspace", "backspace", "backspace", *"25h")
        assert "at most 24h" in stage.text
        await stage.press("enter", "enter")
        assert shown(stage) is RequestScreen
        assert stage.engine.requests == []
        assert stage.app.screen.focused is stage.app.screen.query_one("#for")


async def menu_to(stage: Stage, kind: ActionKind) -> None:
    """Open the menu and choose the first action of ``kind``."""
    await stage.press("x")
    stage.let_read()
    at = next(n for n, view in enumerate(working.EVERY_ACTION) if view.kind is kind)
    await stage.press(*["j"] * at, "enter")


@pytest.mark.parametrize("size", SIZES)
async def test_scale_stays_within_its_bounds(open_stage: OpenStage, size: tuple[int, int]) -> None:
    async with open_stage(working.acting(), size=size) as stage:
        await menu_to(stage, ActionKind.SCALE)
        assert "1 to 5" in stage.text
        await stage.press("9", "enter", "enter")
        assert "1 to 5 are allowed" in stage.text
        assert stage.engine.requests == []
        await stage.press("backspace", "3", "enter", "enter")
        assert [dict(each.parameters) for each in stage.engine.requests] == [{"to": "3"}]


@pytest.mark.parametrize("size", SIZES)
async def test_restore_asks_which_backup_and_takes_no_damaged_one(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    engine = FakeEngine(working.acting())
    engine.kept = working.backups()
    async with open_stage(None, engine=engine, size=size) as stage:
        await menu_to(stage, ActionKind.RESTORE)
        for said in ("whole", "verified", "damaged", "data/7", "1h00m", "46M"):
            assert said in stage.text
        await stage.press("j", "j", "enter", "enter")
        assert "choose a backup that is not damaged" in stage.text
        assert stage.engine.requests == []
        await stage.press("k", "enter", "enter")
        assert shown(stage) is PlanScreen
        [request] = stage.engine.requests
        assert dict(request.parameters) == {"backup": "20251120T081407Z-b2"}


async def test_a_test_by_name_needs_no_form(open_stage: OpenStage) -> None:
    async with open_stage(working.acting()) as stage:
        await menu_to(stage, ActionKind.TEST)
        assert shown(stage) is PlanScreen
        assert [each.name for each in stage.engine.requests] == ["database"]


@pytest.mark.parametrize("text", EVIL)
async def test_hostile_words_in_a_reason_are_a_reason(open_stage: OpenStage, text: str) -> None:
    async with open_stage(working.acting()) as stage:
        await stage.press("D")
        stage.app.screen.query_one("#reason", Input).value = text
        await stage.press("enter", "enter", "enter")
        [request] = stage.engine.requests
        assert "\x1b" not in request.reason
        assert len(request.reason) <= 200


async def test_a_refusal_that_an_override_lifts_offers_it(open_stage: OpenStage) -> None:
    engine = FakeEngine(working.acting())
    engine.refusal = Refusal(
        "cooling-down", "it was restarted 12 s ago", "wait 48 s, or override with a reason"
    )
    async with open_stage(None, engine=engine) as stage:
        await stage.press("R")
        assert "lifted by" in stage.text
        stage.let_read()
        await stage.press("tab", "enter")
        assert shown(stage) is RequestScreen
        engine.refusal = None
        await stage.press(*"loop", "enter", "enter")
        assert shown(stage) is PlanScreen
        assert stage.engine.requests[-1].reason == "loop"
        assert dict(stage.engine.requests[-1].parameters) == {"override": "yes"}
        assert stage.engine.performed == []


COPY = ActionView(ActionKind.RESTART, "", "docker", "one by one")


def copied_fleet() -> Snapshot:
    """A service of three copies and a container of no service, which is the busiest."""
    one = working.acting(actions=(COPY,)).service("ai-service")
    assert one is not None
    runs = (*map(replica, one.replicas), replica("stranger", cpu=9.0))
    engines = (engine(*runs, at=NOW - 2, workloads=[workload("swarm", 1, 1)]),)
    return replace(fleet.calm(), services=(one,), engines=engines)


async def go_to(stage: Stage, wanted: str) -> None:
    """Put the cursor of the focused table on the row whose key has ``wanted`` in it."""
    for _ in range(60):
        table = stage.app.screen.focused
        assert isinstance(table, GridTable)
        if wanted in (table.cursor_key or ""):
            return
        await stage.press("j")
    raise AssertionError(f"{wanted} is not listed")


@pytest.mark.parametrize(
    ("way", "row", "parameters"),
    [
        (("enter", key_of("copies")), "copy/ai-service-2", {"instance": "ai-service-2"}),
        (("enter", key_of("copies")), "ai-service-3/fact", {"instance": "ai-service-3"}),
        (("enter", key_of("copies"), "y"), "ai-service-2/raw", {"instance": "ai-service-2"}),
        (("enter", key_of("why")), None, {"copies": "usual"}),
        (("3",), "replica:ai-service-2", {"instance": "ai-service-2"}),
        (("1",), "ai-service", {"copies": "usual"}),
    ],
)
async def test_a_restart_is_for_the_copy_under_the_cursor(
    open_stage: OpenStage, way: tuple[str, ...], row: str | None, parameters: dict[str, str]
) -> None:
    async with open_stage(copied_fleet()) as stage:
        await stage.press(*way)
        if row is not None:
            await go_to(stage, row)
        await stage.press("R")
        [request] = stage.engine.requests
        assert (request.service, dict(request.parameters)) == ("ai-service", parameters)
        assert stage.engine.performed == []


async def test_a_copy_that_no_endpoint_names_is_restarted_by_its_own_name(
    open_stage: OpenStage,
) -> None:
    found = copied_fleet()
    [service] = found.services
    more = replace(service, replicas=(*service.replicas, "stranger"))
    async with open_stage(replace(found, services=(more,))) as stage:
        await stage.press("enter", key_of("copies"))
        await go_to(stage, "other/stranger")
        await stage.press("R")
        [request] = stage.engine.requests
        assert dict(request.parameters) == {"instance": "stranger"}


async def test_the_only_copy_is_restarted_as_its_service(open_stage: OpenStage) -> None:
    """What restarts one as a whole need not know single copies."""
    found = copied_fleet()
    [service] = found.services
    only = replace(service, instances=service.instances[:1], replicas=service.replicas[:1])
    async with open_stage(replace(found, services=(only,))) as stage:
        await stage.press("enter", key_of("copies"))
        await go_to(stage, "copy/ai-service-1")
        await stage.press("R")
        [request] = stage.engine.requests
        assert dict(request.parameters) == {"copies": "usual"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("replica:stranger", "stranger belongs to no service"),
        ("workload:", "this row is no copy of a service"),
        ("host:", "this row is no copy of a service"),
    ],
)
async def test_what_belongs_to_no_service_is_not_restarted(
    open_stage: OpenStage, row: str, said: str
) -> None:
    async with open_stage(copied_fleet()) as stage:
        await stage.press("3")
        await go_to(stage, row)
        assert "R restart" not in stage.text
        await stage.press("R")
        assert said in stage.text
        assert stage.engine.requests == []


async def test_a_workload_is_restarted_as_its_service(open_stage: OpenStage) -> None:
    found = copied_fleet()
    [service] = found.services
    more = replace(service, workloads=("docker:swarm",))
    async with open_stage(replace(found, services=(more,))) as stage:
        await stage.press("3")
        await go_to(stage, "workload:")
        await stage.press("R")
        [request] = stage.engine.requests
        assert dict(request.parameters) == {"copies": "usual"}


async def test_what_restarts_no_single_copy_says_so(open_stage: OpenStage) -> None:
    fake = FakeEngine(copied_fleet())
    fake.refusal = Refusal(
        "bad-parameter", "systemd cannot restart one instance of ai-service alone"
    )
    async with open_stage(None, engine=fake) as stage:
        await stage.press("3")
        await go_to(stage, "replica:ai-service-2")
        await stage.press("R")
        assert "systemd cannot restart one instance of ai-service alone" in stage.text


LOCKED = Refusal("locked", "ann@here (pts/1) is at it (00:03)", "wait until it has ended")


def typed(stage: Stage) -> dict[str, str]:
    """What the fields of the screen on top hold."""
    return {field.id or "": field.value for field in stage.app.screen.query(Input)}


def one_at_work() -> FakeEngine:
    made = FakeEngine(working.acting(), ConfirmLevel.CHOICE)
    made.kept = working.backups()
    return made


async def fill_degrade(stage: Stage) -> dict[str, str]:
    await stage.press("D", *"load", "enter", "ctrl+u", *"90m", "enter")
    return {"reason": "load", "for": "90m"}


async def fill_scale(stage: Stage) -> dict[str, str]:
    await menu_to(stage, ActionKind.SCALE)
    await stage.press("3", "enter")
    return {"to": "3"}


async def fill_restore(stage: Stage) -> dict[str, str]:
    await menu_to(stage, ActionKind.RESTORE)
    await stage.press("j", "enter")
    return {}


FORMS = {"degrade": fill_degrade, "scale": fill_scale, "restore": fill_restore}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FORMS)
async def test_a_refused_plan_leads_back_to_what_was_typed(
    open_stage: OpenStage, name: str, size: tuple[int, int]
) -> None:
    made = one_at_work()
    made.refusal = LOCKED
    async with open_stage(None, engine=made, size=size) as stage:
        was = await FORMS[name](stage)
        await stage.press("enter")
        assert shown(stage) is PlanScreen
        first = made.requests[-1]
        stage.let_read()
        await stage.press("escape")
        assert shown(stage) is RequestScreen
        assert typed(stage) == was
        assert "ann@here (pts/1) is at it" in stage.text
        made.refusal = None
        await stage.press(*["enter"] * (len(was) or 1), "enter")
        assert shown(stage) is PlanScreen
        assert made.requests[-1] == first, "the same is asked for again"


def refused_by_its_runner() -> Operation:
    plan = a_plan(ActionRequest("ai-service", ActionKind.DEGRADE), ConfirmLevel.CHOICE)
    steps = tuple(StepResult(each.summary, "waiting") for each in plan.steps)
    said = "the plan is stale: silence was active, is expired; nothing was done"
    run = an_operation(plan, OperationState.REFUSED)
    return replace(run, id="op-9", steps=steps, summary=said)


@pytest.mark.parametrize("answer", [LOCKED, refused_by_its_runner()])
async def test_what_could_not_be_started_leads_back_to_what_was_typed(
    open_stage: OpenStage, answer: Refusal | Operation
) -> None:
    made = one_at_work()
    made.not_started = answer
    async with open_stage(None, engine=made) as stage:
        was = await fill_degrade(stage)
        await stage.press("enter")
        stage.let_read()
        await stage.press("tab", "space")
        assert len(made.performed) == 1
        await stage.press("escape")
        assert shown(stage) is RequestScreen
        assert typed(stage) == was


async def test_what_was_begun_or_dropped_closes_its_form(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=one_at_work()) as stage:
        for keys in (("escape",), ("tab", "space", "escape")):
            await fill_degrade(stage)
            await stage.press("enter")
            stage.let_read()
            await stage.press(*keys)
            assert shown(stage) is OverviewScreen
        assert len(stage.engine.performed) == 1


async def test_an_override_goes_on_with_what_was_typed(open_stage: OpenStage) -> None:
    made = one_at_work()
    made.refusal = Refusal("cooling-down", "it has just ended", "wait 48 s")
    async with open_stage(None, engine=made) as stage:
        await fill_scale(stage)
        await stage.press("enter")
        stage.let_read()
        await stage.press("tab", "enter")
        assert shown(stage) is RequestScreen
        assert typed(stage) == {"to": "3", "reason": ""}


async def test_several_services_have_one_plan_after_one_form(open_stage: OpenStage) -> None:
    made = one_at_work()
    async with open_stage(None, engine=made) as stage:
        services = working.acting().services[:2]
        made.refusals = {services[1].name: LOCKED}
        view = next(each for each in working.EVERY_ACTION if each.kind is ActionKind.DEGRADE)
        stage.app.open(RequestDialog(services, view))
        await stage.press(*"load", "enter", "enter", "enter")
        await stage.pilot.pause(0.1)
        assert shown(stage) is TogetherScreen
        assert f"1 of 2 can: {services[1].name}: " in stage.text
        stage.let_read()
        await stage.press("escape")
        assert shown(stage) is RequestScreen
        assert services[1].name in stage.text, "only what was refused is asked for again"
        assert services[0].name not in stage.text.split("why")[0]
        assert typed(stage)["reason"] == "load"
