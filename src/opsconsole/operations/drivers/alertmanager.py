"""Acknowledging, silencing and ending silences at an Alertmanager.

Invariant: a silence is created at most once: when it is not known whether its call took effect it
is looked for by its matchers and its comment, and never sent again. It counts as done when it was
read back and every alert that it matches is suppressed by it.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from opsconsole.config.actions import SilenceAction
from opsconsole.dataclass import dataclass
from opsconsole.model.alerting import silence_requests as silencing
from opsconsole.model.alerting.silences import ACK_PREFIX, Matcher, hides, shown
from opsconsole.model.operation import ActionKind, Step
from opsconsole.model.state import State
from opsconsole.model.written.units import format_duration
from opsconsole.operations.drivers.alertmanager_client import AlertmanagerClient
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.json_client import CallError
from opsconsole.operations.drivers.settling import settle
from opsconsole.operations.driving.driver import (
    Driver,
    DriverContext,
    ObserveError,
    Outcome,
    Sight,
    StepOutcome,
)
from opsconsole.operations.who import whoami
from opsconsole.sources.prometheus.api_alerts import parse_time
from opsconsole.sources.prometheus.api_silences import (
    exact_matchers,
    matcher_document,
    raw_labels,
    raw_matchers,
)
from opsconsole.text import sanitize

_RECONCILE: Final = 15.0
_TEXT: Final = 300
_NAMED: Final = 3
_IN_FORCE: Final = frozenset({"active", "pending"})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be made or ended, and the alerts that it hides at this moment, by name."""

    matchers: tuple[Matcher, ...]
    hidden: tuple[str, ...] = ()
    silence: str = ""


@dataclass(frozen=True, slots=True)
class SilenceCall(Call):
    """Matchers as Alertmanager has them, seconds, and the silence that is replaced or ended."""

    matchers: tuple[Mapping[str, object], ...]
    duration: float | None
    silence: str


class AlertmanagerDriver(Driver):
    """Writes silences to the Alertmanager that the action names."""

    def __init__(self, context: DriverContext) -> None:
        action = cast(SilenceAction, context.action)
        found = context.settings.alertmanager_of(action.alertmanager)
        if found is None:
            raise ValueError(f"no Alertmanager is called {action.alertmanager}")
        self._context = context
        self._client = AlertmanagerClient(found, context.base, context.threads)
        self._wanted = _Wanted(())

    async def observe(self) -> Mapping[str, str]:
        """Where it is written to, and what exactly it will match. Raises ObserveError."""
        try:
            if self._context.kind is ActionKind.EXPIRE_SILENCE:
                return await self._observe_silence()
            return await self._observe_alerts()
        except CallError as error:
            raise ObserveError(str(error.fault), remedy=error.fault.hint) from None

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one call, with what it hides in its sentence."""
        wanted, kind = self._wanted, self._context.kind
        matchers = tuple(matcher_document(wanted.matchers))
        lasts = silencing.duration_of(self._context.request)
        call = SilenceCall(matchers, lasts, wanted.silence).document()
        text = sanitize(shown(wanted.matchers), limit=_TEXT)
        if kind is ActionKind.EXPIRE_SILENCE:
            whose = f"by {facts['author'] or 'nobody named'}: {facts['comment']}".removesuffix(": ")
            said = f"end silence {wanted.silence} {whose}; of {text}"
            return (Step(f"{said}: {_said(wanted.hidden)} loud again", *self._target(), call),)
        during = format_duration(lasts or 0.0)
        verb = "acknowledge" if kind is ActionKind.ACKNOWLEDGE else "silence"
        said = f"{verb} {text} for {during}: hides {_said(wanted.hidden)} now"
        return (Step(said, *self._target(), call),)

    async def before(self, step: Step) -> Mapping[str, str]:
        """The moment of the call: an older silence with the same words is not this one."""
        return {"called_at": f"{time.time():.3f}"}

    async def execute(self, step: Step) -> StepOutcome:
        """Create the silence, or end it, once."""
        try:
            if self._context.kind is ActionKind.EXPIRE_SILENCE:
                silence = SilenceCall.of(step).silence
                await self._client.expire(silence)
                return StepOutcome(Outcome.DONE, f"silence {silence} is ended")
            silence = await self._client.create(self._document(step))
        except CallError as error:
            outcome = Outcome.UNKNOWN if error.acted else Outcome.FAILED
            return StepOutcome(outcome, str(error.fault))
        return StepOutcome(Outcome.DONE, f"silence {sanitize(silence, limit=_TEXT)}")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Look for the silence, or for its end."""
        since = float(before.get("called_at", "0")) - 1.0

        async def look() -> StepOutcome | str:
            try:
                return self._found(step, await self._client.silences(), since)
            except CallError as error:
                return str(error.fault)

        return await settle(look, self._context.clock, within=_RECONCILE)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        """The silence as the server has it, and whether the alerts it matches are suppressed."""
        (step,) = steps
        try:
            silences = await self._client.silences()
            if self._context.kind is ActionKind.EXPIRE_SILENCE:
                return (_ended(SilenceCall.of(step).silence, silences),)
            silence = self._own(step, silences, since - _RECONCILE)
            if silence is None:
                return (Sight("silence", State.DOWN, "is not there"),)
            return (_in_force(silence, await self._client.alerts()),)
        except CallError as error:
            return (Sight("silence", State.UNKNOWN, str(error.fault)),)

    def undo(self) -> str:
        """A silence is undone by its end, an end by another silence."""
        if self._context.kind is ActionKind.EXPIRE_SILENCE:
            return "silence the same matchers again"
        return "opsconsole unsilence ID, or by itself at the end"

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _observe_alerts(self) -> Mapping[str, str]:
        alerts = await self._client.alerts()
        request = self._context.request
        facts = {"alertmanager": self._client.endpoint}
        if self._context.kind is ActionKind.ACKNOWLEDGE:
            wanted = request.parameters["alert"]
            labels = next((raw_labels(each) for each in alerts if _fingerprint(each) == wanted), {})
            if not labels:
                raise ObserveError(
                    f"{self._client.endpoint} has no alert {wanted}",
                    remedy="it may have resolved; look again",
                )
            matchers = exact_matchers(labels)
            facts["alert"] = wanted
        else:
            matchers = silencing.matchers_of(request)
        replaced = request.parameters.get("replaces", "")
        self._wanted = _Wanted(matchers, _hidden(matchers, alerts), replaced)
        if replaced:
            facts["silence"] = f"{replaced} {_state(replaced, await self._client.silences())}"
        facts["matchers"] = sanitize(shown(matchers), limit=4000)
        return facts

    async def _observe_silence(self) -> Mapping[str, str]:
        wanted = self._context.request.parameters["silence"]
        silences = await self._client.silences()
        found = next((each for each in silences if each.get("id") == wanted), None)
        state = _state(wanted, silences)
        if found is None or state not in _IN_FORCE:
            there = "has ended already" if found is not None else "is not there"
            raise ObserveError(f"silence {wanted} {there}", remedy="see opsconsole silences")
        matchers = _matchers(found)
        alerts = await self._client.alerts()
        self._wanted = _Wanted(matchers, _hidden(matchers, alerts), wanted)
        return {
            "alertmanager": self._client.endpoint,
            "silence": wanted,
            "matchers": sanitize(shown(matchers), limit=4000),
            "author": sanitize(str(found.get("createdBy", "")), limit=_TEXT),
            "comment": sanitize(str(found.get("comment", "")), limit=_TEXT),
            "ends": sanitize(str(found.get("endsAt", "")), limit=_TEXT),
        }

    def _target(self) -> tuple[str, str]:
        return "alertmanager", self._client.endpoint

    def _comment(self) -> str:
        reason = self._context.request.reason
        return f"{ACK_PREFIX}{reason}" if self._context.kind is ActionKind.ACKNOWLEDGE else reason

    def _document(self, step: Step) -> dict[str, object]:
        who, now, call = whoami(), time.time(), SilenceCall.of(step)
        document: dict[str, object] = {
            "matchers": call.matchers,
            "startsAt": _rfc3339(now),
            "endsAt": _rfc3339(now + (call.duration or 0.0)),
            "createdBy": f"{who.name}@{who.host}",
            "comment": self._comment(),
        }
        if call.silence:
            document["id"] = call.silence
        return document

    def _found(self, step: Step, silences: list[Any], since: float) -> StepOutcome:
        if self._context.kind is ActionKind.EXPIRE_SILENCE:
            ended = _state(SilenceCall.of(step).silence, silences) not in _IN_FORCE
            outcome = Outcome.DONE if ended else Outcome.FAILED
            return StepOutcome(outcome, "it has ended" if ended else "it is still in force")
        found = self._own(step, silences, since)
        if found is None:
            return StepOutcome(Outcome.FAILED, "no such silence is there")
        return StepOutcome(Outcome.DONE, f"silence {sanitize(str(found.get('id')), limit=_TEXT)}")

    def _own(self, step: Step, silences: list[Any], since: float) -> Any | None:
        """The newest silence in force with these matchers and this comment, made since then."""
        wanted = frozenset(raw_matchers(list(SilenceCall.of(step).matchers)))
        own = [
            each
            for each in silences
            if isinstance(each, dict)
            and each.get("comment") == self._comment()
            and (parse_time(each.get("updatedAt")) or 0.0) >= since
            and _state_of(each) in _IN_FORCE
            and frozenset(_matchers(each)) == wanted
        ]
        return max(own, key=lambda each: parse_time(each.get("updatedAt")) or 0.0, default=None)


def _hidden(matchers: tuple[Matcher, ...], alerts: list[Any]) -> tuple[str, ...]:
    found = [raw_labels(each) for each in alerts]
    return tuple(labels.get("alertname", "") for labels in found if hides(matchers, labels))


def _said(names: tuple[str, ...]) -> str:
    """``2 alerts (Down, Slow)``."""
    kinds = sorted(set(names))
    shown_names = ", ".join(kinds[:_NAMED]) + (", …" if len(kinds) > _NAMED else "")
    listed = f" ({sanitize(shown_names, limit=_TEXT)})" if names else ""
    return f"{_count(len(names))}{listed}"


def _count(alerts: int) -> str:
    return f"{alerts} alert{'' if alerts == 1 else 's'}"


def _fingerprint(item: Any) -> str:
    return str(item.get("fingerprint", "")) if isinstance(item, dict) else ""


def _matchers(silence: Any) -> tuple[Matcher, ...]:
    try:
        return raw_matchers(silence.get("matchers"))
    except ValueError:
        return ()


def _state_of(silence: Any) -> str:
    status = silence.get("status") if isinstance(silence, dict) else None
    return str(status.get("state", "")) if isinstance(status, dict) else ""


def _state(wanted: str, silences: list[Any]) -> str:
    found = (each for each in silences if isinstance(each, dict) and each.get("id") == wanted)
    return _state_of(next(found, None)) or "gone"


def _ended(wanted: str, silences: list[Any]) -> Sight:
    state = _state(wanted, silences)
    over = state not in _IN_FORCE
    return Sight(f"silence {wanted}", State.OK if over else State.DOWN, sanitize(state))


def _in_force(silence: Any, alerts: list[Any]) -> Sight:
    """OK where each alert that it matches says that it is silenced by it."""
    identity, matchers = str(silence.get("id", "")), _matchers(silence)
    matched = [each for each in alerts if hides(matchers, raw_labels(each))]
    loud = [each for each in matched if identity not in _silenced_by(each)]
    subject = f"silence {sanitize(identity, limit=_TEXT)}"
    until = sanitize(str(silence.get("endsAt", "")), limit=_TEXT)
    if _state_of(silence) != "active" or loud:
        said = f"{len(loud)} of {len(matched)} alerts are loud" if loud else "is not active yet"
        return Sight(subject, State.DOWN, said)
    return Sight(subject, State.OK, f"active until {until}, suppresses {_count(len(matched))}")


def _silenced_by(alert: Any) -> list[Any]:
    status = alert.get("status") if isinstance(alert, dict) else None
    by = status.get("silencedBy") if isinstance(status, dict) else None
    return by if isinstance(by, list) else []


def _rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
