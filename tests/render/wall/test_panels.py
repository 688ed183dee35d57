"""The wall as lines: nothing too wide, nothing hidden, nothing green that was not seen."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.engine.alerts.own_acknowledgements import with_own
from opsconsole.model.alerting.alerts import Severity
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.source_id import LOCAL
from opsconsole.model.state import State
from opsconsole.render.ink.ascii import to_ascii
from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.wall.big_digits import drawn
from opsconsole.render.wall.failing import failing, name_sizes
from opsconsole.render.wall.panels import lines, shifted
from opsconsole.render.wall.scene import Scene, Trouble, View, is_red, tally
from opsconsole.render.wall.views import headline
from tests.ui import fleet, working
from tests.ui.fleet import NOW

SIZES = ((60, 15), (80, 24), (120, 40), (200, 60), (400, 120))
VIEWS = (View.OVERVIEW, View.SERVICES, View.RESOURCES, View.TIMELINE, View.RED)
SCENES = {
    "calm": fleet.calm(),
    "fire": fleet.on_fire(),
    "stale": fleet.stale(),
    "empty": fleet.empty(),
    "hostile": fleet.hostile(),
    "many": fleet.many(60),
}


def scene_of(snapshot: Snapshot | None, **more: object) -> Scene:
    place = snapshot.environment if snapshot else fleet.PRODUCTION
    return replace(Scene(snapshot, place, NOW, NOW), **more)  # type: ignore[arg-type]


def text_of(scene: Scene, width: int = 120, height: int = 40) -> str:
    return plain(lines(scene, width, height))


def burning(count: int) -> Snapshot:
    """So many services, all of them down."""
    views = tuple(
        fleet.service(f"burning-{number:02d}", (fleet.DOWN,), 0.1, reason=f"reason {number:02d}")
        for number in range(count)
    )
    return replace(fleet.calm(), services=views)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_picture_is_no_larger_than_the_wall(name: str, view: View, ascii_only: bool) -> None:
    for width, height in (*SIZES, (61, 200), (500, 16)):
        picture = lines(scene_of(SCENES[name], view=view, ascii_only=ascii_only), width, height)
        assert len(picture) == height
        assert max(line_width(line) for line in picture) <= width


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 420), st.integers(1, 130), st.sampled_from(sorted(SCENES)))
def test_any_size_is_drawn(width: int, height: int, name: str) -> None:
    for view in VIEWS:
        picture = lines(scene_of(SCENES[name], view=view), width, height)
        assert len(picture) <= height
        assert all(line_width(line) <= width for line in picture)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_counts_clock_and_age_are_in_every_view(size: tuple[int, int], view: View) -> None:
    text = text_of(scene_of(fleet.on_fire(), view=view), *size)
    assert "UTC" in text
    assert "09:14:07 UTC" in text or any(
        all(row.rstrip() in text for row in drawn("09:14", scale)) for scale in (1, 2)
    )
    assert "data 4s" in text or "data read within 4s" in text or size == (400, 120)
    if size[0] < 400:
        for word in ("✖ DOWN", "▲ DEGRADED", "◌ STALE", "● OK"):
            assert word.lower()[2:] in text.lower()


@pytest.mark.parametrize("size", SIZES[1:])
def test_what_fails_is_shown_with_reason_and_since(size: tuple[int, int]) -> None:
    text = text_of(scene_of(fleet.on_fire(), view=View.RED), *size)
    if size[0] < 400:
        assert "3 copies killed, out of memory" in text
        assert "3m12s" in text
        assert "ServiceDown" in text
    assert "127.0.0.1:9093" in text


@pytest.mark.parametrize("view", [View.RED, View.OVERVIEW])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("ill", [1, 3, 8])
def test_the_worst_ones_name_and_cause_are_on_every_wall(
    size: tuple[int, int], view: View, ill: int
) -> None:
    services = fleet.burning_services()
    worse = tuple(
        replace(each, state=State.DEGRADED, reason="slow") if at < ill else each
        for at, each in enumerate(each for each in services if each.name != "ai-service")
    )
    worst = next(each for each in services if each.name == "ai-service")
    text = text_of(scene_of(replace(fleet.on_fire(), services=(worst, *worse)), view=view), *size)
    assert "3 copies killed, out of memory" in text
    large = [scale for scale in range(1, 6)
             if all(row.rstrip() in text for row in drawn("ai-service", scale))]  # fmt: skip
    assert large or "ai-service" in text
    if size == (120, 40):
        assert large, "three rows high at least"


def test_zeros_are_not_drawn_and_calm_says_when_it_last_was_not() -> None:
    text = text_of(scene_of(fleet.calm(), view=View.OVERVIEW), 120, 40)
    assert "DOWN" not in text
    assert "UNKNOWN" not in text
    was = Event(NOW - 7200, EventCode.HEALTH_CHANGED, "refused", "redis", "redis", State.DOWN,
                "ok", "down")  # fmt: skip
    calm = replace(fleet.calm(), events=(*fleet.calm().events, was))
    text = text_of(scene_of(calm, view=View.OVERVIEW), 120, 40)
    assert "last trouble 2h00m ago: redis, ok → down: refused" in text


def test_the_cause_stands_before_its_symptom() -> None:
    text = text_of(scene_of(fleet.on_fire(), view=View.RED), 80, 24)
    assert text.index("ai-service") < text.index("oatie") < text.index("mailer")


def is_said(reason: str, text: str) -> bool:
    """Whether a reason is visible, plainly or in big letters."""
    large = (drawn(f"3m12s  {reason}", scale)[0].rstrip() for scale in (1, 2))
    return reason in text or any(row in text for row in large)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("count", [1, 3, 12, 40])
def test_every_failing_service_comes_in_sight(size: tuple[int, int], count: int) -> None:
    snapshot = burning(count)
    seen: set[str] = set()
    for page in range(12):
        scene = scene_of(snapshot, view=View.RED, shown_for=page * 10.0 + 1, page_time=10.0)
        text = text_of(scene, *size)
        found = {each.reason for each in snapshot.services if is_said(each.reason, text)}
        if len(found) < count:
            assert f"and {count - len(found)} more" in text
        seen |= found
    assert len(seen) == count


def test_without_services_the_host_and_what_is_not_seen_are_shown() -> None:
    read = tuple(
        replace(each, fault=Fault(FaultKind.PERMISSION, "may not read the socket"))
        if each.name == "docker" else each
        for each in fleet.empty().sources
    )  # fmt: skip
    text = text_of(scene_of(replace(fleet.empty(), sources=read)))
    assert "no services are configured" in text
    assert "/var/lib/docker" in text
    assert "may not read the socket" in text


def test_what_is_stale_is_so_since_it_was_last_looked_at() -> None:
    views = tuple(replace(each, stale=True) for each in fleet.calm_services())
    picture = text_of(scene_of(replace(fleet.calm(), services=views), now=NOW + 120), 80, 24)
    row = next(line for line in picture.splitlines() if "ai-backend" in line)
    assert "STALE" in row
    assert "2m02s" in row


@pytest.mark.parametrize("size", [(40, 10), (59, 14), (30, 7)])
def test_on_a_small_screen_the_counts_and_names_are_left(size: tuple[int, int]) -> None:
    text = text_of(scene_of(fleet.on_fire(), view=View.RED), *size)
    for words in ("✖ 1 down", "▲ 2 degraded", "◌ 1 stale", "● 7 ok", "✖ ai-service  3m12s"):
        assert words in text


def test_what_is_silenced_is_counted() -> None:
    text = text_of(scene_of(fleet.on_fire(), view=View.RED))
    assert "2 ALERTS   1 silenced or acknowledged" in text
    assert "LowCacheHit" not in text
    quiet = fleet.alert("Slow", Severity.WARNING, 60, "oatie", quiet=True)
    assert "NO ACTIVE ALERT" in text_of(scene_of(replace(fleet.calm(), alerts=(quiet,))))


def test_an_acknowledged_alert_of_an_own_rule_is_counted_among_the_quiet() -> None:
    fires = replace(fleet.alert("ApiDown", Severity.CRITICAL, 60, "api"), sources=(LOCAL,))
    loud = replace(fleet.calm(), alerts=(fires,))
    assert "1 ALERT" in text_of(scene_of(loud))
    matchers = tuple(Matcher(name, text) for name, text in fires.labels.items())
    own = SilenceView(
        "a" * 16, matchers, "kim", "ACK on it", NOW - 20, NOW + 9, SilenceState.ACTIVE
    )
    rows = with_own({fires.key: fires}, (own,), NOW - 3600)
    quiet = text_of(scene_of(replace(loud, alerts=tuple(rows.values()))))
    assert "NO ACTIVE ALERT   1 silenced or acknowledged" in quiet
    again = replace(fires, since=NOW - 5)
    rows = with_own({again.key: again}, (own,), NOW - 3600)
    assert "1 ALERT" in text_of(scene_of(replace(loud, alerts=tuple(rows.values()))))


def test_what_changed_before_is_said_where_there_is_room() -> None:
    one = tuple(
        each if each.name == "ai-service" else replace(each, state=State.OK, stale=False)
        for each in fleet.burning_services()
    )
    text = text_of(scene_of(replace(fleet.on_fire(), services=one), view=View.RED))
    assert text.index("WHAT CHANGED BEFORE ai-service") < text.index("v1.4.2 → v1.5.0")
    assert text.index("v1.4.2 → v1.5.0") < text.index("2 ALERTS")
    calm = replace(fleet.on_fire(), services=one, events=())
    assert "WHAT CHANGED" not in text_of(scene_of(calm, view=View.RED))


def test_what_is_being_done_about_it_is_said() -> None:
    acting = working.acting()
    doing = acting.operations[0]
    burning = replace(fleet.on_fire(), operations=(replace(doing, service="ai-service"),))
    for size in SIZES[1:4]:
        assert doing.who in text_of(scene_of(acting), *size)
        shown = text_of(scene_of(burning, view=View.RED), *size)
        # On the smallest the cause has the room, and the mark says that somebody is at it.
        assert (doing.who if size[0] > 80 else "▶") in shown


def test_a_page_stays_for_its_time() -> None:
    snapshot = burning(40)
    pages = [
        text_of(scene_of(snapshot, view=View.RED, shown_for=at / 2, page_time=10.0))
        for at in range(40)
    ]
    assert len(set(pages[:20])) == 1
    assert len(set(pages)) == 2


@pytest.mark.parametrize("state", [State.DEGRADED, State.UNKNOWN, State.DOWN])
def test_the_verdict_is_the_worst_that_is_so(state: State) -> None:
    views = (fleet.service("one", (state,), 0.1), *fleet.calm_services())
    assert headline(replace(fleet.calm(), services=views), NOW) == (f"1 {state.value}", state)


def test_all_ok_is_said_only_of_what_was_seen() -> None:
    calm = fleet.calm()
    assert headline(calm, NOW) == ("all ok", State.OK)
    assert headline(calm, NOW + 3600)[0] == "not all seen"
    assert headline(fleet.stale(), NOW)[0] == "11 stale"
    assert headline(replace(calm, sources=fleet.sources(fault=True)), NOW)[0] == "not all seen"
    loud = fleet.alert("Slow", Severity.WARNING, 60, "oatie")
    assert headline(replace(calm, alerts=(loud,)), NOW) == ("1 alert", State.DEGRADED)
    assert headline(fleet.empty(), NOW)[0] == "no services"
    quiet = fleet.alert("Slow", Severity.WARNING, 60, "oatie", quiet=True)
    assert headline(replace(calm, alerts=(quiet,)), NOW)[0] == "all ok"


def test_red_is_a_service_down_or_a_loud_critical_alert() -> None:
    calm = fleet.calm()
    critical = fleet.alert("Down", Severity.CRITICAL, 60, "oatie")
    silenced = fleet.alert("Down", Severity.CRITICAL, 60, "oatie", quiet=True)
    assert not is_red(None)
    assert not is_red(calm)
    assert is_red(fleet.on_fire())
    assert is_red(replace(calm, alerts=(critical,)))
    assert not is_red(replace(calm, alerts=(silenced,)))
    assert not is_red(fleet.many(20))


@given(st.lists(st.tuples(st.sampled_from(list(State)), st.booleans()), max_size=30))
def test_each_service_is_counted_once_and_none_that_is_stale_is_ok(
    wanted: list[tuple[State, bool]],
) -> None:
    views = [
        ServiceView(f"s{at}", state, NOW, stale=stale) for at, (state, stale) in enumerate(wanted)
    ]
    counts = tally(views)
    assert sum(counts.values()) == len(views)
    assert counts[State.OK] == sum(state is State.OK and not stale for state, stale in wanted)
    assert counts[State.DOWN] == sum(state is State.DOWN for state, _ in wanted)


def test_with_ascii_alone_the_figures_are_still_large() -> None:
    scene = scene_of(fleet.on_fire(), view=View.RED, ascii_only=True)
    text = to_ascii(text_of(scene, 80, 24))
    assert text.isascii()
    assert "?" not in text.replace("? UNKNOWN", "").replace("? STALE", "")
    assert "#####" in text
    assert "x DOWN" in text


@pytest.mark.parametrize("size", SIZES)
def test_an_engine_that_stands_still_is_said_in_big_words(size: tuple[int, int]) -> None:
    trouble = Trouble("RuntimeError: it fell", NOW - 300, again_in=12, attempts=2)
    scene = scene_of(fleet.calm(), view=View.BLIND, trouble=trouble)
    text = text_of(scene, *size)
    assert "RuntimeError: it fell" in text
    assert "started again in 12s (attempt 3)" in text
    assert "last seen: ✖ 0 down" in text
    assert "● OK" not in text
    assert "█" in text or "NO DATA 5M00S" in text


def test_a_fault_that_says_much_is_cut_to_its_line() -> None:
    fault = Fault(FaultKind.TIMEOUT, "x" * 5000)
    read = tuple(replace(each, fault=fault) for each in fleet.sources())
    picture = lines(scene_of(replace(fleet.calm(), sources=read)), 80, 24)
    assert max(line_width(line) for line in picture) <= 80


def test_a_shifted_picture_has_lost_nothing() -> None:
    picture = lines(scene_of(fleet.on_fire(), view=View.RED), 118, 39)
    moved = shifted(picture, 2, 1)
    assert len(moved) == 40
    assert max(line_width(line) for line in moved) <= 120
    for before, after in zip(picture, moved[1:], strict=True):
        assert plain([after]).removeprefix("  ") == plain([before])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [2, 3, 4])
def test_large_cards_never_touch(size: tuple[int, int], count: int) -> None:
    broken = tuple(replace(each, state=State.DOWN) for each in fleet.on_fire().services[:count])
    snapshot = replace(fleet.on_fire(), services=broken)
    scene = scene_of(snapshot)
    for height in range(8, size[1]):
        large = name_sizes(scene, broken, size[0], height)[0] > 0
        blank = sum(not line for line in failing(scene, snapshot, size[0], height))
        assert not large or blank >= count - 1
