"""Consoles come and go beside one recording: the story is that of one that never went.

Each console looks at the same world at moments of its own; one of them records, and another takes
over when it leaves. What is recorded must be what happened, once, and named where nobody looked.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from opsconsole.config.settings import Settings
from opsconsole.engine.judge.episodes import Episode, episodes
from opsconsole.engine.past import preload
from opsconsole.engine.past.beside import SETTLES, adopt, close_open
from opsconsole.engine.past.what_changed import troubles
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.writer import Writer
from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from tests.engine.conftest import fleet
from tests.named import named

START = 1_700_000_000.0
EVERY = 5
REFUSED = Fault(FaultKind.CONNECT, "refused")
KEYS = (named("probe:api/api:health"), named("probe:db/db:health"))
LENGTH = 360
WINDOW = 900.0


def configured() -> Settings:
    rule = {"name": "Down", "when": "state == down", "for": "20s", "severity": "critical"}
    service = {"instances": ["http://10.0.0.1:80"], "interval": f"{EVERY}s", "alerts": [rule]}
    return fleet({"api": service, "db": service})


@dataclass(eq=False)
class Console:
    """Looks every five seconds, ``phase`` seconds after the full ones."""

    archive: Archive
    began: int
    phase: int
    store: Store = field(init=False)
    snapshot: Snapshot = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(configured(), START + self.began)
        past = preload.read(self.archive, START + self.began, WINDOW)
        preload.fill(self.store, past, START + self.began)
        self.builder = SnapshotBuilder(configured(), self.store, read_only=False)
        self.snapshot = self.builder.build(START + self.began, (), ())

    def turn(self, second: int, down: tuple[bool, bool]) -> bool:
        """Look when it is time to; whether there is a new snapshot."""
        if second % EVERY != self.phase:
            return False
        at = START + second
        for key, is_down in zip(KEYS, down, strict=True):
            if is_down:
                self.store.apply(Reading(key, at, 0.1, fault=REFUSED))
            else:
                self.store.apply(Reading(key, at, 0.1, value=HealthReport(State.OK, "x")))
        self.store.settle(at)
        return self.publish(at)

    def follow(self, second: int, took_over: int | None) -> None:
        """Show what another console records; close what it left open."""
        at = START + second
        if took_over is None or second - took_over < SETTLES:
            adopt(self.store, self.archive.events(at - 120.0, at))
        elif second - took_over == SETTLES:
            close_open(self.store, at)
        self.publish(at)

    def publish(self, at: float) -> bool:
        self.snapshot = self.builder.build(at, (), ())
        return True


class Shifts:
    """Consoles that come and go; the first of those that are there records."""

    def __init__(self, path: Path, shifts: list[tuple[int, int, int]]) -> None:
        self._path = path
        self._shifts = shifts
        self.archive = Archive(path)
        self._there: list[tuple[Console, int]] = []
        self._writer: Writer | None = None
        self._took_over = 0

    @property
    def recorder(self) -> Console:
        return self._there[0][0]

    def come_and_go(self, second: int) -> None:
        self._there += [
            (Console(self.archive, second, phase), end)
            for begin, end, phase in self._shifts
            if begin == second
        ]
        before = self._there[:1]
        self._there = [(each, end) for each, end in self._there if end > second]
        if self._there[:1] != before or self._writer is None:
            self.close()
            if self._there:
                self._writer, self._took_over = Writer(self._path), second

    def look(self, second: int, down: tuple[bool, bool]) -> None:
        for console, _ in self._there:
            news = console.turn(second, down)
            if console is not self.recorder or self._writer is None:
                if news:
                    console.follow(second, None)
                continue
            self._writer.watching(START + second)
            if second - self._took_over in {0, SETTLES}:
                console.follow(second, self._took_over)
            if news:
                self._writer.write(console.snapshot)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def lived(
    path: Path, shifts: list[tuple[int, int, int]], outages: list[list[tuple[int, int]]]
) -> tuple[Archive, Snapshot]:
    """The recording, and what the last console shows. ``shifts``: from, to, phase."""
    stage = Shifts(path, shifts)
    for second in range(LENGTH):
        stage.come_and_go(second)
        api, db = (any(a <= second < b for a, b in each) for each in outages)
        stage.look(second, (api, db))
    shown = stage.recorder.snapshot
    stage.close()
    return stage.archive, shown


def story(events: tuple[Event, ...]) -> list[tuple[str, EventCode, State | None]]:
    """What happened to each service, in its order."""
    return [
        (each.service, each.code, each.state)
        for each in sorted(events, key=lambda each: (each.service, each.at))
        if each.code in {EventCode.HEALTH_CHANGED, EventCode.ALERT_FIRED, EventCode.ALERT_RESOLVED}
    ]


def near(one: dict[str, tuple[Episode, ...]], other: dict[str, tuple[Episode, ...]]) -> bool:
    """Whether both have the same episodes, but for the moments of their looks."""

    def times(found: dict[str, tuple[Episode, ...]]) -> list[tuple[str, float, float]]:
        return [
            (name, each.began_at, each.ended_at or 0.0)
            for name in sorted(found)
            for each in found[name]
        ]

    mine, its = times(one), times(other)
    return len(mine) == len(its) and all(
        a[0] == b[0] and abs(a[1] - b[1]) <= 2 * EVERY and abs(a[2] - b[2]) <= 2 * EVERY
        for a, b in zip(mine, its, strict=True)
    )


OUTAGES = st.lists(st.integers(60, 150), min_size=0, max_size=3).map(
    lambda steps: [
        (start, start + 45)
        for start in (sum(steps[: number + 1]) for number in range(len(steps)))
        if start + 90 < LENGTH
    ]
)
SHIFTS = st.lists(
    st.tuples(st.integers(20, 100), st.integers(5, 60), st.integers(0, EVERY - 1)),
    min_size=1,
    max_size=5,
)


def overlapping(parts: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Shifts of which each begins before the one before it ends."""
    shifts: list[tuple[int, int, int]] = []
    begin = 0
    for lasts, overlap, phase in parts:
        shifts.append((begin, begin + lasts + overlap, phase))
        begin += lasts
    last = shifts[-1]
    shifts[-1] = (last[0], LENGTH + 1, last[2])
    return shifts


@given(SHIFTS, st.tuples(OUTAGES, OUTAGES))
# Who fired it leaves at once, and a third one comes before the second has seen it fire.
@example([(93, 25, 1), (30, 42, 3), (237, 1, 1)], ([], [(83, 128)]))
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_the_story_is_that_of_one_console_that_never_went(
    parts: list[tuple[int, int, int]], outages: tuple[list[tuple[int, int]], list[tuple[int, int]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, last = lived(Path(folder) / "one.db", [(0, LENGTH + 1, 0)], list(outages))
        many, shown = lived(Path(folder) / "many.db", overlapping(parts), list(outages))
        alone = one.events(START, START + LENGTH)
        together = many.events(START, START + LENGTH)
        one.close()
        many.close()
    assert story(together) == story(alone)
    assert near(episodes(together), episodes(alone))
    assert near(troubles(shown, shown.events), troubles(last, last.events))
    assert story(shown.events) == story(last.events)
    assert {each.service: each.state for each in shown.alerts} == {
        each.service: each.state for each in last.alerts
    }


def gone_and_back(
    path: Path, shifts: list[tuple[int, int, int]], outage: tuple[int, int]
) -> tuple[tuple[Event, ...], Snapshot]:
    archive, shown = lived(path, shifts, [[outage], []])
    found = archive.events(START, START + LENGTH)
    archive.close()
    return found, shown


GAP = [(0, 100, 0), (200, LENGTH + 1, 2)]
"""Nobody looked from 100 to 200."""


def test_what_ended_while_nobody_looked_has_ended(tmp_path: Path) -> None:
    events, shown = gone_and_back(tmp_path / "r.db", GAP, (50, 150))
    (episode,) = episodes(events)["api"]
    assert episode.ended_at == START + 202.0
    assert troubles(shown, shown.events) == episodes(events)
    codes = [each.code for each in events]
    assert codes == [
        EventCode.HEALTH_CHANGED,
        EventCode.ALERT_FIRED,
        EventCode.NOT_WATCHED,
        EventCode.HEALTH_CHANGED,
        EventCode.ALERT_RESOLVED,
    ]
    assert [each.figure for each in events[2:]] == [102.0, 104.0, 104.0]


def test_what_went_on_while_nobody_looked_goes_on(tmp_path: Path) -> None:
    events, shown = gone_and_back(tmp_path / "r.db", GAP, (50, LENGTH))
    (episode,) = episodes(events)["api"]
    assert (episode.began_at, episode.ended_at) == (START + 60.0, None)
    view = shown.service("api")
    assert view is not None
    assert (view.state, view.since, view.at_least) == (State.DOWN, episode.began_at, False)
    (alert,) = shown.alerts
    assert alert.since == episode.began_at
    assert [each.code for each in events].count(EventCode.ALERT_FIRED) == 1


def test_what_began_while_nobody_looked_has_lasted_at_least_since_then(tmp_path: Path) -> None:
    events, shown = gone_and_back(tmp_path / "r.db", GAP, (150, LENGTH))
    (flip,) = (each for each in events if each.code is EventCode.HEALTH_CHANGED)
    assert (flip.before, flip.after, flip.figure) == ("ok", "down", flip.at - START - 98.0)
    view = shown.service("api")
    assert view is not None
    assert (view.since, view.at_least) == (flip.at, True)


def test_what_is_found_down_without_a_recording_is_so_at_least(tmp_path: Path) -> None:
    _, shown = gone_and_back(tmp_path / "r.db", [(0, LENGTH + 1, 0)], (0, LENGTH))
    view = shown.service("api")
    assert view is not None
    assert view.at_least


def test_pending_goes_on_with_another_console_and_not_over_a_gap(tmp_path: Path) -> None:
    handed_over = [(0, 70, 0), (65, LENGTH + 1, 2)]
    events, _ = gone_and_back(tmp_path / "r.db", handed_over, (50, LENGTH))
    (fired,) = (each for each in events if each.code is EventCode.ALERT_FIRED)
    assert fired.at <= START + 82.0
    events, _ = gone_and_back(tmp_path / "g.db", [(0, 70, 0), (90, LENGTH + 1, 2)], (50, LENGTH))
    (fired,) = (each for each in events if each.code is EventCode.ALERT_FIRED)
    assert fired.at >= START + 110.0
