"""As whom, over what and to whom: certificates and proxies of a kubeconfig."""

import base64
import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from tests.sources.kubernetes.asking import said
from tests.sources.kubernetes.kubeconfigs import cluster, entries, write
from tests.sources.local_http import Proxy, Server, listening


def tls_server(ca: trustme.CA, name: str = "api.example", clients: trustme.CA | None = None) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def data(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


async def test_a_certificate_from_the_kubeconfig_is_presented_and_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, clients = trustme.CA(), trustme.CA()
    mine = clients.issue_cert("me@example")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    server = Server(lambda _: said({"a": 1}))
    async with listening(server, tls_server(ca, clients=clients)) as url:
        user = {
            "client-certificate-data": data(mine.cert_chain_pems[0].bytes()),
            "client-key-data": data(mine.private_key_pem.bytes()),
        }
        place = {
            "certificate-authority-data": data(ca.cert_pem.bytes()),
            "tls-server-name": "api.example",
        }
        content = entries("a", server=url, cluster=place, user=user)
        path = write(tmp_path / "config", content)
        client = ClusterClient(access_of(cluster(path), {}), timeout=10)
        assert await client.get("/api") == {"a": 1}
        await client.close()
    assert os.listdir(tmp_path) == ["config"]


@pytest.mark.parametrize(
    ("place", "said_"),
    [
        ({"tls-server-name": "other.example"}, "wrong host"),
        ({"certificate-authority-data": ""}, "unknown authority|self-signed"),
        ({"certificate-authority-data": data(b"nonsense")}, "authority of cluster"),
    ],
)
async def test_a_server_that_is_another_is_not_spoken_to(
    tmp_path: Path, place: Mapping[str, str], said_: str
) -> None:
    ca = trustme.CA()
    server = Server(lambda _: said({}))
    async with listening(server, tls_server(ca)) as url:
        right = {
            "certificate-authority-data": data(ca.cert_pem.bytes()),
            "tls-server-name": "api.example",
        }
        path = write(tmp_path / "config", entries("a", server=url, cluster={**right, **place}))
        client = ClusterClient(access_of(cluster(path), {}), timeout=10)
        with pytest.raises(ClusterError, match=said_):
            await client.get("/api")
        with pytest.raises(ClusterError, match=said_):
            async with client.stream("/api", silence=1):
                pass
        await client.close()
    assert server.asked == []


@pytest.mark.parametrize("secure", [True, False])
async def test_a_proxy_of_the_kubeconfig_is_gone_through(tmp_path: Path, secure: bool) -> None:
    ca = trustme.CA()
    server, proxy = Server(lambda _: said({"a": 1})), Proxy("me:pa55-of-proxy")
    tls = tls_server(ca) if secure else None
    async with listening(server, tls) as url, listening(proxy) as through:
        place = {
            "certificate-authority-data": data(ca.cert_pem.bytes()),
            "tls-server-name": "api.example",
            "proxy-url": through.replace("//", "//me:pa55-of-proxy@"),
        }
        path = write(tmp_path / "config", entries("a", server=url, cluster=place))
        client = ClusterClient(access_of(cluster(path), {}), timeout=10)
        assert await client.get("/api") == {"a": 1}
        await client.close()
    assert proxy.asked[0].method == ("CONNECT" if secure else "GET")


async def test_a_kubeconfig_that_is_written_again_is_followed(tmp_path: Path) -> None:
    first, second = Server(lambda _: said({"n": 1})), Server(lambda _: said({"n": 2}))
    first.wants, second.wants = "Bearer first-token", "Bearer third-token"
    async with listening(second) as elsewhere:
        async with listening(first) as url:
            path = write(
                tmp_path / "config", entries("a", server=url, user={"token": "first-token"})
            )
            client = ClusterClient(access_of(cluster(path), {}), timeout=10)
            assert await client.get("/api") == {"n": 1}

            # Other credentials, of which a refusal is the first sign.
            first.wants = "Bearer second-token"
            write(path, entries("a", server=url, user={"token": "second-token"}))
            assert await client.get("/api") == {"n": 1}

            # What cannot be read is as good as what was there before.
            path.write_text("a: [")
            first.wants = "Bearer nobody"
            with pytest.raises(ClusterError, match="401"):
                await client.get("/api")
        # Another place, where nobody answers at the old one any more.
        write(path, entries("a", server=elsewhere, user={"token": "third-token"}))
        with suppress(ClusterError):
            await client.get("/api")
        assert await client.get("/api") == {"n": 2}
        assert client.endpoint == elsewhere
        await client.close()


async def test_a_kubeconfig_that_others_may_change_by_now_is_no_longer_followed(
    tmp_path: Path,
) -> None:
    server, thief = Server(lambda _: said({})), Server(lambda _: said({}))
    async with listening(server) as url, listening(thief) as elsewhere:
        user = {"token": "first-token"}
        path = write(tmp_path / "config", entries("a", server=url, user=user))
        client = ClusterClient(access_of(cluster(path), {}), timeout=10)
        await client.get("/api")
        write(path, entries("a", server=elsewhere, user=user), 0o666)
        server.wants = "another"
        with pytest.raises(ClusterError):
            await client.get("/api")
        await client.close()
    assert thief.asked == []


async def test_another_current_context_leads_nowhere_else(tmp_path: Path) -> None:
    server, other = Server(lambda _: said({})), Server(lambda _: said({}))
    async with listening(server) as url, listening(other) as elsewhere:
        content = entries("a", server=url, user={"token": "first-token"})
        path = write(tmp_path / "config", content)
        client = ClusterClient(access_of(cluster(path), {}), timeout=10)
        await client.get("/api")
        more = entries("b", server=elsewhere, user={"token": "first-token"})
        both = {key: content[key] + more[key] for key in ("contexts", "clusters", "users")}
        write(path, {**both, "current-context": "b"})
        server.wants = "another"
        with pytest.raises(ClusterError):
            await client.get("/api")
        await client.close()
    assert other.asked == []
