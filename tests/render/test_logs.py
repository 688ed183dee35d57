"""Rows of logs: what repeats is one, sources are as brief as tells them apart, counts by minute."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.logs import LogLevel, LogLine, LogPage, LogQuery, LogStatus
from opsconsole.render.ink.cells import Role, line_width, plain
from opsconsole.render.log_counts import counts
from opsconsole.render.logs import Rows, row
from opsconsole.sources.logs.stamps import stamp_in

NOW = 1_763_716_440.0
REFUSED = "connection refused"


def line(at: float, text: str, level: LogLevel = LogLevel.ERROR, source: str = "api-1") -> LogLine:
    return LogLine(source, int(at * 10), NOW + at, level, text)


def page(*lines: LogLine, sources: tuple[str, ...] = ("api-1", "api-2")) -> LogPage:
    statuses = tuple(LogStatus(each, 1, 1, 0, 0, 0.0, None) for each in sources)
    return replace(LogPage(LogQuery()), lines=lines, sources=statuses)


def shown(rows: Rows, at: int = 0, width: int = 80) -> str:
    return plain(row(rows, at, width, several=True, wrapped=False, most=5))


def test_the_same_error_several_times_in_a_row_is_one() -> None:
    lines = [line(at, REFUSED) for at in (0.0, 5.0, 12.0, 25.0)]
    rows = Rows(page(*lines, line(26, "up", LogLevel.INFO)), folded=True)
    assert len(rows) == 2
    assert shown(rows).endswith("×4 in 25s")
    assert REFUSED in shown(rows)
    assert [rows.row_of(at) for at in range(5)] == [0, 0, 0, 0, 1]
    assert len(Rows(rows.page)) == 5


def test_what_is_no_error_and_what_differs_stays_apart() -> None:
    said = [line(at, "GET /", LogLevel.INFO) for at in (0, 1)]
    other = [line(2, REFUSED), line(3, "reset"), line(4, REFUSED, LogLevel.WARNING)]
    assert len(Rows(page(*said, *other), folded=True)) == 5


def test_copies_that_fail_alike_are_one_and_counted() -> None:
    lines = [line(at, REFUSED, source=f"api-{1 + at % 2}") for at in range(6)]
    assert "2 sources" in shown(Rows(page(*lines), folded=True))


def test_errors_are_found_across_what_is_folded() -> None:
    lines = [line(0, REFUSED), line(1, REFUSED), line(2, "ok", LogLevel.INFO), line(3, "reset")]
    rows = Rows(page(*lines), folded=True)
    assert rows.next_error(0, 1) == 2
    assert rows.next_error(2, -1) == 0
    assert rows.find("api-1", 10, NOW + 1) == 0


def test_sources_are_as_brief_as_tells_them_apart() -> None:
    said = shown(Rows(page(line(0, REFUSED))))
    assert " -1 " in said
    assert "api-1" not in said
    assert "api-1 " in shown(Rows(page(line(0, REFUSED), sources=("api-1", "worker"))))


def test_replicas_of_one_log_are_told_apart() -> None:
    lines = [
        replace(line(1, "a"), source="deployment/web", replica="web-7f9-abc"),
        replace(line(2, "b"), source="deployment/web", replica="web-7f9-xyz"),
    ]
    rows = Rows(page(*lines, sources=("deployment/web",)))
    assert rows.several
    assert [rows.source_at(at) for at in range(2)] == ["-abc", "-xyz"]


def test_milliseconds_stand_only_where_some_line_has_them() -> None:
    assert ".000" not in shown(Rows(page(line(0, REFUSED))))
    assert ".000" in shown(Rows(page(line(0, REFUSED), line(1.25, "reset"))))


def test_only_the_first_line_of_an_error_is_in_strong_ink() -> None:
    rows = Rows(page(line(0, "ValueError\n  at a\n  at b")))
    roles = [row(rows, at, 80, several=False, wrapped=False, most=5)[0][-1].role for at in range(3)]
    assert roles == [Role.STRONG, Role.TEXT, Role.TEXT]


def test_errors_are_counted_by_minute_up_to_the_last_line() -> None:
    lines = [line(0, "a"), *(line(121 + at, f"b{at}") for at in range(4))]
    warned = line(130, "slow", LogLevel.WARNING)
    assert plain([counts(page(*lines, warned), 80)]).strip() == "error ▃ █ 5 in 3 min  warn 1"
    assert counts(page(line(0, "fine", LogLevel.INFO)), 80) == ()
    assert counts(page(), 80) == ()


@given(
    st.lists(st.tuples(st.floats(0, 9000), st.sampled_from(LogLevel), st.sampled_from("ab"))),
    st.integers(20, 200),
)
def test_folding_loses_no_line_and_no_row_is_too_wide(
    said: list[tuple[float, LogLevel, str]], width: int
) -> None:
    lines = [line(at, text, level) for at, level, text in sorted(said, key=lambda each: each[0])]
    rows = Rows(page(*lines), folded=True)
    assert {rows.row_of(at) for at in range(len(lines))} == set(range(len(rows)))
    for at in range(len(rows)):
        for each in row(rows, at, width, several=True, wrapped=False, most=5):
            assert line_width(each) <= width
    assert line_width(counts(rows.page, width)) <= max(width, 60)


def test_where_a_day_turns_each_line_has_its_day() -> None:
    within = Rows(page(line(0, "a"), line(60, "b")))
    assert plain(row(within, 0, 80, several=False, wrapped=False, most=5)).startswith(" 09:14:00 ")
    across = Rows(page(line(-40_000, "a"), line(60, "b")))
    said = [plain(row(across, at, 80, several=False, wrapped=False, most=5)) for at in (0, 1)]
    assert [each[:16] for each in said] == [" Nov 20 22:07:20", " Nov 21 09:15:00"]


STAMPED = "[2023-11-14 22:13:20,250]"


@pytest.mark.parametrize(
    ("text", "narrow"),
    [
        (f"{STAMPED} ERROR in app: lost", "in app: lost"),
        (f"{STAMPED} [ERROR] lost", "lost"),
        (f"{STAMPED[1:-1]} lost", "lost"),
        (f"{STAMPED} WARNING lost", "WARNING lost"),
        (f"{STAMPED} ERRORS lost", "ERRORS lost"),
        (f"lost at {STAMPED}", f"lost at {STAMPED}"),
        ("[2023-11-14 22:13:21,250] lost", "[2023-11-14 22:13:21,250] lost"),
        (STAMPED, STAMPED),
    ],
)
def test_what_its_columns_show_is_not_in_a_narrow_line_again(text: str, narrow: str) -> None:
    at = stamp_in(STAMPED, NOW)
    assert at is not None
    whole = LogLine("api-1", 1, at, LogLevel.ERROR, text)
    assert shown(Rows(page(whole))).endswith(f" {narrow}")
    assert shown(Rows(page(whole)), width=140).endswith(f" {text}")
    unread = replace(whole, stamped=False)
    assert shown(Rows(page(unread)), width=99).endswith(f" {text}")


def test_a_name_is_shortened_from_a_separator_on() -> None:
    names = ("ai_backend.log", "ai_worker.log")
    said = shown(Rows(page(line(0, REFUSED, source=names[0]), sources=names)))
    assert " ai_backend.log " in said
