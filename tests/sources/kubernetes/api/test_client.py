import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.sources.kubernetes.api.access import Access
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.credentials import Identity, Written
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.api.rights import Right
from tests.patience import soon
from tests.sources.hostile_cases import CASES, Exchange
from tests.sources.kubernetes.asking import JSON, LIMIT, LOOKS, SAFE, answering, asking, said
from tests.sources.kubernetes.kubeconfigs import cluster, entries, write
from tests.sources.local_http import Asked, Said, Server, listening, serving


async def test_a_look_is_asked_for_with_its_parameters_and_the_users_token() -> None:
    credentials = Written(token="token-of-a-test")
    async with answering(lambda _: said({"a": 1}), credentials=credentials) as (client, server):
        assert await client.get("/api/v1/pods", {"labelSelector": "a=b,c"}) == {"a": 1}
        await client.get("/api")
    (first, _), headers = server.asked, server.asked[0].headers
    assert (first.method, first.target) == ("GET", "/api/v1/pods?labelSelector=a%3Db%2Cc")
    assert headers["authorization"] == "Bearer token-of-a-test"
    assert headers["accept-encoding"] == "identity"
    assert server.connections == 1


async def test_a_path_of_the_server_goes_before(tmp_path: Path) -> None:
    async with answering(lambda _: said({})) as (client, server):
        async with asking(f"{server.url}/k8s/c-1/") as prefixed:
            await prefixed.get("/api")
        await client.get("/a b\r\nc/ü")
    assert [each.target for each in server.asked] == ["/k8s/c-1/api", "/a%20b%0D%0Ac/%C3%BC"]


async def test_all_pages_are_one_listing() -> None:
    def answer(asked: Asked) -> Said:
        more = "" if "continue=next" in asked.target else "next"
        items = [{"n": 2 if more else 3}]
        return said({"metadata": {"resourceVersion": "7", "continue": more}, "items": items})

    async with answering(answer) as (client, server):
        listing = await client.listing("/api/v1/pods")
    assert listing.items == ({"n": 2}, {"n": 3})
    assert listing.version == "7"
    assert ["limit=500" in each.target for each in server.asked] == [True, True]


async def test_an_empty_list_of_go_is_empty() -> None:
    async with answering(lambda _: said({"metadata": {"resourceVersion": "7"}, "items": None})) as (
        client,
        _,
    ):
        assert (await client.listing("/api/v1/pods")).items == ()


@pytest.mark.parametrize(
    ("status", "answer", "kind", "reason"),
    [
        (401, {"reason": "Unauthorized"}, FaultKind.AUTH, "Unauthorized"),
        (403, {"reason": "Forbidden", "message": "no \x1b[2J"}, FaultKind.PERMISSION, "Forbidden"),
        (404, {"reason": "NotFound"}, FaultKind.ABSENT, "NotFound"),
        (409, {"reason": "Conflict"}, FaultKind.STATUS, "Conflict"),
        (410, {"reason": "Expired"}, FaultKind.STATUS, "Expired"),
        (422, {"reason": "Invalid"}, FaultKind.BAD_QUERY, "Invalid"),
        (429, {}, FaultKind.OVERLOADED, ""),
        (500, {"reason": 5, "message": []}, FaultKind.STATUS, ""),
        (503, [], FaultKind.STATUS, ""),
    ],
)
async def test_what_is_refused_is_classified(
    status: int, answer: Any, kind: FaultKind, reason: str
) -> None:
    async with answering(lambda _: said(answer, status, **{"Retry-After": "9"})) as (
        client,
        server,
    ):
        with pytest.raises(ClusterError) as caught:
            await client.get("/api")
        with pytest.raises(ClusterError):
            async with client.stream("/api", {"watch": "1"}, silence=5):
                pass
    error = caught.value
    assert (error.status, error.fault.kind, error.reason) == (status, kind, reason)
    assert error.fault.retry_after == 9.0
    assert "\x1b" not in str(error)
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    credentials = Written(token="token-of-a-test")
    elsewhere = Server(lambda _: said({}))
    async with listening(elsewhere) as url:
        answer = said({}, status, Location=f"{url}/api")
        async with answering(lambda _: answer, credentials=credentials) as (client, _):
            with pytest.raises(ClusterError, match="not followed"):
                await client.get("/api")
            with pytest.raises(ClusterError, match="not followed"):
                async with client.stream("/api", silence=5):
                    pass
    assert elsewhere.connections == 0


@pytest.mark.parametrize("name", sorted(CASES))
async def test_whatever_a_server_does_a_call_ends_with_an_object_or_a_fault(name: str) -> None:
    numbers: dict[int, int] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                numbers[id(writer)] = numbers.get(id(writer), 0) + 1
                await CASES[name](Exchange(reader, writer, head, numbers[id(writer)]))
            except (asyncio.IncompleteReadError, OSError):
                break

    async with (
        serving(serve) as port,
        asking(f"http://127.0.0.1:{port}", timeout=0.3) as client,
    ):
        for _ in range(2):
            assert_said(await asyncio.gather(client.get("/api", limit=LIMIT), **SAFE))
        assert_said(await asyncio.gather(streamed(client), **SAFE))


def assert_said(found: list[Any]) -> None:
    for each in found:
        if isinstance(each, ClusterError):
            assert each.fault.message.isprintable()
        else:
            assert isinstance(each, dict | bytes), each


async def streamed(client: ClusterClient, path: str = "/api", silence: float = 0.1) -> bytes:
    """What a watch brings, at most 4 MiB of it."""
    found = bytearray()
    async with client.stream(path, {"watch": "1"}, silence=silence) as pieces:
        async for piece in pieces:
            found += piece
            if len(found) > 4 << 20:
                break
    return bytes(found)


async def test_a_body_without_end_is_not_kept() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        writer.write(head + b"Content-Length: 10000000000\r\n\r\n")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()
            sent += 65536

    async with serving(serve) as port, asking(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(ClusterError) as caught:
            await client.get("/api")
    assert caught.value.fault.kind is FaultKind.TOO_LARGE
    assert sent < 64 << 20


async def test_many_empty_objects_fill_no_memory() -> None:
    body = b'{"a":[' + b"{}," * 1_000_000 + b"{}]}"
    async with answering(lambda _: Said(body, headers=JSON)) as (client, _):
        with pytest.raises(ClusterError) as caught:
            await client.get("/api")
    assert caught.value.fault.kind is FaultKind.TOO_LARGE


async def test_a_stream_makes_its_server_wait_for_who_reads() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async with serving(serve) as port, asking(f"http://127.0.0.1:{port}") as client:
        async with client.stream("/log", silence=5) as pieces:
            first = await anext(pieces)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            got = len(first)
            async for piece in pieces:
                got += len(piece)
                if got > before:
                    break
        assert before < 32 << 20
        assert got > before


async def test_a_stream_that_is_silent_too_long_ends() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\nfirst\n")
        await reader.read()

    async with serving(serve) as port, asking(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(ClusterError) as caught:
            await streamed(client, silence=0.2)
    assert caught.value.fault.kind is FaultKind.TIMEOUT


@pytest.mark.parametrize(
    ("more", "connections"),
    [
        (b"", 1),
        (b"HTTP/1.1 200 OK\r\n", 3),  # what was not asked for belongs to no watch
        (None, 3),  # it closes after each
    ],
)
async def test_a_line_whose_watch_has_ended_is_used_again(
    more: bytes | None, connections: int
) -> None:
    begun: list[bytes] = []
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while True:
            try:
                begun.append(await reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError:
                return
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n" + (more or b"")
            )
            await writer.drain()
            if more is None:
                writer.close()
                return

    async with serving(serve) as port, asking(f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert await streamed(client, silence=5) == b"{}\n"
            await asyncio.sleep(0.05)
    assert (len(begun), opened) == (3, connections)


async def test_a_line_that_was_left_while_its_watch_went_on_is_not_used_again() -> None:
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n")
        await reader.read()

    async with serving(serve) as port, asking(f"http://127.0.0.1:{port}") as client:
        for _ in range(2):
            async with client.stream("/api", {"watch": "1"}, silence=5) as pieces:
                assert await anext(pieces) == b"{}\n"
    assert opened == 2


class Changing:
    """Credentials that are another's each time that they are refused."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.asked = 0

    def identity(self) -> Identity:
        return Identity((("Authorization", self.tokens[0]),))

    def renewed(self, refused: Identity) -> Identity:
        self.asked += 1
        if len(self.tokens) > 1:
            self.tokens.pop(0)
        return self.identity()


async def test_after_a_refusal_a_call_is_sent_once_with_other_credentials() -> None:
    credentials = Changing("old-one", "new-one")
    async with answering(lambda _: said({}), credentials=credentials) as (client, server):
        server.wants = "new-one"
        await client.get("/api")
        await client.get("/api")
        sent = [each.headers["authorization"] for each in server.asked]
        assert sent == ["old-one", "new-one", "new-one"]
        assert credentials.asked == 1


@pytest.mark.parametrize(("method", "sent"), [("GET", 2), ("POST", 1)])
async def test_what_may_change_a_pod_is_sent_once_though_it_says_that_nobody_is_known(
    method: str, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClusterClient, "sends", frozenset({"GET", "HEAD", "POST"}))
    credentials = Changing("old-one", "new-one")
    refused = said({"kind": "Status", "apiVersion": "v1", "code": 401}, 401)
    async with answering(lambda _: refused, credentials=credentials) as (client, server):
        deadline = asyncio.get_running_loop().time() + 5
        with pytest.raises(ClusterError):
            await client.proxied("/api/v1/pods/web:8080/proxy/x", None, deadline, method=method)
        assert len(server.asked) == sent


async def test_many_calls_that_are_refused_at_once_renew_once() -> None:
    credentials = Changing("old-one", "new-one", "newer-one")
    async with answering(lambda _: said({}), credentials=credentials) as (client, server):
        server.wants = "new-one"
        await asyncio.gather(*(client.get("/api") for _ in range(8)))
        assert credentials.asked == 1


async def test_a_refusal_of_all_that_there_is_is_believed() -> None:
    credentials = Changing("old-one")
    async with answering(lambda _: said({}), credentials=credentials) as (client, server):
        server.wants = "another"
        with pytest.raises(ClusterError) as caught:
            await client.get("/api")
        with pytest.raises(ClusterError):
            async with client.stream("/api", silence=1):
                pass
        assert caught.value.fault.kind is FaultKind.AUTH
        assert len(server.asked) == 2


async def test_without_a_right_nothing_is_renewed() -> None:
    credentials = Changing("old-one", "new-one")
    async with answering(lambda _: said({}, 403), credentials=credentials) as (client, server):
        with pytest.raises(ClusterError):
            await client.get("/api")
        assert (len(server.asked), credentials.asked) == (1, 0)


async def test_credentials_that_take_too_long_hold_up_no_loop(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text("#!/bin/sh\nexec sleep 60\n")
    plugin.chmod(0o700)
    about = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}
    path = write(tmp_path / "config", entries("a", user={"exec": about}))
    client = ClusterClient(access_of(cluster(path), {"PATH": os.environ["PATH"]}), timeout=0.3)
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(turning())
    with pytest.raises(ClusterError, match="no credentials"):
        await client.get("/api")
    task.cancel()
    assert turns > 3
    await client.close()


@pytest.mark.parametrize(("allowed", "expected"), [(True, True), (False, False), ("x", None)])
async def test_a_right_is_asked_for(allowed: Any, expected: bool | None) -> None:
    async with answering(lambda _: said({"status": {"allowed": allowed}}, 201)) as (client, server):
        right = Right("patch", "deployments", "apps", "shop", "web", "scale")
        assert await client.review(right) is expected
    (asked,) = server.asked
    assert (asked.method, asked.target) == (
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    )
    assert json.loads(asked.body)["spec"]["resourceAttributes"] == {
        "verb": "patch",
        "resource": "deployments",
        "group": "apps",
        "namespace": "shop",
        "name": "web",
        "subresource": "scale",
    }


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_right_that_cannot_be_asked_for_is_no_no(status: int) -> None:
    async with answering(lambda _: said({}, status)) as (client, _):
        assert await client.review(Right("get", "pods")) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "get", "OPTIONS", ""])
async def test_nothing_but_looks_leaves_it(method: str) -> None:
    async with answering(lambda _: said({})) as (client, server):
        with pytest.raises(ClusterError):
            await client.send(method, "/api/v1/namespaces/a/pods/b", body=b"{}")
        assert server.connections == 0
        assert client.sends == LOOKS


async def test_a_change_of_another_kind_of_client_is_sent_once() -> None:
    class Changer(ClusterClient):
        sends = frozenset({"GET", "PATCH"})

    server = Server(lambda _: said({}))
    async with listening(server) as url:
        client = Changer(Access("kube", url, Written()), timeout=5)
        await client.get("/api")
        content = "application/merge-patch+json"
        await client.send("PATCH", "/api", {"dryRun": "All"}, body=b"{}", content=content)
        await client.close()
    assert server.asked[1].headers["content-type"] == "application/merge-patch+json"
    assert server.asked[1].body == b"{}"
    # A kept connection may have been closed meanwhile, and what then became of it is not known.
    assert server.connections == 2


async def test_nothing_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with answering(lambda _: said({"a": 1})) as (client, _):
        assert await client.get("/api") == {"a": 1}


async def test_a_watched_server_that_hangs_is_known_while_its_watch_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opsconsole.sources.kubernetes.api.pulse.EVERY", 0.05)
    monkeypatch.setattr("opsconsole.sources.kubernetes.api.pulse._AGAIN", 0.05)
    hangs = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"watch" in head:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
                await reader.read()
            elif hangs.is_set():
                await reader.read()
            else:
                writer.write(said({}).wire())

    async with (
        serving(serve) as port,
        asking(f"http://127.0.0.1:{port}", timeout=0.3) as client,
        client.stream("/api", {"watch": "1"}, silence=60),
    ):
        await asyncio.sleep(0.2)
        assert client.trouble is None
        hangs.set()
        fault = await soon(lambda: client.trouble)
        assert fault is not None
        assert fault.kind is FaultKind.TIMEOUT
        assert client.silent_for > 0.3
        hangs.clear()
        await soon(lambda: client.trouble is None)
