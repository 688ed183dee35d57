"""Carries out what remedies decide, by the one way that every change goes.

Invariant: nothing is changed but by the operator's ``plan`` and ``perform``, so policy, journal,
lock and runner stand between as for a person. An episode's plan is decided once and recorded before
it is performed; what became of it is looked up afterwards and never repeated, by whichever process.
What a person recorded before the act is first, and holds. Where the state cannot be read or written
nothing is done.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, Protocol, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings
from opsconsole.engine.desks.automation_desk import rules_of
from opsconsole.errors import StateError
from opsconsole.model.ledger_record import Record
from opsconsole.model.operation import (
    ActionRequest,
    Confirmation,
    Operation,
    Plan,
    Refusal,
)
from opsconsole.model.remedies.episodes import Ending, Episode, Stage
from opsconsole.model.remedies.rules import Act, Hold, HoldCode, RemedyMode, Rule
from opsconsole.model.remedies.switch import Switch
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.locks.locks import Holder
from opsconsole.operations.planning.policy import PLAN_AGE_LIMIT
from opsconsole.operations.remedies.book import RemedyBook
from opsconsole.operations.state_place import StatePlace, scope_of
from opsconsole.render.automation.evidence import evidence_lines, reason_of
from opsconsole.threads import BoundedExecutor, QueueFullError
from opsconsole.watcher.remedies.decision import (
    ROUNDING,
    History,
    Question,
    Trouble,
    World,
    decide,
    is_storm,
)
from opsconsole.watcher.remedies.evidence import EvidenceBook, holds, open_breakers
from opsconsole.watcher.remedies.next_record import (
    act_record,
    end_record,
    is_due,
    of_decision,
)
from opsconsole.watcher.remedies.world import world_of

DEADLINE: Final = 5.0
"""Deadline for one look at the state, in seconds."""

_PERHAPS: Final = "not-started"
"""The code of a refusal after which it may have begun all the same."""

_NOT_YET: Final = frozenset({HoldCode.EVIDENCE, HoldCode.NOT_ACTING, HoldCode.NOT_RECORDED})
"""What holds back before there is anything to record."""

_CODES: Final = {"locked": HoldCode.LOCKED, "unknown-pending": HoldCode.LOCKED}
"""What a refusal of policy means here, by its code; all others are just that."""

T = TypeVar("T")


class Acts(Protocol):
    """What changes are made through; ``operations.operator`` has the real one."""

    async def plan(self, request: ActionRequest, snapshot: Snapshot | None) -> Plan | Refusal:
        """What exactly would be done, or why it may not be."""
        ...

    async def perform(
        self, plan: Plan, confirmation: Confirmation, then: tuple[Plan, ...] = ()
    ) -> Operation | Refusal:
        """Start what was confirmed, or say why not."""
        ...

    def use(self, settings: Settings) -> None:
        """Plan by ``settings`` from now on."""
        ...

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        """The newest operations first."""
        ...

    def operation(self, operation: str) -> Operation | None:
        """One operation, as the journal has it."""
        ...

    def holder(self, subject: str) -> Holder | None:
        """Who is at a change of a service."""
        ...


class Remedies:
    """The remedies of one configuration. ``consider`` is for the one process that acts, and is
    called at least each second, for what ends by itself to end in time."""

    def __init__(
        self,
        settings: Settings,
        operator: Acts,
        book: RemedyBook,
        clock: Clock,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self._settings = settings
        self._rules, self._shared = rules_of(settings), settings.automation.limits
        self._operator, self._book, self._clock = operator, book, clock
        self._may_begin = may_begin
        self._threads = BoundedExecutor("remedies", 2)
        self._evidence = EvidenceBook()
        self._seen: set[str] = set()
        self._counting: dict[str, float] = {}
        """From when on this process has seen the countdown of an episode go on."""
        self._turn = asyncio.Lock()

    def use(self, settings: Settings) -> None:
        """Go by ``settings`` from now on; what has begun goes on as it was."""
        if settings is not self._settings:
            self._settings = settings
            self._rules, self._shared = rules_of(settings), settings.automation.limits
            self._operator.use(settings)

    async def consider(self, snapshot: Snapshot, now: float) -> None:
        """Take in ``snapshot``, and do what is to be done by ``now``.

        While it is at that, a further call returns at once. Nothing is raised: what cannot be
        recorded is not done.
        """
        if not self._rules or self._turn.locked() or not self._may_begin():
            return
        async with self._turn:
            try:
                await self._consider(snapshot, now)
            except (StateError, TimeoutError, QueueFullError):
                return

    def close(self) -> None:
        """Release threads and journals; what was begun goes on."""
        self._threads.close()
        self._book.close()

    async def _consider(self, snapshot: Snapshot, now: float) -> None:
        troubles = {rule.name: self._evidence.note(rule, snapshot, now) for rule in self._rules}
        world, episodes = await self._known(snapshot, now)
        world = await self._weathered(world, now)
        for rule in self._rules:
            mine = [each for each in episodes if each.rule == rule.name and each.open]
            present = await self._merged(mine, now)
            after = await self._follow(
                rule, troubles[rule.name], present, snapshot, world, episodes, now
            )
            if after is not None:
                episodes = (after, *(each for each in episodes if each.id != after.id))

    async def _known(self, snapshot: Snapshot, now: float) -> tuple[World, tuple[Episode, ...]]:
        """What the state and the snapshot say."""
        names = {rule.service for rule in self._rules}

        def read() -> tuple[Switch, tuple[Episode, ...], Mapping[str, str]]:
            held = {name: self._operator.holder(name) for name in names}
            by = {name: f"{each.who}@{each.host}" for name, each in held.items() if each}
            return self._book.switch(), self._book.episodes(), by

        switch, episodes, held = await self._in_thread(read)
        world = world_of(
            snapshot,
            switch,
            now,
            acting=self._may_begin(),
            held=held,
            planned=switch.plans_open(now),
        )
        return world, episodes

    async def _weathered(self, world: World, now: float) -> World:
        """``world``, with its storm recorded when it begins and when it is over."""
        storm, switch = is_storm(world, self._shared), world.switch
        known = switch.stormy_at is not None and switch.calm_at is None
        if storm == known:
            return world
        after = await self._in_thread(partial(self._book.storm, storm, now))
        return replace(world, switch=after)

    async def _merged(self, mine: list[Episode], now: float) -> Episode | None:
        """The episode of a rule that goes on; of several, as after a takeover, the first."""
        ordered = sorted(mine, key=lambda each: (each.acted_at is None, each.at, each.id))
        for each in ordered[1:]:
            if not each.under_way:
                await self._add(each, {"do": "end", "at": now, "how": Ending.NOT_SEEN.value})
        return ordered[0] if ordered else None

    async def _follow(
        self,
        rule: Rule,
        trouble: Trouble | None,
        present: Episode | None,
        snapshot: Snapshot,
        world: World,
        episodes: tuple[Episode, ...],
        now: float,
    ) -> Episode | None:
        """The episode of ``rule`` after this moment; None where there is none."""
        asked = Question(rule, trouble, world, History(episodes), self._shared, now)
        if present is None:
            present = await self._begun(asked, snapshot)
        if present is None:
            return None
        if trouble is not None:
            self._seen.add(present.id)
        if present.under_way:
            present = await self._looked_up(present, now)
        ended = await self._ended(rule, present, trouble, snapshot, now)
        if ended is not None:
            return ended
        if present.done or trouble is None:
            return present
        history = History((present, *episodes), present.id)
        return await self._stepped(replace(asked, history=history), present, snapshot)

    async def _begun(self, asked: Question, snapshot: Snapshot) -> Episode | None:
        """A new episode, where what the rule waits for was seen for long enough."""
        decision, trouble, rule = decide(asked), asked.trouble, asked.rule
        too_early = isinstance(decision, Hold) and decision.code in _NOT_YET
        if trouble is None or too_early:
            return None
        view = snapshot.service(rule.service)
        parts = open_breakers(view) if view is not None else ()
        said = evidence_lines(rule, trouble.since, trouble.looks, view, parts, asked.now)
        first: Record = {
            "rule": rule.name, "service": rule.service, "kind": rule.kind.value,
            "action": rule.action, "mode": rule.mode.value, "since": trouble.since,
            "evidence": list(said),
        }  # fmt: skip
        return await self._in_thread(partial(self._book.begin, first, asked.now))

    async def _stepped(self, asked: Question, present: Episode, snapshot: Snapshot) -> Episode:
        decision, now = decide(asked), asked.now
        if is_due(present, decision, now) and self._has_counted(present, now):
            return await self._act(asked, present, snapshot)
        if isinstance(decision, Act) and decision.mode is RemedyMode.ASK:
            return await self._ask(asked, present, snapshot)
        records = of_decision(present, decision, self._shared.countdown, now)
        after = await self._add(present, *records) if records else present
        self._has_counted(after, now)
        return after

    def _has_counted(self, episode: Episode, now: float) -> bool:
        """Whether this process has seen the whole countdown: a record of it may be anybody's."""
        if episode.stage is not Stage.COUNTING:
            self._counting.pop(episode.id, None)
            return False
        first = self._counting.setdefault(episode.id, now)
        return now - first >= self._shared.countdown - ROUNDING

    async def _ask(self, asked: Question, present: Episode, snapshot: Snapshot) -> Episode:
        """Put the plan before who is there, once; a person carries it out from their console."""
        if present.stage is Stage.ASKED:
            return present
        plan = await self._operator.plan(_request(asked.rule, present), snapshot)
        if isinstance(plan, Refusal):
            return await self._held_by(plan, present, asked.now)
        summary = "; ".join(step.summary for step in plan.steps)
        return await self._add(present, {"do": "ask", "at": asked.now, "summary": summary})

    async def _act(self, asked: Question, present: Episode, snapshot: Snapshot) -> Episode:
        """Plan, ask everything once more, record, and only then perform."""
        rule = asked.rule
        plan = await self._operator.plan(_request(rule, present), snapshot)
        now = self._clock.now()
        if isinstance(plan, Refusal):
            return await self._held_by(plan, present, now)
        world, episodes = await self._known(snapshot, now)
        stood = next((each for each in episodes if each.id == present.id), present)
        again = Question(
            rule, asked.trouble, world, History(episodes, present.id), self._shared, now
        )
        decision = decide(again)
        if not is_due(stood, decision, now):
            records = of_decision(stood, decision, self._shared.countdown, now)
            return await self._add(stood, *records) if records else stood
        after = await self._in_thread(
            partial(self._book.add, present.id, partial(act_record, plan=plan.id, now=now), now)
        )
        if isinstance(after, Refusal) or after.plan != plan.id:
            # Somebody stopped it, or another process was quicker.
            return stood if isinstance(after, Refusal) else after
        return await self._performed(rule, plan, after)

    async def _performed(self, rule: Rule, plan: Plan, present: Episode) -> Episode:
        """Perform what was recorded, unless all of it was switched off in this very moment."""
        now = self._clock.now()
        switch = await self._in_thread(self._book.switch)
        if switch.off is not None or not self._may_begin():
            code = HoldCode.OFF if switch.off is not None else HoldCode.NOT_ACTING
            return await self._not_begun(present, code, str(switch.off or ""), now)
        confirmation = Confirmation(
            typed=plan.service, reason=reason_of(rule.name, present.evidence), rule=rule.name
        )
        begun = await self._operator.perform(plan, confirmation)
        now = self._clock.now()
        if isinstance(begun, Operation):
            return await self._add(present, {"do": "begun", "at": now, "operation": begun.id})
        if begun.code == _PERHAPS:
            return present
        code = _CODES.get(begun.code, HoldCode.REFUSED)
        return await self._not_begun(present, code, begun.message, now)

    async def _not_begun(
        self, present: Episode, code: HoldCode, subject: str, now: float
    ) -> Episode:
        record = {"do": "not-begun", "at": now, "code": code.value, "subject": subject}
        return await self._add(present, record)

    async def _held_by(self, refusal: Refusal, present: Episode, now: float) -> Episode:
        code = _CODES.get(refusal.code, HoldCode.REFUSED)
        records = of_decision(present, Hold(code, refusal.message), self._shared.countdown, now)
        return await self._add(present, *records) if records else present

    async def _looked_up(self, present: Episode, now: float) -> Episode:
        """What became of an act that was recorded, whichever process recorded it."""
        found = await self._in_thread(partial(self._operation_of, present))
        if found is None:
            acted = present.acted_at if present.acted_at is not None else now
            if now - acted <= PLAN_AGE_LIMIT:
                return present
            # A plan that old is refused, so that nobody can begin it any more.
            return await self._not_begun(present, HoldCode.NOT_LOOKED_UP, "", now)
        records: list[Record] = []
        if not present.operation:
            records.append({"do": "begun", "at": now, "operation": found.id})
        if found.state.final:
            records.append({"do": "verdict", "at": now, "state": found.state.value})
        return await self._add(present, *records) if records else present

    def _operation_of(self, present: Episode) -> Operation | None:
        if present.operation:
            return self._operator.operation(present.operation)
        found = self._operator.operations(limit=1000)
        return next((each for each in found if each.plan_id == present.plan), None)

    async def _ended(
        self,
        rule: Rule,
        present: Episode,
        trouble: Trouble | None,
        snapshot: Snapshot,
        now: float,
    ) -> Episode | None:
        """The episode, if it is over; what cannot be seen is not over."""
        if present.under_way:
            return None
        view = snapshot.service(rule.service)
        if trouble is None:
            condition = rule.trigger.condition
            if view is None or holds(condition, view, now) is not False:
                return None
            watched = present.id in self._seen
            record = end_record(present, snapshot.operations, now, watched=watched)
            return await self._add(present, record)
        # What was seen before the verdict says nothing of what follows it.
        acted = present.acted_at if present.verdict_at is None else present.verdict_at
        if acted is not None and now - acted >= rule.limits.apart:
            return await self._add(present, {"do": "end", "at": now, "how": Ending.WENT_ON.value})
        return None

    async def _add(self, present: Episode, *records: Record) -> Episode:
        """The episode with ``records``; as it is where they cannot be added."""
        add = partial(self._book.add, present.id, lambda _: records, self._clock.now())
        after = await self._in_thread(add)
        return present if isinstance(after, Refusal) else after

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await self._threads.run(function, deadline=DEADLINE)


def _request(rule: Rule, present: Episode) -> ActionRequest:
    parameters = {} if rule.to is None else {"to": str(rule.to)}
    reason = reason_of(rule.name, present.evidence)
    return ActionRequest(rule.service, rule.kind, reason=reason, parameters=parameters)


def make_remedies(
    settings: Settings,
    operator: Acts,
    state: StatePlace,
    clock: Clock,
    may_begin: Callable[[], bool] = lambda: True,
) -> Remedies:
    """The remedies of ``settings``; ``may_begin`` is asked right before each act."""
    book = RemedyBook(state, scope_of(settings, settings.path))
    return Remedies(settings, operator, book, clock, may_begin)
