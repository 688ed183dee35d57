"""The operator of all changes: the screens, the commands and the keeper make theirs through it.

Invariant: nothing is changed except by ``perform``, which asks policy, writes the journal and
starts a detached runner, in that order; the runner outlives this process. In read-only every change
is refused here, for every caller. What blocks runs on the operator's own threads.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from opsconsole.clock import Clock
from opsconsole.config.settings import Settings, effective_read_only
from opsconsole.discovery.look import Fleet, look
from opsconsole.errors import StateError
from opsconsole.machines.machines import Machines
from opsconsole.model.alerting.silences import SilenceView
from opsconsole.model.change_subject import subject_of
from opsconsole.model.operation import (
    SILENCING,
    ActionRequest,
    ActionView,
    Confirmation,
    Degradation,
    LeftToOthers,
    Operation,
    Plan,
    Refusal,
)
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations import group, seen_verdicts, stopping
from opsconsole.operations.driving import own_acknowledgements
from opsconsole.operations.driving.instance_probes import states_of
from opsconsole.operations.journal.audit_sinks import sinks_of
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.locks.locks import Holder
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.planning import looking, planner, policy
from opsconsole.operations.planning.declared import (
    Declared,
    declared,
    find,
    lasts,
    not_found_again,
    scale_bounds,
)
from opsconsole.operations.planning.policy_facts import PolicyFacts, of_subject
from opsconsole.operations.promises.left_to_others import left_to_others
from opsconsole.operations.promises.promising import lasting, revive
from opsconsole.operations.running import dispatch
from opsconsole.operations.shelf import Backups, Shelf
from opsconsole.operations.state_place import StatePlace, scope_of
from opsconsole.operations.who import whoami
from opsconsole.threads import BoundedExecutor, QueueFullError

T = TypeVar("T")
_WORKERS: Final = 4
_DEADLINE: Final = 20.0
_CLOSED: Final = "the console is closing"
_NOT_THERE: Final = Refusal("not-declared", "there is no such action")


class Operator:
    """One per console. ``base`` is the folder that relative paths of the configuration start at.

    With a state that cannot be used every change is refused with the reason; it never raises here.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        base: Path,
        clock: Clock,
        read_only: bool,
        state: StatePlace,
        config_path: Path | None = None,
    ) -> None:
        self._settings = self._declared = settings
        self._base = base.absolute()
        self._clock = clock
        self._read_only = effective_read_only(settings, read_only)
        self._sinks = sinks_of(settings, self._base)
        self.state = state
        path = str(config_path.absolute()) if config_path else ""
        self._own = OwnConfiguration(path, str(self._base))
        self._machines = Machines()
        self._threads = BoundedExecutor("operations", _WORKERS)
        self._fault = ""
        self._facts = PolicyFacts(settings, clock, read_only=self._read_only)
        self._version = -1
        self._is_closed = False
        self.backups = Backups(Shelf(settings, self._base), self._threads)
        self._journal = self._open()
        self._reader = self._open() if self._journal else None

    def use(self, settings: Settings, declared: Settings | None = None) -> None:
        """Plan by ``settings`` from now on; what runs goes on as it was confirmed.

        ``declared`` is what of them the configuration says; the rest is found again for each plan.
        Reading the configuration again can forbid changes and never allow them. The state folder
        and the second places of the audit stay as they were at the start.
        """
        self._read_only = effective_read_only(settings, self._read_only)
        self._facts = PolicyFacts(settings, self._clock, read_only=self._read_only)
        self.backups = Backups(Shelf(settings, self._base), self._threads)
        self._settings, self._declared = settings, declared or settings

    @property
    def fault(self) -> str:
        """Why nothing can be recorded and so nothing be done, or ''."""
        return self._fault

    @property
    def unread(self) -> str:
        """What of the latest list of operations could not be understood, or ''."""
        return self._reader.unread if self._reader else ""

    def close(self) -> None:
        """Release database and threads; operations go on. Idempotent."""
        for journal in (self._journal, self._reader):
            if journal is not None:
                journal.close()
        self._journal = self._reader = None
        self._is_closed = True
        self._threads.close()
        self._machines.close()

    async def plan(self, request: ActionRequest, snapshot: Snapshot | None) -> Plan | Refusal:
        """What exactly would be done, or why it may not be. Changes nothing."""
        plan, refusal = await self._foresee(request, snapshot, in_spite=frozenset())
        return refusal or plan or _NOT_THERE

    async def foresee(self, request: ActionRequest) -> tuple[Plan | None, Refusal | None]:
        """What would be done, also where something that passes stands in the way; and what does.

        One of both at least. Changes nothing.
        """
        return await self._foresee(request, None, in_spite=policy.PASSING)

    async def _foresee(
        self, request: ActionRequest, snapshot: Snapshot | None, *, in_spite: frozenset[str]
    ) -> tuple[Plan | None, Refusal | None]:
        fleet = await self._look(request.service)
        if isinstance(fleet, Refusal):
            return None, fleet
        settings = fleet.settings
        request = planner.clean(request, snapshot)
        found = find(settings, request.service, request.kind, request.name)
        if found is None and fleet.faults:
            return None, not_found_again(request.service, fleet.faults)
        refusal = await self._ask_policy(request, found)
        if found is None or (refusal is not None and refusal.code not in in_spite):
            return None, refusal or _NOT_THERE
        try:
            past = self._past(found)
        except StateError as error:
            return None, Refusal("cannot-look", error.what, error.remedy)
        states = partial(states_of, settings, found.service, self._base, snapshot)
        plan, stands = await looking.plan_of(
            request, found, settings, self._base, snapshot,
            self._machines, self._threads, self._clock, past, states,
        )  # fmt: skip
        return plan, refusal or stands

    def _past(self, found: Declared) -> looking.BeforeIt:
        if self._journal is None:
            return looking.BeforeIt()
        runs = self._journal.past(found.service, found.kind, found.name)
        plans = self._journal.past_plans(found.service)
        return looking.BeforeIt(runs, self.state.mandates.believed(plans))

    async def perform(
        self, plan: Plan, confirmation: Confirmation, then: tuple[Plan, ...] = ()
    ) -> Operation | Refusal:
        """Start what was confirmed, or say why not. Returns when the runner is on its own.

        ``then`` was confirmed with it: this user's keeper begins one after the other, each if the
        one before it was verified. The operation's ``group`` is what joins them.
        """
        return await self._started(partial(self._perform, (plan, *then), confirmation))

    async def perform_next(self, intent: Intent, then: tuple[Intent, ...]) -> Operation | Refusal:
        """Start what was confirmed with others and has its turn now, or say why not."""
        return await self._started(partial(self._perform_next, intent, then))

    async def _started(self, start: Callable[[], Operation | Refusal]) -> Operation | Refusal:
        late = f"the start took longer than {_DEADLINE:g} s"
        remedy = "look at the operations before you try again"
        return await self._answer(start, Refusal("not-started", late, remedy))

    async def follow(self, operation: Operation, every: float) -> AsyncIterator[Operation]:
        """The operation each ``every`` seconds until it has its verdict.

        Ends without one where nobody carries it out any more: what a dead runner left is resumed
        once. Raises StateError where the journal cannot be read.
        """
        taken_up = False
        while not operation.state.final:
            await asyncio.sleep(every)
            operation = self.operation(operation.id) or operation
            yield operation
            if operation.state.final or not self._is_left(operation.id):
                continue
            if taken_up:
                return
            taken_up = True
            await self.reconcile()

    def follow_group(self, first: Operation, every: float) -> AsyncIterator[Operation]:
        """As ``follow``, and then each operation of the group of ``first`` after it."""
        mandates, path = self.state.mandates, self._own.path
        return group.follow(self, first, every, lambda: mandates.keeper_is_there(path))

    async def stop_rollback(self, operation: str) -> Operation | Refusal:
        """Keep the automatic rollback after ``operation`` from being begun, or say why not."""
        return await self._settled(stopping.stop_rollback, operation)

    async def give_up(self, operation: str) -> Operation | Refusal:
        """Have verifying an operation end, so that what follows may begin, or say why not."""
        return await self._settled(stopping.give_up, operation)

    async def _settled(
        self, does: Callable[[Journal, str, float], Operation | Refusal], operation: str
    ) -> Operation | Refusal:
        late = Refusal("not-stopped", "the journal does not answer", "try again")
        return await self._answer(partial(self._settle, does, operation), late)

    async def _answer(self, ask: Callable[[], T], late: Refusal) -> T | Refusal:
        """What ``ask`` gives, or why there is nothing: ``late``, where it takes too long."""
        try:
            return await self._threads.run(ask, deadline=_DEADLINE)
        except (TimeoutError, QueueFullError):
            return late
        except StateError as error:
            return Refusal("audit-not-writable", error.what, error.remedy)

    async def reconcile(self) -> int:
        """Resume what dead runners and keepers left, by looking; how many were resumed."""
        if self._read_only or self._journal is None:
            return 0
        try:
            return await self._threads.run(self._reconcile, deadline=_DEADLINE)
        except (TimeoutError, QueueFullError, StateError):
            return 0

    def actions(self, service: str, snapshot: Snapshot | None = None) -> tuple[ActionView, ...]:
        """Every declared action, each possible or blocked and why. Quick: no look at the world."""
        views = []
        holder = self.holder(service)
        recent, fault = self._recently(service)
        recent = of_subject(recent, service)
        for found in declared(self._settings, service):
            request = ActionRequest(service, found.kind, found.name)
            # Which silence it will be about is not known yet.
            whole = found.kind not in SILENCING
            seen = self._facts.circumstances(
                found, holder if whole else None, fault, recent if whole else ()
            )
            refusal = policy.refuse_plan(request, seen)
            if refusal is None and self._reader is not None:
                refusal = self._facts.nothing_to_recover(self._reader, found)
            views.append(ActionView(
                found.kind, found.name, found.action.driver, found.summary, found.effect, refusal,
                scale_bounds(found.action), lasts(found),
            ))  # fmt: skip
        return tuple(views)

    def operations(self, limit: int = 50) -> tuple[Operation, ...]:
        """The newest operations of all consoles first."""
        return self._reader.operations(limit) if self._reader else ()

    def degradations(self) -> tuple[Degradation, ...]:
        """The degradations that last, of all consoles; none while the journal cannot be read."""
        return self._known(lasting)

    def acknowledgements(self) -> tuple[SilenceView, ...]:
        """What is acknowledged in the console's own state, by every console of it."""
        return self._known(lambda reader: own_acknowledgements.kept(reader, self._clock.now()))

    def left_to_others(self) -> tuple[LeftToOthers, ...]:
        """What is due for this user and waits for a console of another configuration."""
        return self._known(lambda reader: left_to_others(self.state, reader, self._own))

    def catch_up(self) -> tuple[Operation, ...]:
        """The operations of this user whose verdict no console of theirs has seen yet."""
        now, reader, read_only = self._clock.now(), self._reader, self._read_only
        if reader is None:
            return ()
        try:
            runs = reader.operations()
            return seen_verdicts.catch_up(
                reader, whoami(), runs, now, read_only=read_only, of_hosts=self.state.of_hosts
            )
        except StateError:
            # It cannot be remembered: what is lost is a notice, and it is in the journal.
            return ()

    def operation(self, operation: str) -> Operation | None:
        """One operation, as the journal has it."""
        return self._reader.operation(operation) if self._reader else None

    def holder(self, subject: str) -> Holder | None:
        """Who is at a change of a service or a silence; a runner that only has to exit is not."""
        if self._reader is None:
            return None
        try:
            held = self.state.locks.holder(subject)
            found = self._reader.operation(held.operation) if held else None
        except StateError:
            return None
        return None if found is not None and found.state.final else held

    def changed(self) -> bool:
        """Whether the journal differs from what it was at the last call. Raises StateError."""
        if self._reader is None:
            return False
        before, self._version = self._version, self._reader.version()
        return self._version != before

    def _known(self, read: Callable[[Journal], tuple[T, ...]]) -> tuple[T, ...]:
        """What ``read`` finds; nothing while the journal cannot be read."""
        try:
            return read(self._reader) if self._reader else ()
        except StateError:
            return ()

    def _open(self) -> Journal | None:
        try:
            journal = self.state.journal(self._sinks)
            journal.use_scope(scope_of(self._settings, self._own.file))
            return journal
        except StateError as error:
            self._fault = str(error)
            return None

    def _open_again(self) -> None:
        """Try once more to use a state folder that could not be used, as its disk may have room."""
        if self._journal is None and not self._is_closed:
            self._journal = self._open()
            self._reader = self._open() if self._journal else None
            self._fault = "" if self._reader else self._fault

    async def _look(self, service: str) -> Fleet | Refusal:
        """The fleet as it is now; what the runner will compare with it looks in the same way."""
        late = Refusal("cannot-look", "the engines do not answer", "try again")
        return await self._answer(partial(look, self._declared, about=(service,)), late)

    async def _ask_policy(self, request: ActionRequest, found: Declared | None) -> Refusal | None:
        """Policy on what is known now; an operation left by a dead runner is resumed first."""
        late = Refusal("cannot-look", "the journal does not answer", "try again")
        return await self._answer(partial(self._refusal, request, found), late)

    def _is_left(self, operation: str) -> bool:
        """Whether no process carries out an operation that has no verdict, or is not there."""
        if self.state.locks.is_held(dispatch.runner_lock(operation)):
            return False
        # Its runner may have ended well between the caller's look and this one.
        found = self.operation(operation)
        return found is None or not found.state.final

    def _refusal(self, request: ActionRequest, found: Declared | None) -> Refusal | None:
        recent: tuple[Operation, ...] = ()
        subject = subject_of(request.service, request.kind, request.parameters)
        self._open_again()
        fault = self._journal.why_not_writable() if self._journal else self._fault or _CLOSED
        if not fault and self._journal is not None:
            recent = self._facts.since_of(self._journal, request.service, subject)
            if not self._read_only and any(not each.state.final for each in recent):
                self._reconcile()
        holder = self.holder(subject)
        seen = self._facts.circumstances(found, holder, fault, recent)
        return policy.refuse_plan(request, seen)

    def _recently(self, service: str) -> tuple[tuple[Operation, ...], str]:
        if self._reader is None:
            return (), self._fault or _CLOSED
        return self._facts.recently(self._reader, service)

    def _perform(self, plans: tuple[Plan, ...], confirmation: Confirmation) -> Operation | Refusal:
        refusal = policy.refuse_reason(confirmation.reason) or policy.refuse_together(
            plans, confirmation, self._clock.now()
        )
        if refusal is not None:
            return refusal
        if len(plans) > 1:
            # The count was typed, which stands for each of the names.
            confirmation = replace(confirmation, typed=plans[0].service)
        fleet = look(self._declared, about=[plan.service for plan in plans])
        settings = fleet.settings
        plans = group.joined(plans)
        found = [find(settings, plan.service, plan.kind, plan.name) for plan in plans]
        if found[0] is None and fleet.faults:
            return not_found_again(plans[0].service, fleet.faults)
        first, *then = (
            group.intent_of(plan, action, settings, self._own, confirmation)
            for plan, action in zip(plans, found, strict=True)
        )
        return self._dispatch(first, found[0], confirmation, tuple(then))

    def _perform_next(self, intent: Intent, then: tuple[Intent, ...]) -> Operation | Refusal:
        found = self._own.declared(look(self._declared, about=(intent.plan.service,)), intent)
        if isinstance(found, Refusal):
            return found
        confirmation = Confirmation(intent.plan.service, intent.reason)
        intent = replace(intent, plan=group.in_its_turn(intent.plan, self._clock.now()))
        return self._dispatch(intent, found, confirmation, then)

    def _dispatch(
        self,
        intent: Intent,
        found: Declared | None,
        confirmation: Confirmation,
        then: tuple[Intent, ...],
    ) -> Operation | Refusal:
        request = planner.clean(planner.request_of(intent.plan, intent.reason))

        def still_allowed() -> Refusal | None:
            return self._refuse_perform(intent.plan, request, confirmation, found)

        refusal = still_allowed()
        if refusal is not None or self._journal is None:
            return refusal or Refusal("audit-not-writable", self._fault or _CLOSED)
        return dispatch.dispatch(
            self.state, self._journal, intent, self._clock, still_allowed, then
        )

    def _refuse_perform(
        self,
        plan: Plan,
        request: ActionRequest,
        confirmation: Confirmation,
        found: Declared | None,
    ) -> Refusal | None:
        """Policy on what is known now, except for the lock, which is taken and not looked at."""
        recent: tuple[Operation, ...] = ()
        if self._journal is not None:
            subject = subject_of(plan.service, plan.kind, plan.parameters)
            recent = self._facts.since_of(self._journal, plan.service, subject)
        seen = self._facts.circumstances(found, None, self._fault, recent)
        return policy.refuse_perform(plan, request, confirmation, seen)

    def _settle(
        self, does: Callable[[Journal, str, float], Operation | Refusal], operation: str
    ) -> Operation | Refusal:
        """Do what is no plan and changes something, or say why not."""
        if self._read_only:
            return Refusal(
                "read-only",
                "this console is read-only, and stopping what was asked for is not a look",
                "stop it from a console without --read-only",
            )
        self._open_again()
        if self._journal is None:
            return Refusal("audit-not-writable", self._fault or _CLOSED)
        return does(self._journal, operation, self._clock.now())

    def _reconcile(self) -> int:
        if self._journal is None:
            return 0
        who = whoami()
        taken = [
            dispatch.take_up(self.state, self._journal, self._own, operation, who, self._clock)
            for operation in self._journal.open_operations()
        ]
        return sum(taken) + revive(self.state, self._journal, self._own)
