"""``opsconsole restart SERVICE`` and its kin: plan, show, confirm, run, wait for the verdict.

Invariant: nothing runs that was not shown as a plan first; ``--yes`` skips the question, never the
policy. Exit codes: 0 verified, 1 failed, 2 refused, 3 inconclusive or not yet known; with
``--no-wait`` 0 once it is under way.
"""

import argparse
import asyncio
import json
import sys
from typing import Final

from opsconsole.cli.changing.confirming import confirm
from opsconsole.cli.configuration import from_arguments, require_service
from opsconsole.cli.engine import build_operator
from opsconsole.config.types import parse_duration
from opsconsole.engine.judge.events import promise_left
from opsconsole.errors import OpsconsoleError
from opsconsole.model.operation import (
    COPIES,
    OVERRIDING,
    ActionKind,
    ActionRequest,
    Confirmation,
    Effect,
    Operation,
    OperationState,
    Plan,
    Refusal,
)
from opsconsole.model.written.units import read_duration
from opsconsole.operations.operator import Operator
from opsconsole.render.forms.plan_text import plan_lines
from opsconsole.render.json.status import operation_document, plan_document
from opsconsole.render.timeline.words import words
from opsconsole.text import sanitize

POLL: Final = 0.2
GONE: Final = (
    "not waiting: the process that carried it out is gone and left no verdict; look at the "
    "service, make room in the state folder, and see opsconsole operations"
)

EXIT_CODES: Final = {
    OperationState.VERIFIED: 0,
    OperationState.FAILED: 1,
    OperationState.REFUSED: 2,
}
_SAID: Final = 500
EXIT_REFUSED: Final = 2
EXIT_INCONCLUSIVE: Final = 3


def run(arguments: argparse.Namespace) -> int:
    """Carry out one action from the command line. Raises OpsconsoleError for no such service."""
    require_service(from_arguments(arguments).settings, arguments.service)
    return asyncio.run(carry_out(arguments, _request(arguments)))


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
    plan = await operator.plan(request, None)
    if isinstance(plan, Refusal):
        return refused(plan, as_json=arguments.json)
    if arguments.dry_run:
        _show(plan, as_json=arguments.json)
        return 0
    if not arguments.json:
        _show(plan, as_json=False)
    confirmation = _confirm(plan, arguments)
    if confirmation is None:
        print("nothing was done", file=sys.stderr)
        return EXIT_REFUSED
    operation = await operator.perform(plan, confirmation)
    if isinstance(operation, Refusal):
        return refused(operation, as_json=arguments.json)
    if not arguments.no_wait:
        operation = await _follow(operator, operation, quiet=arguments.json)
    _tell(operation, as_json=arguments.json, whole=plan.effect is Effect.READ)
    if arguments.no_wait:
        return 0
    return EXIT_CODES.get(operation.state, EXIT_INCONCLUSIVE)


def _request(arguments: argparse.Namespace) -> ActionRequest:
    parameters = dict(OVERRIDING) if arguments.override else {}
    if arguments.verb in {"restart", "test", "call"} and arguments.instance:
        parameters["instance"] = arguments.instance
    elif arguments.verb == "restart":
        parameters[COPIES] = arguments.copies
    if arguments.verb == "scale":
        parameters["to"] = str(arguments.to)
    if arguments.verb == "restore":
        parameters["backup"] = arguments.backup
    return ActionRequest(
        service=arguments.service,
        kind=ActionKind(arguments.verb),
        name=getattr(arguments, "name", ""),
        reason=arguments.reason,
        duration=duration_of(getattr(arguments, "duration", None)),
        parameters=parameters,
    )


def duration_of(text: str | None) -> float | None:
    """Seconds of what was written after ``--for``; None for nothing. Raises OpsconsoleError."""
    if text is None:
        return None
    try:
        value = parse_duration(text) if text.strip().isdecimal() else read_duration(text)
    except ValueError as error:
        raise OpsconsoleError(str(error)) from None
    return float(value) if isinstance(value, int | float) else None


def _confirm(plan: Plan, arguments: argparse.Namespace) -> Confirmation | None:
    """What the person at the terminal does; with ``--yes`` what the plan asks for, as given."""
    if arguments.yes:
        return Confirmation(typed=plan.service, reason=arguments.reason)
    if not sys.stdin.isatty():
        print("not a terminal: add --yes to confirm", file=sys.stderr)
        return None
    return confirm(plan, arguments.reason)


async def _follow(operator: Operator, started: Operation, *, quiet: bool) -> Operation:
    """Wait for the verdict, printing each step as it changes."""
    shown: set[tuple[str, str]] = set()
    operation = started
    try:
        async for operation in operator.follow(started, POLL):
            for step in operation.steps:
                if not quiet and (step.summary, step.state) not in shown:
                    shown.add((step.summary, step.state))
                    print(f"  {step.state:<8} {step.summary} {step.detail}".rstrip(), flush=True)
            if operation.state is OperationState.UNKNOWN:
                return operation
    except asyncio.CancelledError:
        print("not waiting; the operation goes on: opsconsole operations", file=sys.stderr)
        raise
    if not operation.state.final:
        print(GONE, file=sys.stderr)
    return operation


def _tell(operation: Operation, *, as_json: bool, whole: bool) -> None:
    """The verdict; where it is not good, or ``whole``, with all that was seen and printed."""
    if as_json:
        json.dump(operation_document(operation), sys.stdout, indent=2, ensure_ascii=False)
        print()
        return
    print(f"{operation.service}: {operation.kind} {operation.state} {operation.summary}".strip())
    if whole or operation.state is not OperationState.VERIFIED:
        for line in operation.evidence:
            if line != operation.summary:
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
        document = {
            "refused": refusal.code,
            "message": refusal.message,
            "lifted_by": refusal.lifted_by,
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(f"refused ({refusal.code}): {sanitize(str(refusal))}", file=sys.stderr)
    return EXIT_REFUSED


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(plan_document(plan), indent=2, ensure_ascii=False))
        return
    for line in plan_lines(plan):
        print(line)
