"""Evaluating the rules of files at a server, many in one query, each in its turn.

Invariant: every rule has its turn however short the time of a look: those that waited longest are
asked first. One that cannot be evaluated costs itself: a query of many that fails is divided until
it is found, and it is asked alone from then on. Everything ends by the deadline of the look.

Source of the forms: Prometheus' documentation of ``label_replace`` and ``or``.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.rules import FileRule, RuleEvaluation, RuleSample
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.prometheus.rule_answers import SERIES, read_samples
from opsconsole.sources.prometheus.server_api import JsonApi, fault_of_answer

RULE: Final = "opsconsole_rule"
"""The label that says whose sample it is, where a query is of many rules."""

TEXT: Final = 3000
"""Characters of a query of many; proxies before a Prometheus refuse URLs of more than some KiB."""

MOST: Final = 32
"""Rules in one query."""

PATIENCE: Final = 60.0
"""Seconds for which an evaluation is good enough for a rule that waits for its turn."""

_OF_THE_SERVER: Final = frozenset(
    {FaultKind.CONNECT, FaultKind.DNS, FaultKind.TLS, FaultKind.LOCAL, FaultKind.AUTH}
)
_LATE: Final = Fault(FaultKind.TIMEOUT, "no time was left to ask", phase="body")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one look found. ``unknown`` are the rules of which nothing recent is known."""

    evaluations: tuple[RuleEvaluation, ...] = ()
    faults: tuple[tuple[FileRule, Fault], ...] = ()
    unknown: tuple[FileRule, ...] = ()


class RuleTurns:
    """For one server, called by one look at a time.

    Rules of the same expression share its evaluation.
    """

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}
        self._evaluated: dict[str, float] = {}
        self._alone: set[str] = set()

    def evaluate(self, api: JsonApi, rules: Sequence[FileRule], deadline: float) -> Turn:
        """Evaluate as many of ``rules`` as there is time for until ``deadline`` (monotonic)."""
        found: dict[str, tuple[RuleSample, ...] | Fault] = {}
        waiting = deque(self._batches({rule.expr for rule in rules}))
        while waiting and time.monotonic() < deadline:
            batch = waiting.popleft()
            outcome = _ask(api, batch)
            for expr in batch:
                self._asked[expr] = time.monotonic()
            if not isinstance(outcome, Fault):
                found.update(outcome)
                self._evaluated.update(dict.fromkeys(outcome, time.monotonic()))
            elif len(batch) > 1 and outcome.kind not in _OF_THE_SERVER:
                half = len(batch) // 2
                waiting.extendleft((batch[half:], batch[:half]))
            else:
                found.update(dict.fromkeys(batch, outcome))
                # Others are not to be divided because of it once more.
                self._alone.update(batch)
        return self._turn(rules, found)

    def _turn(
        self, rules: Sequence[FileRule], found: dict[str, tuple[RuleSample, ...] | Fault]
    ) -> Turn:
        evaluations: list[RuleEvaluation] = []
        faults: list[tuple[FileRule, Fault]] = []
        unknown: list[FileRule] = []
        oldest = time.monotonic() - PATIENCE
        for rule in rules:
            outcome = found.get(rule.expr, _LATE)
            if not isinstance(outcome, Fault):
                evaluations.append(RuleEvaluation(rule, outcome))
                continue
            evaluations.append(RuleEvaluation(rule, None))
            if outcome is not _LATE:
                faults.append((rule, outcome))
            if outcome is not _LATE or self._evaluated.get(rule.expr, oldest - 1) < oldest:
                unknown.append(rule)
        return Turn(tuple(evaluations), tuple(faults), tuple(unknown))

    def _batches(self, exprs: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """``exprs``, those that waited longest first, as many together as one query holds."""
        batch: list[str] = []
        length = 0
        for expr in sorted(exprs, key=lambda each: (self._asked.get(each, 0.0), each)):
            if expr in self._alone:
                yield (expr,)
                continue
            if batch and (length + len(expr) > TEXT or len(batch) == MOST):
                yield tuple(batch)
                batch, length = [], 0
            batch.append(expr)
            length += len(expr)
        if batch:
            yield tuple(batch)


def query_of(batch: Sequence[str]) -> str:
    """One query for all of ``batch``; its samples are marked with the places in it."""
    if len(batch) == 1:
        return batch[0]
    # The line ends before the bracket, as a comment may be the last thing of an expression.
    return " or ".join(
        f'label_replace(({expr}\n), "{RULE}", "{place}", "", "")'
        for place, expr in enumerate(batch)
    )


def _ask(api: JsonApi, batch: Sequence[str]) -> dict[str, tuple[RuleSample, ...]] | Fault:
    try:
        answer = api.get_json("/api/v1/query", {"query": query_of(batch)})
        samples = read_samples(answer, SERIES * len(batch))
    except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
        return fault_of_answer(error, "the server")
    if len(batch) == 1:
        return {batch[0]: samples}
    by_place: dict[str, list[RuleSample]] = {}
    for sample in samples:
        labels = dict(sample.labels)
        by_place.setdefault(labels.pop(RULE, ""), []).append(replace(sample, labels=labels))
    return {expr: tuple(by_place.get(str(place), ())[:SERIES]) for place, expr in enumerate(batch)}
