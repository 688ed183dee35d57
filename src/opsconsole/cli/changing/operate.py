"""One change from the command line: plan, show, confirm, run, wait for the verdict.

Invariant: nothing runs that was not shown as a plan first; ``--yes`` skips the question, never the
policy. Exit codes: 0 verified, 1 failed, 2 refused, 3 inconclusive or not yet known; with
``--no-wait`` 0 once it is under way.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Final

from opsconsole.cli.changing.confirming import confirm
from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.engine import build_operator
from opsconsole.config.types import parse_duration
from opsconsole.engine.judge.events import promise_left
from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import (
    ActionRequest,
    Confirmation,
    Effect,
    Operation,
    OperationState,
    Plan,
    Refusal,
    confirming_word,
)
from opsconsole.model.written.units import read_duration
from opsconsole.operations.operator import Operator
from opsconsole.render.forms.plan import unsaid, word_of
from opsconsole.render.forms.plan_text import plan_lines
from opsconsole.render.json.status import (
    operation_document,
    plan_document,
    refusal_document,
)
from opsconsole.render.timeline.words import words
from opsconsole.text import sanitize

POLL: Final = 0.2
GONE: Final = (
    "not waiting: the process that carried it out is gone and left no verdict; look at the "
    "service, make room in the state folder, and see opsconsole operations"
)

GOES_ON: Final = "not waiting; the operation goes on: opsconsole operations"

EXIT_CODES: Final = {
    OperationState.VERIFIED: 0,
    OperationState.FAILED: 1,
    OperationState.REFUSED: 2,
}
_SAID: Final = 500
EXIT_REFUSED: Final = 2
EXIT_INCONCLUSIVE: Final = 3


async def carry_out(arguments: argparse.Namespace, request: ActionRequest) -> int:
    """Plan ``request``, show it, have it confirmed, run it and wait for its verdict."""
    operator = build_operator(from_arguments(arguments))
    try:
        return await _carried_out(operator, arguments, request)
    finally:
        operator.close()


async def _carried_out(
    operator: Operator, arguments: argparse.Namespace, request: ActionRequest
) -> int:
    tell_left(operator)
    if arguments.dry_run:
        return _foreseen(*await operator.foresee(request), as_json=arguments.json)
    plan = await operator.plan(request, None)
    if isinstance(plan, Refusal):
        return refused(plan, as_json=arguments.json)
    if not arguments.json:
        _show(plan)
    confirmation = confirmed((plan,), arguments)
    if confirmation is None:
        print("nothing was done", file=sys.stderr)
        return EXIT_REFUSED
    operation = await operator.perform(plan, confirmation)
    if isinstance(operation, Refusal):
        return refused(operation, as_json=arguments.json)
    if not arguments.no_wait:
        operation = await _follow(operator, operation, quiet=arguments.json)
    if arguments.json:
        printed(operation_document(operation))
    else:
        report(operation, whole=plan.effect is Effect.READ)
    if arguments.no_wait:
        return 0
    return EXIT_CODES.get(operation.state, EXIT_INCONCLUSIVE)


def duration_of(text: str | None) -> float | None:
    """Seconds of what was written after ``--for``; None for nothing. Raises OpsconsoleError."""
    if text is None:
        return None
    try:
        value = parse_duration(text) if text.strip().isdecimal() else read_duration(text)
    except ValueError as error:
        raise OpsconsoleError(str(error)) from None
    return float(value) if isinstance(value, int | float) else None


def confirmed(plans: Sequence[Plan], arguments: argparse.Namespace) -> Confirmation | None:
    """What the person at the terminal does; with ``--yes`` what the plans ask for, as given."""
    if arguments.yes:
        return Confirmation(typed=confirming_word(plans), reason=arguments.reason)
    if not sys.stdin.isatty():
        print("not a terminal: add --yes to confirm", file=sys.stderr)
        return None
    return confirm(plans, arguments.reason)


async def _follow(operator: Operator, started: Operation, *, quiet: bool) -> Operation:
    """Wait for the verdict, printing each step as it changes."""
    steps = Steps(quiet=quiet)
    operation = started
    try:
        async for operation in operator.follow(started, POLL):
            steps.report(operation)
            if operation.state is OperationState.UNKNOWN:
                return operation
    except asyncio.CancelledError:
        print(GOES_ON, file=sys.stderr)
        raise
    if not operation.state.final:
        print(GONE, file=sys.stderr)
    return operation


class Steps:
    """Prints each step of operations as it changes, unless it is to be ``quiet``."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._shown: set[tuple[str, str, str]] = set()

    def report(self, operation: Operation) -> None:
        """Print what of ``operation`` is new."""
        for step in operation.steps:
            now = (operation.id, step.summary, step.state)
            if not self._quiet and now not in self._shown:
                self._shown.add(now)
                print(f"  {step.state:<8} {step.summary} {step.detail}".rstrip(), flush=True)


def report(operation: Operation, *, whole: bool = False) -> None:
    """The verdict; where it is not good, or ``whole``, with all that was seen and printed."""
    said = f"{operation.kind} {word_of(operation.state)} {operation.summary}".strip()
    print(f"{operation.service}: {said}")
    if whole or operation.state is not OperationState.VERIFIED:
        for line in unsaid(operation):
            print(f"  {line}")
    for line in operation.next_steps:
        print(f"  next: {line}")


def tell_left(operator: Operator) -> None:
    """Say what is due for this user and waits for a console of another configuration."""
    for each in operator.left_to_others():
        said = f"{each.service}: {words(promise_left(each))}"
        print(f"opsconsole: {sanitize(said, limit=_SAID)}", file=sys.stderr)


def refused(refusal: Refusal, *, as_json: bool) -> int:
    """Say why not, and what would lift it; the exit code of a refusal."""
    if as_json:
        printed(refusal_document(refusal))
    else:
        print(f"refused ({refusal.code}): {sanitize(str(refusal))}", file=sys.stderr)
    return EXIT_REFUSED


def printed(document: object) -> None:
    """Print a document for scripts."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    print()


def _foreseen(plan: Plan | None, refusal: Refusal | None, *, as_json: bool) -> int:
    """The plan where there is one, and why it may not be carried out now."""
    if as_json:
        document = {} if plan is None else plan_document(plan)
        printed(document if refusal is None else {**document, **refusal_document(refusal)})
        return 0 if refusal is None else EXIT_REFUSED
    if plan is not None:
        _show(plan)
    return 0 if refusal is None else refused(refusal, as_json=False)


def _show(plan: Plan) -> None:
    for line in plan_lines(plan):
        print(line)
