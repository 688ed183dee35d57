"""Sources are opened once, stay open while they stay as they are, and are closed at the end."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Settings
from opsconsole.engine.assemble import Assembly, Failed
from opsconsole.engine.open_sources import OpenSources
from opsconsole.machines.machines import Machines
from opsconsole.sources.base import AnySource

ONE = Settings.model_validate({"docker": [], "host": {"enabled": True}})
TWO = Settings.model_validate({"docker": [{"name": "edge"}], "host": {"enabled": True}})
NONE = Settings.model_validate({"docker": [], "host": {"enabled": False}})


@pytest.fixture
def failed() -> list[str]:
    return []


@pytest.fixture
def sources(failed: list[str]) -> OpenSources:
    return OpenSources(None, lambda what, error: failed.append(f"{what}: {error}"))


def opened(sources: OpenSources, settings: Settings, cleanup: AsyncExitStack) -> list[AnySource]:
    def assembly(failed: Failed) -> Assembly:
        return Assembly(SystemClock(), Path(), Machines(), lambda _: None, failed, cleanup)

    return list(sources.open(settings, assembly, cleanup))


async def test_what_stays_is_the_same_source_and_what_goes_is_named(sources: OpenSources) -> None:
    async with AsyncExitStack() as cleanup:
        (host,) = opened(sources, ONE, cleanup)
        now, gone = sources.replace(TWO)
        assert (host in now, len(now), gone) == (True, 2, [])
        (docker,) = [each for each in now if each is not host]
        assert sources.replace(ONE) == ([host], [docker])
        assert sources.replace(NONE) == ([], [host])
        assert list(sources) == []


async def test_those_that_are_read_at_the_end_are_closed(sources: OpenSources) -> None:
    closed: list[AnySource] = []
    async with AsyncExitStack() as cleanup:
        for each in opened(sources, TWO, cleanup):

            async def close(source: AnySource = each) -> None:
                closed.append(source)

            each.close = close  # type: ignore[method-assign]
        stays, gone = sources.replace(ONE)
        assert closed == []
    assert (closed, len(gone)) == (list(stays), 1)


async def test_settings_that_cannot_be_assembled_have_no_sources(
    sources: OpenSources, failed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("opsconsole.engine.assemble.Assembly.sources", broken)
    async with AsyncExitStack() as cleanup:
        assert opened(sources, ONE, cleanup) == []
    assert failed == ["sources: broken"]
