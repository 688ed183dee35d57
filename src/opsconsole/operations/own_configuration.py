"""The configuration that a process was started with, and what of others' confirmations it declares.

Invariant: what is carried out, now or later, is read from the configuration of the process that
does it, and none is opened because a mandate or a journal names it. It is carried out only where
that configuration declares the same: the action, the service and the environment, by digest, and
where paths start at the configuration's folder, the folder as well. What another configuration
confirmed and this one declares otherwise is left to a process of that one.
"""

from pathlib import Path

from opsconsole.config.loader import default_settings, load
from opsconsole.config.settings import Settings, effective_read_only
from opsconsole.dataclass import dataclass
from opsconsole.discovery.look import Fleet, look
from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import Refusal
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.planning.declared import (
    Declared,
    digest,
    find,
    not_found_again,
    starts_at_the_base,
)


class DeclaredElsewhereError(OpsconsoleError):
    """What is due was confirmed under another configuration, and is not declared alike here."""


@dataclass(frozen=True, slots=True)
class OwnConfiguration:
    """``path`` is absolute, '' for this host's defaults; ``base`` is where its paths start."""

    path: str
    base: str

    @property
    def file(self) -> Path | None:
        """The file or folder that it is in; None for the defaults."""
        return Path(self.path) if self.path else None

    def settings(self) -> Settings:
        """What it says now. Raises ConfigError."""
        return load(Path(self.path)) if self.path else default_settings()

    def fleet(self, service: str) -> Fleet:
        """What it says now, with what is found by looking for ``service``. Raises ConfigError."""
        return look(self.settings(), about=(service,))

    def is_of(self, intent: Intent) -> bool:
        """Whether ``intent`` was confirmed under it."""
        return intent.config_path == self.path

    def declared(self, fleet: Fleet, intent: Intent) -> Declared | Refusal:
        """The action as it is declared or found in ``fleet``, if it is what was confirmed."""
        plan, settings = intent.plan, fleet.settings
        action = find(settings, plan.service, plan.kind, plan.name)
        if action is None and fleet.faults:
            return not_found_again(plan.service, fleet.faults)
        if action is None:
            return Refusal("not-declared", f"{plan.kind} is no longer declared for {plan.service}")
        if effective_read_only(settings, asked=False) and not action.only_reads:
            return Refusal("read-only", "the configuration has become read-only")
        if not self._is_the_same(settings, action, intent):
            return Refusal(
                "plan-stale",
                "the declaration of the action has changed since the plan",
                "plan again",
            )
        return action

    def leaves(self, intent: Intent) -> bool:
        """Whether it is to a process of another configuration to carry out ``intent``.

        What cannot be read or looked at now declares nothing.
        """
        if self.is_of(intent):
            return False
        try:
            return isinstance(self.declared(self.fleet(intent.plan.service), intent), Refusal)
        except OpsconsoleError:
            return True

    def stand_for(self, intent: Intent) -> None:
        """Nothing if ``intent`` may be carried out here. Raises DeclaredElsewhereError."""
        if self.leaves(intent):
            raise DeclaredElsewhereError(f"{intent.plan.service} is left to {intent.config_path}")

    def _is_the_same(self, settings: Settings, action: Declared, intent: Intent) -> bool:
        if digest(settings, action) != intent.declaration:
            return False
        if settings.environment_of(action.service).name != intent.plan.environment:
            return False
        return self.base == intent.base or not starts_at_the_base(settings, action)
