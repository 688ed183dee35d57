"""A reflector at a real API server: cut off, suspended, killed, its history compacted."""

import asyncio
import json
import signal
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.sources.kubernetes import reflector
from opsconsole.sources.kubernetes.api import pulse
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.api.wire import JsonObject
from opsconsole.sources.kubernetes.reflector import Reflector
from tests.patience import soon
from tests.servers.kubernetes.api import Namespace
from tests.servers.kubernetes.control_plane import ControlPlane
from tests.sources.kubernetes.kubeconfigs import cluster
from tests.sources.local_http import serving

pytestmark = pytest.mark.servers

PATH = "/api/v1/namespaces/default/configmaps"


class Line:
    """What lies between the client and the API server, and can be cut.

    While it ``swallows``, all of it stands and nothing arrives. What is ``dead`` does so for ever.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self.down = self.swallows = False
        self.dead: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}
            far_writer.transport.abort()

    def cut(self) -> None:
        for each in self._open:
            each.transport.abort()

    def die(self) -> None:
        """What is open now stays open, and nothing arrives on it any more."""
        self.dead |= self._open

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if not self.swallows and writer not in self.dead:
                    writer.write(data)
                    await writer.drain()
            if writer not in self.dead:
                writer.close()


class Counting(ClusterClient):
    """Counts the lists and the watches that are begun."""

    lists = watches = 0

    async def get(self, path: str, *args: object, **named: object) -> JsonObject:
        self.lists += path == PATH
        return await super().get(path, *args, **named)  # type: ignore[arg-type]

    def stream(self, path: str, *args: Any, **named: Any) -> Any:
        self.watches += path == PATH
        return super().stream(path, *args, **named)


def keep(item: JsonObject) -> str | None:
    data = item.get("data")
    return str(data.get("value")) if isinstance(data, dict) and "value" in data else None


@asynccontextmanager
async def following(
    plane: ControlPlane,
) -> AsyncIterator[tuple[Line, Counting, Reflector[str]]]:
    line = Line(plane.port)
    async with serving(line.serve) as port:
        access = access_of(cluster(plane.kubeconfig), {})
        there = replace(access, server=f"https://127.0.0.1:{port}")
        client = Counting(there, timeout=2)
        found = Reflector(client, PATH, keep=keep, clock=SystemClock())
        task = asyncio.create_task(found.run())
        yield line, client, found
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def changed(namespace: Namespace, values: dict[str, str]) -> dict[str, str]:
    """Have exactly ``values`` there."""

    def change() -> None:
        there = {
            each["metadata"]["name"]
            for each in namespace.list("ConfigMap")
            if "value" in each.get("data", {})
        }
        for name in there - values.keys():
            namespace.delete("ConfigMap", name)
        for name, value in values.items():
            if name in there:
                namespace.patch("ConfigMap", name, {"data": {"value": value}})
            else:
                namespace.create("ConfigMap", name, {}, data={"value": value})

    await asyncio.to_thread(change)
    return values


def compact(plane: ControlPlane) -> None:
    """Have etcd forget all that was before now."""
    version = etcd(plane, "maintenance/status", {})["header"]["revision"]
    etcd(plane, "kv/compaction", {"revision": version, "physical": True})


def etcd(plane: ControlPlane, what: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
    request = urllib.request.Request(f"{plane.etcd}/v3/{what}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.loads(answer.read()))


async def test_it_is_right_again_after_whatever_happens_to_its_server(
    private_control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "EVERY", 0.2)
    monkeypatch.setattr(reflector, "LIST_GAP", 1.0)
    monkeypatch.setattr(reflector, "WATCHED", (2, 3))
    monkeypatch.setattr(reflector, "GRACE", 1.0)
    plane = private_control_plane
    namespace = Namespace(plane.api(), "default")
    async with following(plane) as (line, client, found):

        def known() -> dict[str, str]:
            return {name: value for (_, name), value in found.objects.items()}

        def is_troubled() -> bool:
            return found.standing.fault is not None

        async def is_right(wanted: dict[str, str]) -> None:
            await soon(lambda: known() == wanted)

        async def hastened(holds: Callable[[], bool]) -> None:
            """Where nobody waits: as when each look asks whether the server is back."""
            task = asyncio.create_task(_hastening(found))
            await soon(holds)
            task.cancel()

        await is_right(await changed(namespace, {"a": "1", "b": "1"}))
        assert client.lists == 1

        # The line is cut again and again.
        for turn in range(5):
            line.cut()
            wanted = await changed(namespace, {"a": str(turn), "c": str(turn)})
        await is_right(wanted)
        assert client.lists == 1

        # The server hangs, for longer than any watch may last: new connections stand as well.
        plane.process("kube-apiserver").send_signal(signal.SIGSTOP)
        await soon(is_troubled)
        begun, noticed_at = client.watches, SystemClock().now()
        await hastened(lambda: client.watches > begun + 2)
        assert is_troubled()
        assert (found.standing.right_at or 0.0) < noticed_at, "nothing was heard since"
        plane.process("kube-apiserver").send_signal(signal.SIGCONT)
        await hastened(lambda: not is_troubled())
        await is_right(await changed(namespace, {"b": "2", "c": "2"}))
        assert client.lists == 1

        # The lines are dead, and nobody closes them; then nothing arrives on any.
        line.die()
        await is_right(await changed(namespace, {"b": "3", "c": "2"}))
        line.swallows = True
        wanted = await changed(namespace, {"b": "4", "c": "2"})
        await soon(is_troubled)
        line.swallows = False
        await is_right(wanted)
        await soon(lambda: not is_troubled())
        assert client.lists == 1

        # It is killed, and all that was missed is forgotten.
        line.down = True
        line.cut()
        wanted = await changed(namespace, {"c": "3", "d": "3"})
        await asyncio.to_thread(plane.stop_api_server)
        await asyncio.to_thread(compact, plane)
        await asyncio.to_thread(plane.start_api_server)
        assert is_troubled()
        line.down = False
        await hastened(lambda: known() == wanted)
        assert client.lists == 2
        assert not is_troubled()
        await is_right(await changed(namespace, {"e": "4"}))


async def _hastening(found: Reflector[str]) -> None:
    while True:
        found.hasten()
        await asyncio.sleep(0.1)
