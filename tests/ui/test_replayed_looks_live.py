"""What is shown of a recorded moment is what was on the screen then, line for line."""

from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.writer import Writer
from opsconsole.model.operation import Refusal
from opsconsole.model.past.replay import Moment
from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.options import Options
from tests.engine.recording.fleet import SimulatedFleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine

WINDOW = 60.0
"""Seconds of every chart, so that the axis does not grow between the two looks."""


def body(stage: Stage) -> list[str]:
    """All lines but the header, which says that it is replayed, and the keys, which are grey."""
    return stage.text.splitlines()[2:-1]


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Archive, list[Snapshot]]:
    """Five minutes of a fleet with its troubles, and what was published of them."""
    fleet = SimulatedFleet(6, per_service=2)
    writer = Writer(tmp_path / "recording.db")
    shown = []
    for _ in range(100):
        shown.append(fleet.tick(3))
        writer.write(shown[-1])
    writer.close()
    return Archive(tmp_path / "recording.db"), shown


async def settled(stage: Stage) -> list[str]:
    for _ in range(3):
        await stage.pilot.pause()
    return body(stage)


@pytest.mark.parametrize("keys", [(), ("enter",), ("s",), ("t",)], ids="".join)
async def test_a_replayed_moment_looks_as_it_did_live(
    open_stage: OpenStage, recorded: tuple[Archive, list[Snapshot]], keys: tuple[str, ...]
) -> None:
    archive, shown = recorded
    engine = FakeEngine(shown[0])

    def answer(at: float) -> Moment | Refusal:
        found = archive.at(at)
        assert found is not None
        return Moment(at, at, replace(found, replayed=True))

    engine.answer_moment = answer
    async with open_stage(None, engine=engine, options=Options(window=WINDOW)) as stage:
        await stage.press(*keys)
        live = {}
        for snapshot in shown[5::19]:
            stage.clock.at = snapshot.taken_at
            await stage.publish(snapshot)
            stage.app.show()
            live[snapshot.taken_at] = await settled(stage)
        assert len({tuple(lines) for lines in live.values()}) > 1, "there is something to compare"
        stage.clock.at = shown[-1].taken_at
        await stage.publish(shown[-1])
        for moment, lines in live.items():
            stage.app.time.go_to(moment)
            assert await settled(stage) == lines
