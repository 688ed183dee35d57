"""Names in a runbook that refer to what the configuration has.

Invariant: every service, action, test, figure and alert that a runbook names is looked for, for
each service that it is for; what is missing is reported at the step that names it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from opsconsole.config.files.problems import KeyPath, did_you_mean
from opsconsole.config.hosts import HERE
from opsconsole.config.log_figures import figures_of
from opsconsole.config.references import Finding
from opsconsole.config.runbooks.steps import Check, Operation, RunbookFile, Step
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.model.written.expressions import BUILT_IN, parse, quantity_of

_DERIVED: Final = {
    "recover": ("recover", "degrade"),
    "restore": ("restore", "backup"),
}
"""Actions that are declared with another one."""


def check_runbook(
    written: RunbookFile, services: Sequence[str], settings: Settings
) -> Iterator[Finding]:
    """Everything that ``written`` names and that does not exist."""
    for index, name in enumerate(written.services):
        if name not in settings.services:
            suggestion = did_you_mean(name, settings.services)
            yield ("services", index), f"no service is called {name!r}", suggestion
    yield from _check_alerts(written, settings)
    seen: dict[str, int] = {}
    for index, step in enumerate(written.steps):
        path: KeyPath = ("steps", index)
        if step.id in seen:
            first = seen[step.id] + 1
            yield (*path, "id"), f"step {first} is called {step.id!r} already", ""
        seen.setdefault(step.id, index)
        yield from _check_step(step, path, services, settings)


def _check_alerts(written: RunbookFile, settings: Settings) -> Iterator[Finding]:
    """An alert that is not declared; where a server is read it may be one of its rules."""
    if settings.prometheus or settings.alertmanager:
        return
    known = {rule.name for service in settings.services.values() for rule in service.alerts}
    for index, name in enumerate(written.when):
        if name not in known:
            suggestion = did_you_mean(name, known)
            yield ("when", index), f"no alert is called {name!r}", suggestion


def _check_step(
    step: Step, path: KeyPath, services: Sequence[str], settings: Settings
) -> Iterator[Finding]:
    if step.check is not None:
        yield from _check_look(step.check, (*path, "check"), services, settings)
    if step.operation is not None:
        yield from _check_operation(step.operation, (*path, "operation"), services, settings)
    if step.wait is not None:
        for key, look in (("while", step.wait.while_), ("until", step.wait.until)):
            if look is not None:
                yield from _check_look(look, (*path, "wait", key), services, settings)


def _check_look(
    look: Check, path: KeyPath, services: Sequence[str], settings: Settings
) -> Iterator[Finding]:
    if look.command is not None:
        yield from _check_host(look, (*path, "command"), services, settings)
    whole_url = look.http is not None and not look.http.get.startswith("/")
    if look.command is not None or whole_url:
        services = ()
    elif not services and look.service is None:
        yield path, "says of no service what to look at", "write service:"
    for name, service in _meant(look.service, services, settings):
        if service is None:
            yield from _no_service(path, name, settings)
        elif look.metric is not None:
            yield from _check_metric(look.metric, path, name, service)
        elif look.http is not None and not service.instances:
            yield path, f"{name} has no instance to ask", "write a whole URL"


def _check_host(
    look: Check, path: KeyPath, services: Sequence[str], settings: Settings
) -> Iterator[Finding]:
    """Where a command runs has to be known, and be there."""
    command, known = look.command, [*settings.hosts, HERE]
    assert command is not None, "it is asked of commands alone"
    if command.host is not None:
        if command.host not in known:
            suggestion = did_you_mean(command.host, known)
            yield (*path, "host"), f"no host is called {command.host!r}", suggestion
        return
    for name, service in _meant(look.service, services, settings):
        if service is not None and len(settings.hosts_of(name)) > 1:
            yield path, f"the instances of {name} are on several hosts", "name one: host:"


def _check_metric(text: str, path: KeyPath, name: str, service: Service) -> Iterator[Finding]:
    quantity = quantity_of(parse(text))
    known = [*BUILT_IN, *service.metrics]
    known += [figure for source in service.logs for figure in figures_of(source.patterns)]
    if quantity is not None and quantity.name not in known:
        message = f"{name} has no metric or log pattern called {quantity.name!r}"
        there_are = f"there are {', '.join(known)}"
        yield path, message, did_you_mean(quantity.name, known) or there_are


def _check_operation(
    call: Operation, path: KeyPath, services: Sequence[str], settings: Settings
) -> Iterator[Finding]:
    if not services and call.service is None:
        yield path, "says of no service what to do", "write service:"
    for name, service in _meant(call.service, services, settings):
        if service is None:
            yield from _no_service(path, name, settings)
            continue
        declared = _declared(service)
        wanted = f"{call.action} {call.name}" if call.name else str(call.action)
        if wanted not in declared:
            message = f"{name} declares no action {wanted!r}"
            yield path, message, did_you_mean(wanted, declared)


def _declared(service: Service) -> list[str]:
    """``restart``, ``test database``: everything that can be asked of a service."""
    actions = service.actions
    names = [
        kind
        for kind in ("restart", "degrade", "recover", "backup", "restore", "rollback", "scale")
        if any(getattr(actions, way) is not None for way in _DERIVED.get(kind, (kind,)))
    ]
    names += [f"test {name}" for name in actions.test]
    return names + [f"call {name}" for name in actions.call]


def _meant(
    named: str | None, services: Sequence[str], settings: Settings
) -> Iterator[tuple[str, Service | None]]:
    for name in (named,) if named else services:
        if named or name in settings.services:
            yield name, settings.services.get(name)


def _no_service(path: KeyPath, name: str, settings: Settings) -> Iterator[Finding]:
    yield path, f"no service is called {name!r}", did_you_mean(name, settings.services)
