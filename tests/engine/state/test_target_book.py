"""What is known of the targets of a job while its server goes, comes back and forgets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.discovery.prometheus import JOB_LIMIT
from opsconsole.engine.engine import Engine
from opsconsole.model.observations import PrometheusSeen
from opsconsole.model.reading import Reading
from opsconsole.model.running.targets import Target
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.fakes import FakeClock
from tests.named import named

SERVER = named("prometheus:prometheus")
GONE = "gone: prometheus has no job web now"


def settings(**more: Any) -> Settings:
    return Settings.model_validate(
        {
            "prometheus": {"url": "http://127.0.0.1:1", "interval": "10s"},
            "discover": {"prometheus": True, "forget": "1m"},
            "docker": [],
            "host": {"enabled": False},
            **more,
        }
    )


class Console:
    """An engine without sources, told by the test what its Prometheus says."""

    def __init__(self, engine: Engine, clock: FakeClock) -> None:
        self.engine, self.clock = engine, clock

    async def said(self, *targets: Target, after: float = 0.0) -> None:
        """Take in that the server said so, ``after`` seconds from now."""
        await self.passed(after)
        now = self.clock.now()
        fresh = [
            each if each.scraped_at is None else replace(each, scraped_at=now - each.scraped_at)
            for each in targets
        ]
        self.engine._deliver(Reading(SERVER, now, 0.1, PrometheusSeen(targets=tuple(fresh))), 0.0)
        await self.engine._discover()
        self.engine._publish()

    async def passed(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        self.engine._publish()

    def web(self) -> ServiceView:
        found = self.engine.latest.service("web")
        assert found is not None
        return found

    def is_known(self) -> bool:
        return self.engine.latest.service("web") is not None

    @property
    def told(self) -> list[str]:
        return list(map(words, self.engine.latest.events))


@pytest.fixture
async def opened(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Console]:
    clock = FakeClock(1_000.0)
    more = request.param if hasattr(request, "param") else {}
    made = Engine(settings(**more), base=tmp_path, clock=clock, sources=())
    async with AsyncExitStack() as cleanup:
        made._open(cleanup)
        yield Console(made, clock)


def target(
    name: str = "a:1", state: State = State.OK, reason: str = "", age: float | None = 1.0
) -> Target:
    """``age`` is the seconds since its scrape, None if there was none."""
    return Target("web", name, f"http://{name}/metrics", state, reason, age, 10.0)


async def test_targets_are_the_copies_of_a_job(opened: Console) -> None:
    await opened.said(target("a:1"), target("b:1"))
    assert opened.web().state is State.OK
    assert [each.name for each in opened.web().instances] == ["a:1", "b:1"]
    assert "the fleet as prometheus finds it: added web" in opened.told
    await opened.said(target("a:1", State.DOWN, "not scraped: refused"), target("b:1"), after=10)
    assert opened.web().state is State.DEGRADED
    assert "a:1 not scraped: refused" in opened.web().reason
    await opened.said(target("b:1"), after=10)
    assert [each.name for each in opened.web().instances] == ["b:1"]


async def test_a_server_that_is_away_loses_nothing(opened: Console) -> None:
    await opened.said(target())
    await opened.passed(20.0)
    assert opened.web().state is State.OK
    await opened.passed(3_600.0)
    assert (opened.web().state, opened.web().reason) == (
        State.UNKNOWN,
        "prometheus has not answered",
    )
    assert opened.web().stale
    await opened.said()
    assert (opened.web().state, opened.web().reason) == (State.UNKNOWN, GONE)
    await opened.said(target())
    assert (opened.web().state, opened.web().stale) == (State.OK, False)


async def test_a_server_that_has_just_begun_changes_nothing(opened: Console) -> None:
    await opened.said(target())
    before = opened.told
    await opened.said(after=5)
    assert opened.web().state is State.OK
    await opened.said(target("a:1", State.UNKNOWN, "not scraped yet", None), after=5)
    assert opened.web().state is State.OK
    await opened.said(target(), after=5)
    assert opened.web().state is State.OK
    assert opened.told == before


async def test_a_target_that_is_not_scraped_turns_stale(opened: Console) -> None:
    await opened.said(target(age=20.0))
    assert opened.web().state is State.OK
    await opened.passed(2.0)
    (copy,) = opened.web().instances
    assert (copy.state, copy.reason, copy.stale) == (State.UNKNOWN, "not scraped in time", True)


async def test_one_that_was_never_scraped_is_unknown(opened: Console) -> None:
    await opened.said(target("a:1", State.UNKNOWN, "not scraped yet", None))
    assert (opened.web().state, opened.web().reason) == (State.UNKNOWN, "not scraped yet")


async def test_a_job_that_vanished_is_gone_and_then_forgotten(opened: Console) -> None:
    await opened.said(target())
    await opened.said(after=30)
    assert (opened.web().state, opened.web().reason) == (State.UNKNOWN, GONE)
    await opened.said(after=59)
    assert opened.is_known()
    await opened.said(after=1)
    assert not opened.is_known()
    assert "the fleet as prometheus finds it: removed web" in opened.told
    await opened.said(target(), after=5)
    assert opened.web().state is State.OK


@pytest.mark.parametrize(
    "opened",
    [{"services": {"web": {"instances": "http://127.0.0.1:1"}}}],
    indirect=True,
)
async def test_beside_instances_of_its_own_a_failed_target_degrades(opened: Console) -> None:
    await opened.said(target())
    assert [each.name for each in opened.web().instances] == ["web"]
    await opened.said(target("a:1", State.DOWN, "its probe failed"), after=5)
    assert opened.web().state is State.DEGRADED


@pytest.mark.parametrize(
    "opened",
    [{"services": {"web": {"job": "web", "prometheus": "none"}}}],
    indirect=True,
)
async def test_a_job_that_nobody_could_know_is_unknown(opened: Console) -> None:
    await opened.passed(3_600.0)
    assert opened.web().reason == "no Prometheus is read that could know job web"
    assert (opened.web().state, opened.web().stale) == (State.UNKNOWN, False)


@pytest.mark.parametrize("opened", [{"services": {"web": {"job": "web"}}}], indirect=True)
async def test_a_server_that_never_answered_left_nothing_that_is_old(opened: Console) -> None:
    await opened.passed(3_600.0)
    assert opened.web().reason == "prometheus has not answered"
    assert (opened.web().state, opened.web().stale) == (State.UNKNOWN, False)


async def test_too_many_jobs_are_told_of(opened: Console) -> None:
    many = [replace(target(), job=f"job-{number:04}") for number in range(JOB_LIMIT + 5)]
    await opened.said(*many)
    assert len(opened.engine.latest.services) == JOB_LIMIT
    assert any(f"has {JOB_LIMIT + 5} jobs" in each for each in opened.engine.latest.notices)
    await opened.said(*many[:JOB_LIMIT])
    assert not opened.engine.latest.notices
