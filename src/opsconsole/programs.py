"""Running a program on this host: bounded in time and output, and never left behind.

Invariant: a program runs in a session and a process group of its own, without a terminal, a shell
or open descriptors of ours; its input is what it is given, else nothing. When it has to be ended
its whole group is, and at the latest when this process leaves in order. Reading ends when the
program itself has ended: a child that it left behind with its output open is not waited for.

Everything here blocks: call it in an executor or on a thread of your own.
"""

import atexit
import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum, auto
from pathlib import Path
from typing import IO, Final, assert_never

from opsconsole.model.running.machine import Command, End, Finished, Keep

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

COMPLAINT: Final = 2000
"""Bytes that are kept of a program's standard error, the last ones."""

_PIECE: Final = 64 * 1024
_PIPE: Final = 1 << 20
"""Bytes that a pipe can hold: what was written before the end is not more."""

_KILLED: Final = 5.0
"""Seconds for the kernel to end what was killed; a process stuck on a disk is left to it."""


class _Channel(Enum):
    """What is waited for of a program."""

    END = auto()
    INPUT = auto()
    OUTPUT = auto()
    COMPLAINT = auto()


class Program:
    """A program that was started, which reads the command's input and then ``chunks``.

    Raises OSError when it cannot be started.
    """

    def __init__(self, command: Command, chunks: Iterable[bytes] | None = None) -> None:
        self._grace = command.grace
        self._input = memoryview(command.input)
        self._chunks = iter(() if chunks is None else chunks)
        reads = chunks is not None or bool(command.input)
        self._ended = False
        self._lock = threading.Lock()
        self._collected = False
        self._process = _start(
            command,
            stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if command.together else subprocess.PIPE,
        )
        self.complaint = b""

    def output(self, ends: float | None = None) -> Iterator[bytes]:
        """Its output as it comes, until it has ended.

        Raises TimeoutError at ``ends`` (``time.monotonic``).
        """
        process = self._process
        pidfd = os.pidfd_open(process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(pidfd, selectors.EVENT_READ, _Channel.END)
                if process.stdout is not None:
                    _register(selector, process.stdout, _Channel.OUTPUT)
                if process.stderr is not None:
                    _register(selector, process.stderr, _Channel.COMPLAINT)
                if process.stdin is not None and not process.stdin.closed:
                    _register(selector, process.stdin, _Channel.INPUT)
                while not self._ended:
                    left = None if ends is None else ends - time.monotonic()
                    if left is not None and left <= 0:
                        raise TimeoutError
                    for key, _ in selector.select(left):
                        yield from self._what_comes(selector, key)
                yield from self._what_is_left(selector)
        finally:
            os.close(pidfd)

    def last_words(self) -> Iterator[bytes]:
        """Ask it to end, if it has a grace, and its output until it has.

        Raises TimeoutError when the grace is over.
        """
        if self._grace:
            self._signal(signal.SIGTERM)
            yield from self.output(time.monotonic() + self._grace)

    def kill(self) -> None:
        """End its whole group at once; from any thread, and nothing once it is collected."""
        self._signal(signal.SIGKILL)

    def close(self) -> int:
        """End the group unless the program ended by itself, collect it; its exit code."""
        if not self._ended:
            self.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with self._lock:
            # From here on its number may be another group's.
            self._collected = True
        try:
            return self._process.wait(_KILLED)
        except subprocess.TimeoutExpired:
            _collect_later(self._process)
            return -signal.SIGKILL

    def _what_comes(
        self, selector: selectors.BaseSelector, key: selectors.SelectorKey
    ) -> Iterator[bytes]:
        channel: _Channel = key.data
        match channel:
            case _Channel.END:
                self._ended = True
            case _Channel.INPUT:
                self._feed(selector)
            case _Channel.OUTPUT | _Channel.COMPLAINT:
                data = self._read(key)
                if not data:
                    selector.unregister(key.fileobj)
                elif channel is _Channel.OUTPUT:
                    yield data
            case _:
                assert_never(channel)

    def _what_is_left(self, selector: selectors.BaseSelector) -> Iterator[bytes]:
        """What it had written before it ended: a pipe that a child keeps open ends where it is."""
        for key in list(selector.get_map().values()):
            if key.data in (_Channel.OUTPUT, _Channel.COMPLAINT):
                left = _PIPE
                with contextlib.suppress(BlockingIOError):
                    while left > 0 and (data := self._read(key)):
                        left -= len(data)
                        if key.data is _Channel.OUTPUT:
                            yield data

    def _read(self, key: selectors.SelectorKey) -> bytes:
        data = os.read(key.fd, _PIECE)
        if key.data is _Channel.COMPLAINT:
            self.complaint = (self.complaint + data)[-COMPLAINT:]
        return data

    def _feed(self, selector: selectors.BaseSelector) -> None:
        """Give it more of its input; a program that does not read it all is not an error."""
        pipe = self._process.stdin
        assert pipe is not None
        if not self._input:
            self._input = memoryview(next(filter(None, self._chunks), b""))
        try:
            self._input = self._input[os.write(pipe.fileno(), self._input[:_PIECE]) :]
        except BlockingIOError:
            return
        except OSError:
            self._input, self._chunks = memoryview(b""), iter(())
        if not self._input:
            self._input = memoryview(next(filter(None, self._chunks), b""))
        if not self._input:
            selector.unregister(pipe)
            pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        with self._lock, contextlib.suppress(ProcessLookupError, PermissionError):
            if not self._collected:
                os.killpg(self._process.pid, number)


class Stop:
    """Ends a program that is no longer needed, from any thread, also before it has started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._program: Program | None = None
        self.is_set = False

    def set(self) -> None:
        """Kill the program's group, now or as soon as it is there; idempotent."""
        with self._lock:
            self.is_set = True
            if self._program is not None:
                self._program.kill()

    @property
    def has_program(self) -> bool:
        """Whether it knows what it ends, and has ended that if it is set."""
        with self._lock:
            return self._program is not None

    def watch(self, program: Program) -> None:
        """Name the program that it ends."""
        with self._lock:
            self._program = program
            if self.is_set:
                program.kill()


_under_way: Final[set[Stop]] = set()
_STARTING: Final = 1.0
"""Seconds that the end of the process waits for programs that are being started."""


def _end_all() -> None:
    """A thread that waits for a program does not see the end of its process."""
    for each in tuple(_under_way):
        each.set()
    # One that is just being started is ended by its own thread, which goes on for so long.
    ends = time.monotonic() + _STARTING
    while any(not each.has_program for each in tuple(_under_way)) and time.monotonic() < ends:
        time.sleep(0.005)


atexit.register(_end_all)


def run(
    command: Command,
    *,
    limit: int,
    deadline: float,
    keep: Keep = Keep.ALL,
    stop: Stop | None = None,
    chunks: Iterable[bytes] | None = None,
) -> Finished:
    """Run ``command`` to its end, at most ``deadline`` seconds; at most ``limit`` bytes are kept.

    It reads ``chunks``, if any; setting ``stop`` ends it too. Raises OSError when it cannot be
    started.
    """
    stop = stop or Stop()
    _under_way.add(stop)
    try:
        return _run(command, limit, deadline, keep, stop, chunks)
    finally:
        _under_way.discard(stop)


def _run(
    command: Command,
    limit: int,
    deadline: float,
    keep: Keep,
    stop: Stop,
    chunks: Iterable[bytes] | None,
) -> Finished:
    program = Program(command, chunks)
    stop.watch(program)
    end, output = End.EXITED, bytearray()
    try:
        if not _gather(program.output(time.monotonic() + deadline), output, limit, keep):
            end = End.TOO_LARGE
    except TimeoutError:
        end = End.LATE
        with contextlib.suppress(TimeoutError):
            _gather(program.last_words(), output, limit, keep)
        program.kill()  # output written just before its end
    finally:
        code = program.close()
    if stop.is_set:
        end = End.STOPPED
    return Finished(end, code, bytes(output[:limit]), program.complaint)


def _gather(pieces: Iterator[bytes], output: bytearray, limit: int, keep: Keep) -> bool:
    """Add ``pieces`` to ``output``, bounded; False when they are more than may be left out."""
    for data in pieces:
        output += data
        if len(output) > limit:
            if keep is Keep.ALL:
                return False
            del output[:-limit]
    return True


def begin(argv: tuple[str, ...], both: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start a program with this user's environment, which the caller talks to over its pipes.

    ``both`` is a descriptor that takes the place of the pipes of its input and output.

    It has a session and a group of its own; the caller bounds it, ends it and collects it
    (``machines.ssh``). Raises OSError.
    """
    return _start(
        Command(argv, inherits=True),
        stdin=both,
        stdout=both,
        stderr=subprocess.PIPE,
        buffered=False,
    )


class Launched:
    """A program that was started to outlive this process."""

    def __init__(self, command: Command) -> None:
        null = subprocess.DEVNULL
        self._process = _start(command, stdin=null, stdout=null, stderr=null)
        _collect_later(self._process)

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.returncode


def environment_of(command: Command, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment that the program gets."""
    small = {"PATH": PATH, "HOME": str(Path.home()), "LANG": "C.UTF-8"}
    return {**(own if command.inherits else small), **command.environment}


def _register(selector: selectors.BaseSelector, pipe: IO[bytes], channel: _Channel) -> None:
    os.set_blocking(pipe.fileno(), False)
    events = selectors.EVENT_WRITE if channel is _Channel.INPUT else selectors.EVENT_READ
    selector.register(pipe, events, channel)


def _start(
    command: Command, *, stdin: int, stdout: int, stderr: int, buffered: bool = True
) -> subprocess.Popen[bytes]:
    environment = environment_of(command)
    return subprocess.Popen(
        command.argv,
        cwd=command.cwd,
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        bufsize=-1 if buffered else 0,
    )


def _collect_later(process: subprocess.Popen[bytes]) -> None:
    """Leave no zombie of a process that nobody waits for."""
    threading.Thread(target=process.wait, name="collects a program", daemon=True).start()
