"""Carries out the checks of runbooks, which change nothing.

Invariant: every look has its own deadline and ends in holds, does not hold, or unknown. A command
that does not declare that it only reads is always refused.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Expect
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.figures import service_figures as figures
from opsconsole.engine.records.fleet import ServiceRecord
from opsconsole.hiding import without_query
from opsconsole.machines.machines import Machines
from opsconsole.model.health import Component
from opsconsole.model.operation import ActionKind, ActionRequest, Refusal
from opsconsole.model.runbooks.runbook import (
    Check,
    CommandCheck,
    HttpCheck,
    MetricCheck,
    StateCheck,
)
from opsconsole.model.state import State, worst
from opsconsole.model.written.expressions import Availability, Comparison
from opsconsole.sources.health.factory import join_url
from opsconsole.threads import BoundedExecutor

if TYPE_CHECKING:
    from opsconsole.sources.http.connector import Connector

AT_ONCE: Final = 32
"""Instances that are asked at the same time."""

NOT_READ: Final = Refusal(
    "change-not-declared",
    "this command does not declare that it only reads, so it is a change",
    "declare it as an action of its service, and name that as an operation",
)


@dataclass(frozen=True, slots=True)
class Look:
    """``holds`` is None if that is unknown; ``said`` is one line, sanitised."""

    holds: bool | None
    said: str
    evidence: tuple[str, ...] = ()


class Checks:
    """Checks the real world and what the engine knows. Lives on the engine's loop."""

    def __init__(
        self,
        settings: Settings,
        base: Path,
        machines: Machines,
        services: Callable[[], Mapping[str, ServiceRecord]],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._base = base
        self._machines = machines
        self._services = services
        self._now = now
        self._threads = BoundedExecutor("runbook-commands", 2)
        self._connector: Connector | None = None

    def use(self, settings: Settings) -> None:
        """Use ``settings`` from now on; secrets are read again."""
        self._settings = settings
        if self._connector is not None:
            self._connector.renew()

    async def look(self, check: Check, service: str) -> Look:
        """Look once; ``service`` is used if the check names none."""
        if isinstance(check, HttpCheck):
            return await self._http(check, check.service or service)
        if isinstance(check, CommandCheck):
            return await self._command(check, check.service or service)
        record = self._services().get(check.service or service)
        if record is None:
            return Look(None, f"there is no service {check.service or service}")
        if isinstance(check, StateCheck):
            return _state(check, record)
        return _metric(check, record, self._now())

    async def close(self) -> None:
        """Release sockets and threads."""
        self._threads.close()
        if self._connector is not None:
            await self._connector.close()

    # ---- HTTP ----

    async def _http(self, check: HttpCheck, service: str) -> Look:
        from opsconsole.sources.http.connector import Connector

        self._connector = connector = self._connector or Connector()
        expect = Expect(
            status=check.status, contains=check.contains, regex=check.regex,
            json_path=check.json_path, equals=check.equals,
        )  # fmt: skip
        targets = list(self._targets(check, service))
        if not targets:
            return Look(None, f"{service} has no instance to ask")
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(url: str, http: HttpConfig) -> Look:
            async with turns:
                return await _ask(url, expect, http, check.timeout, connector, self._base)

        answers = await asyncio.gather(*(ask(url, http) for _, url, http in targets))
        lines = tuple(
            f"{name}: {answer.said}" for (name, _, _), answer in zip(targets, answers, strict=True)
        )
        good = [answer.holds for answer in answers]
        holds = False if False in good else None if None in good else True
        at = next((each for each, one in enumerate(good) if one is holds), 0)
        return Look(holds, lines[at] if len(lines) > 1 else answers[0].said, lines)

    def _targets(self, check: HttpCheck, service: str) -> Iterator[tuple[str, str, HttpConfig]]:
        """Name, URL and how to ask. A service's credentials are sent only to its own hosts."""
        configured = self._settings.services.get(service)
        if check.target.startswith("/"):
            if configured is not None:
                names = self._settings.instance_names(service)
                for name, instance in zip(names, configured.instances, strict=True):
                    yield name, join_url(instance.url, check.target), configured.http
            return
        own = {_origin(each.url) for each in configured.instances} if configured else set()
        mine = configured is not None and _origin(check.target) in own
        http = configured.http if configured is not None and mine else HttpConfig()
        yield without_query(check.target), check.target, http

    # ---- commands ----

    async def _command(self, check: CommandCheck, service: str) -> Look:
        from opsconsole.config.actions import Action
        from opsconsole.config.drivers import Command
        from opsconsole.operations.drivers.command import CommandDriver
        from opsconsole.operations.driving.driver import DriverContext, ObserveError, Outcome

        if not check.reads:
            return Look(None, str(NOT_READ))
        command = Command(
            argv=check.argv, cwd=check.cwd, env=dict(check.env), timeout=check.timeout
        )
        context = DriverContext(
            service=service,
            kind=ActionKind.TEST,
            action=Action(command=command, effect="read", host=check.host or None),
            settings=self._settings,
            base=self._base,
            machines=self._machines,
            threads=self._threads,
            request=ActionRequest(service, ActionKind.TEST, "runbook"),
        )
        driver = CommandDriver(context)
        try:
            (step,) = driver.steps(await driver.observe())
        except ObserveError as error:
            return Look(None, str(error))
        outcome = await driver.execute(step)
        if outcome.outcome is Outcome.UNKNOWN:
            return Look(None, outcome.detail, outcome.evidence)
        return Look(outcome.outcome is Outcome.DONE, outcome.detail, outcome.evidence)


async def _ask(
    url: str, expect: Expect, http: HttpConfig, timeout: float, connector: "Connector", base: Path
) -> Look:
    """One GET, judged only by the expectation, not by what the body says of health.

    If the look failed on our side, the result is unknown.
    """
    from opsconsole.sources.health.expect import hold
    from opsconsole.sources.http.target import ask_once
    from opsconsole.sources.http.transport_fault import TransportFaultError

    try:
        response = await ask_once(
            url, accept="*/*", http=http, timeout=timeout, connector=connector, base=base
        )
    except TransportFaultError as error:
        return Look(False if error.fault.blames_target else None, str(error.fault))
    held = hold(expect, response.status_code, response.content)
    return Look(held.good, held.said)


def _state(check: StateCheck, record: ServiceRecord) -> Look:
    if check.component:
        return _component(check, record)
    seen, why = record.judgement.state, record.judgement.reason
    holds = figures.state_is(record, check.state)
    said = f"{record.name} is {seen}" + (f": {why}" if why else "")
    return Look(holds, said)


def _component(check: StateCheck, record: ServiceRecord) -> Look:
    """The component in every instance whose latest body is fresh; the worst counts."""
    found: list[State] = []
    lines: list[str] = []
    for instance in record.instances:
        probe = instance.probes[0] if instance.probes else None
        if probe is None or probe.report is None or probe.fault is not None or probe.stale:
            continue
        for component in _named(probe.report.components, check.component):
            found.append(component.state)
            message = f": {component.message}" if component.message else ""
            lines.append(f"{instance.name} {component.name} is {component.state}{message}")
    if not found:
        return Look(None, f"no instance of {record.name} reports {check.component}")
    seen = worst(found)
    unknown = seen is State.UNKNOWN and check.state is not State.UNKNOWN
    holds = None if unknown else seen is check.state
    return Look(holds, lines[found.index(seen)], tuple(lines))


def _named(components: tuple[Component, ...], name: str) -> Iterator[Component]:
    for component in components:
        if component.name == name:
            yield component
        yield from _named(component.children, name)


def _metric(check: MetricCheck, record: ServiceRecord, now: float) -> Look:
    expression = check.expression
    if isinstance(expression, Availability):
        rate = record.history.error_rate(now, expression.window)
        if rate is None:
            return Look(None, "nothing was looked at yet")
        return Look(1 - rate >= expression.target, f"available {1 - rate:.3%} of what was seen")
    if not isinstance(expression, Comparison):
        return Look(figures.state_is(record, expression.state), f"state {record.judgement.state}")
    value, copy = figures.compared(record, expression, now)
    if value is None:
        return Look(None, f"{expression.quantity} of {record.name} is not known")
    seen = Comparison(expression.quantity, "==", value, expression.unit)
    shown = str(seen).partition(" == ")[2]
    on = f" on {copy}" if copy else ""
    said = (
        f"{expression.quantity} is {shown}{on}, wanted {expression.operator} {_wanted(expression)}"
    )
    return Look(expression.holds(value), said)


def _wanted(expression: Comparison) -> str:
    return str(expression).rpartition(" ")[2]


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default
