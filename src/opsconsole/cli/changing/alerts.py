"""``opsconsole alerts``, ``silences``, ``ack``, ``silence`` and ``unsilence``.

Invariant: what is listed is from one look made now; a source that did not answer is said, never
shown as quiet. What changes goes by the way of every change: plan, confirmation, verdict.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Final

from opsconsole.cli.changing.operate import carry_out, duration_of
from opsconsole.cli.configuration import Configuration, from_arguments
from opsconsole.cli.engine import archive_of
from opsconsole.cli.known_state import acknowledged
from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.errors import OpsconsoleError
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression
from opsconsole.model.alerting.silence_requests import acknowledgement, parameters_of
from opsconsole.model.alerting.silences import (
    OWN_RULES,
    SilenceState,
    SilenceView,
    parse_matchers,
    shown,
)
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.source_id import LOCAL
from opsconsole.model.state import ExitCode
from opsconsole.render.alerts.folding import fold_rows
from opsconsole.render.alerts.rows import least_mark
from opsconsole.render.empty_panels import no_alerts
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import plain
from opsconsole.render.json.alerts import alert_document, silence_document

VERSION: Final = 1


def run(arguments: argparse.Namespace) -> int:
    """Carry out the command that ``arguments.verb`` names."""
    configuration = from_arguments(arguments)
    commands = {
        "alerts": _alerts,
        "silences": _silences,
        "ack": _acknowledge,
        "silence": _silence,
        "unsilence": _unsilence,
    }
    return commands[arguments.verb](configuration, arguments)


def _alerts(configuration: Configuration, arguments: argparse.Namespace) -> int:
    """Exit 0 nothing loud, 1 warnings, 2 critical, 3 not all sources answered, or none is asked."""
    began = SystemClock().now()
    snapshot, now = _look(configuration), SystemClock().now()
    silent = [*unheard(snapshot), *_just_seen(snapshot, began)]
    asked = _looks_for_alerts(configuration.settings, snapshot)
    if arguments.json:
        _print(
            {
                "version": VERSION,
                "alerts": [alert_document(alert, now) for alert in snapshot.alerts],
                "silent_sources": silent,
            }
        )
    else:
        opened = {alert.key for alert in snapshot.alerts}
        for row in fold_rows(snapshot.alerts, opened):
            print("  └ " * row.depth + _alert_line(row.alert, now))
        if not snapshot.alerts:
            print(*_why_none(snapshot, asked=asked), sep="\n")
        for said in silent:
            print(f"opsconsole: {said}", file=sys.stderr)
    code = _exit_code(snapshot.alerts, silent)
    return int(code if asked or code is not ExitCode.OK else ExitCode.UNKNOWN)


def _silences(configuration: Configuration, arguments: argparse.Namespace) -> int:
    snapshot, now = _look(configuration), SystemClock().now()
    silent = unheard(snapshot)
    found = [
        each for each in snapshot.silences if arguments.all or each.state != SilenceState.EXPIRED
    ]
    if arguments.json:
        documents = [silence_document(each) for each in found]
        _print({"version": VERSION, "silences": documents, "silent_sources": silent})
    else:
        for each in found:
            print(_silence_line(each, now))
        if not found:
            asked = bool(configuration.settings.alertmanager)
            print("no silences" if asked else "no silences here: no Alertmanager is configured")
        for said in silent:
            print(f"opsconsole: {said}", file=sys.stderr)
    return int(ExitCode.UNKNOWN) if silent else 0


def _acknowledge(configuration: Configuration, arguments: argparse.Namespace) -> int:
    alert = _one_alert(_look(configuration).alerts, arguments.alert)
    request = acknowledgement(alert)
    if request is None:
        raise OpsconsoleError(f"{alert.name} does not fire", remedy="see opsconsole alerts")
    return _change(arguments, ActionKind.ACKNOWLEDGE, request.service, dict(request.parameters))


def _silence(configuration: Configuration, arguments: argparse.Namespace) -> int:
    parameters = parameters_of(_matchers(arguments.matchers))
    if arguments.replace:
        parameters["replaces"] = arguments.replace
    name = _alertmanager(configuration.settings, arguments.alertmanager)
    return _change(arguments, ActionKind.SILENCE, name, parameters)


def _matchers(written: Sequence[str]) -> tuple[str, ...]:
    """One matcher each; an argument may hold several. What is none is refused with the request."""
    try:
        return tuple(str(matcher) for text in written for matcher in parse_matchers(text))
    except ValueError:
        return tuple(written)


def _unsilence(configuration: Configuration, arguments: argparse.Namespace) -> int:
    names = [each.name for each in configuration.settings.alertmanager]
    name = arguments.alertmanager
    if any(each.id == arguments.id for each in acknowledged(configuration)):
        parameters = {"silence": arguments.id}
        return _change(arguments, ActionKind.EXPIRE_SILENCE, OWN_RULES, parameters)
    if len(names) > 1 and not name:
        known = _look(configuration).silences
        name = next((each.source for each in known if each.id == arguments.id), None)
    target = _alertmanager(configuration.settings, name)
    return _change(arguments, ActionKind.EXPIRE_SILENCE, target, {"silence": arguments.id})


def _change(
    arguments: argparse.Namespace, kind: ActionKind, service: str, parameters: dict[str, str]
) -> int:
    request = ActionRequest(
        service=service,
        kind=kind,
        reason=arguments.reason,
        duration=duration_of(getattr(arguments, "duration", None)),
        parameters=parameters,
    )
    return asyncio.run(carry_out(arguments, request))


def _look(configuration: Configuration) -> Snapshot:
    """One look at the places that know of alerts, and at the services that rules are about."""
    seen = configuration.settings.without_places()
    archive = archive_of(configuration)
    engine = Engine(seen, base=configuration.base, read_only=True, archive=archive)
    return engine.look_once(acknowledged=acknowledged(configuration))


def unheard(snapshot: Snapshot) -> list[str]:
    """The alert sources that did not answer, or whose rules were not all evaluated, with why."""
    said: list[str] = []
    for source in snapshot.sources:
        if not source.id.kind.knows_alerts:
            continue
        if source.fault is not None or source.taken_at is None:
            said.append(f"{source.name} did not answer: {source.fault or 'no answer in time'}")
        elif source.unknown_rules:
            count, first = len(source.unknown_rules), source.unknown_rules[0]
            said.append(f"{source.name}: {count} rules were not evaluated, first {first}")
    return said


def _looks_for_alerts(settings: Settings, snapshot: Snapshot) -> bool:
    """Whether anybody was asked who reports alerts, or the console has rules of its own."""
    reported = any(each.id.kind.knows_alerts and each.tells_alerts for each in snapshot.sources)
    return reported or any(each.alerts for each in settings.services.values())


def _why_none(snapshot: Snapshot, *, asked: bool) -> list[str]:
    """That there are none, where all were asked and answered; else why there may be some."""
    known = any(each.id.kind.knows_alerts for each in snapshot.sources)
    if asked and not known:
        return ["no alerts"]
    return [each.strip() for each in plain(no_alerts(snapshot, "no alerts")).splitlines() if each]


def _just_seen(snapshot: Snapshot, began: float) -> list[str]:
    """Own rules that wait and were seen to hold first now: they may have held for long."""
    return [
        f"{each.name} of {each.service} holds, since when is not known: no console recorded it"
        for each in snapshot.alerts
        if each.state is AlertState.PENDING and LOCAL in each.sources and each.since >= began
    ]


def _exit_code(alerts: Sequence[Alert], silent: Sequence[str]) -> ExitCode:
    loud = [each for each in alerts if each.state is AlertState.FIRING and not each.quiet]
    if any(each.severity is Severity.CRITICAL for each in loud):
        return ExitCode.DOWN
    if silent:
        return ExitCode.UNKNOWN
    grave = {Severity.WARNING, Severity.UNRECOGNISED}
    return ExitCode.DEGRADED if any(each.severity in grave for each in loud) else ExitCode.OK


def _one_alert(alerts: Sequence[Alert], wanted: str) -> Alert:
    """The alert that ``wanted`` is the fingerprint, the key or the only name of."""
    exact = [each for each in alerts if wanted in {each.fingerprint, each.key}]
    firing = [each for each in alerts if each.state is AlertState.FIRING]
    found = exact or [each for each in firing if each.name == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(f"{each.fingerprint or each.key}" for each in found[:10])
        raise OpsconsoleError(
            f"{len(found)} alerts are called {wanted}", remedy=f"say which: {choices}"
        )
    raise OpsconsoleError(f"no alert {wanted} fires", remedy="see opsconsole alerts")


def _alertmanager(settings: Settings, wanted: str | None = None) -> str:
    names = [each.name for each in settings.alertmanager]
    if not names:
        raise OpsconsoleError("no Alertmanager is configured", remedy="add alertmanager: {url: …}")
    if wanted is not None and wanted not in names:
        raise OpsconsoleError(
            f"no Alertmanager is called {wanted}", remedy=f"there are {', '.join(names)}"
        )
    return wanted or names[0]


def _alert_line(alert: Alert, now: float) -> str:
    over = alert.state is AlertState.RESOLVED and alert.ends_at is not None
    lasted = (alert.ends_at or now if over else now) - alert.since
    age = f"{least_mark(alert)}{figures.age(lasted)}"
    quiet = ", ".join(_suppressed(each, now) for each in alert.suppressions)
    parts = [
        f"{alert.severity.value:<12} {alert.state.value:<8} {age:>7}  {alert.name}",
        alert.service or alert.instance,
        f"[{quiet}]" if quiet else "",
        f"({alert.fingerprint})" if alert.fingerprint else "",
        alert.summary,
    ]
    return "  ".join(part for part in parts if part)


def _suppressed(why: Suppression, now: float) -> str:
    by = f" by {why.by}" if why.by else ""
    return f"{why.kind}{by}{f' {figures.age(now - why.since)} ago' if why.since else ''}"


def _silence_line(silence: SilenceView, now: float) -> str:
    left = figures.age(silence.ends_at - now) if silence.ends_at and silence.ends_at > now else "-"
    return (
        f"{silence.id}  {silence.state.value:<8} ends in {left:>7}  hides {silence.hides:<4} "
        f"{shown(silence.matchers)}  by {silence.by}: {silence.comment}"
    )


def _print(document: object) -> None:
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    print()
