"""``opsconsole restart A B C`` and its kin: one plan for several services, confirmed once.

Invariant: they are carried out one after another, by this user's own processes and in the order in
which they were named; the first that is not verified ends it. Exit codes: 0 all of them verified;
else that of the worst: 1 failed, 3 inconclusive or not yet known, 2 refused or not begun.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Sequence

from opsconsole.cli.changing.operate import (
    EXIT_CODES,
    EXIT_INCONCLUSIVE,
    EXIT_REFUSED,
    GOES_ON,
    GONE,
    POLL,
    Steps,
    confirmed,
    printed,
    refused,
    report,
    tell_left,
)
from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.engine import build_operator
from opsconsole.model.operation import ActionRequest, Operation, OperationState, Plan, Refusal
from opsconsole.operations.operator import Operator
from opsconsole.render.forms import together
from opsconsole.render.json.status import operation_document, plan_document, refusal_document

_WORST: tuple[int, ...] = (1, EXIT_INCONCLUSIVE, EXIT_REFUSED)

Refusals = dict[str, Refusal]


async def carry_out(arguments: argparse.Namespace, requests: Sequence[ActionRequest]) -> int:
    """Plan each, show and confirm all of them at once, run and wait for their verdicts."""
    operator = build_operator(from_arguments(arguments))
    try:
        tell_left(operator)
        plans, cannot = await _planned(operator, requests, dry=arguments.dry_run)
        can = tuple(plan for plan in plans if plan.service not in cannot)
        if arguments.json and (arguments.dry_run or not can):
            printed({"plans": [plan_document(plan) for plan in plans], "refused": _told(cannot)})
        elif not arguments.json:
            for line in together.text(plans if arguments.dry_run else can, cannot):
                print(line)
        if arguments.dry_run or not can:
            return EXIT_REFUSED if cannot else 0
        return await _performed(operator, arguments, can, cannot)
    finally:
        operator.close()


async def _planned(
    operator: Operator, requests: Sequence[ActionRequest], *, dry: bool
) -> tuple[tuple[Plan, ...], Refusals]:
    """The plans, when ``dry`` also of what cannot be now; and why those cannot."""
    plans: list[Plan] = []
    cannot: Refusals = {}
    for request in requests:
        plan, refusal = await operator.foresee(request)
        if refusal is not None:
            cannot[request.service] = refusal
        if plan is not None and (dry or refusal is None):
            plans.append(plan)
    return tuple(plans), cannot


async def _performed(
    operator: Operator, arguments: argparse.Namespace, plans: tuple[Plan, ...], cannot: Refusals
) -> int:
    confirmation = confirmed(plans, arguments)
    if confirmation is None:
        print("nothing was done", file=sys.stderr)
        return EXIT_REFUSED
    first = await operator.perform(plans[0], confirmation, plans[1:])
    if isinstance(first, Refusal):
        return refused(first, as_json=arguments.json)
    runs = {first.service: first}
    if not arguments.no_wait:
        runs = await _followed(operator, first, quiet=arguments.json)
    if arguments.json:
        joined = None if first.group is None else first.group.id
        documents = [operation_document(run) for run in runs.values()]
        printed({"group": joined, "operations": documents, "refused": _told(cannot)})
    else:
        for run in runs.values():
            report(run)
        if not arguments.no_wait:
            print(together.progress(plans, runs))
    if arguments.no_wait:
        return EXIT_REFUSED if cannot else 0
    missing = [EXIT_INCONCLUSIVE] * (len(plans) - len(runs))
    codes = [EXIT_CODES.get(run.state, EXIT_INCONCLUSIVE) for run in runs.values()]
    return worst([*codes, *missing, *([EXIT_REFUSED] if cannot else [])])


async def _followed(operator: Operator, first: Operation, *, quiet: bool) -> dict[str, Operation]:
    """Each operation that there came to be, by service, with the last that was seen of it."""
    steps, runs = Steps(quiet=quiet), {first.service: first}
    try:
        async for run in operator.follow_group(first, POLL):
            if not quiet and (run.service not in runs or run is first):
                print(f"{run.service}:", flush=True)
            runs[run.service] = run
            steps.report(run)
            if run.state is OperationState.UNKNOWN:
                break
    except asyncio.CancelledError:
        print(GOES_ON, file=sys.stderr)
        raise
    last = tuple(runs.values())[-1]
    group = last.group
    if not last.state.final or (group is not None and len(runs) < group.count):
        print(GONE, file=sys.stderr)
    return runs


def worst(codes: Iterable[int]) -> int:
    """The exit code for all of them."""
    seen = set(codes)
    return next((code for code in _WORST if code in seen), 0)


def _told(cannot: Refusals) -> list[dict[str, object]]:
    return [refusal_document(refusal, service) for service, refusal in cannot.items()]
