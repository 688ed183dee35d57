"""Requests to acknowledge, to silence and to end a silence: how they are made and what is wrong.

Invariant: a silence has an end, and an acknowledgement ends within ``LONGEST_ACK`` by itself.
Pure, and free of the configuration, so that screens can make requests too.
"""

import math
from typing import Final

from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.alerting.silences import (
    LONGEST_MATCHER,
    MATCHER_PARAMETER,
    OWN_RULES,
    Matcher,
    SilenceView,
    parse_matcher,
)
from opsconsole.model.operation import SILENCING, ActionKind, ActionRequest, Refusal
from opsconsole.model.source_id import SourceKind

LONGEST_ACK: Final = 4 * 3600.0
"""Seconds after which an acknowledgement ends though its alert goes on."""

LONGEST_SILENCE: Final = 90 * 86400.0
VERIFICATION: Final = ("the silence is read back, and the alerts it is about are as it says",)

OWN_VERIFICATION: Final = ("it is in the journal, which every console of this state reads",)

_LONGEST: Final = 200


def parameters_of(matchers: tuple[str, ...]) -> dict[str, str]:
    """The parameters of a request that silences what ``matchers`` match."""
    return {f"{MATCHER_PARAMETER}{number}": text for number, text in enumerate(matchers)}


def acknowledgement(alert: Alert, reason: str = "") -> ActionRequest | None:
    """The request that acknowledges ``alert``: at the Alertmanager that reports it, else in the
    console's own state; None where it does not fire."""
    name = reporter_of(alert)
    if name and alert.fingerprint:
        parameters = {"alert": alert.fingerprint}
        return ActionRequest(name, ActionKind.ACKNOWLEDGE, reason=reason, parameters=parameters)
    if alert.state is not AlertState.FIRING:
        return None
    labels = {**alert.labels, "alertname": alert.name}
    own = parameters_of(tuple(str(Matcher(*each)) for each in sorted(labels.items())))
    parameters = {"alert": alert.key[:_LONGEST], **own}
    return ActionRequest(OWN_RULES, ActionKind.ACKNOWLEDGE, reason=reason, parameters=parameters)


def ending(silence: SilenceView, reason: str = "") -> ActionRequest:
    """The request that ends ``silence``."""
    parameters = {"silence": silence.id}
    return ActionRequest(
        silence.source, ActionKind.EXPIRE_SILENCE, reason=reason, parameters=parameters
    )


def again(silence: SilenceView, duration: float, reason: str = "") -> ActionRequest:
    """The request that makes a silence again that has ended, for ``duration`` seconds."""
    parameters = parameters_of(tuple(str(matcher) for matcher in silence.matchers))
    said = reason or silence.comment
    return ActionRequest(
        silence.source, ActionKind.SILENCE, reason=said, duration=duration, parameters=parameters
    )


def reporter_of(alert: Alert) -> str:
    """The configured name of an Alertmanager that reports ``alert``, or ''."""
    kind = SourceKind.ALERTMANAGER
    return next((source.name for source in alert.sources if source.kind is kind), "")


def longest_of(parameter: str) -> int:
    """Characters of a parameter; a matcher may hold a long value, and is useless if it is cut."""
    return LONGEST_MATCHER if parameter.startswith(MATCHER_PARAMETER) else _LONGEST


def matchers_of(request: ActionRequest) -> tuple[Matcher, ...]:
    """The matchers that ``parameters_of`` put into a request. Raises ValueError."""
    return tuple(
        parse_matcher(text)
        for key, text in sorted(request.parameters.items())
        if key.startswith(MATCHER_PARAMETER)
    )


def bad_parameter(request: ActionRequest) -> Refusal | None:
    """What of a request to silence is missing or wrong."""
    if request.kind is ActionKind.ACKNOWLEDGE:
        return _missing(request, "alert", "say which alert, by its fingerprint") or _too_long(
            request, LONGEST_ACK, "an acknowledgement lasts at most 4 h"
        )
    if request.kind is ActionKind.EXPIRE_SILENCE:
        return _missing(request, "silence", "say which silence, by its id")
    try:
        matchers = matchers_of(request)
    except ValueError as error:
        return Refusal("bad-parameter", str(error), "write matchers as Alertmanager has them")
    if not any(_selects(matcher) for matcher in matchers):
        message = "a silence needs a matcher that not every alert satisfies"
        return Refusal("bad-parameter", message, 'such as alertname="ServiceDown"')
    if request.duration is None:
        return Refusal("bad-parameter", "a silence needs an end", "say --for 2h")
    return _too_long(request, LONGEST_SILENCE, "a silence lasts at most 90 days")


def duration_of(request: ActionRequest) -> float | None:
    """Seconds that what is asked for lasts; None where it only ends something."""
    if request.kind is ActionKind.ACKNOWLEDGE:
        return request.duration or LONGEST_ACK
    return request.duration if request.kind is ActionKind.SILENCE else None


def ends_at(request: ActionRequest, now: float) -> float | None:
    """When it ends by itself."""
    lasts = duration_of(request) if request.kind in SILENCING else None
    return None if lasts is None else now + lasts


def _selects(matcher: Matcher) -> bool:
    """Whether an alert without the label is left alone; Alertmanager asks for one such matcher."""
    return not matcher.matches({})


def _missing(request: ActionRequest, name: str, remedy: str) -> Refusal | None:
    if request.parameters.get(name):
        return None
    return Refusal("bad-parameter", f"{request.kind} needs the {name} it is about", remedy)


def _too_long(request: ActionRequest, longest: float, message: str) -> Refusal | None:
    duration = request.duration
    if duration is None or (math.isfinite(duration) and 0 < duration <= longest + 1):
        return None
    return Refusal("bad-parameter", message, "ask for less")
