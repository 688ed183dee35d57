"""Loki's lines: from a server that speaks its documented API, for no Loki is in Debian."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.config.http import HttpConfig
from opsconsole.config.service_log import ServiceLog
from opsconsole.machines.local import LocalMachine
from opsconsole.sources.logs.base import LogContext, LogSource, Sought
from opsconsole.sources.logs.kinds import make
from opsconsole.sources.logs.loki import PAGE, filtered, read
from opsconsole.sources.logs.raw_lines import RawLine
from tests.patience import until

_NANO = 1_000_000_000


class Loki:
    """Keeps lines and answers ``query_range`` as Loki does: at most ``limit``, end excluded."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str]] = []
        self.queries: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.refuses: tuple[int, str] | None = None
        loki = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
                loki.queries.append(asked)
                loki.headers.append(dict(self.headers))
                code, body = loki.answer(parts.path, asked)
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def write(self, text: str, *, pod: str = "web-1", ago: float = 0.0) -> None:
        self.lines.append((time.time_ns() - int(ago * _NANO), pod, text))

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, bytes]:
        if path != "/loki/api/v1/query_range":
            return 404, b"{}"
        if self.refuses is not None:
            return self.refuses[0], self.refuses[1].encode()
        start, end = int(asked["start"]), int(asked["end"])
        found = sorted(each for each in self.lines if start <= each[0] < end)
        limit = int(asked["limit"])
        found = found[-limit:] if asked["direction"] == "backward" else found[:limit]
        streams: dict[str, list[list[str]]] = {}
        for at, pod, text in found:
            streams.setdefault(pod, []).append([str(at), text])
        result = [
            {"stream": {"app": "web", "pod": pod}, "values": values}
            for pod, values in streams.items()
        ]
        document = {"status": "success", "data": {"resultType": "streams", "result": result}}
        return 200, json.dumps(document).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Heard:
    """What a log source says."""

    def __init__(self) -> None:
        self.live: list[str] = []
        self.past: list[str] = []
        self.writers: set[str] = set()
        self.gaps: list[str] = []
        self.troubles: list[str] = [""]

    def lines(self, lines: Sequence[RawLine], *, live: bool) -> None:
        (self.live if live else self.past).extend(each.data.decode() for each in lines)
        self.writers.update(each.replica for each in lines)

    def unfinished(self, line: RawLine) -> None:
        raise AssertionError(line)

    def gap(self, text: str) -> None:
        self.gaps.append(text)

    def trouble(self, text: str) -> None:
        self.troubles.append(text)


@pytest.fixture
def loki() -> Iterator[Loki]:
    made = Loki()
    yield made
    made.close()


def source(loki: Loki, sink: Heard, http: HttpConfig | None = None) -> LogSource:
    context = LogContext(
        Path("/"), LocalMachine(), url=loki.url, http=http or HttpConfig.model_validate({})
    )
    return make("loki", '{app="web"}', context, sink)


def test_the_last_lines_come_first_and_each_new_one_once(loki: Loki) -> None:
    loki.write("before", ago=60.0)
    heard = Heard()
    followed = source(loki, heard)
    followed.start()
    try:
        until(lambda: heard.past)
        loki.write("now", pod="web-2")
        until(lambda: heard.live)
        # It was written before what came already, and Loki has it only now.
        loki.write("late", ago=2.0)
        until(lambda: len(heard.live) > 1)
        asked = len(loki.queries)
        until(lambda: len(loki.queries) > asked + 2)
    finally:
        followed.close()
    assert heard.past == ["before"]
    assert heard.live == ["now", "late"]
    assert heard.writers == {"web-1", "web-2"}


def test_an_outage_is_said_and_loses_nothing(loki: Loki) -> None:
    heard = Heard()
    followed = source(loki, heard)
    followed.start()
    try:
        until(lambda: len(loki.queries) > 2)
        loki.refuses = (502, "")
        until(lambda: heard.troubles[-1])
        loki.write("meanwhile")
        loki.refuses = None
        until(lambda: heard.live)
        until(lambda: not heard.troubles[-1])
    finally:
        followed.close()
    assert heard.live == ["meanwhile"]
    assert heard.gaps


def test_what_loki_refuses_is_said_in_its_words(loki: Loki) -> None:
    loki.refuses = (400, "parse error at line 1, col 6: unexpected IDENTIFIER\n")
    heard = Heard()
    followed = source(loki, heard)
    followed.start()
    try:
        until(lambda: heard.troubles[-1])
    finally:
        followed.close()
    assert "parse error at line 1, col 6" in heard.troubles[-1]


def test_the_past_is_read_page_by_page_whole(loki: Loki) -> None:
    base = time.time_ns() - 90_000 * _NANO
    # More than a page, many of one moment, and a second day.
    for number in range(PAGE + 300):
        loki.lines.append((base + number // 400 * _NANO, "web-1", f"{number}"))
    loki.write("last")
    stretches = list(source(loki, Heard()).past(Sought()))
    said = [
        line.data.decode()
        for stretch in reversed(stretches)
        for batch in stretch.batches
        for line in batch
    ]
    assert sorted(said[:-1], key=int) == [f"{number}" for number in range(PAGE + 300)]
    assert said[-1] == "last"
    assert not any(each.trouble for each in stretches)


def test_a_tenant_is_named_by_a_header(loki: Loki) -> None:
    http = HttpConfig.model_validate({"http_headers": {"X-Scope-OrgID": "shop"}})
    list(source(loki, Heard(), http).past(Sought(since=time.time() - 60)))
    assert {key.lower(): value for key, value in loki.headers[0].items()}["x-scope-orgid"] == "shop"


@pytest.mark.parametrize(
    ("needle", "asked"),
    [
        (b"", '{app="web"}'),
        (b"timed out", '{app="web"} |~ "(?i)timed out"'),
        (b'a"b', '{app="web"}'),
        (b"a.b", '{app="web"}'),
        (b"a\\b", '{app="web"}'),
        (b"gr\xc3\xbcn", '{app="web"}'),
        (b"x` | json", '{app="web"}'),
    ],
)
def test_what_is_sought_filters_at_the_server_where_it_means_only_itself(
    needle: bytes, asked: str
) -> None:
    assert filtered('{app="web"}', needle) == asked


hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "resultType", "result", "stream", "values", "x"]), inner
        )
    ),
)


@given(hostile)
@settings(max_examples=200)
def test_a_hostile_answer_is_not_understood_or_read(answer: Any) -> None:
    try:
        lines = read(answer)
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    assert lines == sorted(lines, key=lambda each: each.nanoseconds)


def test_a_loki_has_its_url() -> None:
    with pytest.raises(ValueError, match="url is missing: where the Loki answers"):
        ServiceLog.model_validate({"loki": '{app="web"}'})
    with pytest.raises(ValueError, match="loki is missing"):
        ServiceLog.model_validate({"file": "a.log", "url": "http://loki:3100"})
