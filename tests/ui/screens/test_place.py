"""A place's page by keys, where no panel has a row of it."""

from dataclasses import replace

import pytest

from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.screens.place import PlaceScreen
from tests.ui import cluster, fleet
from tests.ui.conftest import OpenStage, Stage

KEYS = {":": "colon", " ": "space", "-": "minus"}


async def typed(stage: Stage, text: str) -> None:
    await stage.press(*(KEYS.get(each, each) for each in text), "enter")


@pytest.mark.parametrize("text", [":place", ":place production-eu", ":pla"])
async def test_the_one_cluster_is_opened_by_name_where_it_has_no_row(
    open_stage: OpenStage, text: str
) -> None:
    async with open_stage(cluster.in_trouble(), size=(80, 24)) as stage:
        assert "Places" not in stage.text
        await typed(stage, text)
        assert isinstance(stage.app.screen, PlaceScreen)
        for each in ("production-eu", "node-3", "0 of 5 nodes fit"):
            assert each in stage.text, stage.text
        await stage.press("escape")
        assert not isinstance(stage.app.screen, PlaceScreen)


async def test_of_several_one_is_named(open_stage: OpenStage) -> None:
    async with open_stage(two_of_a_name(), size=(80, 24)) as stage:
        await typed(stage, ":place production-eu")
        assert "could be place production-eu host, place production-eu c" in stage.text
        await typed(stage, ":place production-eu c")
        assert isinstance(stage.app.screen, PlaceScreen)
        assert "node-3" in stage.text


async def test_where_nothing_is_read_there_is_no_place(open_stage: OpenStage) -> None:
    async with open_stage(replace(fleet.calm(), hosts=(), engines=()), size=(80, 24)) as stage:
        await typed(stage, ":place x")
        assert "nothing is called place x" in stage.text


def two_of_a_name() -> Snapshot:
    """A cluster, and a host of its name."""
    (seen,) = fleet.calm().hosts
    host = replace(seen, host=replace(seen.host, name=cluster.BED.name))
    return replace(cluster.in_trouble(), hosts=(host,))
