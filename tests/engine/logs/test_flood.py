"""What matters is found again after a flood of what does not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.engine.logs.gravity import maybe_errors
from opsconsole.engine.logs.intake import BACKLOG, LogIntake
from opsconsole.engine.logs.kept import ERRORS, MATCHES
from opsconsole.engine.logs.ring import LogRing
from opsconsole.engine.logs.watch import LogWatch
from opsconsole.machines.machines import Machines
from opsconsole.model.logs import LogLevel, LogLine, PastEnd
from opsconsole.render.logs import query_of
from opsconsole.sources.logs.line import parse
from opsconsole.sources.logs.raw_lines import RawLine
from tests.engine.logs.test_watch import Pages
from tests.patience import until

HARMLESS = [RawLine(f"2026-11-21T10:00:00Z INFO served {n}".encode()) for n in range(50_000)]


def intake(**patterns: str) -> LogIntake:
    return LogIntake(LogRing("app.log"), SystemClock(), "auto", patterns)


def texts(lines: tuple[LogLine, ...]) -> list[str]:
    return [line.text for line in lines if not line.notice]


def test_the_one_line_that_fired_a_pattern_outlives_a_flood() -> None:
    taken = intake(oom="quota exceeded")
    fired = RawLine(b"2026-11-21T10:00:00Z INFO quota exceeded for alice")
    taken.lines([*HARMLESS[:20_000], fired, *HARMLESS[20_000:]], live=True)
    for _ in range(3):
        taken.lines(HARMLESS, live=True)
    lines = taken.ring.lines()
    assert sum("quota exceeded" in text for text in texts(lines)) == 1
    assert taken.patterns["oom"].total == 1
    status = taken.ring.status(0.0)
    assert status.seen + BACKLOG == 200_001
    assert status.seen == status.held + status.pushed_out + status.dropped


def test_the_last_matches_of_each_pattern_are_held_and_no_more() -> None:
    taken = intake(one="apple", other="pear")
    taken.lines([RawLine(b"a pear")], live=True)
    for n in range(200):
        taken.lines([RawLine(f"apple {n}".encode())], live=True)
        taken.lines(HARMLESS[:30], live=True)
    taken.lines(HARMLESS[:5000], live=True)
    ring = taken.ring
    ring.add([parse(line, "auto", 0.0) for line in HARMLESS[:6000]], 0.0, live=True)
    held = texts(ring.lines())
    assert [text for text in held if "apple" in text] == [
        f"apple {n}" for n in range(200 - MATCHES, 200)
    ]
    assert held[0] == "a pear"


def test_errors_are_held_longer_than_the_rest_and_told_apart() -> None:
    taken = intake()
    for n in range(ERRORS + 5):
        taken.ring.add([parse(RawLine(f"ERROR no {n}".encode()), "auto", 0.0)], 0.0, live=True)
    taken.ring.add([parse(line, "auto", 0.0) for line in HARMLESS[:6000]], 0.0, live=True)
    lines = taken.ring.lines()
    errors = [line for line in lines if line.level >= LogLevel.ERROR and not line.notice]
    assert [line.text for line in errors] == [f"ERROR no {n}" for n in range(5, ERRORS + 5)]
    assert lines[len(errors)].notice
    assert len(lines) <= 5000 + ERRORS + 1
    numbers = [line.number for line in lines]
    assert numbers == sorted(numbers)


def test_a_flood_of_errors_costs_no_more_than_one_of_anything() -> None:
    taken = intake()
    taken.lines([RawLine(f"ERROR no {n}".encode()) for n in range(50_000)], live=True)
    status = taken.ring.status(0.0)
    assert status.seen + BACKLOG == 50_000
    assert status.dropped > 30_000


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21T10:00:00Z ERROR no",
        "[crit] no",
        '{"level":"error","msg":"no"}',
        '{"level":50,"msg":"no"}',
        '{"severity": 3, "message": "no"}',
        "E0501 10:00:00.000000 1 a.go:1] no",
        "F, [2026-11-21T10:00:00 #1] FATAL -- : no",
        "<11>Nov 21 10:00:00 host app: no",
        "panic: runtime",
        "Traceback (most recent call last):",
        "ValueError: no",
        "fail: Program[0]",
        "java.lang.IllegalStateException: no",
        "Unhandled rejection",
    ],
)
def test_what_reads_as_an_error_is_found_unread(line: str) -> None:
    raw = RawLine(line.encode())
    assert parse(raw, "auto", 1_795_255_200.0).level >= LogLevel.ERROR
    assert maybe_errors([HARMLESS[0], raw, HARMLESS[1]]) == [1]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[LogWatch]:
    settings = Settings(services={"web": Service(logs=(ServiceLog(file="app.log"),))})
    watch = LogWatch(settings, tmp_path, Machines(), SystemClock())
    yield watch
    watch.close()


def test_the_screen_looks_back_to_the_beginning_of_the_file(
    watch: LogWatch, tmp_path: Path
) -> None:
    log = tmp_path / "app.log"
    with log.open("wb") as file:
        file.write(b"2026-11-20T09:00:00Z INFO PANIC at the beginning\n")
        for _ in range(4):
            file.write(b"\n".join(line.data for line in HARMLESS) + b"\n")
        file.write(b"2026-11-21T10:00:01Z INFO PANIC at the end\n")
    pages = Pages()
    reader = watch.open("web", pages)
    until(lambda: any("at the end" in text for text in pages.texts))
    assert not any("at the beginning" in text for text in pages.texts)
    reader.ask(query_of("PANIC", back=True))
    until(lambda: pages.all[-1].past is not None and pages.all[-1].past.end is not None)
    until(lambda: len(pages.texts) == 2)
    assert [text.split()[-1] for text in pages.texts] == ["beginning", "end"]
    past = pages.all[-1].past
    assert past is not None
    assert past.end is PastEnd.BEGINNING
    assert past.read == log.stat().st_size
    with log.open("a") as file:
        file.write("2026-11-21T10:00:02Z INFO PANIC again\n")
    until(lambda: len(pages.texts) == 3)
    reader.ask(query_of("PANIC"))
    until(lambda: pages.all[-1].past is None)
    assert [text.split()[-1] for text in pages.texts] == ["end", "again"]
    reader.close()


def test_looking_back_doubles_no_line_and_shows_all_that_is_kept(
    watch: LogWatch, tmp_path: Path
) -> None:
    with (tmp_path / "app.log").open("w") as file:
        file.writelines(f"line {n} of many that look alike\n" for n in range(20_000))
    pages = Pages()
    reader = watch.open("web", pages)
    until(lambda: bool(pages.texts))
    reader.ask(query_of("", back=True))
    until(lambda: pages.all[-1].past is not None and pages.all[-1].past.end is not None)
    with (tmp_path / "app.log").open("a") as file:
        file.write("line 20000 is new\n")
    until(lambda: pages.texts[-1].endswith("is new"))
    numbers = [int(text.split()[1]) for text in pages.texts if re.match(r"line \d", text)]
    assert numbers == list(range(20_001 - len(numbers), 20_001))
    assert pages.all[-1].past is not None
    assert pages.all[-1].past.end is PastEnd.LINES
    reader.close()


def test_the_last_line_is_shown_without_its_line_feed_and_counted_once(
    tmp_path: Path,
) -> None:
    service = Service(logs=(ServiceLog(file="app.log", patterns={"panics": "panic"}),))
    watch = LogWatch(Settings(services={"web": service}), tmp_path, Machines(), SystemClock())
    (tmp_path / "app.log").write_text("begun\n")
    pages = Pages()
    reader = watch.open("web", pages)
    until(lambda: pages.texts == ["begun"])
    with (tmp_path / "app.log").open("a") as file:
        file.write("panic: out of")
        file.flush()
        until(lambda: pages.texts == ["begun", "panic: out of"])
        file.write(" memory\nnext\n")
        file.flush()
        until(lambda: pages.texts == ["begun", "panic: out of memory", "next"])
    [metric] = watch.figures(SystemClock().now() + 20)
    assert metric.value is not None
    assert round(metric.value * 20) == 1
    reader.close()
    watch.close()
