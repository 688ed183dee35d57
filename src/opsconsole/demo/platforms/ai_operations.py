"""AI Operations Assistant: plans a task with an LLM and runs its steps against real APIs.

Documented: GET /health is exactly `{"status": "healthy"}`; POST /process-task takes 5 to 15
seconds; POST /process-task-async answers at once with a job id. No metrics endpoint: its figures
are read from `app.log`. Responses carry `x-ratelimit-remaining`, as the GitHub API's do.
The version is what the checked-out VERSION file says when the process starts.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from opsconsole.demo.platforms.base import Platform, Settings, WorkError
from opsconsole.demo.platforms.components import DOWN, Component, Components
from opsconsole.demo.platforms.http import BadRequestError, Request, Response, Route, json_response
from opsconsole.demo.platforms.logfile import open_log
from opsconsole.demo.platforms.resources import resident_bytes

MAX_TASK_LENGTH: Final = 5000
RATE_LIMIT: Final = 5000
RATE_WINDOW_S: Final = 3600.0
REPORT_EVERY_S: Final = 30.0

_TOOLS: Final = {"weather": ("weather_lookup",), "": ("github_search", "weather_lookup")}
_REFUSALS: Final = ((429, "rate limit exceeded"), (401, "bad credentials"), (403, "forbidden"))
_REFUSED_SHARE: Final = 0.04
_LOG: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


class AiOperations(Platform):
    """The upstream APIs are components: `llm`, `github` and `weather`."""

    product = "ai-ops-assistant"

    def __init__(self, settings: Settings) -> None:
        """Read the version of the working tree and open app.log."""
        parts = [Component("llm", 900.0), Component("github", 180.0), Component("weather", 120.0)]
        super().__init__(settings, Components(*parts))
        self.version = _version(settings.folder)
        self.log = open_log(settings.folder / "app.log", "orchestrator", logging.Formatter(_LOG))
        self.remaining = RATE_LIMIT
        self.window_ends = time.monotonic() + RATE_WINDOW_S
        self.next_report = time.monotonic()
        self.numbers = itertools.count(1)
        self.jobs: set[asyncio.Task[object]] = set()
        self.log.info("AI Operations Assistant v%s starting", self.version)

    def routes(self) -> Iterable[Route]:
        """The documented endpoints."""
        return (
            Route("GET", "/health", self.health),
            Route("POST", "/process-task", self.process),
            Route("POST", "/process-task-async", self.process_async),
        )

    def tick(self) -> None:
        """Refill the rate limit each hour and log the memory in use now and then."""
        now = time.monotonic()
        if now >= self.window_ends:
            self.remaining, self.window_ends = RATE_LIMIT, now + RATE_WINDOW_S
        if now >= self.next_report:
            self.next_report = now + REPORT_EVERY_S
            self.log.info(
                "memory rss=%.1fMB jobs=%d rate_limit_remaining=%d",
                resident_bytes() / 1e6,
                len(self.jobs),
                self.remaining,
            )

    async def health(self, _request: Request) -> Response:
        """`{"status": "healthy"}` with 200, or `unhealthy` with 503 when a provider is down."""
        await self.look()
        word = "unhealthy" if self.components.worst() == DOWN else "healthy"
        return json_response({"status": word}, self.status_code(), self._limit_header())

    async def process(self, request: Request) -> Response:
        """Run a task to its end and return the validated result."""
        task = _task(request)
        try:
            result = await self._run(next(self.numbers), task)
        except WorkError as problem:
            return json_response({"detail": str(problem)}, 502, self._limit_header())
        return json_response(result, 200, self._limit_header())

    async def process_async(self, request: Request) -> Response:
        """Start a task and return its job id."""
        task, number = _task(request), next(self.numbers)
        job = asyncio.create_task(self._run_quietly(number, task))
        self.jobs.add(job)
        job.add_done_callback(self.jobs.discard)
        return json_response({"job_id": f"job-{number}"}, 200, self._limit_header())

    def _limit_header(self) -> tuple[tuple[str, str], ...]:
        return (("x-ratelimit-remaining", str(self.remaining)),)

    async def _run_quietly(self, number: int, task: str) -> object:
        try:
            return await self._run(number, task)
        except WorkError:
            return None  # logged by _run; nobody waits for this job

    async def _run(self, number: int, task: str) -> dict[str, object]:
        began = time.monotonic()
        self.log.info("Task %d accepted: %.60r", number, task)
        tools = next(tools for word, tools in _TOOLS.items() if word in task.lower())
        steps = []
        try:
            await self.work(2600.0, ("llm",), 0.25)
            for tool in tools:
                steps.append(await self._call(tool))
            await self.work(1900.0, ("llm",), 0.25)
        except WorkError as problem:
            self.log.error("Task %d failed: %s", number, problem)
            raise
        took = time.monotonic() - began
        self.log.info("Task %d completed in %.1fs", number, took)
        return {"status": "completed", "task": task, "steps": steps, "duration_s": round(took, 2)}

    async def _call(self, tool: str) -> dict[str, object]:
        provider = "github" if tool.startswith("github") else "weather"
        self.log.info("Calling tool %s", tool)
        if self.rng.random() < _REFUSED_SHARE:
            status, why = self.rng.choice(_REFUSALS)
            self.log.warning("%s API answered %d: %s; trying once more", provider, status, why)
            await self.work(400.0, (provider,))
        took = await self.work(850.0, (provider,))
        if provider == "github":
            self.remaining = max(0, self.remaining - 1)
        self.log.info("Tool %s completed in %.1fs", tool, took)
        return {"tool": tool, "status": "ok", "duration_s": round(took, 2)}


def _task(request: Request) -> str:
    task = request.json_object().get("task")
    if not isinstance(task, str) or not task.strip():
        raise BadRequestError(422, "task is missing")
    if len(task) > MAX_TASK_LENGTH:
        raise BadRequestError(400, "Task too long")
    return task


def _version(folder: Path) -> str:
    try:
        return (folder / "VERSION").read_text(encoding="utf-8").strip()[:32] or "unknown"
    except OSError:
        return "unknown"
