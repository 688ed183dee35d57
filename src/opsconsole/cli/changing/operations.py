"""``opsconsole operations``: what was done, by whom, with what outcome.

``operations ID`` shows one whole; the beginning of an id is enough where it is of one alone.
``operations GROUP`` lists those that were confirmed at once. Exit 0
shown, 3 when rows could not be understood, 69 when there is no such operation or the journal cannot
be read: nothing is then taken for "nothing was done".

``operations stop-rollback ID`` keeps the automatic rollback after operation ID from being begun:
exit 0 stopped, 2 refused, as when there is none that waits. ``operations give-up ID`` ends
verifying one, whose verdict is then inconclusive, in the same way.
"""

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Final

from opsconsole.cli.changing.operate import refused, tell_left
from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.engine import build_operator
from opsconsole.cli.parsing import EX_INCOMPLETE, EX_USAGE
from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import Operation, Refusal
from opsconsole.operations.journal.records import OPERATION_LIMIT
from opsconsole.operations.operator import Operator
from opsconsole.render.forms.plan import word_of
from opsconsole.render.ink.cells import plain
from opsconsole.render.json.status import operation_document
from opsconsole.render.operations import details, place_in_group
from opsconsole.text import sanitize
from opsconsole.zones import written

_STOP: Final = "stop-rollback"
_GIVE_UP: Final = "give-up"
_WORDS: Final = frozenset({_STOP, _GIVE_UP})
_WIDE: Final = 1_000


def run(arguments: argparse.Namespace) -> int:
    """Print the newest operations first, or one whole, or stop a rollback."""
    does = arguments.what in _WORDS
    if does is not (arguments.id is not None):
        words = f"the only words before an ID are {_STOP} and {_GIVE_UP}"
        wrong = "say which operation" if does else words
        print(f"opsconsole: {wrong}: opsconsole operations", file=sys.stderr)
        return EX_USAGE
    operator = build_operator(from_arguments(arguments))
    try:
        if operator.fault:
            raise OpsconsoleError(operator.fault)
        if does:
            return _act(operator, arguments)
        if arguments.what is not None:
            return _show(operator, arguments)
        return _list(operator, arguments)
    finally:
        operator.close()


def _list(operator: Operator, arguments: argparse.Namespace) -> int:
    tell_left(operator)
    operations = operator.operations(limit=arguments.limit)
    unread = operator.unread
    if unread:
        print(f"opsconsole: left out: {unread}", file=sys.stderr)
    _print(operations, as_json=arguments.json)
    if not operations and not unread and not arguments.json:
        print("no operations yet")
    return EX_INCOMPLETE if unread else 0


def _print(operations: Iterable[Operation], *, as_json: bool) -> int:
    if as_json:
        documents = [operation_document(operation) for operation in operations]
        json.dump(documents, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        for operation in operations:
            print(_line(operation))
    return 0


def _show(operator: Operator, arguments: argparse.Namespace) -> int:
    together = _of_group(operator, arguments.what)
    if together:
        return _print(together, as_json=arguments.json)
    operation = _found(operator, arguments.what)
    if arguments.json:
        json.dump(operation_document(operation), sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    print(_line(operation))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    for line in details(operation, None, width, time.time(), whole=True):
        print(plain([line]).rstrip())
    return 0


def _of_group(operator: Operator, group: str) -> list[Operation]:
    """The operations that were confirmed at once under that id, in the order of their turns."""
    known = operator.operations(limit=OPERATION_LIMIT)
    return [each for each in reversed(known) if each.group is not None and each.group.id == group]


def _found(operator: Operator, written: str) -> Operation:
    """The operation whose id begins as written. Raises OpsconsoleError."""
    found = operator.operation(written)
    if found is not None:
        return found
    known = operator.operations(limit=OPERATION_LIMIT)
    matching = [each for each in known if each.id.startswith(written)]
    if len(matching) == 1:
        return matching[0]
    shown = sanitize(written, limit=40)
    if matching:
        raise OpsconsoleError(
            f"{len(matching)} operations begin with {shown}", remedy="write more of its id"
        )
    raise OpsconsoleError(
        f"there is no operation {shown}",
        remedy="opsconsole operations lists the newest with their ids, --limit N more of them",
    )


def _act(operator: Operator, arguments: argparse.Namespace) -> int:
    stops = arguments.what == _STOP
    asked = operator.stop_rollback if stops else operator.give_up
    answer = asyncio.run(asked(arguments.id))
    if isinstance(answer, Refusal):
        return refused(answer, as_json=arguments.json)
    if arguments.json:
        json.dump(operation_document(answer), sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        what = "the rollback after" if stops else "verifying"
        ends = "is stopped" if stops else "ends"
        print(f"{answer.service}: {what} {answer.kind} {answer.id} {ends}")
    return 0


def _line(operation: Operation) -> str:
    name = f" {operation.name}" if operation.name else ""
    return (
        f"{written(operation.started_at)}  {word_of(operation.state):<12} {operation.kind}{name} "
        f"{operation.service}  {operation.id}  by {operation.who}@{operation.host}"
        f"  {operation.summary}"
        f"{place_in_group(operation)}"
        f"{_rollback(operation)}"
    ).rstrip()


def _rollback(operation: Operation) -> str:
    if operation.rollback_at is not None:
        left = max(0.0, operation.rollback_at - time.time())
        stop = f"opsconsole operations stop-rollback {operation.id}"
        return f"  [rolls back by itself in {left:.0f} s; {stop}]"
    return f"  [automatic rollback: {operation.rollback}]" if operation.rollback else ""
