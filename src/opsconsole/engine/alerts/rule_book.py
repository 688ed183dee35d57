"""Alerts of rule files that the console evaluates itself: one state per series.

Invariant: every series has its own state, which changes only when it is evaluated; a rule that is
no longer evaluated here, because the server has loaded it, leaves nothing behind.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge import rules
from opsconsole.engine.judge.rule_templates import render
from opsconsole.engine.judge.rules import Phase, RuleState
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, alert_key
from opsconsole.model.alerting.rules import FileRule, RuleEvaluation, RuleSample
from opsconsole.model.source_id import LOCAL
from opsconsole.text import sanitize

SERIES: Final = 1000
"""The most series of one rule that are tracked."""

_TEXT: Final = 500
_Key = frozenset[tuple[str, str]]


@dataclass(slots=True)
class _Series:
    sample: RuleSample
    state: RuleState


class RuleBook:
    """The states of all series of all rules of one server's rule files."""

    def __init__(self, recalled: Iterable[Alert] = ()) -> None:
        """``recalled`` are alerts that were recorded: those of its rules go on if they hold."""
        self._states: dict[tuple[str, str, str], dict[_Key, _Series]] = {}
        self._recalled = {each.key: each for each in recalled if each.sources == (LOCAL,)}
        self._evaluated: set[tuple[str, str, str]] = set()
        self._read: set[tuple[str, str, str]] = set()

    def evaluate(self, seen: Iterable[RuleEvaluation], now: float) -> tuple[Alert, ...]:
        """The alerts that are pending or firing after this round."""
        before, self._states = self._states, {}
        alerts: list[Alert] = []
        for evaluation in seen:
            rule = evaluation.rule
            identity = (rule.group, rule.name, rule.expr)
            known = before.get(identity, {})
            if evaluation.samples is not None and identity not in self._evaluated:
                self._evaluated.add(identity)
                known = self._gone_on(evaluation)
            unseen = rules.CLEAR if identity in self._read else rules.INACTIVE
            states = _step(evaluation, known, unseen, now)
            self._states[identity] = states
            if evaluation.samples is None:
                self._read.discard(identity)
            else:
                self._read.add(identity)
            alerts.extend(_alert(rule, series) for series in states.values())
        return tuple(alerts)

    def _gone_on(self, evaluation: RuleEvaluation) -> dict[_Key, _Series]:
        """The series of a rule that hold and were recorded as pending or firing."""
        found: dict[_Key, _Series] = {}
        for sample in (evaluation.samples or ())[:SERIES] if self._recalled else ():
            plain = _Series(sample, rules.INACTIVE)
            old = self._recalled.get(_alert(evaluation.rule, plain).key)
            if old is None:
                continue
            state = rules.recalled(old.state, old.since, at_least=old.at_least)
            if state is not None:
                found[frozenset(sample.labels.items())] = _Series(sample, state)
        return found


def _step(
    evaluation: RuleEvaluation, before: Mapping[_Key, _Series], unseen: RuleState, now: float
) -> dict[_Key, _Series]:
    """``unseen`` is the state of a series that the round before had not."""
    rule, samples = evaluation.rule, evaluation.samples
    holding = {frozenset(sample.labels.items()): sample for sample in (samples or ())[:SERIES]}
    after: dict[_Key, _Series] = {}
    for key in dict.fromkeys((*before, *holding)):
        known = before.get(key)
        holds = None if samples is None else key in holding
        state = known.state if known else unseen
        state = rules.step(state, holds, now, rule.for_, rule.keep_firing_for)
        if state.phase in {Phase.PENDING, Phase.FIRING}:
            sample = holding.get(key) or (known.sample if known else None)
            assert sample is not None, "a series is in one of the two"
            after[key] = _Series(sample, state)
    return after


def _alert(rule: FileRule, series: _Series) -> Alert:
    sample, state = series.sample, series.state
    own = {
        name: sanitize(render(text, sample.labels, sample.value), limit=_TEXT)
        for name, text in rule.labels.items()
    }
    rest = {name: text for name, text in sample.labels.items() if name != "__name__"}
    labels = {**rest, **own, "alertname": rule.name}
    notes = {
        name: sanitize(render(text, sample.labels, sample.value), limit=_TEXT)
        for name, text in rule.annotations.items()
    }
    firing = state.phase is Phase.FIRING
    return Alert(
        key=alert_key(rule.name, labels),
        name=rule.name,
        severity=Severity.from_word(labels.get("severity", "")),
        state=AlertState.FIRING if firing else AlertState.PENDING,
        since=state.since,
        at_least=state.at_least,
        summary=notes.get("summary") or notes.get("message", ""),
        description=notes.get("description", ""),
        labels=labels,
        value=f"{sample.value:.6g}",
        runbook=notes.get("runbook_url") or notes.get("runbook", ""),
        sources=(LOCAL,),
    )
