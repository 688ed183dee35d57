"""Follows automation and maintenance, and takes what people ask of both.

Invariant: the state is read and written in a thread with a deadline, never on the engine's loop;
while it cannot be read the last known values stay. Nothing is begun here: a person's hand stops,
switches off, closes a breaker, or announces work.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.errors import StateError
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import Refusal
from opsconsole.model.remedies.automation import Automation, RemedyView
from opsconsole.model.remedies.breaker import Breaker, BreakerState, acts_of, breaker
from opsconsole.model.remedies.episodes import Episode
from opsconsole.model.remedies.rules import Rule
from opsconsole.model.remedies.switch import ON, Switch
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.people.maintenance import MaintenanceBook, scheduled
from opsconsole.operations.remedies.book import RemedyBook
from opsconsole.operations.state_place import place_from, scope_of
from opsconsole.threads import BoundedExecutor, QueueFullError

DEADLINE: Final = 5.0
"""Deadline for one look at the state, in seconds."""

_LATE: Final = Refusal("cannot-record", "the state does not answer", "try again")

T = TypeVar("T")


class AutomationDesk:
    """One per engine. ``automation`` and ``maintenances`` are the same objects until they change;
    ``automation`` is None where there is nothing of it."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._rules = rules_of(settings)
        place = place_from(settings)
        self._book = RemedyBook(place, scope_of(settings, settings.path))
        self._work = MaintenanceBook(place)
        self._threads = BoundedExecutor("automation", 1)
        self._planned: set[str] = set()
        self.automation: Automation | None = None
        self.maintenances: tuple[Maintenance, ...] = ()
        self._show(ON, ())

    def use(self, settings: Settings) -> None:
        """Show the rules of ``settings`` from now on."""
        self._settings, self._rules = settings, rules_of(settings)

    def shown_in(self, snapshot: Snapshot) -> bool:
        """Whether ``snapshot`` has what is known now."""
        shown = snapshot.automation is self.automation
        return shown and snapshot.maintenances is self.maintenances

    @property
    def going_on(self) -> tuple[Maintenance, ...]:
        """The maintenances that are on now."""
        now = self._clock.now()
        return tuple(each for each in self.maintenances if each.is_on(now))

    def plan_opened(self, service: str) -> None:
        """A person has a plan open: where remedies are about ``service`` they are to know soon."""
        if any(each.service == service for each in self._rules):
            self._planned.add(service)

    async def poll(self) -> None:
        """See what was recorded in any console."""
        now = self._clock.now()
        try:
            switch, episodes, work = await self._threads.run(self._read, now, deadline=DEADLINE)
        except (TimeoutError, QueueFullError, StateError):
            # It is read again soon, and who acts asks the state itself.
            return
        self._show(switch, episodes)
        found = (*scheduled(self._settings, now), *work)
        if found != self.maintenances:
            self.maintenances = found

    async def switch(self, on: bool, reason: str) -> Switch | Refusal:
        """Switch all automation off, or on again."""
        return await self._do(lambda now: self._book.switch_to(on, reason, now))

    async def stop(self, episode: str) -> Episode | Refusal:
        """Keep what counts down, or is asked for, from being done."""
        return await self._do(lambda now: self._book.stop(episode, "", now))

    async def close_breaker(self, rule: str, reason: str) -> Switch | Refusal:
        """Let a rule act again."""
        return await self._do(lambda now: self._book.close_breaker(rule, reason, now))

    async def start_work(
        self, services: tuple[str, ...], lasts: float, reason: str
    ) -> Maintenance | Refusal:
        """Begin a maintenance."""
        return await self._do(lambda now: self._work.start(services, lasts, reason, now))

    async def end_work(self, what: str) -> tuple[Maintenance, ...] | Refusal:
        """End a maintenance."""
        return await self._do(lambda now: self._work.end(what, now))

    def close(self) -> None:
        """Release the thread and the journals."""
        self._threads.close()
        self._book.close()
        self._work.close()

    async def _do(self, does: Callable[[float], T | Refusal]) -> T | Refusal:
        try:
            done = await self._threads.run(does, self._clock.now(), deadline=DEADLINE)
        except (TimeoutError, QueueFullError):
            return _LATE
        except StateError as error:
            return Refusal("cannot-record", error.what, error.remedy)
        await self.poll()
        return done

    def _read(self, now: float) -> tuple[Switch, tuple[Episode, ...], tuple[Maintenance, ...]]:
        while self._planned:
            self._book.plan_opened(self._planned.pop(), now)
        return self._book.switch(), self._book.episodes(), self._work.all(now)

    def _show(self, switch: Switch, episodes: tuple[Episode, ...]) -> None:
        found = automation_of(self._rules, switch, episodes, self._clock.now())
        if found != self.automation:
            self.automation = found


def automation_of(
    rules: tuple[Rule, ...], switch: Switch, episodes: tuple[Episode, ...], now: float
) -> Automation | None:
    """All that is known of it; None where there is nothing."""
    if not (rules or episodes or switch != ON):
        return None
    broken = _breakers(rules, switch, episodes, now)
    return Automation(tuple(map(_viewed, rules)), switch, episodes, broken)


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """The remedies that ``settings`` have; none while automation is switched off there."""
    return tuple(each.rule for each in settings.remedies if settings.automation.enabled)


def _viewed(rule: Rule) -> RemedyView:
    hours = ", ".join(map(str, rule.hours))
    within = f"{hours} {rule.zone}" if hours else ""
    return RemedyView(rule.name, rule.service, rule.action, rule.mode, str(rule.trigger), within)


def _breakers(
    rules: tuple[Rule, ...], switch: Switch, episodes: tuple[Episode, ...], now: float
) -> Mapping[str, Breaker]:
    found = {}
    for rule in rules:
        acts = acts_of((each for each in episodes if each.rule == rule.name), now)
        found[rule.name] = breaker(rule.name, acts, switch.closings, rule.limits, now)
    return {name: each for name, each in found.items() if each.state is not BreakerState.CLOSED}
