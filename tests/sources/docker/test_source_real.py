"""Against a real Docker Engine: what happens to containers and to the engine itself is seen."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Docker
from opsconsole.demo.docker_engine import Engine
from opsconsole.engine.judge.service import judge_workload
from opsconsole.model.events import Event, EventKind
from opsconsole.model.fault import FaultKind
from opsconsole.model.running.workloads import Inventory, Port, Replica, Update
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from opsconsole.sources.docker.cgroups import ControlGroups
from opsconsole.sources.docker.source import DockerSource
from tests.servers.engines import OwnEngine, host_port, wait_healthy

pytestmark = pytest.mark.servers

INTERVAL = 0.5
NO_GROUPS = "/nowhere"


class Watch:
    """A source on a real engine, with all that it told."""

    def __init__(self, engine: Engine, *, timeout: float, groups: ControlGroups | None) -> None:
        self.events: list[Event] = []
        settings = Docker(
            host=engine.url, interval=INTERVAL, stats_interval=INTERVAL, timeout=timeout
        )
        self.source = DockerSource(
            settings, SystemClock(), self.events.append, control_groups=groups
        )

    async def view(self) -> Inventory:
        reading = await self.source.collect()
        assert reading.fault is None, reading.fault
        assert reading.value is not None
        return reading.value

    async def container(self, name: str) -> Replica:
        return next(item for item in (await self.view()).replicas if item.name == name)

    async def container_until(
        self, name: str, accept: Callable[[Replica], bool], looks: int = 20
    ) -> Replica:
        """The container once it is as wanted, within a number of intervals."""
        for _ in range(looks):
            found = await self.container(name)
            if accept(found):
                return found
            await asyncio.sleep(INTERVAL)
        raise AssertionError(f"{name} is still {found}")

    async def event(self, name: str, said: str, seconds: float = 5.0) -> Event:
        """The event about ``name`` whose message begins with ``words``."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for event in self.events:
                if event.subject == name and words(event).startswith(said):
                    return event
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {said!r} of {name} in {self.events}")


@contextlib.asynccontextmanager
async def watching(
    engine: Engine, *, timeout: float = 5.0, groups: ControlGroups | None = None
) -> AsyncIterator[Watch]:
    watch = Watch(engine, timeout=timeout, groups=groups)
    try:
        await watch.view()
        await asyncio.sleep(0.3)
        yield watch
    finally:
        await watch.source.close()


async def test_a_killed_container_is_down_within_two_intervals(docker_sandbox: Engine) -> None:
    container = docker_sandbox.run("real-killed")
    async with watching(docker_sandbox) as watch:
        assert (await watch.container("real-killed")).state is State.OK

        container.kill()

        down = await watch.container_until(
            "real-killed", lambda found: found.state is State.DOWN, looks=2
        )
        assert (down.exit_code, down.detail) == (137, "exited 137")
        event = await watch.event("real-killed", "died, exit 137")
        assert event.kind is EventKind.CONTAINER
        assert event.state is State.DOWN
        assert abs(event.at - time.time()) < 10
        await watch.view()
        await watch.view()
        assert len([e for e in watch.events if words(e).startswith("died")]) == 1


async def test_a_container_that_ran_out_of_memory_is_named(docker_sandbox: Engine) -> None:
    async with watching(docker_sandbox) as watch:
        docker_sandbox.run("real-oom", command="tail /dev/zero", mem_limit="16m")

        # The engine tells of the lack of memory after the death at times.
        down = await watch.container_until(
            "real-oom", lambda found: found.oom_killed and found.state is State.DOWN
        )
        assert (down.state, down.exit_code, down.detail) == (State.DOWN, 137, "exited 137 OOM")
        assert down.memory_limit == 16 << 20
        event = await watch.event("real-oom", "died")
        assert words(event) == "died, exit 137, out of memory"


async def test_a_healthcheck_that_fails_says_why(docker_sandbox: Engine) -> None:
    async with watching(docker_sandbox) as watch:
        docker_sandbox.run("real-sick", healthcheck="echo cannot reach the cache; exit 1")

        assert (await watch.container("real-sick")).state is State.DEGRADED
        sick = await watch.container_until(
            "real-sick", lambda found: found.state is State.DOWN, looks=30
        )
        assert (sick.health, sick.status) == ("unhealthy", "running")
        assert sick.detail == "unhealthy: cannot reach the cache"
        assert (
            await watch.event("real-sick", "its health check says unhealthy")
        ).state is State.DOWN


async def test_a_container_that_serves(docker_sandbox: Engine) -> None:
    container = docker_sandbox.run(
        "real-web",
        ports={8080: None},
        healthcheck="wget -q -O - http://127.0.0.1:8080/",
        labels={"com.docker.compose.service": "web"},
    )
    wait_healthy(container)
    async with watching(docker_sandbox) as watch:
        web = await watch.container("real-web")

    assert (web.state, web.health, web.detail) == (State.OK, "healthy", "")
    assert web.ports == (Port(8080, host_port(container), "127.0.0.1"),)
    assert web.labels["com.docker.compose.service"] == "web"
    assert web.id == container.id
    assert web.image == docker_sandbox.image()
    assert web.started_at is not None
    assert abs(web.started_at - time.time()) < 60


async def test_restarts_are_counted(docker_sandbox: Engine) -> None:
    async with watching(docker_sandbox) as watch:
        docker_sandbox.run("real-loop", command="false", restart="always")

        loop = await watch.container_until(
            "real-loop", lambda found: bool(found.restarts and found.restarts >= 2)
        )
        assert loop.state in (State.DEGRADED, State.OK)
        assert (await watch.event("real-loop", "died, exit 1")).state is State.DOWN


async def test_another_image_under_the_same_name_is_told(docker_sandbox: Engine) -> None:
    old = docker_sandbox.run("real-shop", image=docker_sandbox.image(1))
    async with watching(docker_sandbox) as watch:
        before = await watch.container("real-shop")
        old.remove(force=True)
        docker_sandbox.run("real-shop", image=docker_sandbox.image(2))

        after = await watch.container("real-shop")
        assert after.id != before.id
        event = await watch.event("real-shop", "image ")
        assert event.kind is EventKind.IMAGE
        assert (event.before, event.after) == (docker_sandbox.image(1), docker_sandbox.image(2))


@pytest.mark.parametrize("here", [True, False], ids=["control groups", "the API"])
async def test_what_a_busy_container_uses(docker_sandbox: Engine, here: bool) -> None:
    docker_sandbox.run("real-busy", command=["sh", "-c", "while true; do :; done"], mem_limit="64m")
    groups = None if here else ControlGroups(Path(NO_GROUPS))
    async with watching(docker_sandbox, groups=groups) as watch:
        busy = await watch.container_until(
            "real-busy", lambda found: found.cpu is not None and found.cpu > 0.05
        )

    assert busy.cpu is not None
    assert busy.cpu < 1.5
    assert busy.memory is not None
    assert 0 < busy.memory < 64 << 20
    assert busy.memory_limit == 64 << 20


async def test_a_hung_engine_is_a_timeout_and_is_back_when_it_goes_on(
    private_docker_engine: OwnEngine,
) -> None:
    private_docker_engine.run("real-steady")
    async with watching(private_docker_engine, timeout=1.0) as watch:
        private_docker_engine.suspend()
        try:
            hung = 0
            for _ in range(20):
                looking = asyncio.create_task(watch.source.collect())
                turns = 0
                while not looking.done():
                    await asyncio.sleep(0.005)
                    turns += 1
                reading = await looking
                if not hung and reading.fault is None:
                    continue  # it had answered before it was stopped
                hung += 1
                assert reading.fault is not None
                assert reading.fault.kind is FaultKind.TIMEOUT
                assert turns > 5, "the loop goes on meanwhile"
                if hung == 7:
                    break
            assert hung == 7
        finally:
            private_docker_engine.resume()

        for _ in range(10):
            reading = await watch.source.collect()
            if reading.value is not None:
                break
            await asyncio.sleep(INTERVAL)
        assert reading.value is not None
        assert (await watch.container("real-steady")).state is State.OK


async def test_an_engine_that_is_stopped_and_started_is_back_by_itself(
    private_docker_engine: OwnEngine,
) -> None:
    private_docker_engine.run("real-steady", restart="always")
    async with watching(private_docker_engine, timeout=2.0) as watch:
        private_docker_engine.stop()
        reading = await watch.source.collect()
        assert reading.fault is not None
        assert reading.fault.kind in (FaultKind.ABSENT, FaultKind.CONNECT, FaultKind.NOT_UNDERSTOOD)

        private_docker_engine.start()
        await watch.container_until("real-steady", lambda found: found.state is State.OK)

        private_docker_engine.run("real-later")
        assert (await watch.event("real-later", "started", 40.0)).state is State.OK
        assert any(event.kind is EventKind.SOURCE for event in watch.events)


async def test_swarm_services_are_counted(swarm_engine: Engine) -> None:
    client = swarm_engine.client()
    replicas = {"Replicated": {"Replicas": 2}}
    image = swarm_engine.image()
    client.services.create(image, name="real-swarm", mode=replicas)  # type: ignore[no-untyped-call]
    async with watching(swarm_engine) as watch:
        for _ in range(40):
            (service,) = (await watch.view()).workloads
            if service.running == 2:
                break
            await asyncio.sleep(INTERVAL)

    assert (service.name, service.running, service.wanted) == ("real-swarm", 2, 2)


async def test_a_job_that_has_done_its_work_wants_nothing_more(swarm_engine: Engine) -> None:
    job = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    swarm_engine.client().services.create(  # type: ignore[no-untyped-call]
        swarm_engine.image(), command=["true"], name="real-job", mode=job
    )
    async with watching(swarm_engine) as watch:
        for _ in range(60):
            (found,) = (await watch.view()).workloads
            if found.completed:
                break
            await asyncio.sleep(INTERVAL)

    assert (found.name, found.completed, found.running, found.wanted) == ("real-job", 1, 0, 0)
    assert judge_workload(found).state is State.OK


async def test_an_update_that_was_rolled_back_is_told(swarm_engine: Engine) -> None:
    client, image = swarm_engine.client(), swarm_engine.image()
    rolling = {"FailureAction": "rollback", "Monitor": 2_000_000_000, "Parallelism": 1}
    service = client.services.create(  # type: ignore[no-untyped-call]
        image, command=["sleep", "1000"], name="real-rolled", update_config=rolling
    )
    async with watching(swarm_engine) as watch:
        for _ in range(60):
            (found,) = (await watch.view()).workloads
            if found.running == 1:
                break
            await asyncio.sleep(INTERVAL)
        service.reload()
        service.update(command=["false"])
        for _ in range(120):
            (found,) = (await watch.view()).workloads
            if found.update is Update.ROLLED_BACK and found.running == 1:
                break
            await asyncio.sleep(INTERVAL)

    assert found.update is Update.ROLLED_BACK, found
    assert judge_workload(found).reason.startswith("real-rolled: update rolled back")
