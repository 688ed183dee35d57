"""What policy has to know of a request: limits, who is at the service, what was done recently.

Invariant: facts are read, never judged, here. What was done recently is read again only when the
journal has changed.
"""

from typing import Final

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, Operation, Refusal
from opsconsole.operations.drivers import registry
from opsconsole.operations.driving import hearsay
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.locks.locks import Holder
from opsconsole.operations.planning.declared import Declared
from opsconsole.operations.planning.policy import Circumstances

_PUT_BACK: Final = frozenset({"env_file", "docker", "kubernetes"})
"""Drivers that recover by putting back what the degradation found."""


class PolicyFacts:
    """The facts under one configuration."""

    def __init__(self, settings: Settings, clock: Clock, *, read_only: bool) -> None:
        self._limits = settings.operations
        self._clock = clock
        self._read_only = read_only
        self._version = -1
        self._recent: dict[str, tuple[Operation, ...]] = {}
        self._degraded: dict[str, bool] = {}

    def circumstances(
        self,
        found: Declared | None,
        holder: Holder | None,
        fault: str,
        recent: tuple[Operation, ...],
    ) -> Circumstances:
        """All of it for the action that was ``found``; ``fault`` is why nothing can be recorded."""
        limits, now = self._limits, self._clock.now()
        if found is None:
            return Circumstances(now, self._read_only, declared=False)
        return Circumstances(
            now=now,
            read_only=self._read_only,
            declared=True,
            supported=registry.can(found.action, found.kind),
            effect=found.effect,
            only_reads=found.only_reads,
            holder=holder,
            recent=recent,
            audit_fault=fault,
            cooldown=limits.cooldown,
            restart_limit=limits.restart_limit,
            restart_window=limits.restart_window,
        )

    def since(self, journal: Journal, service: str) -> tuple[Operation, ...]:
        """What was done to ``service`` within the limits' windows. Raises StateError."""
        window = max(self._limits.cooldown, self._limits.restart_window)
        return journal.since(service, self._clock.now() - window)

    def since_of(self, journal: Journal, service: str, subject: str) -> tuple[Operation, ...]:
        """The same, of one subject of it alone. Raises StateError."""
        return of_subject(self.since(journal, service), subject)

    def nothing_to_recover(self, journal: Journal, found: Declared) -> Refusal | None:
        """Why a recovery that needs to know what there was before has nothing to go back to.

        Kept as ``recently`` is, which is asked before. What cannot be read refuses nothing here.
        """
        if found.kind is not ActionKind.RECOVER or found.action.driver not in _PUT_BACK:
            return None
        service = found.service
        try:
            if service not in self._degraded:
                self._degraded[service] = bool(hearsay.degradation(journal.past_plans(service)))
        except StateError:
            return None
        return None if self._degraded[service] else hearsay.nothing_to_recover(service)

    def recently(self, journal: Journal, service: str) -> tuple[tuple[Operation, ...], str]:
        """The same, kept until the journal changes; and why it cannot be read, or ''."""
        try:
            version = journal.version()
            if version != self._version:
                self._recent.clear()
                self._degraded.clear()
                self._version = version
            if service not in self._recent:
                self._recent[service] = self.since(journal, service)
        except StateError as error:
            return (), str(error)
        return self._recent[service], ""


def of_subject(recent: tuple[Operation, ...], subject: str) -> tuple[Operation, ...]:
    """What of the ``recent`` operations of a service was a change of ``subject``."""
    return tuple(each for each in recent if (each.subject or each.service) == subject)
