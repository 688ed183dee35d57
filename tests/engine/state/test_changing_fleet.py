"""Services that come and go while the engine runs, by the one door that a reload takes too."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.effective import FoundService
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.model.health import HealthReport
from opsconsole.model.origin import DECLARED, Origin
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render.json.status import status_document
from opsconsole.render.timeline.words import words
from tests.engine.conftest import fleet
from tests.named import named

EDGE = named("docker:edge")
EVIDENCE = "label com.docker.compose.service=web"
API = {"api": {"instances": ["http://127.0.0.1:1"]}}


def settings(**more: Any) -> Settings:
    return fleet(API, docker={"name": "edge"}, **more)


def web(url: str = "http://127.0.0.1:2", **more: Any) -> FoundService:
    service = Service.model_validate({"instances": [url], **more})
    return FoundService("web", service, EDGE, EVIDENCE)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    made = Engine(settings(), base=tmp_path)
    async with AsyncExitStack() as cleanup:
        made._open(cleanup)
        yield made


def published(engine: Engine) -> Snapshot:
    engine._publish()
    return engine.latest


def watched(engine: Engine) -> set[str]:
    return {str(each.id) for each in engine._sources}


def look(engine: Engine, service: str) -> None:
    probe = named(f"probe:{service}/{service}:health")
    report = HealthReport(State.OK, "plain")
    engine._store.apply(Reading(probe, SystemClock().now(), 0.1, value=report))


async def test_a_service_comes_and_goes(engine: Engine) -> None:
    before = watched(engine)
    await engine.found(EDGE, [web()])
    seen = published(engine).service("web")
    assert seen is not None
    assert seen.origin == Origin(declared=False, found_by=EDGE, evidence=EVIDENCE)
    assert [each.origin for each in seen.instances] == [seen.origin]
    assert watched(engine) - before == {"probe:web/web:health"}
    assert words(engine.latest.events[-1]) == "the fleet as edge finds it: added web"

    await engine.found(EDGE, [])
    assert published(engine).service("web") is None
    assert watched(engine) == before
    assert words(engine.latest.events[-1]) == "the fleet as edge finds it: removed web"


async def test_an_instance_comes_and_the_service_keeps_its_past(engine: Engine) -> None:
    await engine.found(EDGE, [web()])
    for _ in range(3):
        look(engine, "web")
    assert published(engine).service("web").state is State.OK  # type: ignore[union-attr]
    both = ["http://127.0.0.1:2", "http://127.0.0.1:3"]
    service = Service.model_validate({"instances": [{"url": both[0], "name": "web"}, both[1]]})
    await engine.found(EDGE, [FoundService("web", service, EDGE, EVIDENCE)])
    seen = published(engine).service("web")
    assert seen is not None
    assert [each.state for each in seen.instances] == [State.OK, State.UNKNOWN]


async def test_finding_the_same_again_changes_nothing(engine: Engine) -> None:
    await engine.found(EDGE, [web()])
    store, told = engine._store, published(engine).events
    await engine.found(EDGE, [web()])
    assert engine._store is store
    assert published(engine).events is told


async def test_what_was_found_outlives_a_reload_and_leaves_with_who_found_it(
    engine: Engine,
) -> None:
    await engine.found(EDGE, [web()])
    now = SystemClock().now()
    again = settings(display={"theme": "light"})
    await engine._use(engine._findings.declare(again), now)
    assert [each.name for each in published(engine).services] == ["api", "web"]
    await engine._use(engine._findings.declare(fleet(API)), now)
    assert [each.name for each in published(engine).services] == ["api"]
    await engine._use(engine._findings.declare(again), now)
    assert [each.name for each in published(engine).services] == ["api"]


async def test_what_is_declared_later_wins_and_is_declared(engine: Engine) -> None:
    await engine.found(EDGE, [web(group="found")])
    look(engine, "web")
    mine = fleet({**API, "web": {"group": "mine"}}, docker={"name": "edge"})
    await engine._use(engine._findings.declare(mine), SystemClock().now())
    seen = published(engine).service("web")
    assert seen is not None
    assert (seen.group, seen.origin.declared, seen.origin.found_by) == ("mine", True, EDGE)
    assert [each.origin.declared for each in seen.instances] == [False]
    assert seen.instances[0].taken_at is not None


async def test_what_cannot_be_watched_is_a_notice(engine: Engine) -> None:
    await engine.found(EDGE, [web(depends_on=["nobody"])])
    snapshot = published(engine)
    assert [each.name for each in snapshot.services] == ["api"]
    assert snapshot.notices[0].startswith("web was found and is left out: ")
    await engine.found(EDGE, [web()])
    assert published(engine).notices == ()


async def test_the_origin_is_in_the_document(engine: Engine) -> None:
    await engine.found(EDGE, [web()])
    snapshot = published(engine)
    document = status_document(snapshot, snapshot.services, SystemClock().now())
    services = document["services"]
    assert isinstance(services, list)
    told = {each["name"]: each["origin"] for each in services}
    assert told == {
        "api": {"declared": True, "found_by": None, "evidence": ""},
        "web": {"declared": False, "found_by": "docker:edge", "evidence": EVIDENCE},
    }
    assert [each["origin"]["declared"] for each in services[1]["instances"]] == [False]
    seen = published(engine).service("api")
    assert seen is not None
    assert seen.origin == DECLARED
