"""What a machine is: where programs run, files are, and processes live.

Invariant: code that reads or changes a machine is given one and never asks which it is. Nothing
here raises but ``MachineError`` (and ``CancelledError``), and everything ends by its deadline; when
it is cancelled a program that runs is ended. ``MachineError.begun`` separates what was not done
from what may have been. Paths are absolute; a symbolic link is followed unless said otherwise.

``docs/adding-a-machine.md`` says what an implementation must keep; ``tests/machines/contract.py``
is tried against every one.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import BinaryIO, Protocol

from opsconsole.model.running.machine import (
    Command,
    FileKind,
    FileStatus,
    Finished,
    Followed,
    Keep,
    Process,
)
from opsconsole.ownership import Loose


class Stream(Protocol):
    """A program whose output is read for as long as it runs, by a thread that may block."""

    def __iter__(self) -> Iterator[bytes]:
        """Pieces of its output as they come; ends with the program or with ``close``."""
        ...

    def close(self) -> None:
        """End the program; idempotent, from any thread, never waits."""
        ...

    @property
    def finished(self) -> Finished | None:
        """How it ended, once its output has."""
        ...


class FileFollowing(Protocol):
    """A file that is read as it grows, by a thread that may block."""

    def __iter__(self) -> Iterator[Followed]:
        """Each piece and turn of it, until ``close``. Starts near the file's end."""
        ...

    def close(self) -> None:
        """End soon; idempotent, from any thread, never waits."""
        ...


class Launched(Protocol):
    """A program that outlives this process."""

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs, as far as it is known."""
        ...


class Machine(Protocol):
    """One machine, under the rights that its user has there."""

    @property
    def name(self) -> str:
        """What it is called on the screen; '' for the console's own host."""
        ...

    @property
    def ahead(self) -> float:
        """Seconds that its clock is before the console's, as far as it is known; else 0."""
        ...

    async def run(
        self, command: Command, *, limit: int, deadline: float, keep: Keep = Keep.ALL
    ) -> Finished:
        """Run a program to its end, at most ``deadline`` seconds, keeping ``limit`` bytes."""
        ...

    async def run_named(
        self, name: str, command: Command, *, limit: int, deadline: float
    ) -> Finished:
        """Run a program to its end that nothing here cuts: it goes on without this process.

        At most one is begun under ``name``, ever. What it says is kept together, the last
        ``limit`` bytes; it is ended after ``deadline`` seconds, wherever it runs.
        """
        ...

    async def ended(
        self, name: str, command: Command, *, limit: int, deadline: float
    ) -> Finished | None:
        """Wait for the end of what ``run_named`` began under ``name``, as it would have.

        None where nothing was, and nothing will be; MachineError where nobody knows.
        """
        ...

    def feed(
        self, command: Command, chunks: Iterable[bytes], *, limit: int, deadline: float
    ) -> Finished:
        """Run a program to its end that reads ``chunks``, by a thread that may block.

        What ``chunks`` raises ends the program and passes.
        """
        ...

    def stream(self, command: Command) -> Stream:
        """Start a program that is read as it runs. Blocks; raises MachineError."""
        ...

    async def launch(self, command: Command) -> Launched:
        """Start a program that outlives this process; its input and outputs are /dev/null."""
        ...

    async def read(self, path: PurePath, limit: int) -> bytes:
        """All of a regular file of at most ``limit`` bytes; TOO_LARGE beyond."""
        ...

    async def replace(self, path: PurePath, data: bytes) -> None:
        """Put ``data`` durably in place of a file that is there, with its mode and owner.

        Old or new at every instant; where ``path`` is a link, what it leads to.
        """
        ...

    async def replace_link(self, path: PurePath, leads_to: str) -> None:
        """Put a symbolic link durably in place of one that is there, in one step."""
        ...

    async def stat(self, path: PurePath, *, follow: bool = True) -> FileStatus:
        """What is known of a file."""
        ...

    async def list(self, path: PurePath) -> Mapping[str, FileKind]:
        """The names in a folder and what each is or leads to; one that leads nowhere is a LINK."""
        ...

    async def looseness(self, path: PurePath) -> Loose | None:
        """How others than its user and root could change what is at ``path``; None if they cannot.

        Each folder above it counts, since anyone who can rename in one can put another file there.
        """
        ...

    def open(self, path: PurePath) -> BinaryIO:
        """A regular file, to be read and sought in by a thread that may block."""
        ...

    def follow(self, path: PurePath, tail: int) -> FileFollowing:
        """Follow a file, which need not be there yet, from its last ``tail`` bytes on."""
        ...

    async def process(self, pid: int) -> Process | None:
        """The live process with that id; None when there is none or it is a zombie."""
        ...

    async def signal(self, process: Process, name: str) -> bool:
        """Signal that very process with TERM, HUP …; False, and nothing sent, if it is gone."""
        ...
