"""A plan says how old the last backup is and what the change costs of the error budget."""

from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.model.objectives import Attainment
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState, Plan
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.operations.operator import Operator
from opsconsole.render.forms.plan_text import plan_lines
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
