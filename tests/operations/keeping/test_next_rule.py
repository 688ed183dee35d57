"""A group as a state machine: whatever each of it comes to, and whenever its keeper is killed.

The journal and the mandates are real; what is played is the runner of each operation, the policy at
its turn, and the moment at which the process that goes on with the group dies.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.model.operation import Operation, OperationState, Plan, Refusal
from opsconsole.operations import group
from opsconsole.operations.journal.journal import PlanUsedError
from opsconsole.operations.journal.records import Intent, PromiseKind
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.keeping import next_rule
from opsconsole.operations.keeping.next_rule import NextRule
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.running import dispatch
from opsconsole.operations.state_place import FolderPlace
from tests.operations.journal.samples import intent

S = OperationState
NAMES = ("api", "cache", "db", "worker")
OWN = OwnConfiguration("/c.yaml", "/")
LOCKED = Refusal("locked", "somebody is at it", "wait")
VERDICTS = (S.VERIFIED, S.VERIFIED, S.VERIFIED, S.FAILED, S.INCONCLUSIVE, S.REFUSED)


class KilledError(Exception):
    """Stands for the death of the process."""


@dataclass
class World:
    """A group of the first ``len(comes_to)`` services; a Refusal is what policy says at its turn.

    ``lives`` says at each point where a keeper can be killed how it goes on.
    """

    place: FolderPlace
    journal: SqliteJournal
    comes_to: tuple[OperationState | Refusal, ...]
    lives: Iterator[bool]
    ran: list[str] = field(default_factory=list)
    kills: int = 0

    def __post_init__(self) -> None:
        names = NAMES[: len(self.comes_to)]
        made = [intent(name, service=name) for name in names]
        plans = group.joined(tuple(each.plan for each in made))
        self.intents = tuple(
            replace(each, plan=plan) for each, plan in zip(made, plans, strict=True)
        )

    def may_die(self) -> None:
        if not next(self.lives, True):
            self.kills += 1
            raise KilledError

    async def begin(self, first: Intent, then: tuple[Intent, ...]) -> Operation:
        """What ``dispatch`` does, which can be killed in between, and whose mandate is seen before
        its operation."""
        runner = self.place.locks.take(dispatch.runner_lock(first.operation))
        assert runner is not None
        try:
            self.may_die()
            self.place.mandates.give(first, then)
            await self.seen_at_once(first.operation)
            self.may_die()
            try:
                self.journal.submit(first, 1.0)
            except PlanUsedError:
                raise AssertionError("it was begun twice") from None
            self.may_die()
        finally:
            runner.release()
        self.run(first)
        found = self.journal.operation(first.operation)
        assert found is not None
        return found

    async def seen_at_once(self, operation: str) -> None:
        """What the keeper does that looks at the folder just now."""
        mandate = self.place.mandates.get(operation)
        if mandate is not None and mandate.promises:
            rule = NextRule(self.place, self.journal, OWN, mandate)
            assert await rule.turn() is not None, "it has only begun"

    def run(self, made: Intent) -> None:
        """What its runner does; it may outlive whoever started it."""
        self.ran.append(made.plan.service)
        ends = self.comes_to[NAMES.index(made.plan.service)]
        assert isinstance(ends, OperationState)
        if ends is not S.REFUSED:
            self.journal.advance(made.operation, S.DISPATCHED, 2.0)
            self.journal.advance(made.operation, S.VERIFYING, 3.0)
        self.conclude(made, ends, "as it was played")

    def conclude(self, made: Intent, ends: OperationState, said: str) -> None:
        self.journal.advance(made.operation, ends, 4.0, summary=said)
        mandate = self.place.mandates.get(made.operation)
        if mandate is not None and not mandate.promises:
            self.place.mandates.end(made.operation)

    # ---- what the rule is given ----

    def operator_of(self, *_: object) -> "World":
        return self

    def close(self) -> None:
        pass

    async def perform_next(
        self, following: Intent, then: tuple[Intent, ...]
    ) -> Operation | Refusal:
        says = self.comes_to[NAMES.index(following.plan.service)]
        return says if isinstance(says, Refusal) else await self.begin(following, then)

    def take_up(self, *given: Any) -> bool:
        """Its runner is dead: what was not begun is not begun any more."""
        run: Operation = given[3]
        made = next(each for each in self.intents if each.operation == run.id)
        self.conclude(made, S.FAILED, "its runner ended before it began; nothing was done")
        return True

    def go_on(self) -> None:
        """Keepers, one after the other, until nothing is left to keep."""
        for _ in range(200):
            mandates = [each for each in self.place.mandates.all() if each.promises]
            for each in mandates:
                rule = NextRule(self.place, self.journal, OWN, each)
                try:
                    over = asyncio.run(rule.turn()) is None
                    self.may_die()
                except KilledError:
                    continue
                if over:
                    self.place.mandates.drop(each.intent.operation, PromiseKind.NEXT)
            if not mandates:
                return
        raise AssertionError("it never ends")


def played(world: World) -> dict[str, Operation]:
    """The group from its confirmation to its end, by service."""
    settings_of = mock.patch.object(OwnConfiguration, "settings", return_value=None)
    stands = mock.patch.object(OwnConfiguration, "stand_for", return_value=None)
    fleet = mock.patch.object(OwnConfiguration, "fleet", return_value=None)
    declares = mock.patch.object(OwnConfiguration, "declared", return_value=None)
    operator = mock.patch.object(next_rule, "operator_of", world.operator_of)
    take_up = mock.patch.object(dispatch, "take_up", world.take_up)
    submit, advance = world.journal.submit, world.journal.advance

    def dying(kept: Any) -> Any:
        def call(*given: Any, **named: Any) -> None:
            kept(*given, **named)
            if named.get("summary", "").startswith("not begun") or kept is submit:
                world.may_die()

        return call

    with settings_of, stands, fleet, declares, operator, take_up:
        first, *then = world.intents
        world.place.mandates.give(first, tuple(then))
        world.journal.submit(first, 1.0)
        world.run(first)
        with (
            mock.patch.object(world.journal, "submit", dying(submit)),
            mock.patch.object(world.journal, "advance", dying(advance)),
        ):
            world.go_on()
    return {each.service: each for each in world.journal.operations()}


@given(
    first=st.sampled_from(VERDICTS),
    rest=st.lists(st.sampled_from((*VERDICTS, LOCKED)), min_size=1, max_size=3),
    lives=st.lists(st.booleans(), max_size=20),
)
@settings(max_examples=120, deadline=None)
def test_each_is_begun_once_at_most_in_its_turn_and_none_after_one_that_is_not_verified(
    first: OperationState, rest: list[OperationState | Refusal], lives: list[bool]
) -> None:
    comes_to = (first, *rest)
    with tempfile.TemporaryDirectory() as folder:
        place = FolderPlace(Path(folder) / "state")
        journal = place.journal()
        try:
            world = World(place, journal, comes_to, iter(lives))
            runs = played(world)
            left = place.mandates.all()
        finally:
            journal.close()
    names = NAMES[: len(comes_to)]
    assert world.ran == list(names[: len(world.ran)]), "in their order, each once"
    assert [runs[name].group for name in names] == [each.plan.group for each in world.intents]
    assert all(run.state.final for run in runs.values()), "each has its own verdict"
    states = [runs[name].state for name in names]
    stopped = next((n for n, state in enumerate(states) if state is not S.VERIFIED), len(names))
    for name, state in zip(names[stopped + 1 :], states[stopped + 1 :], strict=True):
        assert name not in world.ran
        assert state is S.REFUSED
        assert runs[name].summary.startswith("not begun: ")
        assert runs[name].begun_nothing
    if not world.kills:
        good = next((n for n, end in enumerate(comes_to) if end is not S.VERIFIED), len(names))
        assert stopped == good, "nothing else stops it"
    assert left == (), "nothing is commanded any more"


def test_what_is_not_begun_says_what_stood_before_it(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "state")
    journal = place.journal()
    runs = played(World(place, journal, (S.VERIFIED, LOCKED, S.VERIFIED), iter(())))
    journal.close()
    assert runs["cache"].summary == "somebody is at it; wait; nothing was done"
    assert runs["db"].summary == "not begun: cache before it was refused"


def test_in_its_turn_a_plan_lasts_as_long_as_it_was_confirmed_for() -> None:
    made: Plan = replace(intent("one").plan, created_at=100.0, ends_at=160.0)
    turned = group.in_its_turn(made, 700.0)
    assert (turned.created_at, turned.ends_at) == (700.0, 760.0)
    assert turned.fingerprint == made.fingerprint
