"""What a machine is asked to do and what it answers: programs, files, processes.

Invariant: everything here is a value; a program is a list of words and never a shell's line; what
a program or a file says is bytes from outside, sanitised by the code that shows it.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from opsconsole.dataclass import dataclass
from opsconsole.errors import OpsconsoleError


class Failure(StrEnum):
    """Why a machine did not do what it was asked; judged by, never shown."""

    NOT_FOUND = "not found"
    DENIED = "denied"
    TIMED_OUT = "timed out"
    TOO_LARGE = "too large"
    OTHER = "other"


class MachineError(OpsconsoleError):
    """A machine did not do what it was asked. The text is sanitised.

    ``begun``: it may have done it all the same, such as when the connection to it broke in between.
    """

    def __init__(
        self, failure: Failure, what: str, *, remedy: str = "", begun: bool = False
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.failure = failure
        self.begun = begun


class Keep(StrEnum):
    """Which part of an output is kept that is longer than its limit."""

    ALL = "all"  # nothing less is enough: a program that writes more is ended
    LAST = "last"  # what came before is read and dropped


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run. Its first word is looked up in PATH unless it holds a ``/``.

    Its environment is PATH, HOME and LANG with ``environment`` on top; ``inherits`` adds the
    variables of the machine's user below it. ``together`` sends standard error where the output
    goes. ``grace`` is the seconds between TERM and KILL when it has to be ended; 0 for KILL at
    once. ``privileged``: on another host it is run by ``sudo -n`` where the settings say so.
    """

    argv: tuple[str, ...]
    cwd: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)
    inherits: bool = False
    input: bytes = b""
    together: bool = False
    grace: float = 0.0
    privileged: bool = False


class End(StrEnum):
    """How a program came to its end."""

    EXITED = "exited"
    LATE = "late"  # ended at its deadline
    TOO_LARGE = "too large"  # ended because it wrote more than is kept
    STOPPED = "stopped"  # ended because it is no longer needed


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended. ``code`` is its exit status, or the negative of a signal's number.

    Unless it EXITED by itself the code says how it was ended and nothing else. ``complaint`` is the
    end of what it wrote to its standard error.
    """

    end: End
    code: int
    output: bytes = b""
    complaint: bytes = b""

    @property
    def good(self) -> bool:
        """Whether it ended by itself and with status 0."""
        return self.end is End.EXITED and self.code == 0


class FileKind(StrEnum):
    """What has a name in a folder."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What is known of a file without reading it. ``mode`` holds the permission bits.

    ``changed`` is in nanoseconds of Unix time. Two names of one file have the same ``identity``.
    ``leads_to`` is the text of a symbolic link.
    """

    kind: FileKind
    size: int
    mode: int
    owner: int
    group: int
    changed: int
    identity: tuple[int, int]
    leads_to: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next bytes of a file that is followed. ``live``: they were written just now."""

    data: bytes
    live: bool


class Turn(StrEnum):
    """What happened to a file that is followed: after the first two, reading begins at a beginning.

    ``RESTING``: all of it is read, and nothing was written for a second; said once for each rest.
    """

    TRUNCATED = "truncated"
    REPLACED = "replaced"
    RESTING = "resting"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is followed cannot be read at this time; ``why`` is '' once it can again."""

    why: str


Followed = Chunk | Turn | Unreadable


@dataclass(frozen=True, slots=True)
class Process:
    """A live process. ``started`` is in clock ticks since the machine's start.

    Id and start together name it: an id that was given to another process is another process.
    ``began`` is the same moment in Unix seconds by the machine's clock, ``owner`` the id of the
    user that it acts as; None where not known.
    """

    pid: int
    started: str
    name: str
    began: float | None = None
    owner: int | None = None

    @property
    def run(self) -> str:
        """Names this run and no other."""
        return f"{self.pid} started {self.started}"
