"""The ways in which a server can misbehave, by name.

A case is an answer in bytes, or a coroutine that plays it on the connection.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Case = Callable[["Exchange"], Awaitable[None]]

GOOD_BODY = b'{"status":"healthy"}'
BIG = b"x" * 65536


@dataclass
class Exchange:
    """One request: its head, and how many came on this connection before, itself included."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes
    number: int

    async def send(self, data: bytes) -> None:
        """Write and wait until the kernel has taken it."""
        self.writer.write(data)
        await self.writer.drain()

    def end(self) -> None:
        """Close the connection, as servers do."""
        self.writer.close()
        raise ConnectionAbortedError

    def reset(self) -> None:
        """Tear the connection down with an RST."""
        linger = struct.pack("ii", 1, 0)
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()
        raise ConnectionAbortedError


def answer(
    body: bytes = GOOD_BODY,
    status: str = "200 OK",
    content_type: str = "application/json",
    extra: bytes = b"",
) -> bytes:
    """A well-formed answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n".encode("latin-1")
    return head + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body


def framed(head: bytes, body: bytes = b"") -> bytes:
    """An answer with headers of its own."""
    return b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"


def plays(data: bytes) -> Case:
    """Send ``data``, keep the connection."""

    async def play(exchange: Exchange) -> None:
        await exchange.send(data)

    return play


def plays_and_ends(data: bytes) -> Case:
    """Send ``data``, then close."""

    async def play(exchange: Exchange) -> None:
        await exchange.send(data)
        exchange.end()

    return play


def drips(first: bytes, piece: bytes) -> Case:
    """Send ``first``, then ``piece`` again and again, slowly."""

    async def play(exchange: Exchange) -> None:
        await exchange.send(first)
        while True:
            await exchange.send(piece)
            await asyncio.sleep(0.05)

    return play


def floods(first: bytes, piece: bytes, times: int = 1_000_000_000) -> Case:
    """Send ``first``, then ``piece`` as fast as it is taken."""

    async def play(exchange: Exchange) -> None:
        await exchange.send(first)
        for _ in range(times):
            await exchange.send(piece)

    return play


async def rst_at_once(exchange: Exchange) -> None:
    exchange.reset()


async def rst_in_body(exchange: Exchange) -> None:
    await exchange.send(framed(b"Content-Length: 100\r\n", b"half"))
    await asyncio.sleep(0.05)
    exchange.reset()


async def never_answers(_exchange: Exchange) -> None:
    await asyncio.sleep(30)


async def closed_between_requests(exchange: Exchange) -> None:
    """Answer as if the connection were kept, then close it a little later."""
    await exchange.send(answer())
    await asyncio.sleep(0.01)
    exchange.end()


async def closed_on_second_request(exchange: Exchange) -> None:
    """Take the second request on a connection and close instead of answering."""
    if exchange.number > 1:
        exchange.end()
    await exchange.send(answer())


async def reset_on_second_request(exchange: Exchange) -> None:
    if exchange.number > 1:
        exchange.reset()
    await exchange.send(answer())


async def broken_on_second_request(exchange: Exchange) -> None:
    """Begin to answer the second request, then close: that is a failure."""
    if exchange.number > 1:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-")
        exchange.end()
    await exchange.send(answer())


async def presend_second_at_once(exchange: Exchange) -> None:
    await exchange.send(answer() + answer(b'{"status":"down"}', "500 Evil"))


async def presend_second_later(exchange: Exchange) -> None:
    """Once idle, send an answer that nobody asked for."""
    await exchange.send(answer())
    await asyncio.sleep(0.02)
    await exchange.send(answer(b'{"status":"down"}', "500 Evil"))


async def needs_token(exchange: Exchange) -> None:
    """Bearer ``letmein`` or basic ``ops:letmein`` is right."""
    head = exchange.head.lower()
    if b"bearer letmein\r\n" in head or b"basic b3BzOmxldG1laW4=\r\n".lower() in head:
        await exchange.send(answer())
    else:
        await exchange.send(answer(b"no", "401 Unauthorized", "text/plain"))


async def echo_head(exchange: Exchange) -> None:
    """Give the request's own head back as a version, for the tests to look at."""
    body = json.dumps({"status": "ok", "version": exchange.head.decode("latin-1")})
    await exchange.send(answer(body.encode()))


OK = plays(answer())
_GZIPPED = gzip.compress(b"\0" * 5_000_000)
_BODY = b"Content-Length: 20\r\n"

CASES: dict[str, Case] = {
    "ok": OK,
    "drip_headers": drips(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "drip_status_line": drips(b"HTTP/1.1 200 ", b"O"),
    "drip_body": drips(framed(b"Content-Length: 5000\r\n"), b"x"),
    "drip_chunks": drips(framed(CHUNKED), b"1\r\nx\r\n"),
    "never_answers": never_answers,
    "infinite_chunked": floods(framed(CHUNKED), b"10000\r\n" + BIG + b"\r\n"),
    "tiny_chunks": floods(framed(CHUNKED), b"1\r\nx\r\n" * 1000),
    "infinite_body": floods(framed(b""), BIG),
    "infinite_trailers": floods(framed(CHUNKED, b"0\r\n"), b"X-Trailer: yes\r\n" * 100),
    "infinite_chunk_extension": floods(framed(CHUNKED, b"5;"), BIG),
    "infinite_status_line": floods(b"HTTP/1.1 200 ", BIG),
    "huge_header": plays(framed(b"X-Big: " + b"x" * 300_000 + b"\r\n" + _BODY, GOOD_BODY)),
    "many_headers": plays(framed(b"X-A: b\r\n" * 101 + _BODY, GOOD_BODY)),
    "continue_flood": floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 200),
    "continue_few": plays(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + answer()),
    "early_hints": plays(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer()),
    "switching": plays(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "gzip_bomb": plays(answer(_GZIPPED, extra=b"Content-Encoding: gzip\r\n")),
    "gzip_identity": plays(answer(extra=b"Content-Encoding: identity\r\n")),
    "redirect_loop": plays(answer(b"", "302 Found", extra=b"Location: /redirect_loop\r\n")),
    "redirect_secret": plays(
        answer(b"", "307 Go", extra=b"Location: http://u:hunter2@else.example/x?token=abc\r\n")
    ),
    "redirect_nowhere": plays(answer(b"", "301 Moved")),
    "rst_at_once": rst_at_once,
    "rst_in_body": rst_in_body,
    "closes_at_once": plays_and_ends(b""),
    "closes_in_headers": plays_and_ends(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half_body": plays_and_ends(framed(b"Content-Length: 100\r\n", b"half")),
    "half_chunk": plays_and_ends(framed(CHUNKED, b"10\r\nhalf")),
    "same_length_twice": plays(framed(_BODY + _BODY, GOOD_BODY)),
    "two_lengths": plays(framed(_BODY + b"Content-Length: 3\r\n", GOOD_BODY)),
    "length_list": plays(framed(b"Content-Length: 20, 20\r\n", GOOD_BODY)),
    "length_and_chunked": plays(framed(_BODY + CHUNKED, GOOD_BODY)),
    "negative_length": plays(framed(b"Content-Length: -1\r\n", GOOD_BODY)),
    "signed_length": plays(framed(b"Content-Length: +20\r\n", GOOD_BODY)),
    "hex_length": plays(framed(b"Content-Length: 0x14\r\n", GOOD_BODY)),
    "huge_length": plays(framed(b"Content-Length: 99999999999\r\n", GOOD_BODY)),
    "gzip_transfer": plays(framed(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    "chunk_overflow": plays(framed(CHUNKED, b"FFFFFFFFFFFFFFFFF\r\n")),
    "chunk_negative": plays(framed(CHUNKED, b"-1\r\nx\r\n")),
    "chunk_too_long": plays(framed(CHUNKED, b"2\r\nabcdef\r\n0\r\n\r\n")),
    "chunk_bare_lf": plays(framed(CHUNKED, b"2\nab\n0\n\n")),
    "nul_in_header": plays(framed(b"X-A: a\0b\r\n" + _BODY, GOOD_BODY)),
    "cr_in_header": plays(framed(b"X-A: a\rb\r\n" + _BODY, GOOD_BODY)),
    "folded_header": plays(framed(b"X-A: a\r\n b\r\n" + _BODY, GOOD_BODY)),
    "header_without_colon": plays(framed(b"nonsense\r\n" + _BODY, GOOD_BODY)),
    "space_before_colon": plays(framed(b"X-A : a\r\n" + _BODY, GOOD_BODY)),
    "bare_line_feeds": plays(b"HTTP/1.1 200 OK\nContent-Length: 20\n\n" + GOOD_BODY),
    "http_0_9": plays_and_ends(b"<html>It works!</html>"),
    "http_2": plays_and_ends(b"\0\0\x12\x04\0\0\0\0\0"),
    "http_1_2": plays_and_ends(b"HTTP/1.2 200 OK\r\n\r\n"),
    "status_of_four_digits": plays_and_ends(b"HTTP/1.1 2000 OK\r\n\r\n"),
    "ssh_banner": plays_and_ends(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "old_http": plays_and_ends(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD_BODY),
    "escape_in_reason": plays(answer(status="200 \x1b]0;owned\x07")),
    "escape_in_header": plays(answer(extra=b"Server: \x1b[31mred\xff\r\n")),
    "escape_in_body": plays(answer(b'{"status":"ok","message":"\\u001b]52;c;x\\u0007","v":1}')),
    "escape_in_text": plays(answer(b"OK \x1b[2J", content_type="text/plain")),
    "surrogates": plays(answer(b'{"status":"ok","message":"\\ud800","\\udfff":{"status":"ok"}}')),
    "nan": plays(answer(b'{"status":"ok","load":NaN}')),
    "infinity": plays(answer(b'{"status":"ok","load":-Infinity}')),
    "huge_float": plays(answer(b'{"status":"ok","load":1e999}')),
    "huge_int": plays(answer(b'{"status":"ok","n":' + b"9" * 5000 + b"}")),
    "duplicate_key": plays(answer(b'{"status":"down","status":"ok"}')),
    "deep": plays(answer(b"[" * 100_000 + b"]" * 100_000)),
    "deep_objects": plays(answer(b'{"a":' * 20_000 + b"1" + b"}" * 20_000)),
    "many_keys": plays(answer(json.dumps({f"k{n}": n for n in range(12_000)}).encode())),
    "bad_utf8": plays(answer(b'{"status":"ok\xff"}')),
    "utf16": plays(answer('{"status":"ok"}'.encode("utf-16"))),
    "cut_json": plays(answer(b'{"status":"ok"')),
    "bogus_charset": plays(answer(content_type="application/json; charset=idna")),
    "codec_charset": plays(answer(content_type="text/plain; charset=zlib_codec")),
    "megabyte": plays(answer(b'{"status":"ok","pad":"' + b"x" * 1_000_000 + b'"}')),
    "landing_page": plays(answer(b"<!DOCTYPE html><h1>Welcome</h1>", content_type="text/html")),
    "empty": plays(answer(b"")),
    "no_content": plays(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "forbidden": plays(answer(b"no", "403 Forbidden", "text/plain")),
    "not_found": plays(answer(b'{"detail":"Not Found"}', "404 Not Found")),
    "too_many": plays(answer(b"slow down", "429 Too Many Requests", "text/plain")),
    "error_page": plays(answer(b"<html>oops", "502 Bad Gateway", "text/html")),
    "error_megabyte": plays(answer(b"x" * 1_000_000, "500 Error", "text/plain")),
    "error_drip": drips(b"HTTP/1.1 503 No\r\nContent-Length: 5000\r\n\r\n", b"x"),
    "lying_body": plays(answer(GOOD_BODY, "503 Service Unavailable")),
    "failing_body": plays(
        answer(
            b'{"status":"unhealthy","checks":{"db":{"status":"down","message":"refused"}}}',
            "503 Service Unavailable",
        )
    ),
    "closed_between_requests": closed_between_requests,
    "closed_on_second_request": closed_on_second_request,
    "reset_on_second_request": reset_on_second_request,
    "broken_on_second_request": broken_on_second_request,
    "presend_at_once": presend_second_at_once,
    "presend_later": presend_second_later,
    "needs_token": needs_token,
    "echo_head": echo_head,
}
