"""Restart of a process by its pid file."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsconsole.machines.processes import process_of
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState
from opsconsole.model.running.machine import Process
from tests.operations.place import Place, ended, performed, planned, refused, restarted

_S = OperationState


def process_in(path: Path) -> Process | None:
    """The live process that the pid file names."""
    return process_of(int(path.read_text())) if path.exists() else None


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[Path]:
    """A pid file; the process that it names at the end is killed."""
    path = tmp_path / "web.pid"
    yield path
    found = process_in(path)
    if found is not None:
        os.kill(found.pid, signal.SIGKILL)


def _config(path: Path, script: str, more: str = "") -> str:
    return f"""
docker: []
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      restart:
        pid_file: {{path: {path}, start: [sh, -c, '{script}'], timeout: 2s{more}}}
        min_healthy: 300ms
        deadline: 2s
"""


def _daemon(path: Path) -> str:
    return f"sleep 60 & echo $! > {path}"


def _start(path: Path) -> int:
    subprocess.run(["sh", "-c", _daemon(path)], check=True, start_new_session=True)
    return int(path.read_text())


def _start_stubborn(path: Path) -> "subprocess.Popen[bytes]":
    """A process that ignores TERM."""
    stubborn = "trap : TERM; while true; do sleep 0.1; done"
    process = subprocess.Popen(["sh", "-c", stubborn], start_new_session=True)
    path.write_text(f"{process.pid}\n")
    return process


async def test_another_process_takes_its_place(place: Place, pid_file: Path) -> None:
    first = _start(pid_file)
    place.write(_config(pid_file, _daemon(pid_file)))
    operation = await restarted(place.operator())
    assert operation.state is _S.VERIFIED, operation
    second = process_in(pid_file)
    assert second is not None
    assert second.pid != first
    assert process_of(first) is None


async def test_one_that_does_not_run_is_started(place: Place, pid_file: Path) -> None:
    place.write(_config(pid_file, _daemon(pid_file)))
    assert (await restarted(place.operator())).state is _S.VERIFIED


async def test_one_that_dies_after_its_start_fails(place: Place, pid_file: Path) -> None:
    _start(pid_file)
    place.write(_config(pid_file, f"sleep 0.3 & echo $! > {pid_file}"))
    operation = await restarted(place.operator())
    assert operation.state is _S.FAILED, operation


async def test_one_that_does_not_end_fails_and_no_second_is_started(
    place: Place, pid_file: Path
) -> None:
    process = _start_stubborn(pid_file)
    place.write(_config(pid_file, _daemon(pid_file)))
    operation = await restarted(place.operator())
    assert operation.state is _S.FAILED
    assert "did not end within 2 s" in operation.summary
    still = process_in(pid_file)
    assert still is not None
    assert still.pid == process.pid
    process.kill()
    process.wait()


async def test_one_that_was_replaced_after_the_plan_is_left_alone(
    place: Place, pid_file: Path
) -> None:
    first = _start(pid_file)
    place.write(_config(pid_file, _daemon(pid_file)))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.RESTART))
    os.kill(first, signal.SIGKILL)
    second = _start(pid_file)
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is _S.REFUSED
    assert "process was" in operation.summary
    assert process_of(second) is not None


@pytest.mark.parametrize("content", ["", "-1", "1", "0", "12; rm", "\u0661\u0662"])
async def test_a_pid_file_that_names_no_process_is_refused(
    content: str, place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "web.pid"
    path.write_text(content)
    place.write(_config(path, "true"))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    assert "holds no process id" in str(answer)


async def test_a_pid_file_without_a_process_is_refused(place: Place, tmp_path: Path) -> None:
    place.write(_config(tmp_path / "web.pid", "").replace(", start: [sh, -c, '']", ""))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    assert refused(answer) == "cannot-look"


async def test_a_start_that_others_may_write_is_refused(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "start"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o777)
    place.write(_config(tmp_path / "web.pid", "true").replace("[sh, -c, 'true']", f"[{program}]"))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    assert refused(answer) == "others-may-write"


async def test_a_fifo_in_its_place_is_refused_at_once(place: Place, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "web.pid")
    place.write(_config(tmp_path / "web.pid", "true"))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    assert "not a regular file" in str(answer)


async def test_a_process_that_began_after_the_file_was_written_is_another(
    place: Place, pid_file: Path
) -> None:
    pid = _start(pid_file)
    written = time.time() - 3600
    os.utime(pid_file, (written, written))
    place.write(_config(pid_file, _daemon(pid_file)))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    assert refused(answer) == "cannot-look"
    told = str(answer)
    found = process_of(pid)
    assert found is not None
    assert found.began is not None
    for moment in (written, found.began):
        assert datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SZ") in told
    os.utime(pid_file)
    assert (await restarted(place.operator())).state is _S.VERIFIED, "touched, it means that one"


@pytest.mark.skipif(os.geteuid() != 0, reason="root's own file takes root")
@pytest.mark.parametrize(
    ("mode", "group", "believed"),
    [
        (0o644, 63000, True), (0o600, 63000, True), (0o664, 0, True),
        (0o664, 63000, False), (0o620, 63000, False), (0o646, 0, False), (0o666, 63000, False),
    ],
)  # fmt: skip
async def test_a_file_of_roots_that_others_may_write_is_not_roots_word(
    place: Place, pid_file: Path, mode: int, group: int, believed: bool
) -> None:
    _start(pid_file)
    os.chown(pid_file, 0, group)
    os.chmod(pid_file, mode)
    place.write(_config(pid_file, _daemon(pid_file)))
    operator, request = place.operator(), ActionRequest("web", ActionKind.RESTART)
    if believed:
        await planned(operator, request)
        return
    answer = await operator.plan(request, None)
    assert refused(answer) == "cannot-look"
    assert f"can be written by others (mode {mode:04o})" in str(answer)


@pytest.mark.parametrize("written", [-(2**60), 2**60])
async def test_a_file_of_no_date_is_shown_with_the_nearest(
    place: Place, pid_file: Path, written: int
) -> None:
    _start(pid_file)
    try:
        os.utime(pid_file, ns=(written, written))
    except OSError:
        pytest.skip("this file system has no such times")
    place.write(_config(pid_file, _daemon(pid_file)))
    answer = await place.operator().plan(ActionRequest("web", ActionKind.RESTART), None)
    if written < 0:
        assert refused(answer) == "cannot-look"
        assert "was written at" in str(answer)
