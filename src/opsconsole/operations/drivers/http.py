"""Changing a service by an HTTP call of its own, such as ``POST /admin/restart``.

Invariant: a call is sent at most once, except for one that was refused for a secret that has
changed since it was read. Only when it certainly never left is it FAILED without an answer; once a
byte may have been sent, no answer means UNKNOWN, and the truth is looked for in what the service
says of its own uptime.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import httpx

from opsconsole.config.secrets.patterns import redacted
from opsconsole.dataclass import dataclass
from opsconsole.hiding import without_query
from opsconsole.model.operation import Copy, Effect, Step
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.placeholders import (
    fill,
    fill_json,
    refuse_lacking,
    shown_words,
    words,
)
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    StepOutcome,
    declared,
)
from opsconsole.operations.driving.instance_probes import InstanceProbes
from opsconsole.sources.health.factory import join_url
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.target import HttpTarget
from opsconsole.sources.http.transport_fault import TransportFaultError, may_have_acted
from opsconsole.text import sanitize, sanitize_bytes

BODY_LIMIT: Final = 64 * 1024
_SHOWN: Final = 300
_READ_LINE: Final = 4_096
_READ_LINES: Final = 200
"""What is kept of the answer to a call that only reads."""
_SLACK: Final = 2.0
_TELLS_NOTHING: Final = "nothing there shows whether the call took effect"


@dataclass(frozen=True, slots=True)
class Request(Call):
    """The method, and query, JSON body and URL whose words are not filled in yet."""

    method: str
    query: Mapping[str, str]
    json: object
    url: str = ""


class HttpDriver(Driver):
    """Carries out an ``HttpCall`` at each instance, or once when it names a whole URL."""

    def __init__(self, context: DriverContext) -> None:
        call = declared(context.action.http)
        self._context = context
        self._call = call
        self._service = context.settings.services[context.service]
        self._names = context.settings.instance_names(context.service)
        self._connector: Connector | None = None

    async def observe(self) -> Mapping[str, str]:
        """Each instance and where it is called."""
        targets = self._targets()
        chosen = self._context.request.instances
        if chosen and {name for name, _ in targets} != chosen:
            raise ObserveError(
                f"{self._shown(self._call.url)} is called once, for all of {self._context.service}",
                remedy="write a path, which is called at an instance, or leave the instance out",
            )
        if not targets:
            raise ObserveError(
                f"{self._context.service} has no instance to call {self._shown(self._call.url)} at",
                remedy="declare its instances, or write a whole URL",
            )
        for name, url in targets:
            templates = (url, self._call.query, self._call.json_body)
            refuse_lacking(templates, words(self._context.request, name))
        return {f"{name or 'call'} url": self._shown(url) for name, url in targets}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One call for each target."""
        effect = Effect(self._context.action.effect)
        return tuple(self._step(name, url, effect) for name, url in self._targets())

    async def copies(self) -> tuple[Copy, ...]:
        """Every instance that is called by itself; how it is, a probe says."""
        return tuple(Copy(name) for name, _ in self._targets() if name)

    async def before(self, step: Step) -> Mapping[str, str]:
        """The moment of the call, against which an uptime is compared."""
        return {"called_at": f"{time.time():.3f}"}

    async def execute(self, step: Step) -> StepOutcome:
        """Send the call once and judge its answer by the declared codes."""
        call, values = Request.of(step), words(self._context.request, step.instance)
        url = filled_url(call.url or step.target, values)
        if call.query:
            filled = {key: fill(value, values) for key, value in call.query.items()}
            url = url.copy_merge_params(filled)
        document = None if call.json is None else fill_json(call.json, values)
        target = self._target(url)
        started = time.monotonic()
        deadline = asyncio.get_running_loop().time() + self._call.timeout
        try:
            response = await target.send(call.method, url, deadline, json=document)
        except TransportFaultError as error:
            return _no_answer(error)
        finally:
            await target.close()
        took = time.monotonic() - started
        return self._judge(response, took)

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Whether the instance has started since the call, by the uptime it reports."""
        called_at = float(before.get("called_at", "0"))
        name = step.instance
        probes = InstanceProbes(self._context.settings, self._context.service, self._context.base)

        async def look() -> StepOutcome | str:
            runs = await probes.lifetime(name)
            return _TELLS_NOTHING if runs is None else _by_uptime(runs.uptime, called_at)

        try:
            if name not in probes.names:
                return StepOutcome(Outcome.UNKNOWN, _TELLS_NOTHING)
            return await settle(look, self._context.clock)
        finally:
            await probes.close()

    def undo(self) -> str:
        """As far as it can be known."""
        recover = self._service.actions.degrade
        if recover is not None and recover is self._context.action:
            return "recover, by itself at the end or on demand"
        return "it cannot be undone from here"

    async def close(self) -> None:
        """Close what was opened."""
        if self._connector is not None:
            await self._connector.close()
            self._connector = None

    def _targets(self) -> list[tuple[str, str]]:
        """Name and URL, its words not filled in, of each call.

        A whole URL is called once, unless it is for every instance.
        """
        whole = "://" in self._call.url
        chosen = self._context.request.instances
        if whole and not self._call.every_instance:
            return [("", self._call.url)]
        return [
            (name, self._call.url if whole else join_url(instance.url, self._call.url))
            for name, instance in zip(self._names, self._service.instances, strict=True)
            if not chosen or name in chosen
        ]

    def _step(self, name: str, template: str, effect: Effect) -> Step:
        declared = self._call
        call = Request(declared.method, declared.query, declared.json_body, template).document()
        url = filled_url(template, shown_words(self._context.request, name))
        shown = sanitize(str(url.copy_with(query=None)), limit=_SHOWN)
        at = f" at {name}" if name else ""
        summary = f"{self._call.method} {shown}{at}"
        target = self._shown(template)
        return Step(summary, "http", target, call, effect, instance=name)

    def _shown(self, url: str) -> str:
        return without_query(url, self._service.http.plain_query)

    def _target(self, url: httpx.URL) -> HttpTarget:
        if self._connector is None:
            self._connector = Connector()
        return HttpTarget(
            str(url),
            accept="application/json, */*;q=0.5",
            http=self._service.http,
            timeout=self._call.timeout,
            connector=self._connector,
            base=self._context.base,
            body_limit=BODY_LIMIT,
        )

    def _judge(self, response: httpx.Response, took: float) -> StepOutcome:
        status = response.status_code
        detail = f"HTTP {status} in {took:.2f} s"
        evidence = self._answer(response.read())
        if status in self._call.expect:
            return StepOutcome(Outcome.DONE, detail, evidence)
        wanted = ", ".join(str(code) for code in self._call.expect)
        detail = f"{detail}, {wanted} was expected"
        # A server that failed while at it may have acted; one that refused has not.
        outcome = Outcome.UNKNOWN if status >= 500 else Outcome.FAILED
        return StepOutcome(outcome, detail, evidence)

    def _answer(self, body: bytes) -> tuple[str, ...]:
        """What it answered: whole, up to a bound, where reading it is what was asked for."""
        limit, most = (
            (_READ_LINE, _READ_LINES)
            if Effect(self._context.action.effect) is Effect.READ
            else (_SHOWN, 1)
        )
        text = redacted(sanitize_bytes(body, limit=limit, multiline=most > 1))
        lines = [line for line in text.split("\n") if line.strip()]
        shown = [f"answer: {line}" for line in lines[:most]]
        more = [f"answer: … {len(lines) - most} more lines"] if len(lines) > most else []
        return (*shown, *more)


def filled_url(template: str, values: Mapping[str, str]) -> httpx.URL:
    """A URL whose words are filled in, encoded, without credentials."""
    encoded = {word: quote(value, safe="") for word, value in values.items()}
    return httpx.URL(fill(template, encoded)).copy_with(userinfo=b"", fragment=None)


def _no_answer(error: TransportFaultError) -> StepOutcome:
    fault = error.fault
    if may_have_acted(fault):
        return StepOutcome(Outcome.UNKNOWN, f"sent, but {fault}")
    said = "nothing was sent" if fault.status is None else f"refused with HTTP {fault.status}"
    return StepOutcome(Outcome.FAILED, f"{said}: {fault}")


def _by_uptime(uptime: float | None, called_at: float) -> StepOutcome:
    """Compare the shortest uptime of a body (seconds) with the time since the call."""
    if uptime is None:
        return StepOutcome(Outcome.UNKNOWN, "it answers, but says nothing of its uptime")
    since = time.time() - called_at
    if uptime <= since + _SLACK:
        return StepOutcome(
            Outcome.DONE, f"it has started since: up {uptime:.0f} s, called {since:.0f} s ago"
        )
    return StepOutcome(
        Outcome.FAILED,
        f"it has not started again: up {uptime:.0f} s, called {since:.0f} s ago",
    )
