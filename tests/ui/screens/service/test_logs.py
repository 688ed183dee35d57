"""The logs of a service under the hands of a person."""

import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.engine.logs.query import answer
from opsconsole.model.logs import (
    LogLevel,
    LogLine,
    LogPage,
    LogPast,
    LogQuery,
    LogStatus,
    PastEnd,
)
from opsconsole.sources.logs.line import parse
from opsconsole.sources.logs.raw_lines import RawLine
from opsconsole.ui.options import Options
from opsconsole.ui.screens.service.logs import LogsScreen
from tests.ui import fleet
from tests.ui.conftest import OpenStage, Stage
from tests.ui.fake_engine import FakeEngine

BEGAN = fleet.NOW - 3600
HOSTILE = [
    b"\x1b[2J\x1b]52;c;aGVsbG8=\x07cleared",
    b"OK\rFAIL",
    b"[@click=app.quit]quit[/] [/x] [bold red]",
    "\u202egnp.exe zero\u200bwidth".encode(),
    b"caf\xe9 \xff\xfe",
    ("z" + "\u0301" * 1000).encode(),
    b"\x9b31m C1",
    b"x" * 200_000,
]


def line(number: int, text: str, level: LogLevel = LogLevel.INFO, source: str = "app") -> LogLine:
    return LogLine(source, number, BEGAN + number, level, text)


def logs(*lines: LogLine, **status: float) -> FakeEngine:
    """An engine whose logs hold ``lines``."""
    engine = FakeEngine(fleet.calm())
    sources = sorted({each.source for each in lines})

    def page(query: LogQuery) -> LogPage:
        told = tuple(
            LogStatus(
                source,
                seen=100_000,
                held=len(lines),
                dropped=int(status.get("dropped", 0)),
                drop_rate=status.get("drop_rate", 0.0),
                lag=status.get("lag"),
            )
            for source in sources
        )
        found = [[each for each in lines if each.source == source] for source in sources]
        return answer(query, found, told, now=fleet.NOW)

    engine.answer_logs = page
    return engine


def many(count: int = 500) -> list[LogLine]:
    levels = {0: LogLevel.ERROR, 50: LogLevel.WARNING}
    return [line(n, f"line {n}", levels.get(n % 100, LogLevel.INFO)) for n in range(count)]


async def open_logs(stage: Stage) -> LogsScreen:
    await stage.press("l")
    await stage.pilot.pause()
    screen = stage.app.screen
    assert isinstance(screen, LogsScreen)
    return screen


async def test_the_end_is_followed_until_one_moves_up(open_stage: OpenStage) -> None:
    engine = logs(*many())
    async with open_stage(None, engine=engine) as stage:
        screen = await open_logs(stage)
        assert "line 499" in stage.text
        assert "following" in stage.text
        await stage.press("k", "k")
        assert screen.pane.line is not None
        assert screen.pane.line.text == "line 497"
        assert "following" not in stage.text
        engine.answer_logs = logs(*many(900)).answer_logs
        engine.readers[0].ask(engine.readers[0].query)
        await stage.pilot.pause()
        assert screen.pane.line.text == "line 497"
        assert "line 899" not in stage.text
        await stage.press("end")
        assert "line 899" in stage.text
        await stage.press("escape")
        assert engine.readers[0].closed


async def test_levels_sources_lag_and_drops_are_on_the_screen(open_stage: OpenStage) -> None:
    lines = [line(1, "fine"), line(2, "refused", LogLevel.ERROR, "web1")]
    engine = logs(*lines, dropped=99_000, drop_rate=45_210.0, lag=3.5)
    async with open_stage(None, engine=engine) as stage:
        await open_logs(stage)
        assert "dropped 45,210/s" in stage.text
        assert "dropped 99,000 in all" in stage.text
        assert "lag 3.5s" in stage.text
        assert re.search(r"\d\d:\d\d:\d\d ERROR web1 +refused", stage.text)


async def test_a_filter_a_window_and_a_level_ask_for_the_whole_buffer(
    open_stage: OpenStage,
) -> None:
    engine = logs(*many())
    async with open_stage(None, engine=engine) as stage:
        screen = await open_logs(stage)
        await stage.press("slash", *"line 7$", "enter")
        assert [each.text for each in screen.pane.rows.page.lines] == ["line 7"]
        await stage.press("z")
        assert len(screen.pane.rows.page.lines) == 7
        await stage.press("slash", *["backspace"] * 7, *"!line", "enter")
        assert not screen.pane.rows.page.matches
        await stage.press("escape")
        assert len(screen.pane.rows.page.lines) == 500
        await stage.press("v", "v", "v")
        assert {each.level for each in screen.pane.rows.page.lines} == {LogLevel.ERROR}
        await stage.press("v", "6")
        assert len(screen.pane.rows.page.lines) == 500
        await stage.press("2")
        assert not screen.pane.rows.page.lines


async def test_errors_and_matches_are_gone_to(open_stage: OpenStage) -> None:
    async with open_stage(None, engine=logs(*many())) as stage:
        screen = await open_logs(stage)
        seen = []
        for key in ("r", "r", "e"):
            await stage.press(key)
            assert screen.pane.line is not None
            seen.append(screen.pane.line.text)
            assert screen.pane.line.text in stage.text
        assert seen == ["line 400", "line 300", "line 400"]
        await stage.press("e")
        assert "no error below: look above" in stage.text
        await stage.press("a", "slash", *"line .3$", "enter", "1", "n", "n")
        assert screen.pane.line is not None
        assert screen.pane.line.text == "line 23"
        assert len(screen.pane.rows.page.lines) == 500


async def test_a_pause_holds_the_rows_and_says_so(open_stage: OpenStage) -> None:
    engine = logs(*many(10))
    async with open_stage(None, engine=engine) as stage:
        await open_logs(stage)
        await stage.press("p")
        engine.answer_logs = logs(*many(20)).answer_logs
        engine.readers[0].ask(engine.readers[0].query)
        await stage.pilot.pause()
        assert "PAUSED" in stage.text
        assert "line 19" not in stage.text
        await stage.press("p")
        assert "line 19" in stage.text


async def test_a_key_looks_back_to_the_beginning_and_to_the_held_lines_again(
    open_stage: OpenStage,
) -> None:
    def older(query: LogQuery) -> LogPage:
        first = [line(-1, "the beginning")] if query.back else []
        past = LogPast(PastEnd.BEGINNING, 12_000_000, BEGAN) if query.back else None
        page = answer(query, [[*first, line(1, "held")]], (LogStatus("app"),), now=fleet.NOW)
        return replace(page, past=past)

    engine = FakeEngine(fleet.calm())
    engine.answer_logs = older
    async with open_stage(None, engine=engine) as stage:
        await open_logs(stage)
        assert "the beginning" not in stage.text
        await stage.press("o")
        assert "the beginning" in stage.text
        assert "older ones too" in stage.text
        assert "12.0 MB read, back to" in stage.text
        await stage.press("o")
        assert "the beginning" not in stage.text
        assert "MB read" not in stage.text


async def test_a_long_line_is_wrapped_on_demand(open_stage: OpenStage) -> None:
    words = " ".join(f"word{n}" for n in range(60))
    async with open_stage(None, engine=logs(line(1, words), line(2, "end"))) as stage:
        await open_logs(stage)
        assert "word59" not in stage.text
        await stage.press("w")
        assert "word59" in stage.text
        assert stage.text.index("word59") < stage.text.index("INFO  end")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 15)])
async def test_hostile_lines_are_shown_and_do_nothing(
    open_stage: OpenStage, size: tuple[int, int]
) -> None:
    lines = []
    for number, data in enumerate(HOSTILE):
        parsed = parse(RawLine(data), "auto", fleet.NOW)
        lines.append(line(number, parsed.text, parsed.level))
    async with open_stage(None, engine=logs(*lines), size=size) as stage:
        await open_logs(stage)
        for wrapped in (False, True):
            assert "␛[2J" in stage.text or wrapped
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", stage.text)
            await stage.press("w", "g")
        assert stage.app.is_running


async def test_lines_are_saved_to_a_new_file_and_never_over_one(
    open_stage: OpenStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_stage(None, engine=logs(*many(3))) as stage:
        await open_logs(stage)
        for name, said in (("a.log", "3 lines saved to"), ("a.log", "there already")):
            await stage.press("s", *name, "enter")
            end = time.monotonic() + 5
            while said not in stage.text and time.monotonic() < end:
                await stage.pilot.pause(0.05)
            assert said in stage.text
        await stage.press("s", *"../b.log", "enter")
        await stage.pilot.pause(0.3)
    assert os.listdir(tmp_path) == ["a.log"]
    saved = (tmp_path / "a.log").read_text().splitlines()
    assert saved[2] == "2025-11-21T08:14:09.000Z INFO     app line 2"
    assert not (tmp_path.parent / "b.log").exists()


async def test_nothing_is_saved_in_read_only(
    open_stage: OpenStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = Options(read_only=True)
    async with open_stage(None, engine=logs(*many(3)), options=options) as stage:
        await open_logs(stage)
        await stage.press("s")
        assert "read-only" in stage.text
        await stage.press(*"a.log", "enter")
    assert os.listdir(tmp_path) == []


async def test_a_service_without_logs_says_how_to_declare_them(open_stage: OpenStage) -> None:
    async with open_stage(fleet.calm()) as stage:
        await open_logs(stage)
        assert "declares no logs" in stage.text
