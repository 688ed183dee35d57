"""A large fleet on the overview: groups that fold, and what a person does with them."""

from dataclasses import replace

import pytest

from opsconsole.model.operation import OperationState
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render.overview import Panel
from opsconsole.ui.screens.overview.screen import OverviewScreen
from tests.ui import fleet, fleets, working
from tests.ui.conftest import OpenStage, Stage

SIZES = [(80, 24), (120, 40), (200, 60)]


def table(stage: Stage):  # type: ignore[no-untyped-def]
    screen = stage.app.screen
    assert isinstance(screen, OverviewScreen)
    return screen.table(Panel.SERVICES)


def cursor(stage: Stage) -> str | None:
    key: str | None = table(stage).cursor_key
    return key


async def arrives(stage: Stage, snapshot: Snapshot) -> None:
    """Let a snapshot arrive and be shown, however long the last showing took."""
    await stage.publish(snapshot)
    stage.app.show()
    await stage.pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_all_that_is_not_well_is_on_the_first_screen_with_its_sentence(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(fleets.large(), size=size) as stage:
        lines = stage.text.splitlines()
        for name, sentence in (
            ("ai-service", "3 copies killed, out of memory"), ("oatie", "↳ elasticsearch: disk"),
            ("elasticsearch", "elasticsearch-3: disk 97% full"), ("ai-embed", "p95 410 ms > 300"),
            ("checkout", "errors 1.2% > 0.5%"), ("mailer", "not read: host mail-1"),
            ("bounces", "not read: host mail-1"),
        ):  # fmt: skip
            row = next(line for line in lines[2:] if f" {name} " in line)
            assert sentence in row
        assert "▸ edge" in stage.text
        assert "7 need a look" in stage.text
        assert "● 113" in lines[0]
        assert "staging" in lines[0]


async def test_few_services_have_no_headings(open_stage: OpenStage) -> None:
    few = replace(fleet.on_fire(), services=tuple(
        replace(each, group=each.name[:2]) for each in fleet.burning_services()
    ))  # fmt: skip
    async with open_stage(few) as stage:
        assert "▸" not in stage.text
        assert len(table(stage).keys) == 11


async def test_trouble_is_gone_to_across_groups(open_stage: OpenStage) -> None:
    async with open_stage(fleets.large()) as stage:
        seen = [cursor(stage)]
        for _ in range(7):
            await stage.press("n")
            seen.append(cursor(stage))
        assert sorted(filter(None, seen[:7])) == sorted(fleets.IN_TROUBLE)
        assert seen[7] == seen[0]


@pytest.mark.parametrize("size", SIZES)
async def test_a_group_opens_in_whole_and_folds_again(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    async with open_stage(fleets.calm(), size=size) as stage:
        await stage.press("j")
        assert cursor(stage) == ":group batch"
        await stage.press("right")
        assert "batch-07" in table(stage).keys
        assert cursor(stage) == ":group batch"
        await stage.press("j", "j")
        assert cursor(stage) == "batch-01"
        await stage.press("left")
        assert cursor(stage) == ":group batch"
        assert "batch-07" not in table(stage).keys


async def test_trouble_cannot_be_folded_away(open_stage: OpenStage) -> None:
    async with open_stage(fleets.large()) as stage:
        await stage.press("right")
        assert "ai-07" in table(stage).keys
        await stage.press("left", "left")
        assert "ai-07" not in table(stage).keys
        assert {"ai-service", "oatie", "ai-embed"} <= set(table(stage).keys)
        assert "nothing is folded here" in stage.text


async def test_the_cursor_stays_on_a_service_that_gets_well(open_stage: OpenStage) -> None:
    async with open_stage(fleets.large()) as stage:
        await stage.press("n")
        assert cursor(stage) == "oatie"
        await arrives(stage, replace(fleets.calm(), seq=2))
        assert cursor(stage) == "oatie"
        await stage.press("j")
        await arrives(stage, replace(fleets.calm(), seq=3))
        assert "oatie" not in table(stage).keys


async def test_only_what_is_not_well(open_stage: OpenStage) -> None:
    async with open_stage(fleets.large()) as stage:
        assert ":group edge" in table(stage).keys
        await stage.press("f")
        assert ":group edge" not in table(stage).keys
        assert set(fleets.IN_TROUBLE) <= set(table(stage).keys)


async def test_space_chooses_no_heading(open_stage: OpenStage) -> None:
    async with open_stage(fleets.large()) as stage:
        await stage.press("g", "space")
        assert table(stage).chosen == ()
        assert "space chooses services" in stage.text
        await stage.press("j", "space")
        assert table(stage).chosen == ("ai-service",)


async def test_services_that_are_alike_open(open_stage: OpenStage) -> None:
    async with open_stage(fleets.shared_cause()) as stage:
        assert "12 × connection refused by db-1" in stage.text
        assert cursor(stage) is not None
        await stage.press("right")
        assert "web-11" in table(stage).keys
        await stage.press("j")
        assert cursor(stage) == "web-00"
        await stage.press("enter", "escape", "left")
        assert "web-11" not in table(stage).keys


async def test_a_dangerous_environment_in_trouble_is_open(open_stage: OpenStage) -> None:
    bad = fleets.elsewhere("eu", 3, trouble=State.DOWN)
    made = replace(fleets.calm(), services=(*fleets.services(fire=False), *bad))
    async with open_stage(made, size=(80, 24)) as stage:
        assert "eu-00" in stage.text
        assert "eu ✖ 1" in stage.text.splitlines()[0]


async def test_a_heading_tells_who_is_in_it(open_stage: OpenStage) -> None:
    async with open_stage(fleets.large()) as stage:
        await stage.press("g")
        panel = stage.text.splitlines()[18:]
        assert any("ai-service" in line and "3 copies killed" in line for line in panel)
        assert any("ai-00, ai-01" in line for line in panel)


async def test_places_in_trouble_are_seen_at_every_size_and_unfold(open_stage: OpenStage) -> None:
    async with open_stage(fleets.large()) as stage:
        assert "3 Places" in stage.text
        assert "web-2" in stage.text
        await stage.press("3")
        screen = stage.app.screen
        assert isinstance(screen, OverviewScreen)
        place = screen.table(Panel.PLACES)
        assert place.cursor_key == "place:web-2"
        await stage.press("right")
        assert "host:web-2:cpu" in place.keys
        await stage.press("j", "left")
        assert "host:web-2:cpu" not in place.keys
        assert place.cursor_key == "place:web-2"
        await stage.press("enter")
        assert "Host web-2" in stage.text
        assert "Figures" in stage.text
        await stage.press("escape", "d")
        assert "Host web-2" in stage.text
    async with open_stage(fleets.large(), size=(80, 26)) as stage:
        assert "3 Places" in stage.text


async def test_several_operations_have_lines_of_their_own_on_a_tall_screen(
    open_stage: OpenStage,
) -> None:
    runs = tuple(
        working.operation(number, name, started_at=fleet.NOW - 40 - number,
                          state=OperationState.DISPATCHED)
        for number, name in enumerate(("oatie", "checkout"))
    )  # fmt: skip
    made = replace(fleets.large(), operations=runs)
    async with open_stage(made) as stage:
        await stage.pilot.pause()
        last = stage.text.splitlines()[-3:-1]
        assert "checkout" in last[0]
        assert "oatie" in last[1]
    async with open_stage(made, size=(80, 24)) as stage:
        assert "+1 more" in stage.text.splitlines()[-2]
