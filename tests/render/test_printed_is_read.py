"""What the console prints or fills in, it takes: every form of a matcher, a duration, a time."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.logs.export import as_text
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.alerting.silence_requests import bad_parameter, matchers_of
from opsconsole.model.alerting.silences import (
    Matcher,
    SilenceState,
    SilenceView,
    parse_matchers,
    shown,
)
from opsconsole.model.logs import LogLevel, LogLine
from opsconsole.model.operation import ActionRequest
from opsconsole.model.written.expressions import parse
from opsconsole.model.written.typed_time import WEEKDAYS, moment_of
from opsconsole.model.written.units import format_duration, read_duration
from opsconsole.render.alerts import silences as rows
from opsconsole.render.forms.silencing import edit_form, silence_form
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import plain
from opsconsole.text import sanitize

NAMES = st.text(min_size=1, max_size=12).map(sanitize).filter(str.strip) | st.sampled_from(
    ["job", "http.status code", "a=b", 'say "x"', "ä", "{}", "1st", "a,b", " ", "a\\b", "=~"]
)
VALUES = st.text(max_size=20).map(sanitize) | st.sampled_from(['"', "\\", "a b", "{x}", ",", "\n"])
MATCHERS = st.lists(
    st.builds(Matcher, NAMES, VALUES, st.just(False), st.booleans()), min_size=1, max_size=4
)


def same(one: tuple[Matcher, ...], other: tuple[Matcher, ...]) -> bool:
    return sorted(map(str, one)) == sorted(map(str, other))


@given(MATCHERS)
def test_matchers_as_they_are_shown(matchers: list[Matcher]) -> None:
    found = tuple(matchers)
    assert same(parse_matchers(shown(found)), found)
    assert same(parse_matchers("{" + ", ".join(map(str, found)) + "}"), found)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_the_form_of_a_silence_takes_what_it_is_filled_with(labels: dict[str, str]) -> None:
    alert = Alert("down", "Down", Severity.CRITICAL, AlertState.FIRING, 0.0, labels=labels)
    form = silence_form(alert, "alertmanager")
    values = {field.id: field.value for field in form.fields}
    request = form.read({**values, "reason": "a test"})
    assert isinstance(request, ActionRequest)
    assert bad_parameter(request) is None
    expected = {**labels, "alertname": "Down"}
    assert {each.name: each.value for each in matchers_of(request)} == expected
    silence = SilenceView(
        "1", matchers_of(request), "kim", "why", 0.0, 7200.0, SilenceState.ACTIVE, "alertmanager"
    )
    again = edit_form(silence, 10.0)
    values = {field.id: field.value for field in again.fields}
    read = again.read(values)
    assert isinstance(read, ActionRequest)
    assert same(matchers_of(read), silence.matchers)
    row = plain([rows.row(silence, 10_000, 10.0)])
    assert same(parse_matchers(row.split(silence.by, 1)[1].strip()), silence.matchers)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('http.status code="500"', [("http.status code", "500")]),
        ('"http.status code"="500"', [("http.status code", "500")]),
        ('job="a" http.status code="500" b=1', [("job", "a"), ("http.status code", "500"),
                                                ("b", "1")]),
        ('{a="b",c="d"}', [("a", "b"), ("c", "d")]),
        ('{a="b", c="d",}', [("a", "b"), ("c", "d")]),
        ('  { alertname = "Down" }  ', [("alertname", "Down")]),
        ("a=b,c=d", [("a", "b"), ("c", "d")]),
        ('a="{x}" b=""', [("a", "{x}"), ("b", "")]),
        ("", []),
        ("{}", []),
    ],
)  # fmt: skip
def test_the_forms_in_which_matchers_are_written(text: str, found: list[tuple[str, str]]) -> None:
    assert [(each.name, each.value) for each in parse_matchers(text)] == found


@pytest.mark.parametrize("text", ["a", "{a=b", "a=b}", 'a="b', "=b", "a=b c", "1a=b", "{{a=b}}"])
def test_what_holds_no_matchers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a matcher"):
        parse_matchers(text)


@given(st.floats(0.001, 3e9))
def test_durations_as_they_are_printed(seconds: float) -> None:
    for printed in (
        figures.duration(seconds), figures.age(seconds), format_duration(seconds),
        figures.span(round(seconds)),
    ):  # fmt: skip
        if "e+" not in printed:
            assert read_duration(printed) == pytest.approx(seconds, rel=0.06, abs=1.0)


@pytest.mark.parametrize("text", ["min", "5 mins ago", "2 hours", "h", "1 2s", "", "3 km"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        read_duration(text)


NOW = datetime(2026, 11, 21, 9, 14, 7, tzinfo=UTC).timestamp()


@given(st.floats(NOW - 86_000, NOW), st.floats(0, NOW))
def test_times_as_they_are_printed(recent: float, any_time: float) -> None:
    assert moment_of(f"{figures.clock(recent)}Z", NOW) == pytest.approx(recent, abs=1.0)
    assert moment_of(figures.clock(recent, seconds=False), NOW) == pytest.approx(recent, abs=60.0)
    at = any_time
    for printed in (
        f"{figures.date(at)} {figures.clock(at)}Z",
        as_text(LogLine("a", 1, at, LogLevel.INFO, "x")).split()[0],
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S%z"),
        f"{at:.3f}" if at > 1e8 else figures.date(at),
        f"{figures.age(NOW - at)} ago",
    ):
        wide = 86_400.0 if len(printed) < 11 else 1.0
        assert moment_of(printed, NOW) == pytest.approx(at, abs=wide)


@given(st.floats(NOW - 300 * 86_400, NOW - 80_000))
def test_days_as_they_are_listed(at: float) -> None:
    printed = figures.when(at, NOW).strip()
    assert moment_of(printed, NOW) == pytest.approx(at, abs=86_400.0)
    assert moment_of(f"{printed}Z", NOW) == moment_of(printed, NOW)
    assert moment_of(figures.dated_clock(at), NOW) == pytest.approx(at, abs=1.0)


@given(st.floats(0, 71_900), st.floats(0, 86_400))
def test_a_moment_of_another_day_is_listed_with_it(ago: float, into: float) -> None:
    now = NOW + into
    printed = figures.when(now - ago, now)
    same = figures.date(now - ago) == figures.date(now)
    assert len(printed) == 8
    assert (printed[:2] in WEEKDAYS) is not same
    assert moment_of(printed, now) == pytest.approx(now - ago, abs=1.0 if same else 60.0)


@pytest.mark.parametrize(
    "text",
    ["p95(latency) < 100ms", "availability 99.9% over 30d", "rate(x) > 100/s", "state == down"],
)
def test_expressions_as_they_are_printed(text: str) -> None:
    assert str(parse(str(parse(text)))) == str(parse(text))
