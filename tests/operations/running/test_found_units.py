"""Found units on the way of every change: planned, carried out by the runner, judged."""

import pytest

from opsconsole.config.loader import load
from opsconsole.discovery.look import look
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from tests.operations.place import Place, ended, performed, planned, refused
from tests.systemctl import Systemctl

RESTART = ActionRequest("api.service", ActionKind.RESTART)


@pytest.fixture
def found(place: Place) -> Place:
    """Nothing is declared; units that failed are found."""
    place.write("docker: []\ndiscover: {systemd: true}\n")
    return place


@pytest.mark.parametrize("now", ["failed failed", "activating auto-restart", "active running"])
async def test_a_unit_that_failed_is_restarted_also_when_it_has_just_recovered(
    now: str, systemctl: Systemctl, found: Place
) -> None:
    systemctl.has("api.service", *now.split(), Result="exit-code", then="active running")
    operator = found.operator()
    plan = await planned(operator, RESTART)
    assert [step.target for step in plan.steps] == ["api.service"]
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.VERIFIED, operation
    assert len(systemctl.asked("restart")) == 1


async def test_a_systemd_that_does_not_answer_is_told_from_a_unit_that_is_not_there(
    systemctl: Systemctl, found: Place
) -> None:
    assert refused(await found.operator().plan(RESTART, None)) == "not-declared"
    systemctl.has("api.service", "failed", "failed")
    systemctl.breaks()
    fleet = look(load(found.config))
    assert fleet.findings == ()
    assert [each.partition(":")[0] for each in fleet.faults] == ["systemd does not answer"]
    assert refused(await found.operator().plan(RESTART, None)) == "cannot-look"
