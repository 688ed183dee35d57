"""What belonged to a source leaves with it when a configuration without it takes over."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.alerting.rules import FileRule, RuleEvaluation, RuleSample, RuleView
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.objectives import WindowCounts
from opsconsole.model.observations import (
    AlertmanagerSeen,
    BudgetsSeen,
    Observation,
    PrometheusSeen,
)
from opsconsole.model.operation import ActionKind, ActionView
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Host
from opsconsole.model.running.workloads import Place, PlaceKind
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.source_id import SourceId, SourceKind
from tests.engine.conftest import ScriptedSource, fleet
from tests.fakes import FakeClock
from tests.named import named
from tests.workloads import inventory, replica

NOW = 1_700_000_000.0
OBJECTIVE = "availability 99.9% over 30d"
HOST = Host("vm", 0.1, (0.1,), (0, 0, 0), 1, 2, 0, 0, (), None, None, 5.0)


def alert(source: str) -> Alert:
    return Alert(source, source, Severity.WARNING, AlertState.FIRING, NOW, sources=(named(source),))


def silence(source: str) -> SilenceView:
    return SilenceView(
        source, (Matcher("a", "b"),), "kim", "", NOW, NOW + 60, SilenceState.ACTIVE, source
    )


def evaluation() -> RuleEvaluation:
    rule = FileRule("Own", "vector(1)", group="group")
    return RuleEvaluation(rule, (RuleSample({"instance": "a"}, 1.0),))


def both() -> dict[str, Any]:
    """Two of each kind of place that is read."""
    return {
        "docker": [{"name": "stays"}, {"name": "goes"}],
        "prometheus": [{"name": name, "url": "http://p:9090"} for name in ("stays", "goes")],
        "alertmanager": [{"name": name, "url": "http://a:9093"} for name in ("stays", "goes")],
        "host": {"enabled": True},
    }


def seen(source: SourceId) -> Observation:
    """What ``source`` gives that can be told from what its neighbour gives."""
    name, text = source.name, str(source)
    match source.kind:
        case SourceKind.DOCKER:
            place = Place(PlaceKind.ENGINE, name)
            return inventory(replica(f"on-{name}", place=place), place=place)
        case SourceKind.PROMETHEUS:
            rules = (RuleView(f"rule-{name}", "up"),)
            return PrometheusSeen((alert(text),), 1, rules=rules, evaluations=(evaluation(),))
        case SourceKind.ALERTMANAGER:
            return AlertmanagerSeen((alert(text),), 1, (silence(text),))
        case SourceKind.BUDGETS:
            over = {"stays": 3600.0, "goes": 7200.0}[name]
            counts = WindowCounts("api", OBJECTIVE, over, NOW, 9, 1, over, 60.0, name)
            return BudgetsSeen((counts,))
        case _:
            return HOST


@dataclass(frozen=True)
class Case:
    """A source that goes, the change of the configuration, and what is told that it had told."""

    gone: SourceId
    without: dict[str, Any]
    told: Callable[[Snapshot, Store], set[str]]


def names_of_alerts(snapshot: Snapshot, store: Store) -> set[str]:
    return {each.name for each in snapshot.alerts if each.state is AlertState.FIRING}


def counted(snapshot: Snapshot, store: Store) -> set[str]:
    windows = store.services["api"].asked.values()
    return {each.source for window in windows for each in window.values()}


def only(key: str, *names: str) -> dict[str, Any]:
    return {key: [each for each in both()[key] if each["name"] in names]}


CASES = {
    "an engine": Case(
        named("docker:goes"),
        only("docker", "stays"),
        lambda it, _: {each.inventory.place.name for each in it.engines},
    ),
    "the host": Case(
        named("host:local"),
        {"host": {"enabled": False}},
        lambda it, _: {"host:local" for _ in it.hosts},
    ),
    "silences": Case(
        named("alertmanager:goes"),
        only("alertmanager", "stays"),
        lambda it, _: {each.source for each in it.silences},
    ),
    "alerts of an Alertmanager": Case(
        named("alertmanager:goes"), only("alertmanager", "stays"), names_of_alerts
    ),
    "alerts of a Prometheus": Case(
        named("prometheus:goes"), only("prometheus", "stays"), names_of_alerts
    ),
    "rules": Case(
        named("prometheus:goes"),
        only("prometheus", "stays"),
        lambda it, _: {each.name for each in it.rules},
    ),
    "counts of budgets": Case(named("budgets:goes"), only("prometheus", "stays"), counted),
    "its own row": Case(
        named("docker:goes"),
        only("docker", "stays"),
        lambda it, _: {str(each.id) for each in it.sources if each.taken_at},
    ),
}


def settings(**changes: Any) -> Settings:
    api = {"instances": ["http://10.0.0.1"], "objectives": [OBJECTIVE], "containers": ["x"]}
    return fleet({"api": api}, **{**both(), **changes})


def sources(of: Settings) -> list[ScriptedSource]:
    places = [
        *(SourceId(SourceKind.DOCKER, each.name) for each in of.docker),
        *(SourceId(SourceKind.PROMETHEUS, each.name) for each in of.prometheus),
        *(SourceId(SourceKind.BUDGETS, each.name) for each in of.prometheus),
        *(SourceId(SourceKind.ALERTMANAGER, each.name) for each in of.alertmanager),
        *([named("host:local")] if of.host.enabled else []),
    ]
    return [ScriptedSource(each, 5.0, FakeClock()) for each in places]


@pytest.mark.parametrize("name", CASES)
def test_it_leaves_and_the_others_stay(name: str) -> None:
    case, first = CASES[name], settings()
    store = Store(first, NOW)
    made = {each.id: each for each in sources(first)}
    store.watch(list(made.values()), NOW)
    for source in made:
        store.apply(Reading(source, NOW, 0.1, value=seen(source)))
    then = settings(**case.without)
    builder = SnapshotBuilder(first, store, read_only=False)
    before = case.told(builder.build(NOW, (), ()), store)
    after = Store(then, NOW, before=store)
    after.watch([made[each.id] for each in sources(then)], NOW)
    after.settle(NOW)
    builder.take_over(then, after, read_only=False)
    left = case.told(builder.build(NOW, (), ()), after)
    gone = before - left
    assert gone
    assert all(case.gone.name in each for each in gone)
    assert not any("stays" in each for each in gone)
    assert {each for each in before if "stays" in each} <= left


def test_rules_that_the_console_evaluates_for_a_server_leave_with_it() -> None:
    first = settings(prometheus=only("prometheus", "goes")["prometheus"])
    store = Store(first, NOW)
    store.watch(sources(first), NOW)
    store.apply(Reading(named("prometheus:goes"), NOW, 0.1, value=seen(named("prometheus:goes"))))
    assert "Own" in {each.name for each in store.alerts.view()}
    then = settings(prometheus=[])
    after = Store(then, NOW, before=store)
    after.watch(sources(then), NOW)
    assert {each.state for each in after.alerts.view()} == {AlertState.RESOLVED}
    # Where it comes back, nothing is known of its rules before they are evaluated again.
    again = Store(first, NOW, before=after)
    again.watch(sources(first), NOW)
    assert again.servers.evaluated(named("prometheus:goes"), (), NOW) == ()


# ---- a reload while something is awaited ----


class SlowOperator:
    """Answers what is allowed once it is let."""

    def __init__(self) -> None:
        self.asked, self.let = threading.Event(), threading.Event()

    def actions(self, service: str, snapshot: Snapshot | None) -> tuple[ActionView, ...]:
        self.asked.set()
        assert self.let.wait(30)
        return (ActionView(ActionKind.RESTART, "restart", "command", service),)

    def use(self, settings: Settings, declared: Settings) -> None:
        """What is allowed is asked for again."""

    def changed(self) -> bool:
        return False

    def operations(self) -> tuple[()]:
        return ()

    degradations = acknowledgements = catch_up = left_to_others = operations

    async def reconcile(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is held."""


def allowed(engine: Engine) -> list[str]:
    return [each.summary for each in engine._store.services["stays"].actions]


async def test_what_was_allowed_before_a_reload_is_not_shown_after_it(tmp_path: Path) -> None:
    acts = {"instances": ["http://10.0.0.1"], "actions": {"restart": {"command": ["true"]}}}
    operator = SlowOperator()
    engine = Engine(
        fleet({"goes": acts, "stays": acts}),
        base=tmp_path,
        sources=(),
        operator=operator,  # type: ignore[arg-type]  # it plans nothing
    )
    following = asyncio.create_task(engine._follow_operations())
    assert await asyncio.to_thread(operator.asked.wait, 30)
    await engine._use(fleet({"stays": acts}), engine._clock.now())
    operator.let.set()
    await following
    assert list(engine._store.services) == ["stays"]
    assert allowed(engine) == []
    await engine._follow_operations()
    assert allowed(engine) == ["stays"]
