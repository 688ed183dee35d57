"""The console's own scrape against servers that behave and servers that do not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Service
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import declared_metrics
from opsconsole.sources.metrics.exposition import LINE_LIMIT
from opsconsole.sources.metrics.sample_book import SERIES_LIMIT
from opsconsole.sources.metrics.scrape import BODY_LIMIT, ScrapeSource
from opsconsole.sources.metrics.service_samples import ServiceSamples
from opsconsole.threads import BoundedExecutor
from tests.sources.prometheus.test_source_hostile import (
    drip,
    flood,
    half_a_body,
    never,
    reply,
    server,
)

TEXT = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
METRICS = {
    "requests": {"counter": "requests_total"},
    "queue": {"gauge": "queue", "labels": {"job": "anything", "shard": "a"}},
}
Make = Callable[..., ScrapeSource]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes sources that are closed after the test."""
    async with AsyncExitStack() as stack:
        connector = Connector()
        stack.push_async_callback(connector.close)
        executor = BoundedExecutor("parser", 1)
        stack.callback(executor.close)

        def one(
            url: str,
            samples: ServiceSamples | None = None,
            *,
            timeout: float = 0.8,
            http: dict[str, Any] | None = None,
        ) -> ScrapeSource:
            source = ScrapeSource(
                service="api",
                instance="api",
                url=f"{url}/metrics",
                samples=samples or service(),
                http=HttpConfig.model_validate(http or {}),
                interval=15.0,
                timeout=timeout,
                clock=SystemClock(),
                connector=connector,
                executor=executor,
                base=Path(),
            )
            stack.push_async_callback(source.close)
            return source

        yield one


def service(**metrics: object) -> ServiceSamples:
    declared = Service.model_validate({"metrics": metrics or METRICS})
    return ServiceSamples(declared_metrics("api", declared))


def page(*lines: str) -> Any:
    return reply(TEXT, "".join(f"{line}\n" for line in lines).encode())


async def figures(source: ScrapeSource) -> dict[str, float | None]:
    reading = await source.collect()
    assert reading.value is not None, reading.fault
    return {value.name: value.value for value in reading.value.metrics}


async def test_a_gauge_is_known_at_once_and_a_rate_after_two_scrapes(make: Make) -> None:
    samples = service()
    with server(page('queue{shard="a"} 3', 'queue{shard="b"} 9', "requests_total 10")) as url:
        assert await figures(make(url, samples)) == {"requests": None, "queue": 3.0}
        await asyncio.sleep(0.05)
        assert await figures(make(url, samples)) == {"requests": 0.0, "queue": 3.0}


async def test_instances_of_one_service_are_reckoned_together(make: Make) -> None:
    samples = service()
    with server(page('queue{shard="a"} 3')) as first, server(page('queue{shard="a"} 5')) as second:
        assert (await figures(make(first, samples)))["queue"] == 3.0
        reading = await make(second, samples).collect()
        assert reading.value is not None
        queue = next(value for value in reading.value.metrics if value.name == "queue")
        assert queue.value == 4.0
        assert queue.origin == "scrape"
        hosts = {url.removeprefix("http://") for url in (first, second)}
        assert set(queue.by_instance) == hosts
    gone = await make(first, samples).collect()
    assert gone.fault is not None
    assert gone.fault.kind is FaultKind.CONNECT
    left = {value.name: value.value for value in samples.values(SystemClock().now())}
    assert left["queue"] == 5.0


BROKEN: list[tuple[str, Any, FaultKind]] = [
    ("never answers", never, FaultKind.TIMEOUT),
    ("drips", drip, FaultKind.TIMEOUT),
    ("floods", flood, FaultKind.TOO_LARGE),
    ("half a body", half_a_body, FaultKind.PROTOCOL),
    ("login page", reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", b"<html>"),
     FaultKind.NOT_UNDERSTOOD),
    ("broken line", page("requests_total one"), FaultKind.NOT_UNDERSTOOD),
    ("404", reply(b"HTTP/1.1 404 No\r\n", b""), FaultKind.STATUS),
    ("503", reply(b"HTTP/1.1 503 No\r\n", b""), FaultKind.STATUS),
    ("401", reply(b"HTTP/1.1 401 No\r\n", b""), FaultKind.AUTH),
    ("redirect", reply(b"HTTP/1.1 302 Go\r\nLocation: /\r\n", b""), FaultKind.STATUS),
    ("gzip unasked", reply(TEXT + b"Content-Encoding: gzip\r\n", b"x"), FaultKind.NOT_UNDERSTOOD),
    ("too many lines", page(*(f'requests_total{{n="{n}"}} 1' for n in range(LINE_LIMIT + 1))),
     FaultKind.TOO_LARGE),
    ("too many series", page(*(f'requests_total{{n="{n}"}} 1' for n in range(SERIES_LIMIT + 1))),
     FaultKind.TOO_LARGE),
]  # fmt: skip


@pytest.mark.parametrize(("name", "talk", "kind"), BROKEN, ids=[case[0] for case in BROKEN])
async def test_what_is_broken_is_classified_in_time(
    make: Make, name: str, talk: Any, kind: FaultKind
) -> None:
    timeout = 60.0 if "many" in name or name == "floods" else 0.8
    with server(talk) as url:
        reading = await make(url, timeout=timeout).collect()
    assert reading.fault is not None, name
    assert reading.fault.kind is kind, reading.fault


async def test_a_large_page_is_read_off_the_loop(make: Make) -> None:
    line = 'other{path="/api/v1/things",method="GET",status="200"} 12345'
    lines = [line] * ((BODY_LIMIT - 100_000) // (len(line) + 1))
    with server(page(*lines, 'queue{shard="a"} 3')) as url:
        source, turns = make(url, timeout=20.0), 0
        task = asyncio.create_task(figures(source))
        while not task.done():
            await asyncio.sleep(0.005)
            turns += 1
        assert (await task)["queue"] == 3.0
    assert turns >= 5, "the loop went on while the page was read"


async def test_credentials_are_sent_and_never_shown(make: Make, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    seen: list[bytes] = []

    def talk(peer: Any, request: bytes) -> None:
        seen.append(request)
        page("requests_total x")(peer, request)

    http = {"authorization": {"credentials": {"file": str(secret)}}}
    with server(talk) as url:
        reading = await make(url, http=http).collect()
    assert b"authorization: Bearer s3cret" in seen[0]
    assert reading.fault is not None
    assert "s3cret" not in str(reading.fault)
