"""Asking git, and nothing else: bounded, without a prompt, a pager or a shell.

Invariant: every call ends at its time limit, its process with it. What git says is sanitised.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opsconsole.operations.drivers.command import PATH
from opsconsole.operations.planning.driver import ObserveError
from opsconsole.text import sanitize_bytes

LOOK: Final = 20.0
"""Seconds for a look."""

_OUTPUT_LIMIT: Final = 4 << 20
_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """How git ended: its exit code (None at the time limit), its output, its last complaint."""

    code: int | None
    output: str
    complaint: str


async def ask(folder: Path, *arguments: str, limit: float = LOOK) -> GitAnswer:
    """Run ``git arguments`` in ``folder``. Raises ObserveError when git cannot be started."""
    argv = ["git", "-c", "versionsort.suffix=-", "-C", str(folder), *arguments]
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ObserveError(
            f"git cannot be started: {error.strerror}", remedy="install git"
        ) from error
    try:
        async with asyncio.timeout(limit):
            output, complaint = await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return GitAnswer(None, "", f"ended after its limit of {limit:g} s")
    text = sanitize_bytes(output[:_OUTPUT_LIMIT], limit=_OUTPUT_LIMIT, multiline=True)
    said = sanitize_bytes(complaint.strip()[-_SHOWN:], limit=_SHOWN)
    return GitAnswer(process.returncode, text.rstrip("\n"), said)


async def look(folder: Path, *arguments: str) -> str:
    """The output of a call that must succeed. Raises ObserveError with what git complained of."""
    answer = await ask(folder, *arguments)
    if answer.code != 0:
        raise ObserveError(
            f"git {arguments[0]} in {folder}: {answer.complaint or f'exit {answer.code}'}",
            remedy="look at the checkout by hand",
        )
    return answer.output


def _environment() -> Mapping[str, str]:
    return {
        "PATH": PATH,
        "HOME": str(Path.home()),
        "LANG": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PAGER": "cat",
    }
