"""Feature flags in an env file: switched, read again, and put back."""

from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, OperationState, Refusal
from tests.operations.place import Place, ended, performed, planned, refused

_S = OperationState
_FLAGS = '# flags\nexport REPORTS={} # yes\nOTHER="a\nREPORTS=b"\n'


def _config(path: Path) -> str:
    return f"""
docker: []
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      restart: {{command: [cp, {path}, {path}.read]}}
      degrade: {{env_file: {{file: {path}, set: {{REPORTS: "off"}}}}, for: 1h}}
"""


def _texts(path: Path) -> list[str]:
    """The file, and what the service read of it last."""
    return [path.read_text(), Path(f"{path}.read").read_text()]


async def test_degrade_and_recover(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "flags.env"
    path.write_text(_FLAGS.format("on"))
    place.write(_config(path))
    operator = place.operator()
    recover = ActionRequest("web", ActionKind.RECOVER)

    def listed() -> str:
        found = next(e for e in operator.actions("web") if e.kind is ActionKind.RECOVER)
        return found.refusal.code if found.refusal else ""

    assert listed() == refused(await operator.plan(recover, None)) == "nothing-to-do"
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    assert "REPORTS on → off" in plan.steps[0].summary
    operation = await ended(operator, (await performed(operator, plan, "load")).id)
    assert operation.state is _S.INCONCLUSIVE, "a service without probes cannot be verified"
    assert [step.state for step in operation.steps] == ["done", "done"]
    degraded = _FLAGS.format("off")
    assert _texts(path) == [degraded, degraded]

    again = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    await ended(operator, (await performed(operator, again, "more load")).id)

    assert listed() == ""
    plan = await planned(operator, recover)
    await ended(operator, (await performed(operator, plan)).id)
    recovered = _FLAGS.format("on")
    assert _texts(path) == [recovered, recovered]


async def test_a_file_that_was_edited_after_the_plan_is_left_alone(
    place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "flags.env"
    path.write_text("REPORTS=on\n")
    place.write(_config(path))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    path.write_text("REPORTS=on\nOTHER=2\n")
    operation = await ended(operator, (await performed(operator, plan, "load")).id)
    assert operation.state is _S.REFUSED
    assert path.read_text() == "REPORTS=on\nOTHER=2\n"


@pytest.mark.parametrize("kind", [ActionKind.DEGRADE, ActionKind.RECOVER])
async def test_a_file_that_is_not_there_is_refused(
    kind: ActionKind, place: Place, tmp_path: Path
) -> None:
    place.write(_config(tmp_path / "nothing.env"))
    answer = await place.operator().plan(ActionRequest("web", kind), None)
    assert refused(answer) == "cannot-look"


async def test_a_flag_that_readers_differ_on_is_refused(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "flags.env"
    path.write_text('REPORTS="on"ly\n')
    place.write(_config(path))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.DEGRADE), None)
    assert refused(answer) == "cannot-look"
    assert isinstance(answer, Refusal)
    assert "REPORTS" in answer.message
