"""What the rules of all promises have: where they are, whose, and what was promised."""

from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Intent, Promise
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.state_place import StatePlace


class PromiseRule:
    """The base of a rule: ``promise`` follows ``intent``, and is kept under ``own``."""

    def __init__(
        self,
        state: StatePlace,
        journal: Journal,
        own: OwnConfiguration,
        intent: Intent,
        promise: Promise,
    ) -> None:
        self._state = state
        self._journal = journal
        self._own = own
        self._intent = intent
        self._promise = promise
        self._begin()

    def _begin(self) -> None:
        """What there is to do as the rule is made."""
