"""Every way in which a server misbehaves: bounded in time and memory, and classified."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Iterator

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.model.health import HealthReport, ProbeKind
from opsconsole.model.reading import Reading
from opsconsole.model.state import State
from opsconsole.sources.http.connector import Connector
from tests.clean import is_clean
from tests.sources.hostile_cases import CASES
from tests.sources.hostile_server import Hostile, running
from tests.sources.probing import make_probe

MEMORY = 16 * 1024 * 1024
"""Bytes that one look may hold at its peak."""

# Case: kind, phase, and a part of the message.
FAULTS = {
    "drip_headers": (FaultKind.TIMEOUT, "headers", "no complete answer after 0.6 s"),
    "drip_status_line": (FaultKind.TIMEOUT, "headers", "no complete answer"),
    "drip_body": (FaultKind.TIMEOUT, "body", "body not complete after 0.6 s"),
    "drip_chunks": (FaultKind.TIMEOUT, "body", "body not complete"),
    "never_answers": (FaultKind.TIMEOUT, "headers", "no complete answer"),
    "infinite_chunked": (FaultKind.TOO_LARGE, "", "body over 256 KiB"),
    "tiny_chunks": (FaultKind.TOO_LARGE, "", "more than 16384 chunks"),
    "infinite_body": (FaultKind.TOO_LARGE, "", "body over 256 KiB"),
    "infinite_trailers": (FaultKind.TOO_LARGE, "", "trailers over 32 KiB"),
    "infinite_chunk_extension": (FaultKind.PROTOCOL, "", "chunk size line too long"),
    "infinite_status_line": (FaultKind.TOO_LARGE, "", "headers over 32 KiB"),
    "huge_header": (FaultKind.TOO_LARGE, "", "headers over 32 KiB"),
    "many_headers": (FaultKind.TOO_LARGE, "", "more than 100 headers"),
    "continue_flood": (FaultKind.PROTOCOL, "", "more than 8 interim"),
    "switching": (FaultKind.PROTOCOL, "", "switched protocols"),
    "gzip_bomb": (FaultKind.NOT_UNDERSTOOD, "", "encoded body refused (gzip)"),
    "redirect_loop": (FaultKind.STATUS, "", "redirect to /redirect_loop not followed"),
    "redirect_secret": (FaultKind.STATUS, "", "redirect to http://else.example/x not followed"),
    "redirect_nowhere": (FaultKind.STATUS, "", "redirect to nowhere"),
    "rst_at_once": (FaultKind.PROTOCOL, "", "reset the connection without an answer"),
    "rst_in_body": (FaultKind.PROTOCOL, "", "reset in the middle"),
    "closes_at_once": (FaultKind.PROTOCOL, "", "closed the connection without an answer"),
    "closes_in_headers": (FaultKind.PROTOCOL, "", "in the middle of the headers"),
    "half_body": (FaultKind.PROTOCOL, "", "closed after 4 of 100 bytes"),
    "half_chunk": (FaultKind.PROTOCOL, "", "in the middle of a chunked body"),
    "same_length_twice": (FaultKind.PROTOCOL, "", "more than one Content-Length"),
    "two_lengths": (FaultKind.PROTOCOL, "", "more than one Content-Length"),
    "length_list": (FaultKind.PROTOCOL, "", "Content-Length not understood"),
    "length_and_chunked": (FaultKind.PROTOCOL, "", "both Content-Length and"),
    "negative_length": (FaultKind.PROTOCOL, "", "Content-Length not understood: -1"),
    "signed_length": (FaultKind.PROTOCOL, "", "Content-Length not understood"),
    "hex_length": (FaultKind.PROTOCOL, "", "Content-Length not understood"),
    "huge_length": (FaultKind.TOO_LARGE, "", "body over 256 KiB"),
    "gzip_transfer": (FaultKind.PROTOCOL, "", "other than chunked"),
    "chunk_overflow": (FaultKind.PROTOCOL, "", "chunk size not understood"),
    "chunk_negative": (FaultKind.PROTOCOL, "", "chunk size not understood: -1"),
    "chunk_too_long": (FaultKind.PROTOCOL, "", "chunk longer than its size"),
    "chunk_bare_lf": (FaultKind.PROTOCOL, "", "chunk size not understood"),
    "nul_in_header": (FaultKind.PROTOCOL, "", "control character in header 1"),
    "cr_in_header": (FaultKind.PROTOCOL, "", "control character in header 1"),
    "folded_header": (FaultKind.PROTOCOL, "", "header 2 is folded"),
    "header_without_colon": (FaultKind.PROTOCOL, "", "header 1 not understood: nonsense"),
    "space_before_colon": (FaultKind.PROTOCOL, "", "header 1 not understood"),
    "http_0_9": (FaultKind.PROTOCOL, "", "no HTTP answer: <html>"),
    "http_2": (FaultKind.UNSUPPORTED, "", "the port speaks HTTP/2 only"),
    "http_1_2": (FaultKind.PROTOCOL, "", "status line not understood"),
    "status_of_four_digits": (FaultKind.PROTOCOL, "", "status line not understood"),
    "ssh_banner": (FaultKind.PROTOCOL, "", "no HTTP answer: SSH-2.0"),
    "nan": (FaultKind.NOT_UNDERSTOOD, "", "invalid body: invalid number NaN"),
    "infinity": (FaultKind.NOT_UNDERSTOOD, "", "invalid number -Infinity"),
    "huge_float": (FaultKind.NOT_UNDERSTOOD, "", "invalid number 1e999"),
    "huge_int": (FaultKind.NOT_UNDERSTOOD, "", "integer of more than 20 digits"),
    "duplicate_key": (FaultKind.NOT_UNDERSTOOD, "", "invalid body: duplicate key 'status'"),
    "deep": (FaultKind.NOT_UNDERSTOOD, "", "deeper than 64 levels"),
    "deep_objects": (FaultKind.NOT_UNDERSTOOD, "", "deeper than 64 levels"),
    "many_keys": (FaultKind.NOT_UNDERSTOOD, "", "more than 10000 keys"),
    "bad_utf8": (FaultKind.NOT_UNDERSTOOD, "", "not UTF-8 at byte 13"),
    "utf16": (FaultKind.NOT_UNDERSTOOD, "", "not UTF-8"),
    "cut_json": (FaultKind.NOT_UNDERSTOOD, "", "not JSON at line 1"),
    "megabyte": (FaultKind.TOO_LARGE, "", "body over 256 KiB"),
    "forbidden": (FaultKind.AUTH, "", "HTTP 403 Forbidden"),
    "needs_token": (FaultKind.AUTH, "", "HTTP 401 Unauthorized"),
    "not_found": (FaultKind.STATUS, "", "HTTP 404 Not Found"),
    "too_many": (FaultKind.OVERLOADED, "", "HTTP 429 Too Many Requests"),
    "error_page": (FaultKind.STATUS, "", "HTTP 502 Bad Gateway"),
    "error_megabyte": (FaultKind.STATUS, "", "HTTP 500 Internal Server Error; body over 256 KiB"),
    "error_drip": (FaultKind.STATUS, "", "HTTP 503 Service Unavailable; body not complete"),
}

# Case: state, and a part of the message.
REPORTS = {
    "ok": (State.OK, ""),
    "continue_few": (State.OK, ""),
    "early_hints": (State.OK, ""),
    "gzip_identity": (State.OK, ""),
    "bare_line_feeds": (State.OK, ""),
    "old_http": (State.OK, ""),
    "escape_in_reason": (State.OK, ""),
    "escape_in_header": (State.OK, ""),
    "escape_in_body": (State.OK, "␛]52;c;x␇"),
    "escape_in_text": (State.OK, "OK ␛[2J"),
    "surrogates": (State.OK, "<D800>"),
    "bogus_charset": (State.OK, ""),
    "codec_charset": (State.OK, ""),
    "landing_page": (State.UNKNOWN, "HTML page, no health payload"),
    "empty": (State.OK, "answers 200, no body"),
    "no_content": (State.OK, ""),
    "lying_body": (State.DOWN, "HTTP 503 Service Unavailable"),
    "failing_body": (State.DOWN, "HTTP 503: db down: refused"),
    "presend_at_once": (State.OK, ""),
    "presend_later": (State.OK, ""),
    "closed_between_requests": (State.OK, ""),
    "closed_on_second_request": (State.OK, ""),
    "reset_on_second_request": (State.OK, ""),
    "broken_on_second_request": (State.OK, ""),
    "echo_head": (State.OK, ""),
}


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    with running() as server:
        yield server


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    made = Connector()
    yield made
    await made.close()


async def look(connector: Connector, url: str, **options: object) -> Reading[HealthReport]:
    """One look, held to its bound of memory."""
    probe = make_probe(connector, url, **options)  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        reading = await probe.collect()
        _size, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await probe.close()
    assert peak < MEMORY
    return reading


def test_every_case_of_the_server_is_expected_somewhere() -> None:
    assert set(FAULTS) | set(REPORTS) == set(CASES)
    assert len(CASES) >= 45


@pytest.mark.parametrize("case", sorted(FAULTS))
async def test_failure_is_bounded_and_classified(
    hostile: Hostile, connector: Connector, case: str
) -> None:
    kind, phase, part = FAULTS[case]
    reading = await look(connector, hostile.url(case))
    fault = reading.fault
    assert fault is not None, reading.value
    assert (fault.kind, fault.phase) == (kind, phase), fault
    assert part in fault.message
    assert is_clean(str(fault))
    assert "hunter2" not in str(fault)
    assert "token" not in str(fault)


@pytest.mark.parametrize("case", sorted(REPORTS))
async def test_oddity_is_read_without_harm(
    hostile: Hostile, connector: Connector, case: str
) -> None:
    state, part = REPORTS[case]
    reading = await look(connector, hostile.url(case))
    report = reading.value
    assert report is not None, reading.fault
    assert report.state is state, report
    assert part in report.message
    shown = [report.message, report.raw, report.version, *report.headers.values(), *report.figures]
    assert all(is_clean(text) for text in shown)


@pytest.mark.parametrize("kind", [ProbeKind.LIVE, ProbeKind.READY, ProbeKind.STARTUP])
@pytest.mark.parametrize("case", ["empty", "landing_page", "cut_json", "no_content"])
async def test_a_mute_liveness_probe_speaks_by_its_code(
    hostile: Hostile, connector: Connector, kind: ProbeKind, case: str
) -> None:
    reading = await look(connector, hostile.url(case), kind=kind)
    assert reading.value is not None
    assert reading.value.state is State.OK
    assert reading.value.format == "status code"
    failed = await look(connector, hostile.url("error_page"), kind=kind)
    assert failed.fault is not None
    assert failed.fault.kind is FaultKind.STATUS


async def test_looks_in_a_row_leave_nothing_behind(hostile: Hostile, connector: Connector) -> None:
    probe = make_probe(connector, hostile.url("infinite_body"))
    await probe.collect()
    tracemalloc.start()
    for _ in range(20):
        await probe.collect()
    size, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await probe.close()
    assert size < 1024 * 1024
