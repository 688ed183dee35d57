"""A driver that is made up, added to a copy of the program in the places that the page names."""

from pathlib import Path

import pytest

from tests.program_copy import Copy, places_on

_MODEL = '''

class Stamp(Model):
    """A file that is written again."""

    path: Text = Field(description="The file.")
'''
_FIELD = '    stamp: Stamp | None = Field(default=None, description="A stamp.")\n'
_DRIVER = """
import os
from collections.abc import Mapping
from pathlib import Path

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import Step
from opsconsole.model.state import State
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.driving.driver import (
    NOT_UNDONE, Driver, DriverContext, Outcome, Sight, StepOutcome, declared,
)


@dataclass(frozen=True, slots=True)
class Written(Call):
    was: int


class StampDriver(Driver):
    def __init__(self, context: DriverContext) -> None:
        self._path = Path(declared(context.action.stamp).path)

    async def observe(self) -> Mapping[str, str]:
        return {"stamp": str(self._count())}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        call = Written(int(facts["stamp"])).document()
        return (Step(f"stamp {self._path}", "stamp", str(self._path), call),)

    async def execute(self, step: Step) -> StepOutcome:
        self._path.write_text(str(Written.of(step).was + 1))
        return StepOutcome(Outcome.DONE, "stamped")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        done = self._count() > Written.of(step).was
        return StepOutcome(Outcome.DONE if done else Outcome.FAILED)

    async def look(self, steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        fresh = all(self._count() > Written.of(step).was for step in steps)
        return (Sight("stamp", State.OK, since_change=fresh, run=str(self._count())),)

    def undo(self) -> str:
        return NOT_UNDONE

    def _count(self) -> int:
        return int(self._path.read_text() or 0)
"""
_IMPORT = """def _stamp() -> Factory:
    from opsconsole.operations.drivers.stamp import StampDriver

    return StampDriver


"""
_ROW = '    "stamp": Traits({_K.RESTART: _stamp}, sees=True),\n'

_CONFIG = """
docker: []
services:
  web:
    actions:
      restart: {{stamp: {{path: {stamp}}}, min_healthy: 100ms, deadline: 30s}}
"""


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    copy = Copy(tmp_path / "copy")
    copy.put("config/drivers.py", _MODEL)
    copy.put(
        "config/actions.py",
        "from opsconsole.config.drivers import Stamp\n",
        before="from opsconsole.config.types",
    )
    copy.put("config/actions.py", _FIELD, before="    releases: ReleaseFolders | None")
    copy.put("operations/drivers/stamp.py", _DRIVER)
    copy.put("operations/drivers/registry.py", _IMPORT, before="def _newest_backup")
    copy.put("operations/drivers/registry.py", _ROW, before='    "alertmanager": Traits(')
    return copy


def test_the_page_names_each_place_and_no_other(copy: Copy) -> None:
    rows = places_on("adding-a-driver.md")
    assert copy.touched == {row.replace("NAME", "stamp") for row in rows}
    assert len(rows) == len(set(rows)) == 4


def test_a_service_is_restarted_by_it(copy: Copy, tmp_path: Path) -> None:
    stamp, config = tmp_path / "stamp", tmp_path / "opsconsole.yaml"
    stamp.write_text("3")
    config.write_text(f"state_dir: {tmp_path / 'state'}\n{_CONFIG.format(stamp=stamp)}")
    config.chmod(0o600)
    done = copy.run("restart", "web", "--yes", "--reason", "a test", "-c", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"1. stamp {stamp}" in done.stdout
    assert "verified" in done.stdout
    assert stamp.read_text() == "4"


def test_what_it_is_told_is_checked(copy: Copy, tmp_path: Path) -> None:
    config = tmp_path / "opsconsole.yaml"
    config.write_text("services: {web: {actions: {restart: {stamp: {pfad: here}}}}}\n")
    config.chmod(0o600)
    done = copy.run("check", str(config))
    assert done.returncode != 0
    assert "services.web.actions.restart.stamp.path" in done.stdout + done.stderr
