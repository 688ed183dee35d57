"""Silences as Alertmanager's v2 API gives and takes them.

Invariant: ``read_silences`` leaves out one malformed silence, never the whole answer, and what it
gives is sanitised; ``raw_matchers`` keeps labels exactly as they are, because a silence must match
what was sent and not what can be shown.

Format: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.sources.one_of_many import each_alone
from opsconsole.sources.prometheus.api_alerts import parse_time
from opsconsole.text import sanitize

SILENCE_LIMIT: Final = 1000
_TEXT: Final = 300
_LABELS: Final = 100
_URGENCY: Final = {SilenceState.ACTIVE: 0, SilenceState.PENDING: 1, SilenceState.EXPIRED: 2}


def read_silences(payload: object, source: str) -> tuple[SilenceView, ...]:
    """Read the body of ``/api/v2/silences``: active first, then the latest to end.

    Raises ValueError when it is not one.
    """
    if not isinstance(payload, list):
        raise ValueError("not an answer of /api/v2/silences")
    read = partial(_silence, source=source)
    found = [silence for item in payload if (silence := each_alone(read, item)) is not None]
    found.sort(key=lambda each: (_URGENCY[each.state], -(each.ends_at or 0.0), each.id))
    return tuple(found[:SILENCE_LIMIT])


def raw_matchers(payload: object) -> tuple[Matcher, ...]:
    """The matchers of one silence or plan, unchanged. Raises ValueError when one is malformed."""
    if not isinstance(payload, list):
        raise ValueError("a silence's matchers are a list")
    return tuple(_matcher(item) for item in payload)


def matcher_document(matchers: Sequence[Matcher]) -> list[dict[str, object]]:
    """``matchers`` as the API takes them."""
    return [
        {
            "name": each.name,
            "value": each.value,
            "isRegex": each.is_regex,
            "isEqual": each.is_equal,
        }
        for each in matchers
    ]


def exact_matchers(labels: Mapping[str, str]) -> tuple[Matcher, ...]:
    """Matchers that hide the alert with ``labels``, and those that have these and more."""
    return tuple(Matcher(name, labels[name]) for name in sorted(labels))


def raw_labels(item: Any) -> dict[str, str]:
    """The labels of one alert of ``/api/v2/alerts``, unchanged."""
    labels = item.get("labels") if isinstance(item, dict) else None
    if not isinstance(labels, dict):
        return {}
    return {str(name): str(value) for name, value in list(labels.items())[:_LABELS]}


def _silence(item: Any, source: str) -> SilenceView | None:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        return None
    status = item.get("status")
    try:
        state = SilenceState(str(status.get("state", "")) if isinstance(status, dict) else "")
        matchers = tuple(_shown(each) for each in raw_matchers(item.get("matchers")))
    except ValueError:
        return None
    return SilenceView(
        id=sanitize(item["id"], limit=_TEXT),
        matchers=matchers,
        by=sanitize(str(item.get("createdBy", "")), limit=_TEXT),
        comment=sanitize(str(item.get("comment", "")), limit=_TEXT),
        starts_at=parse_time(item.get("startsAt")),
        ends_at=parse_time(item.get("endsAt")),
        state=state,
        source=source,
    )


def _matcher(item: Any) -> Matcher:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise ValueError("a matcher without a name")
    # Alertmanager before 0.22 says nothing of isEqual, and means it.
    equal = item.get("isEqual", True) is not False
    return Matcher(item["name"], str(item.get("value", "")), bool(item.get("isRegex")), equal)


def _shown(matcher: Matcher) -> Matcher:
    name, value = sanitize(matcher.name, limit=_TEXT), sanitize(matcher.value, limit=_TEXT)
    return Matcher(name, value, matcher.is_regex, matcher.is_equal)
