"""What is being done, by whom, and what came of it, wherever one looks."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import ActionKind, Degradation, OperationState
from opsconsole.model.snapshot import Snapshot
from opsconsole.render import operations as render
from opsconsole.render.ink.cells import plain
from opsconsole.ui.screens.changes.operations import OperationScreen, OperationsScreen
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.changes.request import RequestScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from tests.ui import working
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine
from tests.ui.fleet import EVIL, NOW
from tests.ui.screens.changes.test_requests import SIZES, shown, to_service
from tests.ui.tabs import key_of


def away() -> Snapshot:
    """One restart of one's own ended while no console was open."""
    run = working.ended(7, "ai-service", OperationState.VERIFIED)
    return replace(working.acting(), operations=(run,), missed=(run,), degradations=())


def line_of(stage: Stage, text: str) -> str:
    """The first line that holds ``text``."""
    return next((line for line in stage.text.splitlines() if text in line), "")


async def test_a_row_says_what_is_being_done_and_by_whom(open_stage: OpenStage) -> None:
    async with open_stage(working.acting(), size=(160, 40)) as stage:
        assert "▶ restart 12s by ops@bastion-2" in line_of(stage, "ai-service")
        assert "◐ degraded 12m00s more, on purpose" in line_of(stage, " gateway")
        stage.clock.at += 30
        stage.app.show()
        await stage.pilot.pause()
        assert "▶ restart 42s by ops@bastion-2" in line_of(stage, "ai-service")
        assert "degraded 11m30s more" in line_of(stage, " gateway")


@pytest.mark.parametrize("size", SIZES)
async def test_the_overview_has_a_strip_while_something_is_under_way(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(working.acting(), size=size) as stage:
        lines = stage.text.splitlines()
        tall = size[1] >= 40
        assert "oatie ▶ backup 1m05s by ann@bastion-1" in lines[-3 if tall else -2]
        assert "ai-service ▶ restart" in lines[-2] if tall else "+1 more" in lines[-2]
        await stage.publish(replace(working.acting(), operations=(), seq=2))
        assert "▶" not in stage.text.splitlines()[-2]


@pytest.mark.parametrize("size", SIZES)
async def test_the_panel_lists_what_runs_first_and_follows_it(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(working.acting(), size=size) as stage:
        await stage.press("u")
        assert shown(stage) is OperationsScreen
        rows = stage.text.splitlines()[4:]
        assert "restart ai-service" in rows[0]
        assert "12s of about 42s" in rows[0]
        assert "usual time not known" in rows[1]
        assert "restart container a-2" in stage.text
        done = working.ended(1, "ai-service", OperationState.VERIFIED)
        await stage.publish(replace(working.acting(), operations=(done,), seq=2))
        assert "answered 200 for 10 s" in stage.text
        assert "nothing under way" in stage.text
        await stage.press("enter")
        assert shown(stage) is OperationScreen
        assert "verified" in stage.text
        await stage.press("escape", "escape")
        assert shown(stage) is not OperationsScreen


async def test_a_verdict_that_is_not_good_says_what_next(open_stage: OpenStage) -> None:
    async with open_stage(working.acting()) as stage:
        await stage.press("u", "n")
        assert "not healthy within 5 min" in stage.text
        for said in ("what next", "look at errorscope", "again, with an override", "roll back"):
            assert said in stage.text
        await stage.press("T")
        assert shown(stage) is RequestScreen
        await stage.press("escape", "U")
        assert shown(stage) is PlanScreen
        assert [(each.service, each.kind) for each in stage.engine.requests] == [
            ("errorscope", ActionKind.ROLLBACK)
        ]
        assert stage.engine.performed == []
        stage.app.pop_screen()
        await stage.press("d")
        assert shown(stage) is ServiceScreen


async def test_what_was_missed_is_said_until_the_first_key(open_stage: OpenStage) -> None:
    async with open_stage(away()) as stage:
        strip = stage.text.splitlines()[-2]
        assert "restart of ai-service by you, started 09:03:27, verified 09:04:07" in strip
        assert "you were not connected" in strip
        await stage.press("j")
        assert "you were not connected" not in stage.text
        await stage.publish(replace(away(), seq=2))
        assert "you were not connected" not in stage.text


def test_a_recovery_at_the_end_is_told_as_such() -> None:
    run = working.ended(
        8, "oatie", OperationState.VERIFIED, kind=ActionKind.RECOVER,
        reason="the end of the degradation that kim began: load",
        by_promise=True,
    )  # fmt: skip
    assert "recover of oatie at the end of its degradation" in render.missed(run, NOW)


async def test_d_recovers_what_is_degraded_on_purpose(open_stage: OpenStage) -> None:
    async with open_stage(working.acting()) as stage:
        await stage.press("D")
        assert shown(stage) is RequestScreen
        await stage.press("escape")
        await to_service(stage, "gateway")
        assert "D recover" in stage.text
        await stage.press("D")
        assert shown(stage) is PlanScreen
        assert stage.engine.requests[0].kind is ActionKind.RECOVER


@pytest.mark.parametrize("size", SIZES)
async def test_a_rollback_that_waits_counts_down_and_can_be_stopped(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    run = working.ended(7, "ai-service", OperationState.FAILED, rollback_at=NOW + 25)
    snapshot = replace(working.acting(), operations=(run,), degradations=())
    async with open_stage(snapshot, size=size) as stage:
        strip = stage.text.splitlines()[-2]
        assert "ai-service ↻ restart failed: rolls back by itself in 25s" in strip
        stage.clock.at += 5
        await stage.press("u")
        assert "rolls back by itself in 20s; S stops it" in stage.text
        await stage.press("S")
        await stage.pilot.pause(0.05)
        assert stage.engine.stopped_rollbacks == ["op-7"]
        assert "not stopped: it has begun already" in stage.text


async def test_a_rollback_is_not_stopped_from_a_read_only_console(open_stage: OpenStage) -> None:
    run = working.ended(7, "ai-service", OperationState.FAILED, rollback_at=NOW + 25)
    snapshot = replace(working.acting(), operations=(run,), read_only=True)
    async with open_stage(snapshot) as stage:
        await stage.press("u", "S")
        assert stage.engine.stopped_rollbacks == []
        assert "read-only" in stage.text.splitlines()[-1]


def test_an_end_that_has_passed_is_not_hidden() -> None:
    late = Degradation("op", "api", NOW - 120, "kim", "bastion-1", "load", attempts=3)
    said = render.degraded(late, NOW)
    assert "end passed 2m00s ago, 3 tries to recover failed, by kim@bastion-1: load" in said


def test_a_bar_is_honest() -> None:
    run = working.operation(1, "api")
    assert 0.28 < render.progress(run, NOW) < 0.29
    assert render.timing(run, NOW) == "12s of about 42s"
    assert render.timing(run, NOW + 60) == "1m12s, 30s longer than usual"
    unknown = replace(run, usual_duration=None)
    assert render.progress(unknown, NOW) == pytest.approx(1 / 3)
    assert render.timing(unknown, NOW) == "12s, usual time not known"
    assert render.progress(replace(unknown, steps=()), NOW) == 0.0


def test_whether_it_took_effect_may_be_unknown() -> None:
    run = working.operation(1, "api", state=OperationState.UNKNOWN)
    assert "unknown whether it took effect" in render.activity(run, NOW)


@pytest.mark.parametrize("text", EVIL)
async def test_hostile_words_are_words(open_stage: OpenStage, text: str) -> None:
    made = working.acting()
    runs = tuple(
        replace(run, who=text, host=text, reason=text, summary=text, name=text, evidence=(text,))
        for run in made.operations
    )
    lasting = tuple(replace(each, reason=text, who=text) for each in made.degradations)
    hostile = replace(made, operations=runs, degradations=lasting, missed=runs[3:])
    async with open_stage(hostile, size=(80, 24)) as stage:
        await stage.press("j", "u", "enter")
        assert shown(stage) is OperationScreen
        for width in (40, 80, 200):
            for run in runs:
                assert plain(render.details(run, None, width, NOW))


@pytest.mark.parametrize("size", SIZES)
async def test_backups_are_listed_compared_and_restored_from_their_tab(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    engine = FakeEngine(working.acting())
    engine.kept = working.backups()
    async with open_stage(None, engine=engine, size=size) as stage:
        await to_service(stage, "ai-service")
        await stage.press("enter", key_of("backups"))
        assert "▶ restart 12s by ops@bastion-2" in stage.text
        for said in ("2025-11-21 08:14:07", "whole", "verified", "damaged", "data/7"):
            assert said in stage.text
        await stage.press("v")
        assert engine.verified == ["20251121T081407Z-a1"]
        assert "whole" not in stage.text
        assert engine.requests == []
        await stage.press("j", "L")
        assert shown(stage) is RequestScreen
        await stage.press("enter", "enter")
        assert shown(stage) is PlanScreen
        assert dict(engine.requests[0].parameters) == {"backup": "20251120T081407Z-b2"}
        assert engine.performed == []


@pytest.mark.parametrize("text", EVIL)
async def test_hostile_names_of_backups_are_names(open_stage: OpenStage, text: str) -> None:
    engine = FakeEngine(working.acting())
    engine.kept = tuple(replace(each, id=text + each.id, fault=text) for each in working.backups())
    async with open_stage(None, engine=engine, size=(80, 24)) as stage:
        await stage.press("enter", key_of("backups"), "j", "L")
        assert shown(stage) is RequestScreen


@pytest.mark.parametrize("size", [*SIZES, (200, 60)])
async def test_a_verdict_that_did_not_last_is_told_on_the_row_and_the_operation(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    said = "ai-service-1 died again after 28 s"
    run = working.ended(7, "ai-service", OperationState.VERIFIED)
    told = replace(run, corrected=said, summary=f"{said}; {run.summary}")
    snapshot = replace(working.acting(), operations=(told,), degradations=())
    async with open_stage(snapshot, size=size) as stage:
        assert "verified, ai-service-1 died" in stage.text or size[0] < 200
        await stage.press("u")
        row = line_of(stage, "restart ai-service")
        assert row.lstrip(" ›│").startswith("▲ "), row
        assert "died again" in row
        await stage.press("enter")
        assert f"▲ verified, {said}" in stage.text
        assert stage.text.count("died again") == 1
        assert "● verified" not in stage.text
