"""Log files as programs write them, each read as the entries that a person sees.

``tests/sources/logs/lines.json`` holds whole files with their entries: level, and time in UTC.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsconsole.engine.logs.ring import LogRing
from opsconsole.model.logs import LogLevel, LogLine
from opsconsole.sources.logs.line import parse
from opsconsole.sources.logs.raw_lines import RawLine

FILE = Path(__file__).parents[2] / "sources" / "logs" / "lines.json"
CASES = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def entries(text: str, now: float = NOW) -> tuple[LogLine, ...]:
    ring = LogRing("app.log")
    ring.add(
        [parse(RawLine(line.encode()), "auto", now) for line in text.split("\n")], now, live=True
    )
    assert ring.status(now).seen == text.count("\n") + 1, "every line is counted"
    return ring.lines()


def test_all_are_here() -> None:
    assert len(CASES) == 67


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_file_is_read_as_its_entries(case: dict[str, Any]) -> None:
    read = entries(case["text"])
    assert [each.level.name for each in read] == [each["level"] for each in case["entries"]]
    for entry, wanted in zip(read, case["entries"], strict=True):
        if wanted["time"] is not None:
            told = datetime.fromtimestamp(entry.at, UTC).isoformat()
            assert told.startswith(wanted["time"])
            assert entry.stamped


STAMPED = "2026-05-01 11:59:59 "


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("Error: a\nError: b", ["ERROR", "ERROR"]),
        ("ValueError: a\n  at x\nValueError: b", ["ERROR", "ERROR"]),
        (f"{STAMPED}INFO a\nplain\nplain", ["INFO", "UNKNOWN", "UNKNOWN"]),
        (f"{STAMPED}ERROR a\nmore of it\n{STAMPED}INFO b", ["ERROR", "INFO"]),
        (f"{STAMPED}INFO a\n\n\n{STAMPED}INFO b", ["INFO", "INFO"]),
        (
            "Traceback (most recent call last):\n  x\nKeyError: 1\nstarted\n"
            "Traceback (most recent call last):\n  x\nKeyError: 1",
            ["ERROR", "UNKNOWN", "ERROR"],
        ),
        ("panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:5 +0x1\nexit status 2",
         ["CRITICAL", "UNKNOWN"]),
    ],
)  # fmt: skip
def test_what_is_one_entry(text: str, levels: list[str]) -> None:
    assert [each.level.name for each in entries(text)] == levels


def test_a_line_without_a_time_is_of_the_moment_of_the_one_before() -> None:
    first, second = entries(f"{STAMPED}INFO a\nValueError: boom")
    assert (second.level, second.at, second.stamped) == (LogLevel.ERROR, first.at, False)
    first, late = entries("2026-05-01 10:00:00 INFO a\nprinted just now")
    assert late.at == NOW


def test_blank_lines_within_a_trace_stay_and_those_after_it_do_not() -> None:
    (entry,) = entries(f"{STAMPED}ERROR a\nTraceback (most recent call last):\n\n  x\n\n")
    assert entry.text.endswith("Traceback (most recent call last):\n\n  x")


def test_a_notice_between_them_parts_a_trace_from_its_head() -> None:
    ring = LogRing("app.log")
    for text in (f"{STAMPED}ERROR a", "Traceback (most recent call last):"):
        ring.add([parse(RawLine(text.encode()), "auto", NOW)], NOW, live=True)
        ring.notice("3 lines dropped", NOW)
    assert [each.level.name for each in ring.lines() if not each.notice] == ["ERROR", "ERROR"]


TRACES = json.loads((Path(__file__).parent / "traces.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "levels", "text"), TRACES, ids=[each[0] for each in TRACES])
def test_a_trace_of_any_language_is_one_entry(name: str, levels: list[str], text: str) -> None:
    assert [entry.level.name for entry in entries(text)] == levels, name
