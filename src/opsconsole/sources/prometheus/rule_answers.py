"""What the API of a Prometheus answers about rules, read into the model.

Invariant: one malformed rule or sample is left out, never the whole answer; text is sanitised, and
at most ``RULE_LIMIT`` rules and as many samples as asked for are kept.

Formats: ``/api/v1/rules`` of Prometheus and vmalert, ``/api/v1/query``.
"""

from functools import partial
from typing import Any, Final

from opsconsole.model.alerting.rules import RuleSample, RuleView
from opsconsole.model.source_id import SourceId
from opsconsole.sources.one_of_many import each_alone
from opsconsole.text import sanitize

RULE_LIMIT: Final = 5000

SERIES: Final = 1000
"""Samples of one rule that are kept."""

_LABELS: Final = 50
_TEXT: Final = 500


def read_rules(payload: object, source: SourceId) -> tuple[RuleView, ...]:
    """Read the body of ``/api/v1/rules``. Raises ValueError when it is not one."""
    data = payload.get("data") if isinstance(payload, dict) else None
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, list):
        raise ValueError("no list of groups in the answer")
    found: list[RuleView] = []
    for group in groups:
        rules = group.get("rules") if isinstance(group, dict) else None
        for item in rules if isinstance(rules, list) else ():
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                read = partial(_rule, group=str(group.get("name", "")), source=source)
                rule = each_alone(read, item)
                found += [] if rule is None else [rule]
    return tuple(found[:RULE_LIMIT])


def read_samples(payload: object, limit: int = SERIES) -> tuple[RuleSample, ...]:
    """Read the body of an instant query: a vector, or a scalar. Raises ValueError."""
    data = payload.get("data") if isinstance(payload, dict) else None
    result = data.get("result") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(result, list):
        raise ValueError("not an answer of /api/v1/query")
    if data.get("resultType") == "scalar":
        return (RuleSample({}, _number(result)),)
    return tuple(
        RuleSample(_labels(each.get("metric")), _number(each.get("value")))
        for each in result[:limit]
        if isinstance(each, dict)
    )


def _rule(item: dict[str, Any], group: str, source: SourceId) -> RuleView:
    def text(key: str, limit: int = _TEXT) -> str:
        return sanitize(str(item.get(key) or ""), limit=limit)

    return RuleView(
        name=text("name"),
        expr=text("query", 4000),
        kind="recording" if item.get("type") == "recording" else "alerting",
        group=sanitize(group, limit=_TEXT),
        for_=_seconds(item, "duration"),
        keep_firing_for=_seconds(item, "keepFiringFor", "keep_firing_for"),
        health=text("health") or "unknown",
        error=text("lastError"),
        state=text("state"),
        source=source,
        awaited=item.get("type") != "recording" and item.get("health") == "unknown",
    )


def _seconds(item: dict[str, Any], *keys: str) -> float:
    for key in keys:
        value = item.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return 0.0


def _number(pair: Any) -> float:
    """The value of ``[time, text]``; NaN for a native histogram, which has none."""
    try:
        return float(pair[1])
    except (TypeError, ValueError, LookupError, OverflowError):
        return float("nan")


def _labels(metric: Any) -> dict[str, str]:
    if not isinstance(metric, dict):
        return {}
    return {
        sanitize(str(name), limit=_TEXT): sanitize(str(value), limit=_TEXT)
        for name, value in list(metric.items())[:_LABELS]
        if name != "__name__"
    }
