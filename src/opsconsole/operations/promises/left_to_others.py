"""What is due for this user and is not done here, since another configuration confirmed it.

Invariant: only what no process keeps now is named, and what this configuration declares alike is
not: that is revived under it.
"""

from collections.abc import Iterator
from typing import Final

from opsconsole.model.operation import ActionKind, LeftToOthers
from opsconsole.operations.journal.journal import Journal
from opsconsole.operations.journal.records import Promise, PromiseKind
from opsconsole.operations.mandates import Mandate
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.promises.due import left
from opsconsole.operations.promises.promising import is_kept_by
from opsconsole.operations.state_place import StatePlace
from opsconsole.text import sanitize

_FOLLOWS: Final = {
    PromiseKind.END: ActionKind.RECOVER,
    PromiseKind.ROLLBACK: ActionKind.ROLLBACK,
    PromiseKind.WATCH: ActionKind.EXPIRE_SILENCE,
}


def left_to_others(
    state: StatePlace, journal: Journal, own: OwnConfiguration
) -> tuple[LeftToOthers, ...]:
    """Each promise that waits for a console of another configuration, or for nobody any more.

    An acknowledgement is to be watched from its beginning, the others are named from their time on.
    Raises StateError.
    """
    return (*_of_other_configurations(state, own), *_of_nobody(state, journal))


def _of_other_configurations(state: StatePlace, own: OwnConfiguration) -> tuple[LeftToOthers, ...]:
    return tuple(
        _left(mandate, promise, path)
        for mandate in state.mandates.all()
        if any(_waits(state, each) for each in mandate.promises) and _is_left(state, own, mandate)
        for path in (sanitize(mandate.intent.config_path),)
        for promise in mandate.promises
        if _waits(state, promise)
    )


def _of_nobody(state: StatePlace, journal: Journal) -> Iterator[LeftToOthers]:
    """What was confirmed on a host of which nothing is left, by whichever user."""
    for promise in journal.promises():
        overdue = -left(promise)
        if promise.kind not in _FOLLOWS or overdue <= 0 or not _waits(state, promise):
            continue
        is_here = state.mandates.get(promise.operation) is not None
        if is_here or not state.mandates.is_nobodys(promise.operation, overdue):
            continue
        found = journal.operation(promise.operation)
        by = f"{found.who}@{found.host}" if found else "somebody"
        follows = _FOLLOWS[promise.kind]
        yield LeftToOthers(promise.operation, promise.service, follows, promise.due, "", by)


def _left(mandate: Mandate, promise: Promise, path: str) -> LeftToOthers:
    if promise.kind is PromiseKind.NEXT:
        following = mandate.then[0].plan
        return LeftToOthers(promise.operation, following.service, following.kind, promise.due, path)
    follows = _FOLLOWS[promise.kind]
    return LeftToOthers(promise.operation, promise.service, follows, promise.due, path)


def _waits(state: StatePlace, promise: Promise) -> bool:
    due = promise.kind is PromiseKind.WATCH or left(promise) <= 0
    return due and not state.mandates.is_kept(promise.operation, promise.kind)


def _is_left(state: StatePlace, own: OwnConfiguration, mandate: Mandate) -> bool:
    there = state.mandates.keeper_is_there(mandate.intent.config_path)
    return not there and not is_kept_by(state, own, mandate)
