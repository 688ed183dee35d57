"""The records of a run, and the run that they add up to. Pure.

Invariant: ``fold`` is total: for any records it returns a run in which no step was settled out of
turn and no passed step was begun again; a record that would do so is ignored. The state of a run is
only the fold of its records, so that continuing after a console's end is the same as never having
ended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.model.runbooks.runbook import OnFailure, Runbook
from opsconsole.model.runbooks.runs import (
    NOT_PASSED,
    RunbookRun,
    RunOutcome,
    Samples,
    StepRun,
    StepState,
)
from opsconsole.text import sanitize

Record = Mapping[str, object]
"""One record, in its JSON form."""

SAID: Final = 300
EVIDENCE: Final = 12
_RESULTS: Final = {state.value: state for state in (StepState.PASSED, *NOT_PASSED)}


def begun(
    run: str, runbook: Runbook, service: str, who: str, host: str, at: float
) -> dict[str, object]:
    """The first record of a run."""
    steps = [
        {"id": step.id, "optional": step.optional, "on_failure": str(step.on_failure)}
        for step in runbook.steps
    ]
    return {
        "do": "begin", "at": at, "run": run, "runbook": runbook.name, "title": runbook.title,
        "service": service, "digest": runbook.digest, "steps": steps, "who": who, "host": host,
    }  # fmt: skip


def fold(records: Iterable[Record]) -> RunbookRun | None:
    """The run that ``records`` add up to; None if the first one does not begin a run."""
    run: RunbookRun | None = None
    for record in records:
        run = _begin(record) if run is None else apply(run, record)
        if run is None:
            return None
    return run


def apply(run: RunbookRun, record: Record) -> RunbookRun:
    """``run`` after one more record; the same run if the record is out of turn."""
    does, at = record.get("do"), _number(record.get("at"))
    if not run.open or at is None:
        return run
    if does == "end":
        outcome = _outcome(record.get("outcome"), run)
        if outcome is None:
            return run
        said = _text(record, "said")
        return replace(run, ended_at=at, updated_at=at, outcome=outcome, said=said)
    step = run.next
    if step is None or record.get("step") != step.id:
        return run
    changed = _changed(step, str(does), record, at)
    if changed is step:
        return run
    steps = tuple(changed if each is step else each for each in run.steps)
    return replace(run, steps=steps, updated_at=at)


def _changed(step: StepRun, does: str, record: Record, at: float) -> StepRun:
    running = step.state is StepState.RUNNING
    who, host = _text(record, "who"), _text(record, "host")
    if does == "start" and not running:
        fresh = StepRun(step.id, StepState.RUNNING, step.optional, step.on_failure)
        return replace(fresh, started_at=at, attempts=step.attempts + 1, who=who, host=host)
    if does == "plan" and not running:
        return replace(step, state=StepState.PENDING, said="", planned_at=at, who=who, host=host)
    if does == "operation" and not running and step.planned_at is not None:
        begun_at = _number(record.get("started_at")) or at
        return replace(
            step, state=StepState.RUNNING, operation=_text(record, "operation"), said="",
            started_at=begun_at, ended_at=None, evidence=(), attempts=step.attempts + 1,
        )  # fmt: skip
    if does == "sample" and running:
        return replace(step, samples=_samples(record, at))
    if does == "skip" and not running and step.optional:
        return replace(
            step, state=StepState.SKIPPED, ended_at=at, said="skipped", who=who, host=host
        )
    return _settled(step, record, at) if does == "result" else step


def _settled(step: StepRun, record: Record, at: float) -> StepRun:
    state = _RESULTS.get(str(record.get("state")))
    if state is None:
        return step
    who = _text(record, "who")
    return replace(
        step,
        state=state,
        said=_text(record, "said"),
        evidence=_texts(record.get("evidence")),
        answer=_text(record, "answer"),
        who=who or step.who,
        host=_text(record, "host") if who else step.host,
        started_at=at if step.started_at is None else step.started_at,
        ended_at=at,
        attempts=max(1, step.attempts + (step.state is not StepState.RUNNING)),
        planned_at=None,
    )


def _begin(record: Record) -> RunbookRun | None:
    at, steps = _number(record.get("at")), record.get("steps")
    if record.get("do") != "begin" or at is None or not isinstance(steps, list):
        return None
    found = tuple(
        StepRun(
            _text(step, "id"),
            optional=step.get("optional") is True,
            on_failure=OnFailure(step["on_failure"])
            if step.get("on_failure") in set(OnFailure)
            else OnFailure.STOP,
        )
        for step in steps
        if isinstance(step, dict)
    )
    return RunbookRun(
        _text(record, "run"), _text(record, "runbook"), _text(record, "title"),
        _text(record, "service"), _text(record, "digest"), _text(record, "who"),
        _text(record, "host"), at, at, found,
    )  # fmt: skip


def _outcome(value: object, run: RunbookRun) -> RunOutcome | None:
    if value == RunOutcome.FINISHED.value:
        return RunOutcome.FINISHED if run.next is None else None
    return RunOutcome.ABANDONED if value == RunOutcome.ABANDONED.value else None


def summary(run: RunbookRun) -> str:
    """``7 passed, 1 skipped``: the counts of a run's steps by state."""
    counts = [
        f"{count} {state}"
        for state in (*_RESULTS.values(), StepState.SKIPPED)
        if (count := sum(step.state is state for step in run.steps))
    ]
    return ", ".join(counts) or "nothing was done"


def with_end(run: RunbookRun, record: Record) -> list[Record]:
    """``record``, and the end of the run if it settles the last step."""
    after = apply(run, record)
    if not after.open:
        return [{**record, "said": f"ended: {summary(run)}"}]
    if after.next is not None:
        return [record]
    said = f"finished: {summary(after)}"
    end = {"do": "end", "at": record["at"], "outcome": RunOutcome.FINISHED.value, "said": said}
    return [record, end]


def _samples(record: Record, at: float) -> Samples:
    return Samples(
        _count(record.get("held")), _count(record.get("failed")), _count(record.get("unknown")),
        at, _text(record, "said"),
    )  # fmt: skip


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(record: Record, key: str) -> str:
    value = record.get(key)
    return sanitize(value, limit=SAID) if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    return tuple(sanitize(item, limit=SAID) for item in items[:EVIDENCE] if isinstance(item, str))
