"""What every console sees of automation and maintenance, and that a hand in one reaches all."""

from pathlib import Path

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.desks.automation_desk import AutomationDesk
from opsconsole.errors import StateError
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import Refusal
from opsconsole.model.remedies.episodes import Episode, Stage
from opsconsole.model.remedies.switch import Switch
from opsconsole.operations.remedies.book import RemedyBook
from opsconsole.operations.state_place import place_from, scope_of
from tests.fakes import FakeClock

RESTARTS = {"api": {"actions": {"restart": {"command": ["true"]}}}}
REMEDY = {"when": "state == down", "service": "api", "action": "restart", "mode": "auto"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {"state_dir": str(tmp_path / "state"), "services": RESTARTS, "remedies": [REMEDY]}
    )


def _counting(settings: Settings, at: float) -> Episode:
    book = RemedyBook(place_from(settings), scope_of(settings, None))
    first = {
        "rule": "restart-api", "service": "api", "kind": "restart", "mode": "auto", "since": at,
    }  # fmt: skip
    begun = book.begin(first, at)
    answer = book.add(begun.id, lambda _: [{"do": "count", "at": at, "until": at + 30}], at)
    book.close()
    assert isinstance(answer, Episode)
    return answer


def _on(desk: AutomationDesk) -> list[Maintenance]:
    return list(desk.going_on)


async def test_where_there_is_nothing_of_it_nothing_is_shown_or_made(tmp_path: Path) -> None:
    bare = Settings.model_validate({"state_dir": str(tmp_path / "state")})
    desk = AutomationDesk(bare, FakeClock())
    await desk.poll()

    assert desk.automation is None
    assert desk.maintenances == ()
    assert not (tmp_path / "state").exists()
    desk.close()


async def test_a_hand_in_one_console_is_seen_in_another(settings: Settings) -> None:
    clock = FakeClock()
    here, there = AutomationDesk(settings, clock), AutomationDesk(settings, clock)
    begun = _counting(settings, clock.now())
    for desk in (here, there):
        await desk.poll()
        assert desk.automation is not None
        assert desk.automation.counting == (begun,)
    same = there.automation
    await there.poll()
    assert there.automation is same

    stopped = await here.stop(begun.id)
    off = await here.switch(False, "deploying")
    await there.poll()

    assert isinstance(stopped, Episode)
    assert isinstance(off, Switch)
    assert there.automation is not None
    assert there.automation.switch == off
    assert there.automation.episodes[0].stage is Stage.STOPPED
    closed = await here.close_breaker("restart-api", "")
    assert isinstance(closed, Refusal)
    here.close()
    there.close()


async def test_a_plan_that_is_open_is_known_where_a_remedy_is_about_its_service(
    settings: Settings,
) -> None:
    clock = FakeClock()
    here, there = AutomationDesk(settings, clock), AutomationDesk(settings, clock)
    here.plan_opened("other")
    here.plan_opened("api")
    await here.poll()
    await there.poll()

    assert there.automation is not None
    assert list(there.automation.switch.plans_open(clock.now())) == ["api"]
    here.close()
    there.close()


async def test_maintenance_is_seen_by_all_goes_on_and_ends(settings: Settings) -> None:
    clock = FakeClock()
    here, there = AutomationDesk(settings, clock), AutomationDesk(settings, clock)
    begun = await here.start_work(("api",), 60.0, "new disks")
    assert isinstance(begun, Maintenance)
    await there.poll()
    assert _on(there) == _on(here) == [begun]
    clock.move(60)
    assert _on(there) == []
    again = await there.start_work(("api",), 60.0, "again")
    assert isinstance(again, Maintenance)
    assert not isinstance(await here.end_work("api"), Refusal)
    assert _on(here) == []
    here.close()
    there.close()


async def test_a_state_that_cannot_be_read_leaves_what_was_known(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    desk = AutomationDesk(settings, clock)
    begun = _counting(settings, clock.now())
    await desk.poll()

    def broken(_: object) -> None:
        raise StateError("the state cannot be read")

    monkeypatch.setattr(RemedyBook, "episodes", broken)
    await desk.poll()

    assert desk.automation is not None
    assert desk.automation.counting == (begun,)
    desk.close()
