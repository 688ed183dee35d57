"""Each scenario played on a fleet, twenty times as fast."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from opsconsole.demo import scenarios
from opsconsole.demo.layout import Layout, plan_layout
from opsconsole.demo.scenarios import Step
from opsconsole.demo.supervisor import Supervisor
from opsconsole.errors import OpsconsoleError

FASTER = 20


@contextlib.asynccontextmanager
async def played(name: str, folder: Path) -> AsyncIterator[tuple[Supervisor, httpx.AsyncClient]]:
    """A fleet on which the scenario runs, and a client to look at it."""
    usual = scenarios.find(name)
    steps = tuple(faster(step) for step in usual.steps)
    layout = plan_layout(folder)
    supervisor = Supervisor(layout, replace(usual, steps=steps), monitoring=False)
    ready = asyncio.Event()
    serving = asyncio.create_task(supervisor.serve(lambda _config, _notes: ready.set()))
    try:
        await asyncio.wait_for(ready.wait(), 20)
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            yield supervisor, client
    finally:
        supervisor.end()
        await serving
        layout.remove()


def faster(step: Step) -> Step:
    """The step, earlier, and its fault quicker."""
    fault = step.fault and replace(step.fault, over_s=step.fault.over_s / FASTER)
    return replace(step, at_s=step.at_s / FASTER, fault=fault)


async def becomes(look: Callable[[], Awaitable[bool]], seconds: float = 8.0) -> bool:
    """Whether `look` comes true in time."""
    for _ in range(int(seconds / 0.05)):
        if await look():
            return True
        await asyncio.sleep(0.05)
    return False


def url(layout: Layout, service: str, number: int = 0) -> str:
    """Where an instance is."""
    return layout.of(service)[number].url


async def test_incident_names_the_component_and_restart_heals(tmp_path: Path) -> None:
    async with played("incident", tmp_path) as (supervisor, client):
        health = url(supervisor.layout, "ai-backend") + "/health/detailed"

        async def database() -> str:
            return str((await client.get(health)).json()["checks"]["database"]["status"])

        async def unhealthy() -> bool:
            return await database() == "unhealthy"

        assert await becomes(unhealthy)
        response = await client.get(health)
        assert response.status_code == 503
        assert response.json()["checks"]["database"]["message"] == "connection pool exhausted"
        await supervisor.answer({"do": "restart", "name": "ai-backend"})
        await asyncio.sleep(0.5)
        assert (await client.get(health)).json()["status"] == "healthy"


async def test_a_step_spares_a_process_that_was_replaced(tmp_path: Path) -> None:
    async with played("component", tmp_path) as (supervisor, client):
        await supervisor.answer({"do": "restart", "name": "oatie"})
        await asyncio.sleep(0.8)
        assert (await client.get(url(supervisor.layout, "oatie") + "/health")).status_code == 200


async def test_component_fails_oatie_s_database(tmp_path: Path) -> None:
    async with played("component", tmp_path) as (supervisor, client):
        base = url(supervisor.layout, "oatie")

        async def failed() -> bool:
            return (await client.get(f"{base}/health")).status_code == 503

        assert await becomes(failed)
        parts = (await client.get(f"{base}/health/services")).json()["services"]
        assert [name for name, part in parts.items() if part["status"] != "healthy"] == ["database"]


async def test_latency_climbs_on_every_instance(tmp_path: Path) -> None:
    async with played("latency", tmp_path) as (supervisor, client):

        async def slow() -> bool:
            looks = [
                await client.get(url(supervisor.layout, "ai-service", number) + "/health")
                for number in range(3)
            ]
            return all(look.elapsed.total_seconds() > 0.02 for look in looks)

        assert await becomes(slow, 30)


async def test_crash_leaves_processes_dead(tmp_path: Path) -> None:
    async with played("crash", tmp_path) as (supervisor, _):

        async def dead() -> bool:
            return {"ai-service-2", "errorscope"}.isdisjoint(supervisor.fleet.pids())

        assert await becomes(dead)
        await asyncio.sleep(0.5)
        assert await dead()
        reply = await supervisor.answer({"do": "start", "name": "errorscope"})
        assert isinstance(reply["members"], dict)
        assert reply["members"]["errorscope"]["pid"] == supervisor.fleet.pids()["errorscope"]


async def test_garbage_is_not_json(tmp_path: Path) -> None:
    async with played("garbage", tmp_path) as (supervisor, client):

        async def garbled() -> bool:
            response = await client.get(url(supervisor.layout, "ai-backend") + "/health")
            return b"\x1b" in response.content

        assert await becomes(garbled)


def test_every_scenario_names_what_there_is(tmp_path: Path) -> None:
    layout = plan_layout(tmp_path)
    for scenario in scenarios.SCENARIOS.values():
        assert all(layout.select(step.target) for step in scenario.steps)
        assert list(scenario.steps) == sorted(scenario.steps, key=lambda step: step.at_s)
        assert all(step.at_s <= 30 for step in scenario.steps)
    with pytest.raises(OpsconsoleError, match="known: calm, incident"):
        scenarios.find("nothing")
