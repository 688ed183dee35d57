"""A run of the tests leaves no process behind: counted at its end, and named.

Invariant: every process that a run starts has the run's mark in its environment, which it inherits
however it is detached. One that is still there at the end fails the run, and is ended.
"""

import os
import signal
import time
import uuid
from pathlib import Path
from typing import Final, NamedTuple

import pytest

MARK: Final = "TESTS_OF_RUN"
"""The variable that every process of a run inherits."""

GRACE: Final = 30.0
"""Seconds in which a process that was told to end may do so."""

_stayed = pytest.StashKey[list["Process"]]()


class Process(NamedTuple):
    """One that stayed."""

    pid: int
    command: str


def pytest_configure(config: pytest.Config) -> None:
    """Mark what is started from here on. Workers have the mark of their run already."""
    if not hasattr(config, "workerinput"):
        os.environ[MARK] = uuid.uuid4().hex


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Count what is left once the workers have ended; fail the run for it."""
    if hasattr(session.config, "workerinput"):
        return
    ends = time.monotonic() + GRACE
    while (left := marked(os.environ[MARK])) and time.monotonic() < ends:
        time.sleep(0.1)
    session.config.stash[_stayed] = left
    for each in left:
        os.kill(each.pid, signal.SIGKILL)
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many there are, also where there are none."""
    left = config.stash.get(_stayed, [])
    terminalreporter.write_line(f"processes left behind: {len(left)}", red=bool(left))
    for each in left:
        terminalreporter.write_line(f"  {each.pid}: {each.command}", red=True)


def marked(run: str) -> list[Process]:
    """The processes of a run that live, this one left out."""
    wanted = f"{MARK}={run}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if state not in "ZX" and int(folder.name) != os.getpid():
            command = b" ".join(words).decode("utf-8", "replace")
            found.append(Process(int(folder.name), command.strip()[:200]))
    return found
