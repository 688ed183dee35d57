"""The forms before an alert is acknowledged or silenced, and before a silence is ended.

Invariant: a form only makes a request; the preview counts the alerts of the current snapshot, and
the plan counts them again at the Alertmanager itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting import silence_requests as silencing
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.alerting.silences import (
    OWN_RULES,
    Matcher,
    SilenceView,
    hides,
    parse_matchers,
    shown,
)
from opsconsole.model.operation import ActionKind, ActionRequest
from opsconsole.model.written.units import format_duration, read_duration
from opsconsole.render.forms.request import REASON_LIMIT, Field, Problem
from opsconsole.render.ink.cells import Line, Role, Span, clip
from opsconsole.text import sanitize

MATCHERS_LIMIT: Final = 40_000
USUAL: Final = "2h"
_LISTED: Final = 3

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SilencingForm:
    """``read`` makes the request from the typed values; ``matchers`` says what it would match."""

    title: str
    about: tuple[str, ...]
    fields: tuple[Field, ...]
    read: Callable[[Values], ActionRequest | Problem]
    matchers: Callable[[Values], tuple[Matcher, ...]]

    def filled(self, values: Values) -> "SilencingForm":
        """The same form with what was typed."""
        fields = tuple(
            replace(field, value=values.get(field.id, field.value)) for field in self.fields
        )
        return replace(self, fields=fields)


def acknowledge_form(alert: Alert) -> SilencingForm | None:
    """The form to acknowledge ``alert``; None if it does not fire."""
    request = silencing.acknowledgement(alert)
    if request is None:
        return None

    def read(values: Values) -> ActionRequest | Problem:
        reason = _text(values)
        return replace(request, reason=reason) if reason else _NO_REASON

    about: tuple[str, ...] = ("it ends when the alert resolves, after 4 h at the latest",)
    if request.service == OWN_RULES:
        about = (*about, "no Alertmanager reports it: every console of this state will see it")
    title = f"acknowledge {alert.name} {alert.service}".rstrip()
    own = tuple(Matcher(name, value) for name, value in _labels(alert).items())
    return SilencingForm(title, about, (_REASON,), read, lambda _values: own)


def silence_form(alert: Alert, source: str) -> SilencingForm:
    """The form of a silence at ``source``, prefilled with exactly the labels of ``alert``."""
    own = tuple(Matcher(name, value) for name, value in _labels(alert).items())
    form = _matching(f"silence {alert.name}", source, own, USUAL, "")
    return replace(form, about=("fewer matchers hide more alerts; =~ takes a pattern",))


def edit_form(silence: SilenceView, now: float) -> SilencingForm:
    """The form to edit a silence: other matchers, another end or another comment."""
    left = max(60.0, (silence.ends_at or now) - now)
    form = _matching(
        "edit a silence", silence.source, silence.matchers, _span(left), silence.comment
    )

    def read(values: Values) -> ActionRequest | Problem:
        request = form.read(values)
        if isinstance(request, Problem):
            return request
        return replace(request, parameters={**request.parameters, "replaces": silence.id})

    return replace(form, read=read, about=(f"it takes the place of silence {silence.id}",))


def again_form(silence: SilenceView) -> SilencingForm:
    """The form to renew a silence that has ended."""
    lasted = (silence.ends_at or 0.0) - (silence.starts_at or silence.ends_at or 0.0)
    fields = (
        Field("for", "for", "how long: 30m, 2h, 3d", _span(lasted) if lasted >= 60 else USUAL),
        Field("reason", "comment", "why, for those who see it", silence.comment),
    )

    def read(values: Values) -> ActionRequest | Problem:
        lasts = _duration(values)
        if isinstance(lasts, Problem):
            return lasts
        return silencing.again(silence, lasts, _text(values))

    about = (shown(silence.matchers),)
    return SilencingForm("silence again", about, fields, read, lambda _values: silence.matchers)


def ending_form(silence: SilenceView) -> SilencingForm:
    """The form to end ``silence`` early."""

    def read(values: Values) -> ActionRequest | Problem:
        reason = _text(values)
        return silencing.ending(silence, reason) if reason else _NO_REASON

    what = "an acknowledgement" if silence.acknowledges else "a silence"
    about = (shown(silence.matchers), "what it hides is heard again")
    return SilencingForm(f"end {what}", about, (_REASON,), read, lambda _values: silence.matchers)


def preview(form: SilencingForm, values: Values, alerts: Iterable[Alert], width: int) -> list[Line]:
    """How many alerts would be hidden, and which; or what is wrong with the matchers."""
    try:
        matchers = form.matchers(values)
    except ValueError as error:
        return [(Span(clip(f" {error}", width), Role.STRONG),)]
    ringing = [each for each in alerts if each.state is not AlertState.RESOLVED]
    found = [each for each in ringing if hides(matchers, _labels(each))]
    count = f"{len(found)} of {len(ringing)} alert{'' if len(ringing) == 1 else 's'}"
    lines: list[Line] = [(Span(f" matches {count} now", Role.ACCENT),)]
    for each in found[:_LISTED]:
        where = each.service or each.instance
        lines.append((Span(clip(f"   {each.name}  {where}", width), Role.MUTED),))
    if len(found) > _LISTED:
        lines.append((Span(f"   and {len(found) - _LISTED} more", Role.MUTED),))
    return lines


def source_of(alert: Alert, alerts: Iterable[Alert], silences: Iterable[SilenceView]) -> str:
    """The Alertmanager at which to silence ``alert``: the one that has it, else one that
    answers."""
    names = [silencing.reporter_of(each) for each in (alert, *alerts)]
    names += [each.source for each in silences if each.source != OWN_RULES]
    return next((name for name in names if name), "")


def _matching(
    title: str, source: str, matchers: tuple[Matcher, ...], lasts: str, comment: str
) -> SilencingForm:
    fields = (
        Field("matchers", "matchers", 'alertname="Down" job=~"api.*"', shown(matchers)),
        Field("for", "for", "how long: 30m, 2h, 3d", lasts),
        Field("reason", "comment", "why, for those who see it", comment),
    )

    def read(values: Values) -> ActionRequest | Problem:
        try:
            wanted = parse_matchers(values.get("matchers", "")[:MATCHERS_LIMIT])
        except ValueError as error:
            return Problem("matchers", str(error))
        if all(each.matches({}) for each in wanted):
            return Problem("matchers", 'one matcher must select, such as alertname="Down"')
        seconds = _duration(values)
        if isinstance(seconds, Problem):
            return seconds
        said = _text(values)
        if not said:
            return Problem("reason", "a comment is needed")
        parameters = silencing.parameters_of(tuple(str(each) for each in wanted))
        return ActionRequest(
            source, ActionKind.SILENCE, reason=said, duration=seconds, parameters=parameters
        )

    return SilencingForm(
        title, (), fields, read, lambda values: parse_matchers(values.get("matchers", ""))
    )


_REASON: Final = Field("reason", "reason", "why, for those who see it")
_NO_REASON: Final = Problem("reason", "a reason is needed")


def _text(values: Values) -> str:
    return sanitize(values.get("reason", "")[:REASON_LIMIT])[:REASON_LIMIT].strip()


def _duration(values: Values) -> float | Problem:
    """Seconds as typed, more than zero and at most what a silence may last."""
    try:
        seconds = read_duration(values.get("for", ""))
    except ValueError:
        return Problem("for", "not a time such as 30m, 2h or 3d")
    if not 0 < seconds <= silencing.LONGEST_SILENCE:
        return Problem("for", "more than nothing and at most 90 days")
    return seconds


def _span(seconds: float) -> str:
    """Whole minutes, as they would be typed."""
    return format_duration(max(60.0, seconds // 60 * 60))


def _labels(alert: Alert) -> dict[str, str]:
    return {**alert.labels, "alertname": alert.name}
