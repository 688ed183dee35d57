"""A client at a server of the test's own."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from opsconsole.sources.kubernetes.api.access import Access
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.credentials import Credentials, Written
from tests.sources.local_http import Asked, Said, Server, listening

JSON = {"Content-Type": "application/json"}
LOOKS = {"GET", "HEAD"}
LIMIT = 256 * 1024
SAFE: Any = {"return_exceptions": True}


def said(value: Any, status: int = 200, **headers: str) -> Said:
    return Said(json.dumps(value).encode(), status, {**JSON, **headers})


@asynccontextmanager
async def asking(
    url: str, *, timeout: float = 10.0, credentials: Credentials | None = None, **access: Any
) -> AsyncIterator[ClusterClient]:
    made = Access("kube", url, credentials or Written(), **access)
    client = ClusterClient(made, timeout=timeout)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def answering(
    answer: Callable[[Asked], Said | None], **how: Any
) -> AsyncIterator[tuple[ClusterClient, Server]]:
    server = Server(answer)
    async with listening(server) as url, asking(url, **how) as client:
        yield client, server
