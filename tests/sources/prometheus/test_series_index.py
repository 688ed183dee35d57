"""What a server is asked when a configuration is checked, and when it is given up."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.http import HttpConfig
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.prometheus.series_index import PATIENCE, PatientApi, SeriesIndex
from tests.sources.prometheus.test_source_hostile import JSON_HEAD, never, reply, server


def api(url: str, timeout: float = 0.4) -> PatientApi:
    return PatientApi(url, http=HttpConfig(), timeout=timeout, connector=Connector(), base=Path())


def answering(of: Callable[[bytes], Any]) -> Any:
    def talk(peer: socket.socket, request: bytes) -> None:
        while request:
            document = {"status": "success", "data": of(request)}
            reply(JSON_HEAD, json.dumps(document).encode())(peer, request)
            request = peer.recv(65536)

    return talk


async def test_a_server_that_hangs_is_given_up_soon() -> None:
    asked: list[bytes] = []

    def talk(peer: socket.socket, request: bytes) -> None:
        asked.append(request)
        never(peer, request)

    with server(talk) as url:
        made = api(url)
        answers = [await made.get("/api/v1/query") for _ in range(50)]
        await made.close()
    assert all(isinstance(each, Fault) and each.kind is FaultKind.TIMEOUT for each in answers)
    assert 0 < len(asked) < 10


async def test_a_bad_query_is_no_reason_to_give_up() -> None:
    error = json.dumps({"status": "error", "error": "parse error"}).encode()
    with server(reply(b"HTTP/1.1 400 Bad\r\nConnection: close\r\n", error)) as url:
        made = api(url, 2.0)
        answers = [await made.get("/api/v1/query") for _ in range(2 * PATIENCE)]
        await made.close()
    assert {each.kind for each in answers} == {FaultKind.BAD_QUERY}
    assert "parse error" in answers[-1].message


async def test_a_server_without_targets_tells_no_interval() -> None:
    with server(reply(b"HTTP/1.1 400 Bad\r\n", b"unsupported path")) as url:
        made = api(url, 2.0)
        assert await SeriesIndex(made).scrape_interval([("a", "b")]) is None
        assert await SeriesIndex(made).rules() == []
        await made.close()


async def test_the_longest_interval_of_the_targets_counts() -> None:
    targets = [
        {"labels": {"job": "a", "instance": "1"}, "scrapeInterval": "15s"},
        {"labels": {"job": "a", "instance": "2"}, "scrapeInterval": "1m"},
        {"labels": {"job": "b", "instance": "1"}, "scrapeInterval": "5m"},
        {"labels": {"job": "c", "instance": "1"}, "scrapeInterval": "soon"},
        {"labels": None},
        7,
    ]
    with server(answering(lambda request: {"activeTargets": targets})) as url:
        made = api(url, 2.0)
        index = SeriesIndex(made)
        assert await index.scrape_interval([("a", "1"), ("a", "2")]) == 60.0
        assert await index.scrape_interval([("c", "1"), ("nobody", "1")]) is None
        await made.close()


@pytest.mark.parametrize(
    "data", [None, 7, [], {}, {"result": 3}, {"result": [7]}, {"groups": [7, {"rules": [7, {}]}]}]
)
async def test_any_answer_is_read_without_raising(data: Any) -> None:
    with server(answering(lambda request: data)) as url:
        made = api(url, 2.0)
        index = SeriesIndex(made)
        await index.query("up")
        await index.targets("up")
        await index.names()
        await index.label_names("up")
        await index.label_values("up", "job")
        await index.scrape_interval([("a", "b")])
        assert await index.rules() == []
        await made.close()
