"""The one process that keeps the promises of one user and configuration in one state.

Invariant: while this user has a promise to keep, a keeper is there or the next console of its
configuration, or of one that declares the same, starts one. A promise is kept by one process at a
time, under the configuration that the process was started with. It keeps what stands in a mandate
until the rule of its kind says that it is over. It ends when there is nothing left to keep, or when
its state is gone. It survives the end of its terminal.
"""

import asyncio
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Final, Protocol

from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.keeping.end_rule import EndRule
from opsconsole.operations.keeping.next_rule import NextRule
from opsconsole.operations.keeping.rollback_rule import RollbackRule
from opsconsole.operations.keeping.watch_rule import WatchRule
from opsconsole.operations.mandates import Mandate
from opsconsole.operations.own_configuration import DeclaredElsewhereError, OwnConfiguration
from opsconsole.operations.promises.promising import is_kept_by
from opsconsole.operations.state_place import StatePlace

_LOOK_EVERY: Final = 0.5
_AFTER_TROUBLE: Final = 10.0
_STANDS_BY: Final = 3.0
"""Seconds between attempts at a promise that another keeper keeps, which may have died."""

Key = tuple[str, PromiseKind]


class Rule(Protocol):
    """One promise under way: what its kind does when it is its turn."""

    async def turn(self) -> float | None:
        """Look, do what is due, and say in how many seconds to look again; None when it is over.

        Raises OpsconsoleError for what could not be done now and is to be tried again.
        """
        ...


def keep(state: StatePlace, own: OwnConfiguration) -> int:
    """Keep this user's promises, as ``own`` declares them, until there are none; 0 always."""
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(each, signal.SIG_IGN)
    # One that is promised while the lock is released is found by the next look.
    while state.exists() and _wanted(state, own):
        held = state.mandates.take_keeper(own.path)
        if held is None:
            return 0
        journal = state.journal()
        try:
            asyncio.run(_serve(state, journal, own))
        finally:
            journal.close()
            held.release()
    return 0


async def _serve(state: StatePlace, journal: Journal, own: OwnConfiguration) -> None:
    under_way: dict[Key, asyncio.Task[None]] = {}
    waiting: set[Key] = set()
    seen, looked_at = -1, 0.0
    while state.exists() and state.mandates.are_there():
        try:
            moved = state.mandates.moved_at()
            # Another keeper may let go of what this one would keep, and a file does not say so.
            if moved != seen or (waiting and time.monotonic() - looked_at > _STANDS_BY):
                looked_at, wanted = time.monotonic(), _wanted(state, own)
                for key, (mandate, promise) in wanted.items():
                    if key not in under_way:
                        rule = rule_of(state, journal, own, mandate, promise)
                        under_way[key] = asyncio.create_task(_kept(state, key, rule))
                seen, waiting = moved, set(wanted)
        except StateError:
            # A server that is away: what is under way goes on, and is tried again by itself.
            await asyncio.sleep(_AFTER_TROUBLE)
            continue
        under_way = {key: task for key, task in under_way.items() if not task.done()}
        if not under_way and not waiting:
            return
        await asyncio.sleep(_LOOK_EVERY)
    for task in under_way.values():
        task.cancel()


def _wanted(state: StatePlace, own: OwnConfiguration) -> Mapping[Key, tuple[Mandate, Promise]]:
    return {
        (promise.operation, promise.kind): (mandate, promise)
        for mandate in state.mandates.all()
        if mandate.promises and is_kept_by(state, own, mandate)
        for promise in mandate.promises
    }


def rule_of(
    state: StatePlace, journal: Journal, own: OwnConfiguration, mandate: Mandate, promise: Promise
) -> Rule:
    """What keeps a promise."""
    match promise.kind:
        case PromiseKind.END:
            return EndRule(state, journal, own, mandate.intent, promise)
        case PromiseKind.ROLLBACK:
            return RollbackRule(state, journal, own, mandate.intent, promise)
        case PromiseKind.WATCH:
            return WatchRule(state, journal, own, mandate.intent, promise)
        case PromiseKind.NEXT:
            return NextRule(state, journal, own, mandate)


async def _kept(state: StatePlace, key: Key, rule: Rule) -> None:
    """Keep one promise to its end, unless another keeper does or is to."""
    try:
        held = state.mandates.take_promise(*key)
    except StateError:
        return
    if held is None:
        return
    try:
        # Who had it before may have kept it meanwhile.
        mandate = state.mandates.get(key[0])
        if mandate is not None and mandate.promise(key[1]) is not None:
            await _turn(state, key, rule)
    except DeclaredElsewhereError:
        return
    finally:
        held.release()


async def _turn(state: StatePlace, key: Key, rule: Rule) -> None:
    """Give a promise its turns; a defect in it stays with it, and it is tried again."""
    while True:
        try:
            pause = await rule.turn()
        except DeclaredElsewhereError:
            raise
        except OpsconsoleError:
            pause = _AFTER_TROUBLE
        except Exception as error:  # noqa: BLE001 - the boundary of one promise: others are kept
            _log_without_values(error)
            pause = _AFTER_TROUBLE
        if pause is None:
            state.mandates.drop(*key)
            state.mandates.forget_promise(*key)
            return
        await asyncio.sleep(pause)


def _log_without_values(error: Exception) -> None:
    """Where it happened and of what type; messages and locals may hold secrets."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    print(f"{frames}{type(error).__name__}", file=sys.stderr, flush=True)  # noqa: T201
