"""What is taken from a page of metrics, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.metrics.exposition import (
    LINE_LIMIT,
    Exposed,
    ExpositionError,
    TooManySeriesError,
    exposed_names,
    read_exposition,
)
from tests.clean import is_clean

TEXT = b"""# HELP up of no interest
# TYPE up gauge
up 1
# TYPE http_requests_total counter
http_requests_total{path="/a b",say="\\"hi\\"\\n"} 3 1700000000000
http_requests_total 4.5e1
http_requests_total_like 7
# TYPE lat histogram
lat_bucket{le="0.1"} 1
lat_bucket{le="+Inf"} 2
lat_sum 0.3
lat_count 2
"""
OPEN = b"""# TYPE http_requests counter
http_requests_total 3 # {trace_id="x"} 1
http_requests_created 12
# TYPE lat histogram
lat_bucket{le="0.1"} 1 # {trace_id="y"} 0.05
lat_bucket{le="+Inf"} 2
lat_count 2
lat_sum 0.3
# EOF
"""


def read(body: bytes, *names: str, kind: str = "text/plain; version=0.0.4") -> list[Exposed]:
    return read_exposition(body, kind, frozenset(names)).samples


def test_declared_series_alone_are_taken() -> None:
    labels = (("path", "/a b"), ("say", '"hi"\n'))
    assert read(TEXT, "http_requests_total") == [
        Exposed("http_requests_total", labels, 3.0),
        Exposed("http_requests_total", (), 45.0),
    ]
    assert [sample.value for sample in read(TEXT, "lat_bucket")] == [1.0, 2.0]
    assert read(TEXT, "absent") == []
    assert read(TEXT) == []


def test_open_metrics_with_exemplars_are_read_by_their_own_parser() -> None:
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    found = read(OPEN, "http_requests_total", "lat_bucket", kind=kind)
    assert [(sample.name, sample.value) for sample in found] == [
        ("http_requests_total", 3.0),
        ("lat_bucket", 1.0),
        ("lat_bucket", 2.0),
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>c 1</html>", "text/html; charset=utf-8"),
        (b'{"c": 1}', "application/json"),
        (b"c one\n", "text/plain"),
        (b'c{a="b" 1\n', "text/plain"),
        (b'c{a="b",a="c"} 1\n', "text/plain"),
        (b'c{a="\xff"} 1\n', "text/plain"),
        (b"c 1 2 3\n", "application/openmetrics-text"),
    ],
)
def test_what_is_not_understood_is_said(body: bytes, kind: str) -> None:
    with pytest.raises(ExpositionError) as caught:
        read(body, "c", kind=kind)
    assert "\n" not in str(caught.value)


def test_a_broken_line_of_another_metric_is_no_matter() -> None:
    assert [sample.value for sample in read(b"other{\nc 1\n\xff\xfe\n", "c")] == [1.0]


def test_a_last_line_without_its_end_is_read() -> None:
    assert [sample.value for sample in read(b"c 1", "c")] == [1.0]


def test_numbers_of_every_kind_are_read() -> None:
    values = [sample.value for sample in read(b'c{a="1"} NaN\nc{a="2"} +Inf\nc -1e-3\n', "c")]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -0.001]


def test_too_many_series_are_counted_and_not_parsed() -> None:
    body = b"".join(b'c{n="%d"} 1\n' % n for n in range(LINE_LIMIT + 1))
    with pytest.raises(TooManySeriesError) as caught:
        read(body, "c")
    assert caught.value.count == LINE_LIMIT + 1


def test_the_names_that_there_are_can_be_told() -> None:
    assert exposed_names(TEXT) == {
        "up",
        "http_requests_total",
        "http_requests_total_like",
        "lat_bucket",
        "lat_sum",
        "lat_count",
    }


@given(st.binary(max_size=300), st.sampled_from(["text/plain", "application/openmetrics-text", ""]))
def test_any_bytes_are_read_or_refused_in_safe_words(body: bytes, kind: str) -> None:
    said = ""
    try:
        read(b"c " + body, "c", kind=kind)
    except ExpositionError as error:
        said = str(error)
    assert is_clean(said)


CURRENT = b"""# HELP lat Latency.
# TYPE lat histogram
lat_bucket{le="0.1",path="/"} 1.0 # {trace_id="y"} 0.05 1700000000.1
lat_bucket{le="+Inf",path="/"} 2.0
lat_count{path="/"} 2.0
lat_sum{path="/"} 0.3
lat_created{path="/"} 1.7e+09
# TYPE queue gauge
queue 4.0
# EOF
"""


@pytest.mark.parametrize("kind", ["text/plain", "application/openmetrics-text; version=1.0.0"])
@pytest.mark.parametrize("name", ["lat_count", "lat_sum", "lat_bucket", "queue"])
def test_a_part_of_a_histogram_is_read_without_the_others(kind: str, name: str) -> None:
    found = read_exposition(CURRENT, kind, frozenset({name, "queue"}))
    assert found.problems == ()
    assert {sample.name for sample in found.samples} == {name, "queue"}


@pytest.mark.parametrize(
    "broken", [b"c{", b'c{a="b"} one', b"c", b'c{a="b",a="c"} 1', b'c{a="\xff"} 1', b"c 1 2 3"]
)
def test_a_broken_family_costs_itself_and_is_said(broken: bytes) -> None:
    body = b"d 1\nc 5\n" + broken + b" \n" + b'e{x="y"} 2\n'
    found = read_exposition(body, "text/plain", frozenset({"c", "d", "e"}))
    assert [(sample.name, sample.value) for sample in found.samples] == [("d", 1.0), ("e", 2.0)]
    (said,) = found.problems
    assert said.startswith("c: ")


@given(st.text(min_size=1, max_size=20))
def test_a_name_in_quotes_is_read_whatever_it_is(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    body = f'{{"{quoted}", "a.b"="c"}} 3\n{{"{quoted}"}} 4\nother 1\n'.encode("utf-8", "replace")
    wanted = name.encode("utf-8", "replace").decode()
    if "\r" in name:
        return
    found = read_exposition(body, "text/plain", frozenset({wanted}))
    assert found.samples == [Exposed(wanted, (("a.b", "c"),), 3.0), Exposed(wanted, (), 4.0)]
    assert wanted in exposed_names(body)


def test_the_types_of_a_page_are_known() -> None:
    body = b'# TYPE "http.requests" counter\n{"http.requests"} 1\n# TYPE queue gauge\nqueue 4\n'
    found = read_exposition(body, "text/plain", frozenset({"http.requests", "queue"}))
    assert (found.type_of("http.requests"), found.type_of("queue")) == ("counter", "gauge")
    assert (
        read_exposition(CURRENT, "", frozenset({"lat_count"})).type_of("lat_count") == "histogram"
    )
