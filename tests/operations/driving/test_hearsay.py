"""What only the shared journal says: named in a plan, and done by no process by itself."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.model.operation import (
    BY_PROMISE,
    ActionKind,
    ActionRequest,
    OperationState,
    Plan,
)
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.who import Who
from tests.operations.place import Place, ended, performed, planned, refused

RECOVER = ActionRequest("web", ActionKind.RECOVER)
MALLORY = Who("mallory", 3001, 3001, 7, "bastion-1", "pts/3", 4711)


def config(path: Path) -> str:
    return f"""
docker: []
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      degrade: {{env_file: {{file: {path}, set: {{MODE: "low"}}, then: nothing}}, for: 1h}}
"""


@pytest.fixture
def flags(place: Place, tmp_path: Path) -> Path:
    path = tmp_path / "flags.env"
    path.write_text("MODE=full\n")
    place.write(config(path))
    return path


def content(path: Path) -> str:
    return path.read_text()


def forge(place: Place, plan: Plan, previous: Mapping[str, str]) -> None:
    """A degradation as somebody of the group writes it into the journal."""
    (step, *_) = plan.steps
    call = {**step.call, "set": {"MODE": "low"}, "previous": dict(previous)}
    forged = replace(plan, id="f" * 16, kind=ActionKind.DEGRADE, steps=(replace(step, call=call),))
    intent = Intent(
        "f" * 16, forged, MALLORY, "load", "", str(place.config), str(place.config.parent)
    )
    journal = place.there.journal()
    journal.submit(intent, time.time())
    journal.advance("f" * 16, OperationState.DISPATCHED, time.time())
    journal.step_begins("f" * 16, 0, time.time(), {})
    for state in (OperationState.VERIFYING, OperationState.VERIFIED):
        journal.advance("f" * 16, state, time.time())
    journal.close()


async def test_what_this_user_did_is_put_back_without_a_word(place: Place, flags: Path) -> None:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    operation = await ended(operator, (await performed(operator, plan, "load")).id)
    await place.until_its_runner_is_gone(operation.id)
    assert content(flags) == "MODE=low\n"
    back = await planned(operator, RECOVER)
    assert not any("journal" in warning for warning in back.warnings)
    await ended(operator, (await performed(operator, back)).id)
    assert content(flags) == "MODE=full\n"


async def test_what_somebody_wrote_is_named_and_never_done_by_itself(
    place: Place, flags: Path
) -> None:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    forge(place, plan, {"MODE": "evil"})
    back = await planned(operator, RECOVER)
    assert "evil" in back.steps[0].summary
    assert "by the shared journal alone, as mallory has it there" in back.warnings[0]
    by_itself = replace(RECOVER, parameters={BY_PROMISE: "end"})
    assert refused(await operator.plan(by_itself, None)) == "said-by-others"
    assert content(flags) == "MODE=full\n"


@pytest.mark.parametrize(
    "previous",
    [{"LD_PRELOAD": "/tmp/mine.so"}, {"MODE": "x\nLD_PRELOAD=/tmp/mine.so"}, {"MODE": "•••"}],
)
async def test_what_no_degradation_leaves_is_refused(
    place: Place, flags: Path, previous: dict[str, str]
) -> None:
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE))
    forge(place, plan, previous)
    assert refused(await operator.plan(RECOVER, None)) == "cannot-look"
    assert content(flags) == "MODE=full\n"
