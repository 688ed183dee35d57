"""Which rules a Prometheus has, and what those of a rule file give that it has not loaded.

Invariant: a rule that the server evaluates itself is never evaluated here as well; while it is
not known what the server has, nothing is; a rule whose query failed has no samples, which is not
the same as none that hold. Everything ends by the deadline of the look.

Formats: ``/api/v1/rules`` of Prometheus and vmalert, ``/api/v1/query``.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from opsconsole.config.rule_files import RuleFiles
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.rules import FileRule, RuleEvaluation, RuleSample, RuleView, fingerprint
from opsconsole.model.source_id import SourceId
from opsconsole.sources.prometheus.server_api import JsonApi, fault_of_answer
from opsconsole.text import sanitize

RULES_EVERY: Final = 30.0
"""Seconds between looks at which rules the server has."""

RULE_LIMIT: Final = 5000
_SERIES: Final = 1000
_LABELS: Final = 50
_TEXT: Final = 500
_ABSENT: Final = frozenset({FaultKind.UNSUPPORTED, FaultKind.BAD_QUERY})

NO_RULES: Final = "it evaluates no rules, so it reports no alert: name its vmalert as rules_url"

_Identity = tuple[str, frozenset[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class RulesSeen:
    """``notes`` are sentences about rules: those that fail, and those that cannot be evaluated.

    Where not ``evaluated``, the server is a store that answers for rules, and evaluates none:
    that it reports no alert means nothing.
    """

    rules: tuple[RuleView, ...] = ()
    evaluations: tuple[RuleEvaluation, ...] = ()
    notes: tuple[str, ...] = ()
    evaluated: bool = True


@dataclass(slots=True)
class _Known:
    rules: tuple[RuleView, ...] = ()
    loaded: frozenset[_Identity] = frozenset()
    at: float | None = None
    names: frozenset[str] = frozenset()
    evaluated: bool = True


class RuleWatch:
    """For one server. Called by one look at a time, in whichever thread it runs."""

    def __init__(
        self,
        files: RuleFiles,
        source: SourceId,
    ) -> None:
        self._wanted: list[tuple[FileRule, _Identity]] = [
            (rule, (rule.name, fingerprint(rule.expr))) for rule in files.rules
        ]
        self._recordings = frozenset(files.recordings)
        self._source = source
        # A file that others edit may be wrong for a while: that costs its rules and is reported.
        self._wrong = [_wrong(files)] if files.problems else []
        self._known = _Known()
        # Asked once: what a server is does not change while it is the same one.
        self._evaluates: bool | None = None

    def look(
        self, queries: JsonApi, rules: JsonApi, deadline: float, *, again: bool = False
    ) -> RulesSeen:
        """One look, which ends by ``deadline`` on the monotonic clock.

        ``queries`` answers queries; ``rules`` knows which rules there are, and is asked ``again``
        before it is time to.
        """
        problem = self._refresh(rules, again=again)
        known = self._known
        notes = [*self._wrong, *([problem] if problem else [])]
        notes += _failing(known.rules)
        if known.at is None:
            unseen = tuple(RuleEvaluation(rule, None) for rule, _ in self._wanted)
            return RulesSeen((), unseen, tuple(notes))
        missing = self._recordings - known.names
        if missing:
            first = min(missing)
            notes.append(
                f"{len(missing)} recording rules of the rule files are not loaded, first {first}"
            )
        evaluations, failed = self._evaluate(queries, deadline)
        notes += failed
        evaluated = known.evaluated or bool(self._wanted)
        if not evaluated:
            notes.append(NO_RULES)
        return RulesSeen(known.rules, evaluations, tuple(notes), evaluated)

    def _refresh(self, api: JsonApi, *, again: bool) -> str:
        """Ask which rules there are, when it is time to; the failure, or ''."""
        now = time.monotonic()
        if self._known.at is not None and now - self._known.at < RULES_EVERY and not again:
            return ""
        try:
            answer = api.get_json("/api/v1/rules", {"exclude_alerts": "true"})
            rules = read_rules(answer, self._source)
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            fault = fault_of_answer(error, "the server")
            if fault.kind in _ABSENT:
                # A store without rules: then none is loaded, and that is known.
                self._known = _Known(at=now, evaluated=False)
                return ""
            return f"which rules there are is not known: {fault}"
        loaded = frozenset((rule.name, fingerprint(rule.expr)) for rule in rules)
        names = frozenset(rule.name for rule in rules if rule.kind == "recording")
        if not rules and self._evaluates is None:
            self._evaluates = _is_prometheus(api)
        evaluated = bool(rules) or self._evaluates is True
        self._known = _Known(rules, loaded, now, names, evaluated)
        return ""

    def _evaluate(
        self, api: JsonApi, deadline: float
    ) -> tuple[tuple[RuleEvaluation, ...], list[str]]:
        found: list[RuleEvaluation] = []
        faults: list[tuple[str, Fault]] = []
        for rule, identity in self._wanted:
            if identity in self._known.loaded:
                continue
            outcome = _ask(api, rule.expr, deadline)
            if isinstance(outcome, Fault):
                faults.append((rule.name, outcome))
                found.append(RuleEvaluation(rule, None))
            else:
                found.append(RuleEvaluation(rule, outcome))
        if not faults:
            return tuple(found), []
        name, fault = faults[0]
        return tuple(found), [f"{len(faults)} local rules failed, first {name}: {fault}"]


def _is_prometheus(api: JsonApi) -> bool:
    """Whether it can have rules: VictoriaMetrics says that it has none, and knows no revision.

    Where it does not say what it is, it is taken for a Prometheus.
    """
    try:
        build = api.get_json("/api/v1/status/buildinfo")
    except Exception:  # noqa: BLE001 - the boundary: an older Prometheus has no such page
        return True
    data = build.get("data") if isinstance(build, dict) else None
    return not isinstance(data, dict) or bool(data.get("revision"))


def _ask(api: JsonApi, expr: str, deadline: float) -> tuple[RuleSample, ...] | Fault:
    if time.monotonic() >= deadline:
        return Fault(FaultKind.TIMEOUT, "no time was left to ask", phase="body")
    try:
        return read_samples(api.get_json("/api/v1/query", {"query": expr}))
    except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
        return fault_of_answer(error, "the server")


def _wrong(files: RuleFiles) -> str:
    more = len(files.problems) - 1
    return f"rule files: {files.problems[0]}{f' and {more} more problems' if more else ''}"


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
                found.append(_rule(item, str(group.get("name", "")), source))
    return tuple(found[:RULE_LIMIT])


def read_samples(payload: object) -> tuple[RuleSample, ...]:
    """Read the body of an instant query: a vector, or a scalar. Raises ValueError."""
    data = payload.get("data") if isinstance(payload, dict) else None
    result = data.get("result") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(result, list):
        raise ValueError("not an answer of /api/v1/query")
    if data.get("resultType") == "scalar":
        return (RuleSample({}, _number(result)),)
    return tuple(
        RuleSample(_labels(each.get("metric")), _number(each.get("value")))
        for each in result[:_SERIES]
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


def _failing(rules: tuple[RuleView, ...]) -> list[str]:
    failing = [rule for rule in rules if rule.error or rule.health in {"err", "bad"}]
    if not failing:
        return []
    first = failing[0]
    return [f"{len(failing)} rules fail to evaluate, first {first.name}: {first.error}"]


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
    except (TypeError, ValueError, LookupError):
        return float("nan")


def _labels(metric: Any) -> dict[str, str]:
    if not isinstance(metric, dict):
        return {}
    return {
        sanitize(str(name), limit=_TEXT): sanitize(str(value), limit=_TEXT)
        for name, value in list(metric.items())[:_LABELS]
        if name != "__name__"
    }
