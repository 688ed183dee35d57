"""The tabs of the service screen: keys, what each shows, calm, empty, failing and stale."""

from dataclasses import replace

import pytest

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.operation import ActionKind, ActionView, Effect, Refusal
from opsconsole.model.running.workloads import ReplicaLook
from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.screens.changes.actions import ActionsScreen
from opsconsole.ui.screens.changes.plan import PlanScreen
from opsconsole.ui.screens.service.screen import ServiceScreen
from opsconsole.ui.screens.service.tabs.all_tabs import TABS
from opsconsole.ui.screens.service.tabs.why import WhyTab
from tests.ui import fleet, reading
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine
from tests.ui.tabs import key_of
from tests.workloads import engine, replica

SIZES = [(80, 24), (120, 40), (200, 60)]


def tab(stage: Stage) -> str:
    screen = stage.app.screen
    assert isinstance(screen, ServiceScreen)
    return screen.tab.NAME


def burning_engine() -> FakeEngine:
    engine = FakeEngine(fleet.on_fire())
    engine.read_pages = reading.pages(fire=True)
    engine.answer_logs = reading.answer_logs
    return engine


async def test_tabs_are_reached_by_digits_tab_and_arrows(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("enter")
        assert tab(stage) == "why"
        for key, name in (
            ("2", "latency"), ("tab", "metrics"), ("right", "copies"), ("left", "metrics"),
            ("shift+tab", "latency"), ("9", "timeline"), ("1", "why"),
            ("shift+tab", TABS[-1].NAME), ("tab", "why"),
        ):  # fmt: skip
            await stage.press(key)
            assert tab(stage) == name, key


@pytest.mark.parametrize("size", SIZES)
async def test_every_tab_is_named_and_drawn_at_every_size(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(None, engine=burning_engine(), size=size) as stage:
        await stage.press("enter")
        for kind in TABS:
            await stage.press(key_of(kind.NAME))
            named = stage.text.splitlines()[3]
            assert kind.NAME in named
            assert all(str((at + 1) % 10) in named for at in range(len(TABS)))


async def test_the_health_tab_keeps_the_cursor_on_its_component(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire()) as stage:
        await stage.press("j", "enter", "n", "n", "n")
        screen = stage.app.screen
        assert isinstance(screen, ServiceScreen)
        here = screen.tab.cursor_key  # type: ignore[attr-defined]
        await stage.publish(fleet.on_fire(2))
        assert screen.tab.cursor_key == here  # type: ignore[attr-defined]


def with_tests(*names: str) -> Snapshot:
    views = tuple(
        ActionView(ActionKind.TEST, name, "http", f"POST /health/test/{name}", Effect.READ)
        for name in names
    )
    services = tuple(replace(each, actions=views) for each in fleet.calm_services())
    return replace(fleet.calm(), services=services)


async def test_a_component_is_tested_by_a_plan_from_under_the_cursor(
    open_stage: OpenStage,
) -> None:
    async with open_stage(with_tests("cache", "search")) as stage:
        await stage.press("enter", key_of("copies"), "slash", *"cache", "enter")
        assert "[V] test" in stage.text
        await stage.press("V")
        assert isinstance(stage.app.screen, PlanScreen)
        assert [each.name for each in stage.engine.requests] == ["cache"]
        assert stage.engine.performed == []


async def test_enter_on_a_fact_goes_to_where_it_is_from(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(), size=(120, 40)) as stage:
        await stage.press("enter", "n", "n", "enter")
        assert tab(stage) == "timeline", "the first fact is a new image"
        await stage.press("q")
        assert tab(stage) == "why"
        await stage.press("n", "enter")
        assert tab(stage) == "copies", "the second is a death"
        assert stage.engine.requests == []


async def test_enter_on_a_remedy_asks_for_its_plan_and_starts_nothing(
    open_stage: OpenStage,
) -> None:
    async with open_stage(fleet.on_fire(), size=(120, 40)) as stage:
        await stage.press("enter")
        for _ in range(20):
            await stage.press("n")
            if isinstance(stage.app.screen, ServiceScreen):
                page = stage.app.screen.tab
                assert isinstance(page, WhyTab)
                if page.cursor_key == "do/restart":
                    break
        await stage.press("enter")
        assert isinstance(stage.app.screen, PlanScreen)
        assert [each.kind.value for each in stage.engine.requests] == ["restart"]
        assert stage.engine.performed == []


async def test_elsewhere_the_tests_are_a_menu(open_stage: OpenStage) -> None:
    async with open_stage(with_tests("cache", "search")) as stage:
        await stage.press("enter", key_of("copies"), "V")
        assert isinstance(stage.app.screen, ActionsScreen)
        assert stage.engine.requests == []


async def test_components_say_since_when_and_their_breaker(open_stage: OpenStage) -> None:
    snapshot = fleet.calm()
    service = snapshot.services[0]
    first = service.instances[0]
    assert first.report is not None
    part = replace(first.report.components[0], since=fleet.NOW - 192, breaker="half open")
    report = replace(first.report, components=(part,))
    service = replace(service, instances=(replace(first, report=report),))
    snapshot = replace(snapshot, services=(service, *snapshot.services[1:]))
    async with open_stage(snapshot) as stage:
        await stage.press("enter", key_of("copies"))
        assert "3m12s" in stage.text
        assert "breaker half open" in stage.text
        assert "api half open" in stage.text


async def test_events_are_labelled_on_the_time_axis(open_stage: OpenStage) -> None:
    async with open_stage(fleet.on_fire(), size=(120, 40)) as stage:
        await stage.press("enter", "2")
        for label in ("⇧ v1.5.0", "✖ OOM ×3", "! ServiceDown", "! HighLatency", "objective 300ms"):
            assert label in stage.text


async def test_instances_show_limits_restarts_and_why_a_container_ended(
    open_stage: OpenStage,
) -> None:
    runs = replica("ai-service-1", memory=int(3.1 * (1 << 30)), memory_limit=4 << 30)
    died = (each for each in fleet.replicas(fire=True) if each.name == "ai-service-2")
    burning = replace(fleet.on_fire(), engines=(engine(runs, *died, at=fleet.NOW),))
    async with open_stage(burning, size=(120, 40)) as stage:
        await stage.press("enter", key_of("copies"))
        for said in ("3.1G of 4.0G", "exit 137 · killed: out of memory", "↻ 3 restarts",
                     "ai-service:v1.5.0", "no engine that is read knows ai-service-3"):  # fmt: skip
            assert said in stage.text


async def test_units_are_shown_beside_their_instances(open_stage: OpenStage) -> None:
    engine = burning_engine()
    engine.read_units = (
        ReplicaLook("ai-service-1", "ai.service", fleet.NOW, replica(
            "ai.service", kind="unit", status="active (running)", cpu=0.4, memory=3 << 30,
            memory_limit=4 << 30, restarts=2, started_at=fleet.NOW - 192.0, pid=812,
        )),
        ReplicaLook("ai-service-2", "gone.service", fleet.NOW,
                   fault=Fault(FaultKind.ABSENT, "gone.service is not-found")),
    )  # fmt: skip
    async with open_stage(None, engine=engine, size=(120, 40)) as stage:
        await stage.press("enter", key_of("copies"))
        assert "● ai.service  active (running) · up 3m12s · ↻ 2 restarts · pid 812" in stage.text
        assert "cpu 40%   memory ━━━━━━━━━━━━━━━───── 75%  3.0G of 4.0G" in stage.text
        assert "gone.service: absent: gone.service is not-found" in stage.text


async def test_metrics_say_origin_age_and_each_instance(open_stage: OpenStage) -> None:
    snapshot = fleet.calm()
    service = snapshot.services[0]
    parts = {"a-1": 40.0, "a-2": 48.0}
    metrics = (
        replace(service.metrics[0], by_instance=parts, trace=fleet.trace(80.0)),
        replace(service.metrics[1], at=fleet.NOW - 400),
    )
    service = replace(service, metrics=metrics)
    snapshot = replace(snapshot, services=(service, *snapshot.services[1:]))
    async with open_stage(snapshot, size=(120, 40)) as stage:
        await stage.press("enter", key_of("metrics"))
        lines = stage.text.splitlines()
        row = next(line for line in lines if "requests" in line)
        assert "88/s" in row
        assert "prometheus, 4s ago" in row
        assert any(block in row for block in "▄▅▆▇")
        assert any("a-2" in line and "48/s" in line for line in lines)
        assert any("cache_hit_ratio" in line and "6m40s ago" in line for line in lines)


async def test_pages_are_asked_for_only_while_they_are_in_sight(open_stage: OpenStage) -> None:
    engine = burning_engine()
    async with open_stage(None, engine=engine, size=(120, 40)) as stage:
        await stage.press("enter", "tab")
        assert engine.pages_asked == []
        await stage.press(key_of("pages"))
        assert engine.pages_asked == ["ai-service"]
        stage.clock.at += 6
        await stage.publish(fleet.on_fire(2))
        assert len(engine.pages_asked) == 2
        await stage.press("1")
        stage.clock.at += 60
        await stage.publish(fleet.on_fire(3))
        assert len(engine.pages_asked) == 2


async def test_pages_show_what_changed_and_how_old_they_are(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=burning_engine(), size=(120, 40)) as stage:
        await stage.press("enter", key_of("pages"))
        lines = [line.strip() for line in stage.text.splitlines()]
        for said in ("~   hit_rate  0.42  was 0.91", "-   evicted   12", "entries   4,096"):
            assert said in lines
        assert any(line.startswith("stats · ai-service-2  read 3m23s ago") for line in lines)
        assert "not read: connect: connection refused" in lines


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((), "no page is declared for this service"),
        (Refusal("stopped", "the console is ending"), "the pages cannot be read"),
    ],
)
async def test_no_pages_and_no_answer_each_say_so(
    open_stage: OpenStage, answer: "tuple[()] | Refusal", said: str
) -> None:
    engine = FakeEngine(fleet.calm())
    engine.read_pages = answer
    async with open_stage(None, engine=engine) as stage:
        await stage.press("enter", key_of("pages"))
        assert said in stage.text


async def test_the_logs_tab_follows_while_it_is_in_sight(open_stage: OpenStage) -> None:
    engine = burning_engine()
    async with open_stage(None, engine=engine, size=(120, 40)) as stage:
        await stage.press("enter", key_of("logs"))
        assert "following" in stage.text
        assert "search failed: cluster red" in stage.text
        await stage.press("slash", *"calling", "enter")
        assert "cluster red" not in stage.text
        await stage.press("escape")
        assert "cluster red" in stage.text
        await stage.press("p")
        assert "PAUSED" in stage.text
        assert stage.app.time.is_live
        await stage.press("1")
        assert tab(stage) == "why"
        assert [reader.closed for reader in engine.readers] == [True]


async def test_a_tab_does_not_offer_a_key_that_means_something_else_in_it(
    open_stage: OpenStage,
) -> None:
    async with open_stage(None, engine=burning_engine(), size=(200, 60)) as stage:
        await stage.press("enter")
        assert "w what changed?" in stage.text
        await stage.press(key_of("logs"))
        assert "w wrap" in stage.text
        assert "w what changed?" not in stage.text


async def test_help_tells_the_keys_of_the_tab_in_sight(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=burning_engine(), size=(120, 60)) as stage:
        await stage.press("enter", key_of("logs"), "question_mark")
        assert "to the next error" in stage.text
        assert "long lines on several rows, or cut" in stage.text
        assert "likeliest causes first" not in stage.text


async def test_the_screen_stays_when_its_service_is_gone(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=burning_engine()) as stage:
        await stage.press("enter")
        await stage.publish(fleet.empty())
        for kind in TABS:
            await stage.press(key_of(kind.NAME))
            assert tab(stage) == kind.NAME
        assert "not in the latest snapshot" in stage.text or stage.app.is_running
