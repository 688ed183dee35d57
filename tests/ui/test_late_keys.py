"""What a key acts on: the row that was under the cursor when it was pressed, on every screen.

Each key is handled late, after rows were listed again: with another row first, in another order,
without the row. And it is handled in time, with the new rows arriving before its action is run.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

import pytest
from textual import events

from opsconsole.model.alerting.alerts import Severity
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.asked.backups import BackupView
from opsconsole.model.asked.questions import BackupsOf
from opsconsole.model.health import Component
from opsconsole.model.operation import ActionKind, ActionView, OperationState, Refusal
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.frame import keys
from opsconsole.render.frame.keys import Group, Scope
from opsconsole.render.ink.cells import plain
from opsconsole.ui.messages import Answered
from opsconsole.ui.screens.dialog import Dialog
from opsconsole.ui.widgets.backup_list import BackupList
from opsconsole.ui.widgets.grid_table import GridTable
from opsconsole.ui.widgets.line_widget import LineWidget
from tests import workloads
from tests.patience import soon
from tests.ui import fleet, ringing, working
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine
from tests.ui.fleet import NOW
from tests.ui.screens.incident import test_runbooks
from tests.ui.tabs import key_of

pytestmark = pytest.mark.usefixtures("in_turns")

KINDS = (ActionKind.RESTART, ActionKind.DEGRADE, ActionKind.BACKUP, ActionKind.ROLLBACK)
ACTIONS = tuple(ActionView(kind, "", "docker", "as declared") for kind in KINDS)


class Arrives(Enum):
    """What becomes of the rows after the key was pressed."""

    ANOTHER_FIRST = "another row before all others"
    WITHOUT_IT = "all rows but the one under the cursor"


@dataclass(frozen=True)
class Rows:
    """A table and what may become of it. ``after`` is given what is under the cursor."""

    before: Callable[[], Snapshot]
    way: tuple[str, ...]
    after: Callable[[Snapshot, str, Arrives], Snapshot]
    word: Callable[[str], str] = str
    """What the key of a row is called in what comes of acting on it."""


def services() -> Snapshot:
    made = working.acting(actions=ACTIONS)
    return replace(made, operations=(), degradations=())


def other_services(before: Snapshot, name: str, arrives: Arrives) -> Snapshot:
    listed: tuple[ServiceView, ...] = before.services
    if arrives is Arrives.WITHOUT_IT:
        return replace(before, seq=2, services=tuple(s for s in listed if s.name != name))
    last = replace(listed[-1], state=State.DOWN)
    return replace(before, seq=2, services=(*listed[:-1], last))


def other_alerts(before: Snapshot, key: str, arrives: Arrives) -> Snapshot:
    listed = before.alerts
    if arrives is Arrives.WITHOUT_IT:
        return replace(before, seq=2, alerts=tuple(a for a in listed if a.key != key))
    new = ringing.reported(fleet.alert("Worse", Severity.CRITICAL, 99_999, "redis"), 9)
    return replace(before, seq=2, alerts=(*listed, new))


def other_silences(before: Snapshot, key: str, arrives: Arrives) -> Snapshot:
    listed = before.silences
    name = key.split()[-1]
    if arrives is Arrives.WITHOUT_IT:
        return replace(before, seq=2, silences=tuple(s for s in listed if s.id != name))
    state = next(s.state for s in listed if s.id == name)
    ends = NOW + 1 if state is SilenceState.ACTIVE else NOW
    new = SilenceView("s-9", (), "kim", "worse", NOW - 9, ends, state, "main")
    return replace(before, seq=2, silences=(*listed, new))


OLDER = (Matcher("alertname", "OlderOne"),)


def matched(key: str) -> str:
    """What the silence of a row matches, as it stands in forms."""
    return {"s-0": "OldOne", "s-00": "OlderOne", "s-1": "batch", "s-2": "LowCacheHit"}[
        key.split()[-1]
    ]


def ended_silences() -> Snapshot:
    made = ringing.ringing()
    ended = made.silences[-1]
    older = replace(ended, id="s-00", ends_at=NOW - 9999, comment="older", matchers=OLDER)
    return replace(made, silences=(ended, older))


def armed() -> Snapshot:
    runs = tuple(
        working.ended(number, name, OperationState.FAILED, rollback_at=NOW + 25)
        for number, name in enumerate(("ai-service", "oatie"), 1)
    )
    return replace(services(), operations=runs)


def verifying() -> Snapshot:
    runs = tuple(
        replace(working.operation(number, name), state=OperationState.VERIFYING)
        for number, name in enumerate(("ai-service", "oatie"), 1)
    )
    return replace(services(), operations=runs)


def other_operations(before: Snapshot, key: str, arrives: Arrives) -> Snapshot:
    listed = before.operations
    if arrives is Arrives.WITHOUT_IT:
        return replace(before, seq=2, operations=tuple(o for o in listed if o.id != key))
    new = replace(working.operation(9, "redis"), rollback_at=NOW + 25)
    return replace(before, seq=2, operations=(*listed, new))


def service_of(operation: str) -> str:
    return {"op-1": "ai-service", "op-2": "oatie"}[operation]


def begun() -> Snapshot:
    return test_runbooks.written(test_runbooks.run(test_runbooks.P))


def went_on(before: Snapshot, _key: str, _arrives: Arrives) -> Snapshot:
    done = test_runbooks.run(test_runbooks.P, test_runbooks.P, test_runbooks.P)
    return replace(before, seq=2, runbook_runs=(done,))


def with_tests() -> Snapshot:
    names = ("api", "search", "cache", "worse")
    views = tuple(ActionView(ActionKind.TEST, name, "http", "asks it") for name in names)
    calm = fleet.calm()
    return replace(calm, services=tuple(replace(each, actions=views) for each in calm.services))


def other_components(before: Snapshot, key: str, arrives: Arrives) -> Snapshot:
    def changed(service: ServiceView) -> ServiceView:
        instances = []
        for each in service.instances:
            assert each.report is not None
            parts = each.report.components
            if arrives is Arrives.WITHOUT_IT:
                parts = tuple(part for part in parts if part.name != component_of(key))
            else:
                parts = (Component("worse", State.DOWN), *parts)
            instances.append(replace(each, report=replace(each.report, components=parts)))
        return replace(service, instances=tuple(instances))

    return replace(before, seq=2, services=tuple(map(changed, before.services)))


def component_of(key: str) -> str:
    return key.split("\n")[-2] if "\n" in key else "the menu"


def copied() -> Snapshot:
    """Three copies of one service, as instances with a container each."""
    one = working.acting(actions=ACTIONS).service("ai-service")
    assert one is not None
    runs = tuple(workloads.replica(each.name) for each in one.instances)
    engines = (workloads.engine(*runs, at=NOW - 2),)
    return replace(fleet.calm(), services=(one,), engines=engines, operations=(), degradations=())


def other_copies(before: Snapshot, key: str, arrives: Arrives) -> Snapshot:
    [service], [held] = before.services, before.engines
    copies, runs = service.instances, held.inventory.replicas
    if arrives is Arrives.WITHOUT_IT:
        copies = tuple(each for each in copies if each.name != copy_at(key))
        runs = tuple(each for each in runs if each.name != copy_at(key))
    else:
        new = replace(copies[0], name="worse", state=State.DOWN, replicas=("worse",))
        copies = (new, *copies)
        runs = (workloads.replica("worse", state=State.DOWN), *runs)
    ids = tuple(each.id for each in runs)
    return replace(
        before, seq=2, engines=(workloads.engine(*runs, at=NOW - 2),),
        services=(replace(service, instances=copies, replicas=ids),),
    )  # fmt: skip


def copy_at(key: str) -> str:
    """The copy that a row of the copies tab or of the resources is about."""
    return next((part for part in re.split("[/:]", key) if part.startswith("ai-service-")), key)


def named(alert: str) -> str:
    return next(each.name for each in ringing.alerts() if each.key == alert)


RUNBOOK = ("b", "enter")
SERVICES = Rows(services, (), other_services)
ALERTS = Rows(ringing.ringing, ("2", "z"), other_alerts, named)
SILENCES = Rows(ringing.ringing, ("s",), other_silences, matched)
ENDED = Rows(ended_silences, ("s",), other_silences, matched)
OPERATIONS = Rows(armed, ("u",), other_operations, service_of)
ARMED = Rows(armed, ("u",), other_operations)
VERIFYING = Rows(verifying, ("u",), other_operations)
STEPS = Rows(begun, RUNBOOK, went_on)
COMPONENTS = Rows(with_tests, ("enter", key_of("copies")), other_components, component_of)
COPIES = Rows(copied, ("enter", key_of("copies")), other_copies, copy_at)
USED = Rows(copied, ("3",), other_copies, copy_at)
BACKUPS = Rows(working.acting, ("enter", key_of("backups")), lambda before, *_: before)


ACTING = {
    "restart": SERVICES,
    "restart of a copy": COPIES,
    "restart of a container": USED,
    "degrade": SERVICES,
    "backup": SERVICES,
    "rollback": SERVICES,
    "actions": SERVICES,
    "select": SERVICES,
    "acknowledge": ALERTS,
    "silence": ALERTS,
    "silence-edit": SILENCES,
    "silence-end": SILENCES,
    "silence-again": ENDED,
    "again": OPERATIONS,
    "stop-rollback": ARMED,
    "give-up": VERIFYING,
    "run-step": STEPS,
    "skip-step": STEPS,
    "test": COMPONENTS,
    "verify": BACKUPS,
    "restore": BACKUPS,
}
"""The keys by their ids; after an id, of what it acts on where that is several things."""

BY_NO_ROW = {
    "end-run": "ends the one run of the checklist, after a word is typed",
    "run-again": "shows the checklist as before a run",
    "note": "asks for a line, which names its service",
    "stop-automation": "stops all that is about to begin, on whatever row the cursor is",
    "incident-open": "asks for a line, which names its services",
    **dict.fromkeys(
        (key.id for key in keys.KEYS if key.scope is Scope.INCIDENT),
        "asks for a line, which names its incident",
    ),
    "take-over": "asks for a line, which says how much is open",
}


def test_every_key_that_changes_something_is_tried() -> None:
    changing = {key.id for key in keys.KEYS if key.group is Group.CHANGE}
    assert changing <= ACTING.keys() | BY_NO_ROW.keys()


def table_of(stage: Stage) -> GridTable:
    focused = stage.app.screen.focused
    assert isinstance(focused, GridTable)
    return focused


def event_of(key: str) -> events.Key:
    """The input of a key, of this moment."""
    return events.Key(key, key if len(key) == 1 else " " if key == "space" else None)


def send(stage: Stage, event: events.Key) -> None:
    assert stage.app._driver is not None
    event.set_sender(stage.app)
    stage.app._driver.send_message(event)


def listed(stage: Stage, answer: tuple[BackupView, ...] | Refusal) -> None:
    """The backups on the screen are listed again."""
    for screen in stage.app.screen_stack:
        for table in screen.query(BackupList):
            table.take(answer)
    stage.app.show()


def arrive(stage: Stage, rows: Rows, key: str, arrives: Arrives) -> None:
    """Let other rows arrive, as the engine would."""
    engine = stage.engine
    if rows is BACKUPS:
        kept = tuple(each for each in engine.kept if each.id != key)
        if arrives is Arrives.ANOTHER_FIRST:
            kept = (BackupView("20251122T000000Z-z9", "ai-backend", NOW), *engine.kept)
        engine.kept = kept
        stage.app.post_message(Answered(BackupsOf("ai-backend"), kept, partial(listed, stage)))
        return
    assert engine.snapshot is not None
    engine.publish(rows.after(engine.snapshot, key, arrives))


def acted_on(stage: Stage) -> list[str]:
    """The names of all that was acted on, and what the dialog on top is about."""
    engine, screen = stage.engine, stage.app.screen
    said = [f"{r.service} {r.name}" for r in engine.requests]
    said += [f"{value}" for r in engine.requests for value in r.parameters.values()]
    said += [*engine.stopped_rollbacks, *engine.given_up, *engine.verified]
    said += [request.step for request in engine.runbook_requests]
    if isinstance(screen, Dialog):
        said += [plain(widget.shown) for widget in screen.query(LineWidget)]
        said += [str(field.value) for field in screen.query("Input")]  # type: ignore[attr-defined]
    else:
        said += [name for table in screen.query(GridTable) for name in table.chosen]
    return said


async def at_a_row(stage: Stage, rows: Rows, wanted: Callable[[str], bool], down: int) -> str:
    """Go to the table and down to a row that ``wanted`` takes; the key of the row."""
    await stage.press(*rows.way)
    table = table_of(stage)
    for _ in range(down):
        await stage.press("j")
    for _ in range(40):
        if table.cursor_key is not None and wanted(table.cursor_key):
            return table.cursor_key
        await stage.press("j")
    raise AssertionError(f"no such row among {table.keys}")


def is_acted_on(key: str) -> Callable[[str], bool]:
    """Which rows ``key`` has something to do for."""
    if ACTING[key] is COMPONENTS:
        return lambda row: component_of(row) in {"search", "cache"}
    if ACTING[key] in {COPIES, USED}:
        return lambda row: copy_at(row) != row
    return lambda _row: True


def engine_for(rows: Rows) -> FakeEngine:
    engine = FakeEngine(rows.before())
    engine.kept = working.backups()[:2]
    return engine


@pytest.mark.parametrize("in_time", [False, True], ids=["handled late", "handled in time"])
@pytest.mark.parametrize("arrives", Arrives)
@pytest.mark.parametrize("down", [0, 1])
@pytest.mark.parametrize("key", ACTING)
async def test_a_key_acts_on_what_was_under_the_cursor(
    open_stage: OpenStage, key: str, down: int, arrives: Arrives, in_time: bool
) -> None:
    rows = ACTING[key]
    pressed = keys.default_keys()[key.partition(" ")[0]][0]
    async with open_stage(None, engine=engine_for(rows)) as stage:
        row = await at_a_row(stage, rows, is_acted_on(key), down)
        others = {rows.word(each) for each in table_of(stage).keys} - {rows.word(row)}
        event = event_of(pressed)
        if in_time:
            send(stage, event)
            arrive(stage, rows, row, arrives)
        else:
            arrive(stage, rows, row, arrives)
            await stage.press()
            send(stage, event)
        await stage.press()
        await stage.press()
        if key == "restore":
            await stage.press("enter", "enter")
        gone = arrives is Arrives.WITHOUT_IT
        if not gone:
            await soon(lambda: rows.word(row) in "\n".join(acted_on(stage)))
        said = "\n".join(acted_on(stage))
        if gone and (key in {"restore", "test"} or rows in {COPIES, USED}):
            # The form and the menu list what there is, a copy is gone: nothing is asked for.
            assert stage.engine.requests == []
            return
        if rows in {COPIES, USED}:
            # The plan names what it leaves alone too.
            [request] = stage.engine.requests
            assert dict(request.parameters) == {"instance": rows.word(row)}
            return
        assert not [other for other in others if other in said.split()]
        assert "worse" not in said.lower()


async def test_a_move_means_the_rows_that_were_there(open_stage: OpenStage) -> None:
    """Two keys in one go, and between their pressing and their handling another order."""
    async with open_stage(None, engine=engine_for(SERVICES)) as stage:
        await stage.press("g")
        first, second = table_of(stage).keys[:2]
        down, restart = event_of("j"), event_of("R")
        arrive(stage, SERVICES, first, Arrives.WITHOUT_IT)
        await stage.press()
        send(stage, down)
        send(stage, restart)
        await stage.press()
        await stage.press()
        assert [each.service for each in stage.engine.requests] == [second]


async def test_what_a_command_acts_on(open_stage: OpenStage) -> None:
    """A command means the row under the cursor when it was given."""
    async with open_stage(None, engine=engine_for(SERVICES)) as stage:
        row = table_of(stage).cursor_key
        await stage.press("colon", *"restart")
        event = event_of("enter")
        arrive(stage, SERVICES, str(row), Arrives.ANOTHER_FIRST)
        await stage.press()
        send(stage, event)
        await stage.press()
        await stage.press()
        assert [each.service for each in stage.engine.requests] == [row]


async def test_keys_after_a_filter_mean_what_it_leaves(open_stage: OpenStage) -> None:
    """However fast they are typed."""
    async with open_stage(None, engine=engine_for(SERVICES)) as stage:
        for key in ("slash", *"redis", "enter", "R"):
            send(stage, event_of(key))
        for _ in range(4):
            await stage.press()
        assert [each.service for each in stage.engine.requests] == ["redis"]


async def test_a_tab_has_its_keys_at_once(open_stage: OpenStage) -> None:
    """A key right after the one that turns to a tab is that tab's, not that of the tab before."""
    async with open_stage(None, engine=engine_for(COMPONENTS)) as stage:
        await stage.press("enter", key_of("backups"), key_of("why"))
        for key in (key_of("backups"), "v"):
            send(stage, event_of(key))
        await soon(lambda: stage.engine.verified or stage.engine.requests)
        await stage.press()
        assert stage.engine.requests == []
        assert stage.engine.verified == [working.backups()[0].id]
