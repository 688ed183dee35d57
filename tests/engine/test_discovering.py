"""What is found from one inventory to the next, and how it is judged once it is gone."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.effective import FoundService
from opsconsole.config.settings import Settings
from opsconsole.engine.discovering import Discovering
from opsconsole.engine.engine import Engine
from opsconsole.model.reading import Reading
from opsconsole.model.running.workloads import Inventory, Phase
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.fakes import FakeClock
from tests.named import named
from tests.workloads import DOCKER, replica

HERE = named("docker:docker")
WEB = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}


def settings(**more: Any) -> Settings:
    return Settings.model_validate(
        {"discover": {"docker": True}, "host": {"enabled": False}, **more}
    )


def web(number: int = 1, phase: Phase = Phase.RUNNING, **more: Any) -> Any:
    return replica(f"shop-web-{number}", phase, workload="shop/web", labels=WEB, **more)


def seen(*replicas: Any) -> Inventory:
    return Inventory(DOCKER, "unix:///run/docker.sock", "27", replicas)


def names(found: list[tuple[SourceId, tuple[FoundService, ...]]]) -> list[str]:
    return [each.name for _, services in found for each in services]


def test_what_has_gone_is_forgotten_after_a_while() -> None:
    book, declared = Discovering(), settings(discover={"docker": True, "forget": "1m"})
    book.take(HERE, seen(web(), replica("db")), 100.0)
    assert names(list(book.found(declared))) == ["db", "shop-web"]
    book.take(HERE, seen(web()), 159.0)
    assert names(list(book.found(declared))) == ["db", "shop-web"]
    assert list(book.found(declared)) == [], "nothing was said since"
    book.take(HERE, seen(web()), 218.0)
    assert names(list(book.found(declared))) == ["db", "shop-web"]
    book.take(HERE, seen(web()), 219.0)
    assert names(list(book.found(declared))) == ["shop-web"]
    book.take(HERE, seen(web(), replica("db")), 220.0)
    assert names(list(book.found(declared))) == ["shop-web", "db"]


def test_what_an_engine_lacks_after_it_was_away_is_not_forgotten_at_once() -> None:
    book, declared = Discovering(), settings()
    for at, replicas in ((0.0, (web(),)), (7_200.0, ()), (7_230.0, (web(),)), (9_000.0, ())):
        book.take(HERE, seen(*replicas), at)
        assert names(list(book.found(declared))) == ["shop-web"], at


def test_a_job_that_has_ended_is_forgotten_and_what_failed_is_not() -> None:
    book, declared = Discovering(), settings()
    for at, phase in ((0.0, Phase.RUNNING), (5.0, Phase.ENDED), (700.0, Phase.ENDED)):
        done = replica("job", phase, exit_code=0)
        failed = replica("api", phase, exit_code=143)
        book.take(HERE, seen(done, failed), at)
        found = names(list(book.found(declared)))
    assert found == ["api"]


def test_an_end_that_nobody_saw_is_no_service() -> None:
    book = Discovering()
    book.take(HERE, seen(replica("old", Phase.ENDED, exit_code=137)), 5.0)
    assert names(list(book.found(settings()))) == []


def test_other_rules_apply_at_once_and_an_engine_that_is_not_read_finds_nothing() -> None:
    book = Discovering()
    book.take(HERE, seen(web(), replica("db")), 0.0)
    assert names(list(book.found(settings()))) == ["db", "shop-web"]
    assert names(list(book.found(settings(discover={})))) == []
    assert list(book.found(settings(docker=[]))) == []
    assert list(book.found(settings())) == []


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[tuple[Engine, FakeClock]]:
    clock = FakeClock(1_000.0)
    made = Engine(settings(), base=tmp_path, clock=clock, sources=())
    async with AsyncExitStack() as cleanup:
        made._open(cleanup)
        yield made, clock


async def shown(engine: Engine, clock: FakeClock, inventory: Inventory | None) -> ServiceView:
    if inventory is not None:
        engine._deliver(Reading(HERE, clock.now(), 0.1, value=inventory), 0.0)
    await engine._discover()
    engine._publish()
    service = engine.latest.service("shop-web")
    assert service is not None
    return service


async def test_an_end_is_judged_by_what_is_known_of_it(console: tuple[Engine, FakeClock]) -> None:
    engine, clock = console
    both = await shown(engine, clock, seen(web(1), web(2)))
    assert (both.state, [each.name for each in both.instances]) == (
        State.OK,
        ["shop-web-1", "shop-web-2"],
    )
    assert "the fleet as docker finds it: added shop-web" in map(words, engine.latest.events)
    failed = await shown(engine, clock, seen(web(1, Phase.ENDED, exit_code=1)))
    assert failed.state is State.DOWN
    ended = web(1, Phase.ENDED, state=State.UNKNOWN, exit_code=0, detail="exited 0")
    assert (await shown(engine, clock, seen(ended))).state is State.UNKNOWN
    gone = await shown(engine, clock, seen())
    assert (gone.state, gone.reason) == (State.UNKNOWN, "gone: docker has no shop/web now")


async def test_an_engine_that_is_away_loses_nothing(console: tuple[Engine, FakeClock]) -> None:
    engine, clock = console
    await shown(engine, clock, seen(web()))
    await clock.advance(3_600.0)
    away = await shown(engine, clock, None)
    assert (away.state, away.reason) == (State.UNKNOWN, "docker has not answered")
    assert away.stale
