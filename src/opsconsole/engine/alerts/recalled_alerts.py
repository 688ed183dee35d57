"""Alerts that were recorded before the console was opened, until sources say what became of them.

Invariant: a recorded alert is never shown for that alone. Once a source reports it, it goes on with
its beginning and is no news; it is over only when every source that reported it has answered
without it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.source_id import SourceId

_ACTIVE = frozenset({AlertState.PENDING, AlertState.FIRING})


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known now: rows that go on, with their recorded beginnings, and those over."""

    going_on: Mapping[str, Alert]
    ended: tuple[Alert, ...] = ()


class RecalledAlerts:
    """Alerts by the keys of their rows. ``unseen_from`` is since when nobody looked, if so."""

    def __init__(self, alerts: Iterable[Alert] = (), unseen_from: float | None = None) -> None:
        self.rows = {each.key: each for each in alerts if each.state in _ACTIVE}
        self._unseen_from = unseen_from
        self._answered: set[SourceId] = set()

    def answered(self, source: SourceId) -> None:
        """Know that ``source`` has said which alerts it has."""
        self._answered.add(source)

    def have_answered(self, sources: Iterable[SourceId]) -> bool:
        """Whether each of ``sources`` that knows alerts has said which it has."""
        return all(each in self._answered for each in sources if each.kind.knows_alerts)

    def unseen(self, now: float) -> float | None:
        """Seconds before ``now`` in which nobody looked; None where somebody did."""
        return None if self._unseen_from is None else max(0.0, now - self._unseen_from)

    def settle(
        self, active: Mapping[str, Alert], over: Callable[[Alert, frozenset[SourceId]], bool]
    ) -> Settled:
        """Compare with the alerts that are ``active`` now.

        ``over`` says of one that is not whether those that answered are enough to know that.
        """
        going_on: dict[str, Alert] = {}
        ended: list[Alert] = []
        for key, old in tuple(self.rows.items()):
            now = active.get(key)
            if now is None and not over(old, frozenset(self._answered)):
                continue
            del self.rows[key]
            fired = old.state is AlertState.FIRING
            if now is None or (fired and self._is_another(now)):
                ended += [old] if fired else []
            else:
                going_on[key] = replace(old, since=min(old.since, now.since))
        return Settled(going_on, tuple(ended))

    def _is_another(self, alert: Alert) -> bool:
        """Whether it began while nobody looked, so that the recorded one ended before it."""
        return self._unseen_from is not None and alert.since > self._unseen_from
