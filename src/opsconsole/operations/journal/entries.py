"""What the audit says of each change: the same words whatever keeps the journal. Pure.

Invariant: a row names its operation, what happened and when; ``chained`` adds it to the chain and
to the second places. What comes before a side effect must reach those as well; an outcome is kept
although they fail, and they then show a gap.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from opsconsole.errors import StateError
from opsconsole.operations.journal import audit
from opsconsole.operations.journal.audit import Row
from opsconsole.operations.journal.audit_sinks import AuditSinks
from opsconsole.operations.journal.records import Intent, Promise, PromiseKind

INTENT: Final = "intent"
STEP_BEGINS: Final = "step begins"
NEXT: Final = "next"
"""The key of what a person may do next, among lines of evidence."""

GIVEN_UP: Final = "given up"
"""The key of who gave up verifying, among lines of evidence; the event of its row."""

CORRECTED: Final = "after the verdict"
"""The key of what was seen after a verdict, among lines of evidence; the event of its row."""

_FAIL_CLOSED: Final = frozenset({INTENT, STEP_BEGINS})

PROMISE_EVENTS: Final[Mapping[PromiseKind, str]] = {
    PromiseKind.END: "end of the degradation",
    PromiseKind.ROLLBACK: "automatic rollback",
    PromiseKind.WATCH: "watch of the acknowledgement",
    PromiseKind.NEXT: "next of the group",
}


def chained(
    last: Row | None,
    sinks: AuditSinks,
    operation: str,
    event: str,
    now: float,
    record: Mapping[str, object],
) -> Row:
    """The row after ``last``, written to the second places. Raises StateError."""
    head = {"operation": operation, "event": event, "at": round(now, 3)}
    row = audit.following(last, {**head, **record})
    if event in _FAIL_CLOSED:
        sinks.write(row)
    else:
        with contextlib.suppress(StateError):
            sinks.write(row)
    return row


def of_intent(intent: Intent) -> dict[str, object]:
    """What was meant, by whom, on which observed state."""
    plan = intent.plan
    return {
        "service": plan.service,
        "kind": plan.kind.value,
        "name": plan.name,
        "environment": plan.environment,
        "plan": plan.id,
        "observed": dict(plan.fingerprint),
        "steps": [step.summary for step in plan.steps],
        "parameters": dict(plan.parameters),
        "reason": intent.reason,
        "who": intent.who.document(),
        "declaration": intent.declaration,
        "group": None if plan.group is None else asdict(plan.group),
    }


def of_promise(promise: Promise) -> dict[str, object]:
    """What is to follow, and when."""
    return {"service": promise.service, "due": round(promise.due, 3), "armed": True}
