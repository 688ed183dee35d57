"""Alerts from every source and from local rules, as rows.

Invariant: what a source reported stays until that source answers without it; a source that is down,
or has just restarted, neither adds nor ends an alert. Rows are rebuilt only when a report changed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import field, replace
from types import MappingProxyType

from opsconsole.config.services import Rule
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.alerts.always_firing import AlwaysFiring
from opsconsole.engine.alerts.maintained import with_maintenance
from opsconsole.engine.alerts.own_acknowledgements import with_own
from opsconsole.engine.alerts.recalled_alerts import RecalledAlerts
from opsconsole.engine.alerts.restarted_servers import RestartedServers
from opsconsole.engine.figures.service_figures import compared, holds
from opsconsole.engine.judge import rules
from opsconsole.engine.judge.alerts import (
    RESOLVED_FOR,
    advance,
    merge,
    ordered,
    over_at_its_origin,
)
from opsconsole.engine.judge.episodes import RED
from opsconsole.engine.judge.events import alert_began, alert_ended
from opsconsole.engine.judge.folding import fold
from opsconsole.engine.judge.rules import Phase, RuleState
from opsconsole.engine.records.event_log import EventLog
from opsconsole.engine.records.find_instance import Locator
from opsconsole.engine.records.fleet import ServiceRecord
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, alert_key
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.observations import AlertmanagerSeen, PrometheusSeen
from opsconsole.model.source_id import LOCAL, SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.model.written.expressions import Comparison, Expression, ExpressionError, parse


@dataclass(slots=True, eq=False)
class _LocalRule:
    service: ServiceRecord
    rule: Rule
    condition: Expression
    state: RuleState = field(default_factory=RuleState)
    alert: Alert | None = None
    recalled: RuleState | None = None

    @property
    def key(self) -> str:
        """That of its alert."""
        return alert_key(self.rule.name, _labels(self))


class AlertBook:
    """What every source last reported, and the rows made from it."""

    def __init__(
        self,
        settings: Settings,
        services: dict[str, ServiceRecord],
        events: EventLog,
        before: "AlertBook | None" = None,
        now: float = 0.0,
    ) -> None:
        """Empty at ``now``, or continuing from ``before``, which had other settings."""
        self._locator = Locator(settings)
        self._services = services
        self._depends_on = {name: each.depends_on for name, each in settings.services.items()}
        self._states: dict[str, tuple[State, float]] = {}
        self._always: AlwaysFiring = AlwaysFiring(
            settings.always_firing, before._always if before else None
        )
        self._events = events
        self._reports: dict[SourceId, tuple[Alert, ...]] = {}
        self._rows: dict[str, Alert] = {}
        self._silent: Mapping[SourceId, float] = {}
        self._view: tuple[Alert, ...] = ()
        self._restarted = RestartedServers()
        self._recalled = RecalledAlerts()
        self._sources: Set[SourceId] = frozenset()
        self._own: tuple[SilenceView, ...] = ()
        self._maintained: tuple[Maintenance, ...] = ()
        self._looked_from: float = before._looked_from if before else now
        self._resolving = False
        self._now = 0.0
        self._rules = [
            _LocalRule(record, rule, condition)
            for record in services.values()
            for rule in record.config.alerts
            if (condition := _condition(rule)) is not None
        ]

        if before is not None:
            self._take_over(before)

    def _take_over(self, before: "AlertBook") -> None:
        self._reports, self._rows, self._view = before._reports, before._rows, before._view
        self._states, self._resolving, self._restarted = (
            before._states,
            before._resolving,
            before._restarted,
        )
        self._recalled, self._sources = before._recalled, before._sources
        self._own, self._maintained = before._own, before._maintained
        known = {(each.service.name, each.rule): each for each in before._rules}
        for each in self._rules:
            old = known.get((each.service.name, each.rule))
            if old is not None:
                each.state, each.alert, each.recalled = old.state, old.alert, old.recalled
        self._reports[LOCAL] = tuple(each.alert for each in self._rules if each.alert)
        # The alerts of removed rules end at the next tick.
        self._resolving = True

    def retain(self, sources: Set[SourceId], now: float) -> None:
        """End the alerts that only sources outside ``sources`` reported."""
        self._sources = sources
        gone = [each for each in self._reports if each != LOCAL and _asked(each) not in sources]
        for each in gone:
            del self._reports[each]
        self._restarted.retain(self._reports)
        if gone:
            self._advance(now)

    def recall(self, alerts: Iterable[Alert], unseen_from: float | None, now: float) -> None:
        """Go on with ``alerts``, which were recorded; nobody has looked since ``unseen_from``."""
        known = tuple(alerts)
        self._recalled = RecalledAlerts(known, unseen_from)
        for each in known:
            if each.state is AlertState.RESOLVED and now - (each.ends_at or 0.0) < RESOLVED_FOR:
                self._rows.setdefault(each.key, each)
        for local in self._rules:
            old = self._recalled.rows.get(local.key)
            if old is not None and local.state.phase is Phase.INACTIVE:
                local.recalled = rules.recalled(old.state, old.since, at_least=old.at_least)
        self._advance(now)

    def use_own(self, acknowledged: tuple[SilenceView, ...], now: float) -> None:
        """Take in what is acknowledged in the console's own state."""
        if acknowledged != self._own:
            self._own = acknowledged
            self._advance(now)

    def use_maintenance(self, going_on: tuple[Maintenance, ...], now: float) -> None:
        """Take in what is worked on now: the console's own alerts of it are quiet."""
        if going_on != self._maintained:
            self._maintained = going_on
            self._advance(now)

    def own(self) -> tuple[SilenceView, ...]:
        """The acknowledgements of the console's own state whose alerts still fire."""
        counts = Counter(why.id for row in self._view for why in row.suppressions)
        return tuple(replace(each, hides=1) for each in self._own if counts[each.id])

    def is_over(self, service: str, name: str) -> bool:
        """Whether everything that may report such an alert was asked, and none fires."""
        rows = (*self._rows.values(), *self._recalled.rows.values())
        mine = [each for each in rows if (each.service, each.name) == (service, name)]
        if any(each.state is not AlertState.RESOLVED for each in mine):
            return False
        for local in self._rules:
            if (local.service.name, local.rule.name) == (service, name):
                return holds(local.service, local.condition, self._now) is False
        return self._recalled.have_answered(self._sources)

    def of_prometheus(self, source: SourceId, seen: PrometheusSeen, now: float) -> bool:
        """Take in what a Prometheus reports now. Returns whether any row changed."""
        located, before = self._located(seen.alerts), self._reports.get(source, ())
        counted = self._restarted.of_prometheus(source, seen.unevaluated, located, before, now)
        return self._take(source, counted, now)

    def of_alertmanager(self, source: SourceId, seen: AlertmanagerSeen, now: float) -> bool:
        """Take in what an Alertmanager reports now. Returns whether any row changed."""
        located, before = self._located(seen.alerts), self._reports.get(source, ())
        silences = self._restarted.silences()
        counted = self._restarted.of_alertmanager(source, seen, located, before, now)
        if before == counted and silences != self._restarted.silences():
            return self._advance(now)
        return self._take(source, counted, now)

    def report(self, source: SourceId, alerts: tuple[Alert, ...], now: float) -> bool:
        """Take in everything that ``source`` reports now. Returns whether any row changed."""
        return self._take(source, self._located(alerts), now)

    def _located(self, alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
        return tuple(self._locator.locate(alert) for alert in alerts)

    def _take(self, source: SourceId, alerts: tuple[Alert, ...], now: float) -> bool:
        self._recalled.answered(source)
        if self._reports.get(source) == alerts and not self._recalled.rows:
            return False
        self._reports[source] = alerts
        return self._advance(now)

    def tick(
        self,
        now: float,
        silent: Mapping[SourceId, float] = MappingProxyType({}),
        touched: Iterable[ServiceRecord] | None = None,
    ) -> bool:
        """Evaluate the local rules and drop expired resolved rows. Returns whether any row
        changed.

        ``silent`` are the servers that have not answered in time, with when they last did;
        ``touched`` the services of which something may have changed since the last call, None for
        all.
        """
        changed = silent != self._silent
        self._silent = silent
        for each in self._rules:
            changed |= _evaluate(each, now)
        if changed:
            self._reports[LOCAL] = tuple(each.alert for each in self._rules if each.alert)
        ended = tuple(each for each in self._own if now < (each.ends_at or 0.0))
        changed |= ended != self._own
        self._own = ended
        changed |= self._note_states(touched)
        return self._advance(now) if changed or self._resolving else False

    def _note_states(self, touched: Iterable[ServiceRecord] | None) -> bool:
        """Take in how services stand. Returns whether any stands differently."""
        if touched is None or self._states.keys() != self._services.keys():
            touched, self._states = self._services.values(), {}
        changed = False
        for each in touched:
            state = each.judgement.state, each.failing_since
            if self._states.get(each.name) != state:
                self._states[each.name] = state
                changed = True
        return changed

    def view(self) -> tuple[Alert, ...]:
        """The rows, the most urgent first; the same object until one changes."""
        return self._view

    def _advance(self, now: float) -> bool:
        self._now = now
        active = self._active(now)
        self._go_on(active, now)
        current = advance(self._rows, active, now)
        for alert in current.began:
            # An alert seen pending before fires from now; one never seen has its source's date.
            at = now if alert.key in self._rows else alert.since
            self._events.add(alert_began(alert, at))
        for alert in current.ended:
            if not self._always.is_one(alert):
                self._events.add(alert_ended(alert, now))
        self._rows = {
            key: row
            for key, row in current.rows.items()
            if row.state is not AlertState.RESOLVED or not self._always.is_one(row)
        }
        self._resolving = any(alert.state is AlertState.RESOLVED for alert in self._rows.values())
        view = self._folded()
        if view == self._view:
            return False
        self._view = view
        return True

    def _go_on(self, active: dict[str, Alert], now: float) -> None:
        """Take up what was recorded before the console was opened."""
        settled = self._recalled.settle(active, self._is_over)
        for key, old in settled.going_on.items():
            self._rows.setdefault(key, old)
            active[key] = replace(active[key], since=min(old.since, active[key].since))
        for old in settled.ended:
            over = replace(old, state=AlertState.RESOLVED, ends_at=now)
            self._rows.setdefault(old.key, over)
            self._events.add(alert_ended(old, now, self._recalled.unseen(now)))

    def _is_over(self, old: Alert, answered: frozenset[SourceId]) -> bool:
        """Whether an alert that was recorded is over, as no source of it has it any more."""
        waiting = {each.key for each in self._rules if each.recalled is not None}
        own = {each.key for each in self._rules}
        everybody = all(
            (own_rules(each) if each.kind is SourceKind.PROMETHEUS else each) in answered
            for each in self._sources
            if each.kind.knows_alerts
        )
        for source in old.sources:
            if source == LOCAL:
                known = old.key not in waiting if old.key in own else everybody
            else:
                known = source in answered or source not in self._sources
            if not known or self._restarted.fills_up(source, self._now):
                return False
        return True

    def _active(self, now: float) -> dict[str, Alert]:
        """The alerts that are active now, by the keys of their rows."""
        active = merge(self._reports.values(), {**self._recalled.rows, **self._rows})
        missing = self._restarted.missing()
        for key, row in tuple(active.items()):
            known = self._rows.get(key)
            plain = alert_key(row.name, row.labels)
            if plain in missing and known is not None and over_at_its_origin(row, known):
                del active[key]
                self._restarted.drop(plain)
            elif not row.fingerprint and (hidden := self._restarted.suppressions(row)):
                active[key] = replace(row, suppressions=hidden)
        for alert in self._always.missing(active, self._reports, now):
            active[alert.key] = alert
        quiet = with_own(active, self._own, self._looked_from)
        return with_maintenance(quiet, self._maintained, now)

    def _folded(self) -> tuple[Alert, ...]:
        """The rows with their causes; an unchanged row is the same object as before."""
        before = {alert.key: alert for alert in self._view}
        states = self._states.items()
        rows = fold(
            ordered(self._rows),
            self._depends_on,
            down={name for name, (state, _) in states if state is State.DOWN},
            well={name for name, (state, _) in states if state is State.OK},
            failing_since={name: since for name, (state, since) in states if state in RED},
        )
        return tuple(
            known if (known := before.get(row.key)) is not None and known == row else row
            for row in map(self._dated, rows)
        )

    def _dated(self, row: Alert) -> Alert:
        """``row``, with when it was last reported where none of its sources answers any more."""
        heard = [self._silent_since(row, source) for source in row.sources]
        known = [at for at in heard if at is not None]
        lost = known and len(known) == len(heard) and row.state is not AlertState.RESOLVED
        return replace(row, seen_at=max(known)) if lost else row

    def _silent_since(self, row: Alert, source: SourceId) -> float | None:
        if source.kind is not SourceKind.LOCAL:
            return self._silent.get(source)
        for each, alerts in self._reports.items():
            asked = self._silent.get(_asked(each)) if each.kind is SourceKind.LOCAL else None
            if asked is not None and any(alert.key == row.key for alert in alerts):
                return asked
        return None


def own_rules(server: SourceId) -> SourceId:
    """The id under which alerts of rules evaluated for ``server`` are reported."""
    return SourceId(SourceKind.LOCAL, server.name)


def _asked(source: SourceId) -> SourceId:
    """The server that ``source`` reads its alerts from."""
    if source.kind is SourceKind.LOCAL:
        return SourceId(SourceKind.PROMETHEUS, source.name)
    return source


def _condition(rule: Rule) -> Expression | None:
    try:
        return parse(rule.when)
    except ExpressionError:
        # The check of the configuration rejects it and names its place.
        return None


def _evaluate(local: _LocalRule, now: float) -> bool:
    """Advance one rule by one round. Returns whether its alert changed."""
    rule = local.rule
    seen = holds(local.service, local.condition, now)
    recalled = local.recalled
    if recalled is not None:
        if seen is None:
            return False
        local.state, local.recalled = recalled, None
    before = local.state
    local.state = rules.step(before, seen, now, rule.for_, rule.keep_firing_for)
    if local.state.phase is Phase.RESOLVED:
        local.state = rules.CLEAR
    same = local.state.phase is before.phase and local.state.since == before.since
    if same and recalled is None:
        return False
    local.alert = _alert(local, now)
    return True


def _labels(local: _LocalRule) -> dict[str, str]:
    rule = local.rule
    return {"alertname": rule.name, "service": local.service.name, "severity": rule.severity}


def _alert(local: _LocalRule, now: float) -> Alert | None:
    if local.state.phase is Phase.INACTIVE:
        return None
    rule, service = local.rule, local.service.name
    labels = _labels(local)
    firing = local.state.phase is Phase.FIRING
    value, copy = None, ""
    if isinstance(local.condition, Comparison):
        value, copy = compared(local.service, local.condition, now, alarm=True)
    return Alert(
        key=alert_key(rule.name, labels),
        name=rule.name,
        instance=copy,
        value="" if value is None else f"{value:.6g}",
        severity=Severity.from_word(rule.severity),
        state=AlertState.FIRING if firing else AlertState.PENDING,
        since=local.state.since,
        at_least=local.state.at_least,
        summary=rule.summary or str(local.condition),
        service=service,
        labels=labels,
        runbook=rule.runbook,
        sources=(LOCAL,),
    )
