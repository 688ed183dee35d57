"""A made-up server, several bastions and a random schedule of what goes wrong between them.

Everything that a bastion does is one generator that yields the seconds until it goes on. At each
of these places its process may be paused, its requests may be lost or their answers, the server may
restart or fail over to one whose clock differs. A look at the server is one moment: a transaction.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from opsconsole.operations.locks.lease import TERMS, Lease

SERVICES: Final = ("web", "db")
FAULTS_END: Final = 120.0
ENDS: Final = 300.0
_TIMEOUT: Final = 5.0


class UnreachableError(Exception):
    """No answer came; whether the server did it is not known."""


@dataclass
class Row:
    """A lock as the server keeps it."""

    token: int = 0
    ends_at: float = 0.0


@dataclass
class Operation:
    """What the journal has of an operation: its steps are waiting, running, done or unknown."""

    number: int
    service: str
    steps: list[str]
    final: str = ""
    taken_up: bool = False


@dataclass(frozen=True)
class Call:
    """One call of a step, which the recording server saw."""

    operation: Operation
    step: int
    token: int
    checked_at: float
    begun_at: float
    ended_at: float
    intended: int
    """The token of the service's lock when the intent was written."""
    checked: int
    """The same, at the last check before the call."""


@dataclass(frozen=True)
class Hazards:
    """What a schedule may contain beyond what the lock promises to bear."""

    gap: bool = False
    """A process is paused between its last check and its call."""
    long_calls: bool = False
    """A call takes longer than the margin."""
    leap: bool = False
    """A standby's clock is further ahead than the margin."""


@dataclass
class Process:
    """One process of a bastion: all of it is paused at once. Its clock began at ``boot``."""

    boot: float
    rate: float
    mortal: bool = True
    paused_until: float = 0.0
    cut_until: float = 0.0
    dies_at: float = float("inf")


@dataclass
class Holding:
    """The locks of a runner by their tokens, and the lease that they are."""

    tokens: dict[str, int]
    lease: Lease
    over: bool = False


Steps = Iterator[float]
"""Seconds until it goes on, again and again."""


@dataclass
class World:
    """One schedule, run to its end when it is made."""

    seed: int
    hazards: Hazards = Hazards()
    now: float = 0.0
    calls: list[Call] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.offset = self.random.uniform(-1e6, 1e6)
        self.down_until = 0.0
        self.rows: dict[str, Row] = {}
        self._queue: list[tuple[float, int, Process, Steps]] = []
        self._order = count()
        for _ in range(3):
            console = self._process()
            console.mortal = False
            self._schedule(console, self._console(console))
        self._schedule(Process(0.0, 1.0, mortal=False), self._servers())
        self._run()

    # What the schedule does.

    def _process(self) -> Process:
        return Process(self.random.uniform(1, 1e6), self.random.uniform(0.999, 1.001))

    def _schedule(self, process: Process, steps: Steps) -> None:
        heapq.heappush(self._queue, (self.now, next(self._order), process, steps))

    def _run(self) -> None:
        while self._queue:
            at, _, process, steps = heapq.heappop(self._queue)
            if at > ENDS:
                return
            if at < process.paused_until:
                at = process.paused_until
            elif at < FAULTS_END and process.boot and self.random.random() < 0.02:
                self._harm(process, at)
                at = max(at, process.paused_until)
            if at >= process.dies_at:
                continue
            if at > self.now and self._queue and at > self._queue[0][0]:
                heapq.heappush(self._queue, (at, next(self._order), process, steps))
                continue
            self.now = max(self.now, at)
            pause = next(steps, None)
            if pause is not None:
                heapq.heappush(self._queue, (self.now + pause, next(self._order), process, steps))

    def _harm(self, process: Process, at: float) -> None:
        seconds = self.random.choice((0.5, 3.0, 8.0, 15.0, 30.0, 60.0)) * self.random.random()
        harm = self.random.random()
        if harm < 0.45:
            process.paused_until = at + seconds
        elif harm < 0.9:
            process.cut_until = at + seconds
        elif process.mortal:
            process.dies_at = at

    def _servers(self) -> Steps:
        """The server restarts, or a standby takes its place and has everything that it had."""
        while self.now < FAULTS_END:
            yield self.random.uniform(5, 80)
            self.down_until = self.now + self.random.choice((0.5, 5.0, 15.0))
            if self.random.random() < 0.5:
                furthest = TERMS.margin - 1.0
                self.offset += self.random.uniform(-furthest, furthest) / 2
                if self.hazards.leap:
                    self.offset += self.random.choice((0.0, 60.0))
                # One leap at a time: what was granted by one clock is over before the next.
                yield self.down_until - self.now + 2 * TERMS.lasts

    # What the server does, each in one transaction.

    def _asked(self, process: Process) -> None:
        if self.now < process.cut_until or self.now < self.down_until:
            raise UnreachableError

    def _answered(self, process: Process) -> None:
        """The answer may be lost when the line is cut in between."""
        if self.now < FAULTS_END and self.random.random() < 0.02:
            process.cut_until = self.now + 8 * self.random.random()
            raise UnreachableError

    def take(self, process: Process, name: str) -> int:
        """The new token, or 0 while another has it."""
        self._asked(process)
        row = self.rows.setdefault(name, Row())
        if row.ends_at > self.now + self.offset:
            return 0
        row.token += 1
        row.ends_at = self.now + self.offset + TERMS.lasts
        self._answered(process)
        return row.token

    def renew(self, process: Process, held: dict[str, int]) -> bool:
        """Whether all of ``held`` are still this holder's, and last on."""
        self._asked(process)
        rows = [(self.rows[name], token) for name, token in held.items()]
        if any(row.token != token for row, token in rows):
            return False
        for row, _ in rows:
            row.ends_at = self.now + self.offset + TERMS.lasts
        self._answered(process)
        return True

    def release(self, process: Process, held: dict[str, int]) -> None:
        """End what is still this holder's."""
        self._asked(process)
        for name, token in held.items():
            if self.rows[name].token == token:
                self.rows[name].ends_at = self.now + self.offset

    def is_free(self, process: Process, name: str) -> bool:
        """Whether nobody holds a lock."""
        self._asked(process)
        row = self.rows.get(name)
        return row is None or row.ends_at <= self.now + self.offset

    def submit(self, process: Process, service: str) -> Operation | None:
        """A new operation; None where another one of the service has no verdict."""
        self._asked(process)
        if any(each.service == service and not each.final for each in self.operations):
            return None
        steps = ["waiting"] * self.random.randint(1, 3)
        made = Operation(len(self.operations), service, steps)
        self.operations.append(made)
        return made

    def step_begins(self, process: Process, made: Operation, step: int, token: int) -> bool:
        """Write the intent, in the transaction that checks the token."""
        self._asked(process)
        row = self.rows[made.service]
        if row.token != token or row.ends_at <= self.now + self.offset or made.final:
            return False
        assert made.steps[step] == "waiting"
        made.steps[step] = "running"
        self._answered(process)
        return True

    # What bastions do.

    def _clock(self, process: Process) -> float:
        return process.boot + self.now * process.rate

    def _console(self, process: Process) -> Steps:
        """Takes up what was left, and begins operations, one after the other."""
        while self.now < ENDS:
            yield self.random.uniform(0.1, 4)
            try:
                left = self._left(process)
                if left is not None or self.now < FAULTS_END:
                    service = left.service if left else self.random.choice(SERVICES)
                    runner = self._process()
                    self._schedule(runner, self._runner(runner, service, left))
            except UnreachableError:
                yield _TIMEOUT

    def _left(self, process: Process) -> Operation | None:
        for each in self.operations:
            if not each.final and self.is_free(process, f"runner {each.number}"):
                return each
        return None

    def _runner(self, process: Process, service: str, left: Operation | None) -> Steps:
        holding = Holding({}, Lease(0, self._clock(process)))
        held = holding.tokens
        try:
            if left is not None:
                held[f"runner {left.number}"] = self.take(process, f"runner {left.number}")
            yield self.random.uniform(0, 0.3)
            held[service] = self.take(process, service)
            if not all(held.values()):
                return
            made = left or self.submit(process, service)
            if left is None and made is not None:
                yield self.random.uniform(0, 0.3)
                held[f"runner {made.number}"] = self.take(process, f"runner {made.number}")
            self._schedule(process, self._renewing(process, holding))
            if made is not None and all(held.values()):
                looks = left is not None
                yield from (
                    self._looks(made, process) if looks else self._acts(made, process, holding)
                )
            while True:
                try:
                    self.release(process, held)
                    return
                except UnreachableError:
                    yield _TIMEOUT
        except UnreachableError:
            yield _TIMEOUT
        finally:
            holding.over = True

    def _renewing(self, process: Process, holding: Holding) -> Steps:
        while not holding.over:
            asked = self._clock(process)
            yield self.random.choice((0.0, 0.01, 2.0))
            try:
                if not self.renew(process, holding.tokens):
                    return
                yield self.random.choice((0.0, 0.01, 2.0))
                holding.lease = holding.lease.renewed(asked)
            except UnreachableError:
                yield self.random.uniform(0, _TIMEOUT)
                continue
            yield TERMS.renew_every

    def _looks(self, made: Operation, process: Process) -> Steps:
        """Ends what another runner began: looks up each step, and begins none."""
        made.taken_up = True
        yield self.random.uniform(0, 1)
        while not made.final:
            try:
                self._asked(process)
            except UnreachableError:
                yield _TIMEOUT
                continue
            for step, stood in enumerate(made.steps):
                if stood == "running":
                    seen = any(
                        (call.operation, call.step) == (made, step) and call.ended_at <= self.now
                        for call in self.calls
                    )
                    made.steps[step] = "done" if seen else "unknown"
            made.final = "looked up"

    def _acts(self, made: Operation, process: Process, holding: Holding) -> Steps:
        token = holding.tokens[made.service]
        for step in range(len(made.steps)):
            yield self.random.uniform(0, 0.5)
            if not self.step_begins(process, made, step, token):
                break
            intended = self.rows[made.service].token
            yield self.random.uniform(0, 0.1)
            if not holding.lease.may_begin(self._clock(process)):
                made.steps[step] = "waiting"
                break
            checked_at, checked = self.now, self.rows[made.service].token
            if self.hazards.gap:
                yield 0.001
            takes = self.random.uniform(0.1, 40 if self.hazards.long_calls else TERMS.margin - 1.5)
            begun = self.now
            ended = begun + takes
            call = Call(made, step, token, checked_at, begun, ended, intended, checked)
            self.calls.append(call)
            yield takes
            while True:
                try:
                    self._asked(process)
                    break
                except UnreachableError:
                    yield _TIMEOUT
            if made.final:
                break
            made.steps[step] = "done"
        if not made.final:
            made.final = "ended"
