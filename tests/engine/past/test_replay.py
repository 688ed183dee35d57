"""Moments that have passed: from a recording, from memory, or said to be nowhere."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.engine.past import replay
from opsconsole.engine.past.past_figures import ORIGIN, PastFigures
from opsconsole.engine.past.replay import Replay
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.writer import Writer
from opsconsole.errors import StateError
from opsconsole.model.asked.questions import MomentAt
from opsconsole.model.events import Event
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.operation import Refusal
from opsconsole.model.past.replay import Gap, Moment, Origin, Span
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from tests.engine.conftest import ScriptedSource, fleet
from tests.fakes import FakeClock
from tests.named import named

START = 1_700_000_000.0


def snapshot(at: float, *services: ServiceView) -> Snapshot:
    return Snapshot(int(at - START) + 1, at, services=services)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """Every second of two minutes, nothing for half an hour, every second of two more."""
    writer = Writer(tmp_path / "recording.db")
    for begin in (START, START + 1920.0):
        for second in range(121):
            writer.write(snapshot(begin + second, ServiceView("web", State.OK, START)))
    writer.close()
    made = Archive(tmp_path / "recording.db")
    yield made
    made.close()


async def shown(replay: Replay, at: float) -> Moment:
    found = await replay.moment(at)
    assert isinstance(found, Moment), found
    assert found.snapshot.replayed
    return found


async def refused(replay: Replay, at: float) -> str:
    found = await replay.moment(at)
    assert isinstance(found, Refusal), found
    return found.code


async def test_what_was_recorded_is_shown_at_the_moment_asked_for(archive: Archive) -> None:
    replay = Replay(archive)
    found = await shown(replay, START + 60.4)
    assert (found.asked, found.at) == (START + 60.4, START + 60.4)
    assert found.snapshot.taken_at == START + 60.0
    assert found.origin is Origin.RECORDING
    assert found.gap is None


async def test_in_a_gap_the_last_moment_before_it_is_shown_and_the_gap_is_told(
    archive: Archive,
) -> None:
    replay = Replay(archive)
    gap = Gap(START + 120.0, START + 1920.0)
    found = await shown(replay, START + 1000.0)
    assert (found.at, found.gap) == (gap.begin, gap)
    assert (await shown(replay, gap.end)).gap is None
    assert (await shown(replay, gap.begin)).gap is None


async def test_before_the_first_and_after_the_last_there_is_nothing(archive: Archive) -> None:
    replay = Replay(archive)
    await replay.look_how_far()
    assert replay.recorded == Span(START, START + 2040.0)
    assert await refused(replay, START - 1.0) == "before-recording"
    assert (await shown(replay, START + 2050.0)).at == START + 2040.0
    assert await refused(replay, START + 2200.0) == "after-recording"


async def test_sparse_moments_are_no_gap(tmp_path: Path) -> None:
    """A recording is thinned as it ages; a calm fleet is published rarely."""
    writer = Writer(tmp_path / "recording.db")
    for minute in range(30):
        writer.write(snapshot(START + 120.0 * minute, ServiceView("web", State.OK, START)))
    writer.close()
    found = await shown(Replay(Archive(tmp_path / "recording.db")), START + 310.0)
    assert found.gap is None
    assert found.at == START + 240.0, "its ages count from its own moment"


async def test_a_short_gap_between_two_consoles_is_known_for_certain(tmp_path: Path) -> None:
    for first, last in ((0, 40), (67, 100)):
        writer = Writer(tmp_path / "recording.db")
        for second in range(first, last):
            writer.watching(START + second)
            if second % 5 == 0:
                seen = START + second
                writer.write(snapshot(seen, ServiceView("web", State.OK, START)))
        writer.close()
    replay = Replay(Archive(tmp_path / "recording.db"))
    gap = Gap(START + 38.0, START + 67.0)
    assert (await shown(replay, START + 55.0)).gap == gap
    assert (await shown(replay, START + 39.0)).gap == gap
    assert (await shown(replay, START + 69.0)).gap is None, "it looked, and nothing had changed"
    assert (await shown(replay, START + 71.0)).gap is None


@pytest.mark.parametrize("mine", [True, False])
async def test_whether_changes_are_allowed_is_this_console_s_own_matter(
    mine: bool, tmp_path: Path
) -> None:
    writer = Writer(tmp_path / "recording.db")
    view = ServiceView("web", State.OK, START)
    writer.write(replace(snapshot(START, view), read_only=not mine))
    writer.close()
    replay = Replay(Archive(tmp_path / "recording.db"))
    replay.read_only = mine
    assert (await shown(replay, START)).snapshot.read_only is mine


async def test_without_a_recording_the_last_quarter_of_an_hour_is_kept() -> None:
    replay = Replay()
    assert await refused(replay, START) == "not-recorded"
    for second in range(0, 1800, 5):
        replay.keep(snapshot(START + second))
    found = await shown(replay, START + 1790.0)
    assert found.origin is Origin.MEMORY
    assert replay.recorded == Span(START + 900.0, START + 1785.0)
    assert await refused(replay, START + 890.0) == "before-recording"


async def test_memory_serves_what_the_recording_lacks(archive: Archive) -> None:
    replay = Replay(archive)
    for second in range(0, 120, 5):
        replay.keep(snapshot(START + 900.0 + second))
    assert (await shown(replay, START + 960.0)).origin is Origin.MEMORY
    assert (await shown(replay, START + 60.0)).origin is Origin.RECORDING
    assert (await shown(replay, START + 700.0)).gap is not None


async def test_what_is_recorded_is_not_kept_in_memory_too(tmp_path: Path) -> None:
    replay = Replay(Archive(tmp_path / "recording.db"))
    for first, last in ((0, 40), (67, 100)):
        writer = Writer(tmp_path / "recording.db")
        for second in range(first, last):
            writer.watching(START + second)
            writer.write(snapshot(START + second, ServiceView("web", State.OK, START)))
        writer.close()
    for second in (0, 15, 30, 50, 65, 80, 95, 110):
        replay.keep(snapshot(START + second))

    await replay.look_how_far()

    memory = [START + second for second in (50, 65, 110)]
    assert [each.taken_at for each in replay._recent._kept] == memory
    assert (await shown(replay, START + 52.0)).origin is Origin.MEMORY
    assert (await shown(replay, START + 80.0)).origin is Origin.RECORDING


async def test_a_recording_that_cannot_be_read_says_why() -> None:
    class Damaged:
        lacks = ""

        def span(self) -> Span | None:
            raise StateError("the recording is damaged", remedy="move it aside")

        def at(self, _moment: float) -> Snapshot | None:
            raise StateError("the recording is damaged", remedy="move it aside")

        def neighbour(self, _moment: float, _step: int) -> float | None:
            return None

        def events(self, _since: float, _until: float) -> tuple[Event, ...]:
            return ()

        def gaps(self, _since: float, _until: float) -> tuple[Gap, ...]:
            return ()

        def close(self) -> None:
            pass

    replay = Replay(Damaged())
    await replay.look_how_far()
    assert replay.recorded is None
    found = await replay.moment(START)
    assert isinstance(found, Refusal)
    assert str(found) == "the recording is damaged; move it aside"


async def test_a_disk_that_hangs_costs_its_deadline_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hung = threading.Event()
    monkeypatch.setattr(replay, "DEADLINE", 0.05)

    class Hanging:
        lacks = ""

        def span(self) -> Span | None:
            hung.wait(5.0)
            return None

        def at(self, _moment: float) -> Snapshot | None:
            hung.wait(5.0)
            return None

        def neighbour(self, _moment: float, _step: int) -> float | None:
            return None

        def events(self, _since: float, _until: float) -> tuple[Event, ...]:
            return ()

        def gaps(self, _since: float, _until: float) -> tuple[Gap, ...]:
            return ()

        def close(self) -> None:
            pass

    async with asyncio.timeout(2.0):
        assert await refused(Replay(Hanging()), START) == "busy"
    hung.set()


def declaring() -> Settings:
    """Two services; one declares a counter and a histogram."""
    metrics = {"requests": {"counter": "web_requests_total"}, "latency": {"histogram": "web_ms"}}
    return fleet(
        {
            "web": {"instances": ["http://10.0.0.1:80"], "metrics": metrics},
            "db": {"instances": ["http://10.0.0.2:80"]},
        }
    )


class Remembers:
    """A Prometheus that knows one figure of any moment."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[float] = []
        self.fails = fails

    async def figures_at(self, moment: float) -> tuple[MetricValue, ...] | Fault:
        self.asked.append(moment)
        if self.fails:
            return Fault(FaultKind.CONNECT, "connection refused")
        return (MetricValue("web", "requests", 88.0, "/s", moment),)


def completing(source: Remembers, archive: Archive | None = None) -> Replay:
    made = Replay(archive)
    made.past_figures = PastFigures(declaring(), [source, object()], FakeClock())
    return made


async def test_before_the_recording_figures_are_asked_for_and_states_stay_unknown(
    archive: Archive,
) -> None:
    source = Remembers()
    found = await shown(completing(source, archive), START - 3600.0)
    assert found.origin is Origin.PROMETHEUS
    web, db = found.snapshot.service("web"), found.snapshot.service("db")
    assert web is not None
    assert db is not None
    assert web.state is db.state is State.UNKNOWN
    assert web.request_rate == 88.0
    assert [(each.name, each.value, each.origin) for each in web.metrics] == [
        ("requests", 88.0, ORIGIN)
    ]
    assert db.metrics == ()
    assert source.asked == [START - 3600.0]


async def test_a_recorded_moment_without_figures_is_completed(archive: Archive) -> None:
    source = Remembers()
    found = await shown(completing(source, archive), START + 60.0)
    assert found.origin is Origin.RECORDING
    web = found.snapshot.service("web")
    assert web is not None
    assert web.state is State.OK, "what was recorded stays"
    assert [each.origin for each in web.metrics] == [ORIGIN]


async def test_what_was_recorded_with_its_figures_is_not_asked_for_again(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "recording.db")
    metric = MetricValue("web", "requests", 12.0, "/s", START - 5.0)
    writer.write(snapshot(START, ServiceView("web", State.OK, START, metrics=(metric,))))
    writer.close()
    source = Remembers()
    found = await shown(completing(source, Archive(tmp_path / "recording.db")), START)
    web = found.snapshot.service("web")
    assert web is not None
    assert web.metrics == (metric,)
    assert source.asked == []


async def test_a_prometheus_that_fails_is_left_alone_for_a_while(archive: Archive) -> None:
    source = Remembers(fails=True)
    made = completing(source, archive)
    assert (await shown(made, START + 60.0)).origin is Origin.RECORDING
    assert await refused(made, START - 60.0) == "not-recorded"
    assert source.asked == [START + 60.0]


def test_an_engine_answers_from_its_recording(archive: Archive, tmp_path: Path) -> None:
    settings = fleet({"web": {"instances": ["http://10.0.0.1:80"]}})
    clock = FakeClock()
    sources = [ScriptedSource(named("probe:web/web:health"), 5.0, clock)]
    engine = Engine(settings, base=tmp_path, sources=sources, archive=archive)
    assert isinstance(engine.ask(MomentAt(START)).result(1.0), Refusal), "not running yet"
    published = threading.Event()
    engine.listen(lambda _: published.set())
    engine.start()
    try:
        assert published.wait(5.0)
        found = engine.ask(MomentAt(START + 60.0)).result(5.0)
        assert isinstance(found, Moment)
        assert found.snapshot.taken_at == START + 60.0
    finally:
        engine.stop()
