"""The tray: what was found waits in the header, is taken over by a key or never offered again."""

from collections.abc import Callable
from dataclasses import replace

from opsconsole.config.offers import Offer
from opsconsole.model.choices import Choices
from opsconsole.ui.options import Options, WallOptions
from opsconsole.ui.screens.overview.screen import OverviewScreen
from opsconsole.ui.screens.tray import TrayScreen
from tests.cli.test_tray import PROMETHEUS, WEB
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.screens.overview.test_ways_to_look import Kept


class FakeFinder:
    """Finds two things; what is taken over is found no more."""

    def __init__(self, *, is_first: bool = False) -> None:
        self.is_first = is_first
        self.found: tuple[Offer, ...] = (WEB, PROMETHEUS)
        self.taken: list[str] = []

    def look(self) -> tuple[Offer, ...]:
        return self.found

    def file_of(self, offer: Offer) -> str:
        return f"/etc/found-{offer.name}.yaml"

    def take(self, offer: Offer) -> str:
        self.taken.append(offer.key)
        return f"{offer.name} is taken over"


async def seen(stage: Stage, shown: Callable[[], bool]) -> None:
    """Wait until what was looked for on a thread is on the screen."""
    for _ in range(400):
        if shown():
            return
        await stage.pilot.pause(0.01)
    raise AssertionError(stage.text)


async def looked(stage: Stage) -> None:
    stage.app.tray.look()
    await seen(stage, lambda: stage.app.tray.looked)
    await stage.pilot.pause()
    await stage.pilot.pause()


async def test_what_was_found_waits_in_the_header_and_counts_nowhere(
    open_stage: OpenStage,
) -> None:
    async with open_stage(fleet.calm(), options=Options(finder=FakeFinder())) as stage:
        await looked(stage)
        top, below = stage.text.splitlines()[:2]
        assert "● 11 ok" in top
        assert "⊕ 2 found" in below
        assert isinstance(stage.app.screen, OverviewScreen)


async def test_the_key_shows_what_where_why_and_what_would_be_written(
    open_stage: OpenStage,
) -> None:
    async with open_stage(fleet.calm(), options=Options(finder=FakeFinder())) as stage:
        await looked(stage)
        await stage.press("plus")
        assert isinstance(stage.app.screen, TrayScreen)
        assert "shop-web" in stage.text
        assert "service web of shop" in stage.text
        assert "+ services:" in stage.text
        assert "/etc/found-shop-web.yaml would be made" in stage.text
        await stage.press("j")
        assert "+ prometheus: {url:" in stage.text
        await stage.press("escape")
        assert "1 Services" in stage.text


async def test_space_takes_over_what_is_under_the_cursor(open_stage: OpenStage) -> None:
    finder = FakeFinder()
    async with open_stage(fleet.calm(), options=Options(finder=finder)) as stage:
        await looked(stage)
        await stage.press("plus", "j", "space")
        await seen(stage, lambda: finder.taken == [PROMETHEUS.key])
        await seen(stage, lambda: len(stage.app.tray.offers) == 1)
        await seen(stage, lambda: "⊕ 1 found" in stage.text)


async def test_a_read_only_console_and_a_blocked_offer_take_nothing(open_stage: OpenStage) -> None:
    finder = FakeFinder()
    async with open_stage(fleet.calm(), options=Options(finder=finder, read_only=True)) as stage:
        await looked(stage)
        await stage.press("plus", "space")
        assert "read-only" in stage.text
    finder.found = (replace(WEB, blocked="there is one: write this one beside it"),)
    async with open_stage(fleet.calm(), options=Options(finder=finder)) as stage:
        await looked(stage)
        await stage.press("plus", "space")
        assert "write this one beside it" in stage.text
    assert finder.taken == []


async def test_what_is_never_wanted_is_not_offered_by_the_next_console(
    open_stage: OpenStage,
) -> None:
    kept = Kept()
    options = Options(finder=FakeFinder(), choices=kept)
    async with open_stage(fleet.calm(), options=options) as stage:
        await looked(stage)
        await stage.press("plus", "exclamation_mark")
        assert "shop-web is not offered again" in stage.text
        assert "⊕ 1 found" in stage.text
    assert kept.written.wait(10)
    assert kept.choices == Choices(ignored=(WEB.key,))
    async with open_stage(fleet.calm(), options=options) as stage:
        await stage.pilot.pause(0.05)
        await looked(stage)
        assert [each.key for each in stage.app.tray.offers] == [PROMETHEUS.key]


async def test_without_a_configuration_it_is_the_first_screen(open_stage: OpenStage) -> None:
    options = Options(finder=FakeFinder(is_first=True))
    async with open_stage(fleet.empty(), options=options) as stage:
        await looked(stage)
        await seen(stage, lambda: isinstance(stage.app.screen, TrayScreen))
        assert "2 found here: take them over? space" in stage.text
        await stage.press("escape")
        await looked(stage)
        assert isinstance(stage.app.screen, OverviewScreen)


async def test_it_does_not_open_under_the_hands_of_a_person(open_stage: OpenStage) -> None:
    options = Options(finder=FakeFinder(is_first=True))
    async with open_stage(fleet.empty(), options=options) as stage:
        await stage.press("j")
        await looked(stage)
        assert isinstance(stage.app.screen, OverviewScreen)


async def test_a_console_that_looks_for_nothing_says_so(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await stage.press("plus")
        assert "looks for nothing" in stage.text
    wall = Options(finder=FakeFinder(), wall=WallOptions(), read_only=True)
    async with open_stage(fleet.calm(), options=wall) as stage:
        assert stage.app.tray.finder is None
