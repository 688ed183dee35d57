"""A plan says how old the last backup is and what the change costs of the error budget."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.config.settings import Settings
from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.model.objectives import Attainment
from opsconsole.model.operation import ActionKind, ActionRequest, Effect, OperationState, Plan
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.operations.operator import Operator
from opsconsole.operations.planning import plan_context
from opsconsole.operations.planning.plan_context import with_context
from opsconsole.render.forms.plan_text import plan_lines
from opsconsole.threads import BoundedExecutor
from tests.operations.journal.samples import plan
from tests.operations.place import Place, ended, http_config, performed, planned, restarted
from tests.operations.recording_server import RecordingServer

Serve = Callable[[], RecordingServer]
_BACKUP = "      backup: {files: [data]}\n"
RESTART = ActionRequest("web", ActionKind.RESTART)


@pytest.fixture
def operator(place: Place, serve: Serve) -> Operator:
    """A console of a service that can be restarted and backed up."""
    text = http_config(serve(), more=_BACKUP)
    place.write(text.replace("operations: {", "operations: {backups: backups, "))
    data: Path = place.config.parent / "data"
    data.mkdir()
    (data / "model").write_bytes(b"good model")
    return place.operator()


def _seen(*objectives: Attainment) -> Snapshot:
    service = ServiceView("web", State.OK, 0.0, objectives=objectives)
    return Snapshot(1, 0.0, services=(service,))


async def _planned(operator: Operator, snapshot: Snapshot) -> Plan:
    plan = await operator.plan(RESTART, snapshot)
    assert isinstance(plan, Plan), plan
    return plan


def _ending(code: FactCode, count: int, over: float) -> Snapshot:
    fact = Fact(code, 1000.0, "web-2", count, until=1000.0 + over)
    found = Diagnosis((Explanation(fact, (fact,), Confidence.LIKELY),))
    service = ServiceView("web", State.DEGRADED, 0.0, diagnosis=found)
    return Snapshot(1, 0.0, services=(service,))


@pytest.mark.parametrize(
    ("code", "count", "over", "said"),
    [
        (
            FactCode.OUT_OF_MEMORY, 2, 120.0,
            "web-2 was killed for memory 2× in 2 min: a restart will not last",
        ),
        (
            FactCode.CRASH_LOOP, 4, 45.0,
            "web-2 ended by itself 4× in 45 s: a restart will not last",
        ),
        (
            FactCode.CRASH_LOOP, 4, 0.0,
            "web-2 ended by itself 4×: a restart will not last",
        ),
        (
            FactCode.CRASH_LOOP, 4, 99.0,
            "web-2 ended by itself 4× in 99 s: a restart will not last",
        ),
        (
            FactCode.CRASH_LOOP, 4, 100.0,
            "web-2 ended by itself 4× in 2 min: a restart will not last",
        ),
        (FactCode.OUT_OF_MEMORY, 1, 0.0, ""),
        (FactCode.EXITED, 2, 10.0, ""),
    ],
)  # fmt: skip
async def test_a_restart_of_what_ends_again_and_again_is_said_to_be_in_vain(
    operator: Operator, code: FactCode, count: int, over: float, said: str
) -> None:
    plan = await _planned(operator, _ending(code, count, over))
    assert [each for each in plan.warnings if "will not last" in each] == ([said] if said else [])


async def test_the_age_of_the_last_verified_backup(operator: Operator) -> None:
    plan = await planned(operator, RESTART)
    assert plan.context == ("there is no verified backup of web; make one first if in doubt",)
    backup = await planned(operator, ActionRequest("web", ActionKind.BACKUP))
    made = await ended(operator, (await performed(operator, backup)).id)
    assert made.state is OperationState.VERIFIED, made
    plan = await planned(operator, RESTART)
    (line,) = plan.context
    assert line.startswith("last verified backup: ")
    assert " s old (" in line
    assert line.endswith("1 file, 10 B)")
    assert f"  known: {line}" in plan_lines(plan)


async def test_a_damaged_backup_does_not_count(operator: Operator, place: Place) -> None:
    backup = await planned(operator, ActionRequest("web", ActionKind.BACKUP))
    await ended(operator, (await performed(operator, backup)).id)
    (manifest,) = place.config.parent.rglob("MANIFEST.json")
    manifest.write_bytes(manifest.read_bytes()[:-20])
    plan = await planned(operator, RESTART)
    assert plan.context[0].startswith("there is no verified backup of web")


async def test_the_error_budget_and_what_a_restart_costs_of_it(operator: Operator) -> None:
    objective = Attainment(
        "web", "availability 99.9% over 30d", 0.9995, 0.999, "", True,
        budget_left=0.5, budget_seconds=1296.0,
    )  # fmt: skip
    other = Attainment("web", "p95 < 100ms", 0.04, 0.1, "s", True)
    plan = await _planned(operator, _seen(objective, other))
    assert plan.context[1:] == ("availability 99.9% over 30d: 50 % of the error budget is left",), (
        "what it costs is not known before it was done once"
    )
    done = await restarted(operator)
    plan = await _planned(operator, _seen(objective, other))
    assert plan.usual_duration is not None
    assert plan.usual_duration == pytest.approx((done.ended_at or 0.0) - done.started_at)
    cost = f"{plan.usual_duration:.0f} s = {plan.usual_duration / 25.92:.1f} % of the budget"
    assert plan.context[1].endswith(f"is left; a restart costs up to {cost}")


async def test_a_restart_that_costs_more_than_is_left(operator: Operator) -> None:
    await restarted(operator)
    poor = Attainment(
        "web", "availability", 0.9, 0.999, "", False, budget_left=0.0001, budget_seconds=0.1
    )
    plan = await _planned(operator, _seen(poor))
    assert plan.context[1].endswith("more than is left")
    spent = Attainment("web", "availability", 0.9, 0.999, "", False, budget_left=-1.5)
    plan = await _planned(operator, _seen(spent))
    assert plan.context[1] == "availability: -150 % of the error budget is left"
    early = Attainment("web", "availability", 0.47, 0.999, "", None, budget_left=0.98)
    plan = await _planned(operator, _seen(early))
    assert plan.context[1].startswith("availability: early, too little was seen")
    assert "98" not in plan.context[1], "a budget of 30 days that were not seen is no figure"


@pytest.fixture
def threads() -> Iterator[BoundedExecutor]:
    made = BoundedExecutor("test", 1)
    yield made
    made.close()


def _settings(backup: str) -> Settings:
    service = {"actions": {"backup": {backup: ["true"]}} if backup else {}}
    return Settings.model_validate({"docker": [], "services": {"web": service}})


RICH = _seen(
    Attainment("web", "availability", 0.9995, 0.999, "", True, budget_left=0.5),
    Attainment("web", "unmeasured", None, 0.999, "", None),
)
BUDGET = "availability: 50 % of the error budget is left"


@pytest.mark.parametrize(
    ("kind", "effect", "backup", "known"),
    [
        (ActionKind.RESTART, Effect.CHANGE, "", (BUDGET,)),
        (ActionKind.RESTART, Effect.CHANGE, "command", (BUDGET,)),
        (ActionKind.BACKUP, Effect.CHANGE, "files", ("no verified backup", BUDGET)),
        (ActionKind.RESTART, Effect.CHANGE, "files", ("make one first", BUDGET)),
        (ActionKind.TEST, Effect.READ, "files", ()),
        (ActionKind.ACKNOWLEDGE, Effect.CHANGE, "files", ()),
        (ActionKind.EXPIRE_SILENCE, Effect.READ, "files", ()),
    ],
)
async def test_what_changes_a_service_is_planned_with_what_is_known_of_it(
    tmp_path: Path,
    threads: BoundedExecutor,
    kind: ActionKind,
    effect: Effect,
    backup: str,
    known: tuple[str, ...],
) -> None:
    bare = replace(plan("one", kind), effect=effect, context=(), usual_duration=None)
    made = await with_context(bare, _settings(backup), tmp_path, RICH, threads)
    assert len(made.context) == len(known)
    assert all(part in line for part, line in zip(known, made.context, strict=True))
    assert ("make one first" in "".join(made.context)) == (known[:1] == ("make one first",))
    unseen = await with_context(bare, _settings(backup), tmp_path, None, threads)
    assert unseen.context == tuple(line for line in made.context if line != BUDGET)


async def test_an_end_of_which_only_the_last_time_is_known_lasted_nobody_knows_how_long(
    tmp_path: Path, threads: BoundedExecutor
) -> None:
    fact = Fact(FactCode.CRASH_LOOP, None, "web-2", 3, until=90.0)
    found = Diagnosis((Explanation(fact, (fact,), Confidence.LIKELY),))
    service = ServiceView("web", State.DEGRADED, 0.0, diagnosis=found)
    seen = Snapshot(1, 0.0, services=(service,))
    made = await with_context(plan("one"), _settings(""), tmp_path, seen, threads)
    assert made.warnings[0] == "web-2 ended by itself 3×: a restart will not last"
    other = await with_context(
        plan("one", ActionKind.ROLLBACK), _settings(""), tmp_path, seen, threads
    )
    assert not any("will not last" in each for each in other.warnings)


async def test_what_cannot_be_looked_up_is_said_and_stops_no_plan(
    tmp_path: Path, threads: BoundedExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(plan_context, "backups", broken)
    made = await with_context(plan("one"), _settings("files"), tmp_path, None, threads)
    (line,) = made.context
    assert line.startswith("the backups cannot be listed: ")
    assert "Permission denied" in line


@pytest.mark.parametrize(
    ("kind", "usual", "left", "seconds", "cost"),
    [
        (
            ActionKind.RESTART,
            60.0,
            0.5,
            1200.0,
            "a restart costs up to 60 s = 2.5 % of the budget",
        ),
        (ActionKind.RESTART, 60.0, 0.5, 59.0, " = 51 % of the budget, more than is left"),
        (ActionKind.RESTART, 60.0, 0.5, 60.0, " = 50 % of the budget"),
        (ActionKind.RESTART, None, 0.5, 1200.0, " is left"),
        (ActionKind.RESTART, 60.0, 0.0, 1200.0, " is left"),
        (ActionKind.RESTART, 60.0, 0.5, 0.0, " is left"),
        (ActionKind.RESTART, 60.0, 0.5, None, " is left"),
        (ActionKind.BACKUP, 60.0, 0.5, 1200.0, " is left"),
    ],
)
async def test_what_a_change_costs_is_known_of_what_takes_copies_away(
    tmp_path: Path,
    threads: BoundedExecutor,
    kind: ActionKind,
    usual: float | None,
    left: float,
    seconds: float | None,
    cost: str,
) -> None:
    objective = Attainment(
        "web", "up", 0.9, 0.9, "", True, budget_left=left, budget_seconds=seconds
    )
    made = await with_context(
        replace(plan("one", kind), usual_duration=usual),
        _settings(""), tmp_path, _seen(objective), threads,
    )  # fmt: skip
    (line,) = made.context
    assert line.endswith(cost)
