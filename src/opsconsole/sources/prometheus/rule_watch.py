"""Which rules a Prometheus has, and what those of a rule file give that it has not loaded.

Invariant: a rule that the server evaluates itself is never evaluated here as well; while it is
not known what the server has, nothing is; a rule whose query failed has no samples, which is not
the same as none that hold. Everything ends by the deadline of the look.

Formats: ``/api/v1/rules`` of Prometheus and vmalert, ``/api/v1/query``.
"""

import time
from collections.abc import Iterable
from typing import Final

from opsconsole.config.rule_files import RuleFiles
from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.rules import FileRule, RuleEvaluation, RuleView, fingerprint
from opsconsole.model.fault import FaultKind
from opsconsole.model.source_id import SourceId
from opsconsole.sources.prometheus.rule_answers import read_rules
from opsconsole.sources.prometheus.rule_turns import RuleTurns
from opsconsole.sources.prometheus.server_api import JsonApi, fault_of_answer

RULES_EVERY: Final = 30.0
"""Seconds between looks at which rules the server has."""

_ABSENT: Final = frozenset({FaultKind.UNSUPPORTED, FaultKind.BAD_QUERY})

NO_RULES: Final = "it evaluates no rules, so it reports no alert: name its vmalert as rules_url"

_Identity = tuple[str, frozenset[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class RulesSeen:
    """``notes`` are sentences about rules: those that fail, and those that cannot be evaluated.

    Where not ``evaluated``, the server is a store that answers for rules, and evaluates none:
    that it reports no alert means nothing. ``unknown`` names rules of which it is not known whether
    they hold: those that fail, and those that could not be evaluated yet.
    """

    rules: tuple[RuleView, ...] = ()
    evaluations: tuple[RuleEvaluation, ...] = ()
    notes: tuple[str, ...] = ()
    evaluated: bool = True
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Known:
    rules: tuple[RuleView, ...] = ()
    loaded: frozenset[_Identity] = frozenset()
    at: float | None = None
    names: frozenset[str] = frozenset()
    evaluated: bool = True


class RuleWatch:
    """The rules of one server. Called by one look at a time, in whichever thread it runs."""

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
        self._unread = tuple(sorted({each.file for each in files.problems}))
        self._turns = RuleTurns()
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
            unknown = (*self._unread, *_names(rule for rule, _ in self._wanted))
            return RulesSeen((), unseen, tuple(notes), unknown=unknown)
        missing = self._recordings - known.names
        if missing:
            first = min(missing)
            notes.append(
                f"{len(missing)} recording rules of the rule files are not loaded, first {first}"
            )
        own = [rule for rule, identity in self._wanted if identity not in known.loaded]
        turn = self._turns.evaluate(queries, own, deadline)
        if turn.faults:
            rule, fault = turn.faults[0]
            notes.append(f"{len(turn.faults)} local rules failed, first {rule.name}: {fault}")
        elif turn.unknown:
            waiting = len(turn.unknown)
            notes.append(f"{waiting} local rules wait for their turn, first {turn.unknown[0].name}")
        evaluated = known.evaluated or bool(self._wanted)
        if not evaluated:
            notes.append(NO_RULES)
        unknown = (
            *self._unread,
            *_names(turn.unknown),
            *_names(rule for rule in known.rules if _fails(rule)),
        )
        return RulesSeen(known.rules, turn.evaluations, tuple(notes), evaluated, unknown)

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


def _wrong(files: RuleFiles) -> str:
    more = len(files.problems) - 1
    return f"rule files: {files.problems[0]}{f' and {more} more problems' if more else ''}"


def _names(rules: Iterable[FileRule | RuleView]) -> tuple[str, ...]:
    return tuple(rule.name for rule in rules)


def _fails(rule: RuleView) -> bool:
    return bool(rule.error) or rule.health in {"err", "bad"}


def _failing(rules: tuple[RuleView, ...]) -> list[str]:
    failing = [rule for rule in rules if _fails(rule)]
    if not failing:
        return []
    first = failing[0]
    return [f"{len(failing)} rules fail to evaluate, first {first.name}: {first.error}"]
