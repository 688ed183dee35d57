"""The ring: bounded, and exact about what is not in it."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.logs.ring import CHARACTERS, LogRing
from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.parsed_line import ParsedLine, Part

NOW = 1_795_255_200.0

batches = st.lists(
    st.one_of(
        st.integers(0, 50).map(lambda count: ("drop", count)),
        st.lists(st.booleans(), max_size=30).map(lambda lines: ("add", lines)),
        st.just(("notice", None)),
    ),
    max_size=30,
)


@given(batches, st.integers(1, 20))
def test_every_line_is_accounted_for(batches: list[tuple[str, object]], capacity: int) -> None:
    ring, seen, dropped = LogRing("a", capacity), 0, 0
    for what, value in batches:
        if what == "drop":
            assert isinstance(value, int)
            ring.drop(value, NOW)
            seen, dropped = seen + value, dropped + value
        elif what == "add":
            assert isinstance(value, list)
            ring.add(
                [ParsedLine("x", part=Part.MORE if each else Part.ENTRY) for each in value],
                NOW,
                live=True,
            )
            seen += len(value)
        else:
            ring.notice("gap", NOW)
        status = ring.status(NOW)
        assert status.seen == seen == status.held + status.pushed_out + status.dropped
        assert status.dropped == dropped
        assert len(ring.lines()) <= capacity


def test_a_continuation_stays_with_its_head() -> None:
    ring = LogRing("a")
    lines = [ParsedLine("no", LogLevel.ERROR), ParsedLine("  at x", part=Part.MORE)]
    ring.add(lines, NOW, live=True)
    [line] = ring.lines()
    assert line.text == "no\n  at x"
    assert ring.status(NOW).held == 2


def test_memory_is_bounded_by_characters_too() -> None:
    ring = LogRing("a")
    for _ in range(3000):
        ring.add([ParsedLine("x" * 4096)], NOW, live=True)
    assert sum(len(line.text) for line in ring.lines()) <= CHARACTERS


def test_the_rate_of_dropped_lines_is_of_the_last_seconds() -> None:
    ring = LogRing("a")
    ring.drop(1000, NOW - 10)
    ring.drop(90_420, NOW - 1)
    assert ring.status(NOW).drop_rate == 45_210
    assert ring.status(NOW + 60).drop_rate == 0
    assert ring.status(NOW + 60).dropped == 91_420


def test_lag_is_known_of_live_lines_alone() -> None:
    ring = LogRing("a")
    ring.add([ParsedLine("x", at=NOW - 3600)], NOW, live=False)
    assert ring.status(NOW).lag is None
    ring.add([ParsedLine("x", at=NOW - 2)], NOW, live=True)
    assert ring.status(NOW).lag == 2


def test_a_trace_continues_its_own_replica_alone() -> None:
    ring = LogRing("deployment/web")
    ring.add(
        [
            ParsedLine("no", LogLevel.ERROR, replica="web-a"),
            ParsedLine("  at x", part=Part.MORE, replica="web-b"),
            ParsedLine("fine", replica="web-a"),
        ],
        NOW,
        live=True,
    )
    shown = [(line.replica, line.text) for line in ring.lines()]
    assert shown == [("web-a", "no"), ("web-b", "  at x"), ("web-a", "fine")]
