"""A daemon that misbehaves is classified in time, and nothing else is touched."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Docker
from opsconsole.model.fault import FaultKind
from opsconsole.sources.docker.client import classify
from opsconsole.sources.docker.endpoint import DockerEndpoint
from opsconsole.sources.docker.source import DockerSource
from tests.clean import is_clean
from tests.patience import soon as until
from tests.sources.docker_fakes import (
    VERSION,
    Answer,
    drip,
    fake_daemon,
    flood,
    never,
    raw,
    reply,
    sample,
)
from tests.sources.docker_sources import TIMEOUT, source_at, view_of

ID = "ab" * 32

HOSTILE: list[tuple[str, str, Answer, FaultKind]] = [
    ("never answers", "containers__json", never, FaultKind.TIMEOUT),
    ("drips", "containers__json", drip, FaultKind.TIMEOUT),
    ("floods", "containers__json", flood, FaultKind.TOO_LARGE),
    ("is not JSON", "containers__json", reply(b"<html>"), FaultKind.NOT_UNDERSTOOD),
    ("is no list", "containers__json", reply({"a": 1}), FaultKind.NOT_UNDERSTOOD),
    ("is of strangers", "containers__json", reply([{"x": 1}]), FaultKind.NOT_UNDERSTOOD),
    ("is deep", "containers__json", reply(b"[" * 200_000), FaultKind.NOT_UNDERSTOOD),
    ("has NaN", "containers__json", reply(b"[NaN]"), FaultKind.NOT_UNDERSTOOD),
    ("is a memory bomb", "containers__json", reply(b"[" + b"[]," * 500_000), FaultKind.TOO_LARGE),
    ("is an error", "containers__json", reply({}, status="500 E"), FaultKind.STATUS),
    ("is busy", "containers__json", reply({}, status="503 E"), FaultKind.OVERLOADED),
    ("wants a login", "containers__json", reply({}, status="401 E"), FaultKind.AUTH),
    ("redirects", "containers__json", reply({}, status="302 Found"), FaultKind.STATUS),
    ("hangs up", "containers__json", raw(b""), FaultKind.NOT_UNDERSTOOD),
    ("is not HTTP", "containers__json", raw(b"SSH-2.0-x\r\n"), FaultKind.NOT_UNDERSTOOD),
    ("breaks off", "containers__json", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n["),
     FaultKind.NOT_UNDERSTOOD),
    ("never greets", "version", never, FaultKind.TIMEOUT),
    ("greets without end", "version", flood, FaultKind.TOO_LARGE),
    ("greets slowly", "version", drip, FaultKind.TIMEOUT),
    ("is another server", "version", reply({"hello": 1}), FaultKind.NOT_UNDERSTOOD),
    ("has an odd version", "version", reply({"ApiVersion": "9" * 99}), FaultKind.NOT_UNDERSTOOD),
    ("is ancient", "version", reply({"ApiVersion": "1.12"}), FaultKind.UNSUPPORTED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "answer", "kind"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
async def test_every_misbehaviour_is_classified_in_time(
    path: str, answer: Answer, kind: FaultKind
) -> None:
    answers: dict[str, Any] = {path: answer}
    with fake_daemon(**answers) as daemon:
        async with source_at(daemon.url) as source:
            reading = await source.collect()

    assert reading.fault is not None
    assert reading.fault.kind is kind
    assert is_clean(str(reading.fault) + reading.fault.hint)


async def test_the_engines_own_words_are_clean() -> None:
    evil = reply({"message": "\x1b[2J" + "x" * 100_000}, status="500 E")
    with fake_daemon(containers__json=evil) as daemon:
        async with source_at(daemon.url) as source:
            reading = await source.collect()

    assert reading.fault is not None
    assert is_clean(reading.fault.message)
    assert len(reading.fault.message) < 400


async def test_names_with_escape_codes_are_shown_clean() -> None:
    evil = {"Id": ID, "Names": ["/\x1b]0;x\x07web"], "State": "running", "Status": "Up \x1b[31m"}
    with fake_daemon(containers__json=reply([evil])) as daemon:
        async with source_at(daemon.url) as source:
            (container,) = (await view_of(source)).replicas

    assert is_clean(container.name)
    assert "web" in container.name


async def test_nobody_there_is_absent_and_no_blame() -> None:
    async with source_at("unix:///nowhere/docker.sock") as source:
        reading = await source.collect()

    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.ABSENT
    assert not reading.fault.blames_target
    assert "docker.host" in reading.fault.hint


def test_an_engine_that_is_absent_costs_no_import_of_its_sdk() -> None:
    program = (
        "import asyncio, sys\n"
        "from opsconsole.clock import SystemClock\n"
        "from opsconsole.config.settings import Docker\n"
        "from opsconsole.sources.docker.source import DockerSource\n"
        "settings = Docker(host='unix:///nowhere/docker.sock')\n"
        "source = DockerSource(settings, SystemClock(), print)\n"
        "print(asyncio.run(source.collect()).fault.kind)\n"
        "print(sorted({'docker', 'requests', 'urllib3'} & sys.modules.keys()))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )

    assert ended.stdout.splitlines() == ["absent", "[]"]


async def test_a_refused_connection_is_said() -> None:
    async with source_at("tcp://127.0.0.1:1") as source:
        reading = await source.collect()

    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.CONNECT
    assert "Connection refused" in reading.fault.message


async def test_a_socket_that_nobody_listens_at_any_more_is_said(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "docker.sock"))
    async with source_at(f"unix://{tmp_path}/docker.sock") as source:
        reading = await source.collect()

    assert reading.fault is not None
    assert reading.fault.kind is FaultKind.CONNECT


async def test_permission_denied_names_the_group() -> None:
    denied = ConnectionError("Connection aborted.", PermissionError(13, "Permission denied"))
    fault = classify(denied, DockerEndpoint("unix:///var/run/docker.sock", "default"), 1)

    assert fault.kind is FaultKind.PERMISSION
    assert fault.message == "permission denied on /var/run/docker.sock"
    assert "group docker" in fault.hint


async def test_a_name_that_does_not_resolve_is_dns() -> None:
    async with source_at("tcp://no-such-host.invalid:2375") as source:
        reading = await source.collect()

    assert reading.fault is not None
    assert reading.fault.kind in (FaultKind.DNS, FaultKind.TIMEOUT)


async def test_an_unknown_context_is_refused_and_asked_again(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "DOCKER_CONTEXT": "typo"}
    source = DockerSource(
        Docker(timeout=TIMEOUT), SystemClock(), lambda event: None, environ=environ
    )

    for _ in range(2):
        reading = await source.collect()
        assert reading.fault is not None
        assert reading.fault.kind is FaultKind.ABSENT
        assert "typo" in reading.fault.message
    assert source.endpoint == ""
    await source.close()


async def test_it_is_back_by_itself_when_the_daemon_is() -> None:
    with fake_daemon(containers__json=never) as daemon:
        async with source_at(daemon.url) as source:
            for _ in range(3):
                assert (await source.collect()).fault is not None
            daemon.answers["/containers/json"] = reply(sample("containers"))
            assert len((await view_of(source)).replicas) == 7


async def test_a_hung_daemon_takes_no_time_of_others() -> None:
    with fake_daemon(containers__json=drip) as daemon:
        async with source_at(daemon.url) as source:
            looking = asyncio.create_task(source.collect())
            turns = 0
            while not looking.done():
                await asyncio.sleep(0.005)
                turns += 1

    assert turns > 5, "the loop goes on meanwhile"
    assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]


async def test_the_users_netrc_and_proxies_take_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with fake_daemon() as daemon:
        async with source_at(daemon.url) as source:
            await view_of(source)
        sent = "".join(daemon.headers)

    assert "Authorization" not in sent


async def test_one_list_and_no_inspection_of_what_did_not_change() -> None:
    quiet = [
        {
            "Id": f"{n:064x}",
            "Names": [f"/c{n}"],
            "State": "exited",
            "Status": "Exited (0) 2 days ago",
        }
        for n in range(30)
    ]
    with fake_daemon(containers__json=reply(quiet)) as daemon:
        daemon.answers["/json"] = reply({"State": {}, "RestartCount": 3})
        async with source_at(daemon.url) as source:
            view = await view_of(source)
            while any(container.restarts is None for container in view.replicas):
                # A slow machine has time for some of the inspections only.
                view = await view_of(source)
            first = len(daemon.requests)
            await view_of(source)
            await view_of(source)
            later = [path for path in daemon.requests[first:] if "/containers" in path]

    assert [container.restarts for container in view.replicas] == [3] * 30
    assert len(later) == 2


async def test_a_container_that_is_gone_between_list_and_inspection_is_no_fault() -> None:
    item = {"Id": ID, "Names": ["/web"], "State": "running", "Status": "Up 2 hours"}
    with fake_daemon(containers__json=reply([item])) as daemon:
        async with source_at(daemon.url) as source:
            (container,) = (await view_of(source)).replicas

    assert (container.name, container.restarts) == ("web", None)


@pytest.mark.parametrize("answer", [never, reply({"message": "no leader"}, status="500 E")])
async def test_a_swarm_without_a_leader_does_not_hide_the_containers(answer: Answer) -> None:
    with fake_daemon(containers__json=reply(running(2)), services=answer) as daemon:
        daemon.answers["/json"] = reply({})
        async with source_at(daemon.url) as source:
            for _ in range(3):
                assert len((await view_of(source)).replicas) == 2


async def test_a_container_that_is_stuck_in_the_engine_hangs_its_own_inspection_alone() -> None:
    def stuck(peer: socket.socket, path: str) -> None:
        if f"{0:064x}" in path:
            never(peer, path)
        reply({"RestartCount": 5})(peer, path)

    with fake_daemon(containers__json=reply(running(5))) as daemon:
        daemon.answers["/json"] = stuck
        async with source_at(daemon.url) as source:
            for _ in range(3):
                view = await view_of(source)
        asked = [path for path in daemon.requests if f"{0:064x}/json" in path]

    assert [container.restarts for container in view.replicas] == [None, 5, 5, 5, 5]
    assert len(asked) == 1


def running(count: int) -> list[dict[str, object]]:
    return [
        {"Id": f"{n:064x}", "Names": [f"/c{n}"], "State": "running", "Status": "Up 2 hours"}
        for n in range(count)
    ]


async def test_statistics_are_asked_beside_and_a_few_at_a_time() -> None:
    lock = threading.Lock()
    present = most = 0
    busy = 0

    def slow(peer: socket.socket, path: str) -> None:
        nonlocal present, most, busy
        with lock:
            present += 1
            most = max(most, present)
            busy += 1
        time.sleep(0.05)
        seconds, rest = divmod(time.time_ns(), 10**9)
        read = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"
        usage = {"cpu_usage": {"total_usage": rest + seconds * 10**9}}
        with lock:
            present -= 1
        reply({"read": read, "cpu_stats": usage, "memory_stats": {"usage": 7}})(peer, path)

    with fake_daemon(containers__json=reply(running(20)), stats=slow) as daemon:
        daemon.answers["/json"] = reply({})
        async with source_at(daemon.url) as source:
            first = await view_of(source)
            assert {container.cpu for container in first.replicas} == {None}
            await until(lambda: busy >= 20)
            await asyncio.sleep(0.2)
            second = await view_of(source)
            assert {container.memory for container in second.replicas} == {7}
            assert {container.cpu for container in second.replicas} == {None}
            await until(lambda: busy >= 40)
            await asyncio.sleep(0.2)
            third = await view_of(source)

    assert most <= 8
    assert all(container.cpu == pytest.approx(1.0, abs=0.05) for container in third.replicas)


async def test_statistics_that_hang_hold_up_nothing() -> None:
    with fake_daemon(containers__json=reply(running(20)), stats=never) as daemon:
        daemon.answers["/json"] = reply({})
        async with source_at(daemon.url) as source:
            for _ in range(10):
                reading = await source.collect()
                assert reading.fault is None
                await asyncio.sleep(0.1)


async def test_the_version_is_negotiated() -> None:
    for offered, used in (("1.41", "v1.41"), ("1.99", "v1.51"), ("1.30", "v1.30")):
        with fake_daemon(version=reply({**VERSION, "ApiVersion": offered})) as daemon:
            async with source_at(daemon.url) as source:
                await view_of(source)
            assert any(path.startswith(f"/{used}/containers") for path in daemon.requests)
