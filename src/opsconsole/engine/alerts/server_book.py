"""What alert servers report besides alerts: silences, rules, and rules evaluated for them.

Invariant: what a server reported holds until it reports something else or is removed. The tuples
are the same objects until something in them changes.
"""

from collections.abc import Container
from typing import TypeVar

from opsconsole.engine.alerts.rule_book import RuleBook
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.alerting.rules import RuleEvaluation, RuleView
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.source_id import SourceId

T = TypeVar("T")


class ServerBook:
    """Every server by its id."""

    def __init__(self) -> None:
        self.silences: tuple[SilenceView, ...] = ()
        self.rules: tuple[RuleView, ...] = ()
        self._silences: dict[SourceId, tuple[SilenceView, ...]] = {}
        self._rules: dict[SourceId, tuple[RuleView, ...]] = {}
        self._rule_books: dict[SourceId, RuleBook] = {}
        self._recalled: tuple[Alert, ...] = ()

    def recall(self, alerts: tuple[Alert, ...]) -> None:
        """Let rules evaluated here go on with ``alerts`` of theirs, which were recorded."""
        self._recalled = alerts

    def note_silences(self, server: SourceId, silences: tuple[SilenceView, ...]) -> None:
        """Take in all silences that an Alertmanager has now."""
        self._silences[server] = silences
        self.silences = _joined(self._silences, self.silences)

    def note_rules(self, server: SourceId, rules: tuple[RuleView, ...]) -> None:
        """Take in all rules that a Prometheus has now."""
        self._rules[server] = rules
        self.rules = _joined(self._rules, self.rules)

    def evaluated(
        self, server: SourceId, seen: tuple[RuleEvaluation, ...], at: float
    ) -> tuple[Alert, ...]:
        """The alerts, after this round, of the rules that ``server`` has not loaded."""
        if not seen and server not in self._rule_books:
            return ()
        book = self._rule_books.get(server)
        if book is None:
            book = self._rule_books[server] = RuleBook(self._recalled)
        return book.evaluate(seen, at)

    def retain(self, kept: Container[SourceId]) -> None:
        """Forget what was reported by servers that are not in ``kept``."""
        self._silences = {who: each for who, each in self._silences.items() if who in kept}
        self._rules = {who: each for who, each in self._rules.items() if who in kept}
        self._rule_books = {who: each for who, each in self._rule_books.items() if who in kept}
        self.silences = _joined(self._silences, self.silences)
        self.rules = _joined(self._rules, self.rules)


def _joined(parts: dict[SourceId, tuple[T, ...]], before: tuple[T, ...]) -> tuple[T, ...]:
    """All of ``parts``; ``before`` itself where that is the same."""
    whole = tuple(each for part in parts.values() for each in part)
    return before if whole == before else whole
