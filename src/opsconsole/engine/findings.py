"""The only way in which services are added and removed while the engine runs.

Invariant: whatever is declared or found, the engine works with one settings value, which is swapped
in whole. What a source found holds until it finds something else or is removed.
"""

from collections.abc import Iterable

from opsconsole.config.effective import Effective, FoundService, effective
from opsconsole.config.settings import Settings
from opsconsole.model.source_id import SourceId


class Findings:
    """What the configuration says and what each source found, and the settings of both."""

    def __init__(self, declared: Settings) -> None:
        self._declared = declared
        self._found: dict[SourceId, tuple[FoundService, ...]] = {}
        self._effective: Effective = effective(declared, ())

    @property
    def declared(self) -> Settings:
        """What the configuration says alone."""
        return self._declared

    @property
    def settings(self) -> Settings:
        """Everything declared and found, merged."""
        return self._effective.settings

    @property
    def notices(self) -> tuple[str, ...]:
        """What was found but cannot be watched, and why."""
        left_out = self._effective.left_out
        return tuple(f"{name} was found and is left out: {why}" for name, why in left_out.items())

    def declare(self, settings: Settings) -> Settings:
        """Take over a new configuration. Returns the effective settings."""
        self._declared = settings
        self._found = {who: each for who, each in self._found.items() if settings.reads(who)}
        return self._renewed()

    def find(self, source: SourceId, found: Iterable[FoundService]) -> Settings | None:
        """Take in everything that ``source`` finds now. Returns None if the settings did not
        change."""
        now = tuple(found)
        if now == self._found.get(source, ()):
            return None
        self._found[source] = now
        before = self.settings
        return after if (after := self._renewed()) != before else None

    def _renewed(self) -> Settings:
        found = [each for part in self._found.values() for each in part]
        self._effective = effective(self._declared, found)
        return self.settings
