"""What lines say: level, time and words, from the forms that are met in the field."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.line import parse
from opsconsole.sources.logs.parsed_line import ParsedLine, Part
from opsconsole.sources.logs.raw_lines import RawLine
from tests.clean import is_clean

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()
TEN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC).timestamp()


def read(text: str | bytes, form: str = "auto") -> ParsedLine:
    return parse(RawLine(text.encode() if isinstance(text, str) else text), form, NOW)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("2026-11-21T10:00:00Z ready", TEN),
        ("2026-11-21T12:00:00.250+02:00 ready", TEN + 0.25),
        ("2026-11-21 10:00:00,123 INFO app: ready", TEN + 0.123),
        ("[2026-11-21 10:00:00] ready", TEN),
        ("[2026-11-21 10:00:00 +0000] [7] [INFO] Listening", TEN),
        ("2026/11/21 10:00:00 [error] 7#7: upstream", TEN),
        ("Nov 21 10:00:00 host app[7]: ready", TEN),
        ('10.0.0.1 - - [21/Nov/2026:12:00:00 +0200] "GET / HTTP/1.1" 200 7', TEN),
        (f'{{"ts": {TEN}, "msg": "ready"}}', TEN),
        (f'{{"time": {TEN * 1000:.0f}, "msg": "ready"}}', TEN),
        ('{"@timestamp": "2026-11-21T10:00:00.000Z", "message": "ready"}', TEN),
        ("Dec 31 23:59:59 host app: last year", TEN - 325 * 86400 + 50399),
    ],
)
def test_times_are_on_one_clock(line: str, at: float) -> None:
    assert read(line).at == pytest.approx(at, abs=1e-3)


@pytest.mark.parametrize(
    "line", ["ready", "1970-01-01 00:00:00 x", "2031-01-01T00:00:00Z x", "2026-13-41 10:00:00 x"]
)
def test_a_time_that_cannot_be_true_is_none(line: str) -> None:
    assert read(line).at is None


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-21 10:00:00,123 - app - WARNING - slow", LogLevel.WARNING),
        ("INFO:     Application startup complete.", LogLevel.INFO),
        ("level=error msg=refused", LogLevel.ERROR),
        ("2026/11/21 10:00:00 [crit] 7#7: no space", LogLevel.CRITICAL),
        ("E1121 10:00:00.000000 7 main.go:1] refused", LogLevel.ERROR),
        ("no error here", LogLevel.UNKNOWN),
        ('{"level": "warn", "msg": "slow"}', LogLevel.WARNING),
        ('{"level": 50, "msg": "refused"}', LogLevel.ERROR),
        ('{"severity": "CRITICAL", "message": "gone"}', LogLevel.CRITICAL),
        ('{"level": ["hostile"], "msg": "x"}', LogLevel.UNKNOWN),
    ],
)
def test_levels_are_recognised(line: str, level: LogLevel) -> None:
    assert read(line).level is level


def test_json_shows_its_message_then_its_fields_then_its_long_ones() -> None:
    line = {"level": "ERROR", "message": "no", "module": "db", "exc": "Traceback\n  File x", "n": 1}
    assert read(json.dumps(line)).text == "no  module=db n=1\nexc: Traceback\n  File x"


def test_json_declared_as_text_stays_as_it_is_and_broken_json_is_text() -> None:
    assert read('{"msg": "x"}', "text").text == '{"msg": "x"}'
    assert read('{"msg": ', "json").text == '{"msg": '
    assert read("[" * 100_000, "json").text.startswith("[[[")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("2026-11-21 10:00:00 INFO ready", Part.ENTRY),
        ("ready", Part.ENTRY),
        ("Traceback (most recent call last):", Part.TRACE),
        ('Exception in thread "main" java.lang.Error', Part.TRACE),
        ("panic: runtime error", Part.TRACE),
        ("/app/a.js:5", Part.TRACE),
        ('  File "x"', Part.MORE),
        ("\tat x.Y(Z)", Part.MORE),
        ("Caused by: x", Part.MORE),
        ("ValueError: no", Part.REASON),
        ("java.lang.IllegalStateException: boom", Part.REASON),
        ("Errors were found", Part.ENTRY),
        ("During handling of the above exception, another", Part.CHAIN),
        ("", Part.BLANK),
        (" \t", Part.BLANK),
    ],
)
def test_what_a_line_is_of_an_entry(line: str, part: Part) -> None:
    assert read(line).part is part


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("panic: boom", LogLevel.CRITICAL),
        ("thread 'main' panicked at src/main.rs:2:5:", LogLevel.CRITICAL),
        ("Traceback (most recent call last):", LogLevel.ERROR),
        ("KeyError: 1", LogLevel.ERROR),
        ("2026-11-21 10:00:00 app: table ALERT created", LogLevel.UNKNOWN),
        ('1.2.3.4 - - [21/Nov/2026:10:00:00 +0000] "GET /FATAL HTTP/1.1" 200', LogLevel.UNKNOWN),
        ("2026-11-21 10:00:00 error opening the file", LogLevel.ERROR),
        ("2026-11-21 10:00:00 host app[5]: ERROR refused", LogLevel.ERROR),
        ("2026-11-21 10:00:00 found the ERROR of others", LogLevel.UNKNOWN),
        ("<11>1 2026-11-21T10:00:00Z h a 1 - - boom", LogLevel.ERROR),
        ("\x1b[31mERROR\x1b[0m refused", LogLevel.ERROR),
        ("log rotated", LogLevel.UNKNOWN),
        ("alert manager is up", LogLevel.UNKNOWN),
    ],
)
def test_a_word_is_a_level_only_where_levels_stand(line: str, level: LogLevel) -> None:
    assert read(line).level is level


def test_colours_are_no_part_of_a_line_and_other_escapes_are_shown() -> None:
    assert read("\x1b[1;31mred\x1b[0m \x1b[2Jx").text == "red ␛[2Jx"


def test_what_is_not_utf8_is_shown_and_an_endless_line_says_how_long_it_is() -> None:
    assert read(b"caf\xe9").text == "caf\\xe9"
    cut = parse(RawLine(b"x" * 65_536, 9_934_464), "auto", NOW).text
    assert cut.startswith("x" * 4096 + "… +61440")
    assert cut.endswith("+9.9 MB")


def test_a_time_in_a_line_is_not_looked_for_where_its_place_gave_one_and_it_is_the_rest() -> None:
    def at(text: bytes, given: float | None) -> ParsedLine:
        return parse(RawLine(text, at=given), "auto", NOW)

    assert at(b"  2026-11-21T10:00:00Z more", 7.0).own is False
    assert at(b"\t2026-11-21T10:00:00Z more", 7.0).part is Part.MORE
    inner = at(b"2026-11-21T10:00:00Z first", 7.0)
    assert (inner.own, inner.at) == (True, 7.0)
    assert at(b"  2026-11-21T10:00:00Z more", None).at == TEN
    assert at(b"no time at all", None).at is None


@pytest.mark.parametrize(
    ("line", "awaits"),
    [
        ("Nov 21, 2026 10:00:00 AM org.apache.catalina.core.StandardService start", True),
        ("Nov 21, 2026 10:00:00 AM ERROR refused", False),
        ("2026-11-21 10:00:00 ready at 10 AM", False),
        ("11/21/2026 10:00:00 PM ready", True),
    ],
)
def test_a_time_of_java_s_logging_awaits_its_level(line: str, awaits: bool) -> None:
    assert read(line).awaits is awaits


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("2026-11-21T15:30:00+05:30 ready", TEN),
        ("2026-11-21T10:00:00+00 ready", TEN),
        ("2026-11-21T08:00:00-02 ready", TEN),
        ("2026-11-21T04:30:00-0530 ready", TEN),
        ("Nov 21, 2026 10:00:00 AM ready", TEN),
        ("Nov 20, 2026 10:00:00 PM ready", TEN - 12 * 3600),
        ("Nov 21, 2026 12:00:00 AM ready", TEN - 10 * 3600),
        ('{"instant": {"epochSecond": 1795255200, "nanoOfSecond": 500000000}}', TEN + 0.5),
        ('{"time": {"seconds": 1795255200}, "msg": "x"}', TEN),
        ('{"time": {"seconds": 1795255200, "nanos": 250000000}, "msg": "x"}', TEN + 0.25),
        ('{"time": {"seconds": "soon", "nanos": 1}, "msg": "x"}', None),
        ('{"time": {"seconds": 1795255200, "nanos": "x"}, "msg": "x"}', None),
        ('{"time": true, "msg": "x"}', None),
        ('{"time": "1795255200", "msg": "x"}', TEN),
        ('{"time": "1795255200000000000", "msg": "x"}', TEN),
    ],
)
def test_zones_halves_of_a_day_and_what_objects_mean_by_a_time(line: str, at: float | None) -> None:
    assert read(line).at == (None if at is None else pytest.approx(at, abs=1e-3))


def test_an_object_behind_what_a_collector_puts_before_it() -> None:
    line = '2026-11-21T10:00:00Z web-1 {"level": "error", "msg": "refused"}'
    assert read(line).text == "2026-11-21T10:00:00Z web-1 refused"
    assert (read(line).at, read(line).level) == (TEN, LogLevel.ERROR)
    later = '2026-11-21T11:00:00Z web-1 {"ts": "2026-11-21T10:00:00Z", "msg": "refused"}'
    assert read(later).at == TEN
    # An object that is no logger's own is a part of the text.
    other = '2026-11-21T10:00:00Z asked for {"id": 7}'
    assert read(other).text == other
    assert read('{"id": 7}').text == "id=7"


def test_what_a_collector_wrapped_is_unwrapped_so_deep_and_no_deeper() -> None:
    def wrapped(times: int) -> str:
        text = json.dumps({"level": "error", "msg": "refused", "ts": "2026-11-21T10:00:00Z"})
        for _ in range(times):
            text = json.dumps({"log": text, "time": "2026-11-21T11:00:00Z"})
        return text

    for times in (0, 1, 2):
        found = read(wrapped(times))
        assert (found.text, found.level, found.at) == ("refused", LogLevel.ERROR, TEN)
    assert read(wrapped(3)).text.startswith('{"level": "error"')
    inner = json.dumps({"level": "info", "log": json.dumps({"level": "error", "msg": "x"})})
    assert read(inner).level is LogLevel.INFO


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("1:M 21 Nov 2026 10:00:00.123 # out of memory", LogLevel.WARNING),
        ("1:M 21 Nov 2026 10:00:00.123 * ready", LogLevel.NOTICE),
        ("[2026-11-21 10:00:00,123: ERROR/MainProcess] refused", LogLevel.ERROR),
        ("[2026-11-21 10:00:00] production.ERROR: refused", LogLevel.ERROR),
        ("WARNING:root:slow", LogLevel.WARNING),
        ('{"reqId": "a", "level": 3, "message": "refused"}', LogLevel.ERROR),
        ('{"reqId": "a", "level": 0, "message": "looking"}', LogLevel.DEBUG),
        ('{"reqId": "a", "level": 4, "message": "gone"}', LogLevel.CRITICAL),
        ('{"reqId": "a", "level": 50, "message": "refused"}', LogLevel.ERROR),
        ('{"reqId": "a", "level": -1, "message": "?"}', LogLevel.UNKNOWN),
        ('{"log": {"level": "error"}, "message": "refused"}', LogLevel.ERROR),
        ('{"level": true, "message": "?"}', LogLevel.UNKNOWN),
        ('{"level": "30", "message": "told"}', LogLevel.INFO),
        ('{"level": 30000, "message": "?"}', LogLevel.UNKNOWN),
    ],
)
def test_levels_of_particular_loggers(line: str, level: LogLevel) -> None:
    assert read(line).level is level


def test_a_brace_that_does_not_close_is_text() -> None:
    assert read('{"msg": "x"} and more').text == '{"msg": "x"} and more'
    assert read('x {"msg": "x"} and more').text == 'x {"msg": "x"} and more'
    assert read("it ends here }").text == "it ends here }"


def test_many_rows_and_fields_are_counted() -> None:
    rows = "\n".join(f"row {number}" for number in range(1, 301))
    shown = read(json.dumps({"msg": "first", "stack": rows})).text.split("\n")
    assert (shown[0], shown[1], shown[-1]) == ("first", "stack: row 1", "… +100 lines")
    assert len(shown) == 202
    exact = "\n".join(f"row {number}" for number in range(1, 201))
    assert read(json.dumps({"msg": "first", "stack": exact})).text.endswith("row 200")
    fields = {"msg": "first", **{f"k{number}": number for number in range(30)}}
    assert read(json.dumps(fields)).text.endswith("k23=23  … +6 fields".replace("  ", " "))


@pytest.mark.parametrize(
    ("over", "told"), [(0, "x"), (7, "x +7 B"), (99_999, "x +99999 B"), (100_000, "x +0.1 MB")]
)
def test_what_of_an_endless_line_was_dropped_is_said(over: int, told: str) -> None:
    assert parse(RawLine(b"x", over), "auto", NOW).text == told


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(lambda t: t.encode("utf-8", "surrogatepass")),
    )
)
def test_any_bytes_give_a_clean_line(data: bytes) -> None:
    parsed = read(data.replace(b"\n", b""))
    assert is_clean(parsed.text)


@given(
    st.dictionaries(
        st.text(max_size=9),
        st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.lists(st.text(max_size=3))),
    )
)
def test_any_object_gives_a_clean_line(fields: dict[str, object]) -> None:
    assert is_clean(read(json.dumps(fields)).text)


HEADS = json.loads((Path(__file__).parent / "heads.json").read_text(encoding="utf-8"))
"""Level, time of the first of May 2026 in UTC (null: the line names none), and the line."""


@pytest.mark.parametrize(("level", "clock", "line"), HEADS, ids=[line[:50] for *_, line in HEADS])
def test_what_stands_before_the_words_is_read(level: str, clock: str | None, line: str) -> None:
    found = parse(RawLine(line.encode()), "auto", datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp())
    assert found.level.name == level
    at = None if found.at is None else datetime.fromtimestamp(found.at, UTC)
    assert (at and at.strftime("%d %H:%M:%S")) == (clock and f"01 {clock}")
