"""Programs of another host: run to their end, read as they run, or begun to outlive the line.

Invariant: as ``machines.base`` has it. A program is in a session of its own there, and is ended
with its group when the line on which it runs is; but one that was launched is left alone. An exit
status above 128 is a signal's, as a shell has it. Everything here blocks.
"""

import math
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.machines.base import Launched, Stream
from opsconsole.machines.ssh import far_end
from opsconsole.machines.ssh.line import FarEnd, Frame, Line, LostError, TooMuchError
from opsconsole.machines.ssh.lines import Lines, Stop, broken
from opsconsole.machines.ssh.logins import WITHIN, Target
from opsconsole.model.running.machine import Command, End, Failure, Finished, Keep, MachineError
from opsconsole.text import sanitize

_KILLED: Final = 5.0
_SSH_FAILED: Final = 255
_SETTLES: Final = 0.3
_CHUNK: Final = 16 * 1024
_SIGNALS: Final = range(129, 193)
_MOST: Final = 8 * 1024 * 1024
"""Bytes of a program's input that are sent over a line."""

_NOT_BEGUN: Final = {
    2: (Failure.NOT_FOUND, "{program}: No such file or directory"),
    3: (Failure.DENIED, "{program}: Permission denied"),
    4: (Failure.NOT_FOUND, "{cwd}: No such file or directory"),
    5: (Failure.DENIED, "{cwd}: Permission denied"),
}


class SshStream(Stream):
    """A program that is read as it runs, on a line of its own. Raises MachineError."""

    def __init__(self, lines: Lines, command: Command) -> None:
        self._lines, self._stop = lines, Stop()
        self._finished: Finished | None = None
        ends = time.monotonic() + WITHIN
        self._line = lines.fresh(ends)
        self._stop.watch(self._line)
        try:
            code, data = _code(lines, self._line, command)
            self._line.begin(far_end.run(code, len(data), 0), ends, b"".join(data))
            _started(self._line, command, ends)
        except (LostError, TimeoutError) as error:
            lines.discard(self._line)
            raise broken(error, lines.target, begun=True) from error
        except MachineError:
            lines.discard(self._line)
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Pieces of its output; the program has ended when they have, or the line broke."""
        finished = None
        try:
            for each in self._line.frames(None, None):
                if not isinstance(each, Frame):
                    yield each
                elif each.kind == b"end":
                    code = exit_code(each.number)
                    said = self._line.complaint(time.monotonic() + _KILLED)
                    finished = Finished(End.EXITED, code, complaint=said)
                    return
        except (LostError, TimeoutError) as error:
            said = str(broken(error, self._lines.target, begun=True)).encode()
            finished = Finished(End.EXITED, 255, complaint=said)
        finally:
            self._stop.watch(None)
            self._lines.discard(self._line)
            if self._stop.is_set or finished is None:
                finished = Finished(End.STOPPED, -9)
            self._finished = finished

    def close(self) -> None:
        """End the program soon."""
        self._stop.set()

    @property
    def finished(self) -> Finished | None:
        """How it ended."""
        return self._finished


class SshLaunched(Launched):
    """A program that outlives the line, which is kept to see its end as long as it can be."""

    def __init__(self, lines: Lines, command: Command, ends: float) -> None:
        self._code: int | None = None
        line = lines.fresh(ends)
        try:
            code, _ = _code(lines, line, command)
            line.begin(far_end.stay(code), ends)
            _started(line, command, ends)
        except (LostError, TimeoutError) as error:
            lines.discard(line)
            raise broken(error, lines.target, begun=True) from error
        except MachineError:
            lines.discard(line)
            raise
        waits = threading.Thread(
            target=self._wait, args=(lines, line), name="waits for a program", daemon=True
        )
        waits.start()

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs, as far as it is known."""
        return self._code

    def _wait(self, lines: Lines, line: Line) -> None:
        try:
            for each in line.frames(_CHUNK, None):
                if isinstance(each, Frame) and each.kind == b"end":
                    self._code = exit_code(each.number)
                    return
        except (LostError, TooMuchError):
            return  # nothing is known of its end
        finally:
            lines.discard(line)


def run(
    lines: Lines, command: Command, *, limit: int, deadline: float, keep: Keep, stop: Stop
) -> Finished:
    """Run ``command`` to its end, at most ``deadline`` seconds; at most ``limit`` bytes are kept.

    Raises MachineError.
    """
    ends = time.monotonic() + deadline
    with lines.program(ends, stop) as line:
        code, data = _code(lines, line, command)
        seconds = math.ceil(deadline + command.grace + _KILLED)
        try:
            line.begin(far_end.run(code, len(data), seconds), ends, b"".join(data))
            running = _Running(lines, line, command, limit, keep)
            return running.finished(ends)
        except (LostError, TimeoutError) as error:
            raise broken(error, lines.target, begun=True) from error


class _Running:
    """One run on a line, which is ended by an error where it cannot be used again."""

    def __init__(self, lines: Lines, line: Line, command: Command, limit: int, keep: Keep) -> None:
        self._lines, self._line, self._command = lines, line, command
        self._limit, self._keep = limit, keep
        self._output = bytearray()
        self._pid = 0
        self._status: int | None = None

    def finished(self, ends: float) -> Finished:
        end = End.EXITED
        try:
            whole = self._read(ends)
        except TimeoutError:
            end = End.LATE
            whole = self._ended()
        if not whole:
            self._line.end()
            return Finished(End.TOO_LARGE, -9, bytes(self._output[: self._limit]))
        if self._status is None:
            self._line.end()
            return Finished(end, -9, bytes(self._output[: self._limit]))
        complaint = self._line.complaint(time.monotonic() + _KILLED)
        self._settle()
        code = exit_code(self._status)
        return Finished(end, code, bytes(self._output[: self._limit]), complaint)

    def _ended(self) -> bool:
        """Have it ended: asked to, if it has a grace, then killed. As ``_read`` returns."""
        grace, now = self._command.grace, time.monotonic()
        try:
            if grace and self._pid:
                self._line.order(f"ocKill TERM {self._pid}", now + _KILLED)
                try:
                    whole = self._read(now + grace)
                    self._line.order(f"kill -KILL -{self._pid} 2>/dev/null", now + grace + _KILLED)
                    return whole
                except TimeoutError:
                    now = time.monotonic()
            if self._pid:
                self._line.order(f"ocKill KILL {self._pid}", now + _KILLED)
            return self._read(now + _KILLED)
        except (TimeoutError, LostError):
            return True

    def _read(self, ends: float) -> bool:
        """Read to its end. False where more came than may be left out."""
        for each in self._line.frames(None, ends):
            if isinstance(each, Frame):
                if each.kind == b"started":
                    self._pid = each.number
                elif each.kind == b"failed":
                    raise not_begun(each.number, self._command)
                elif each.kind == b"end":
                    self._status = each.number
                    return True
                continue
            self._output += each
            if len(self._output) > self._limit:
                if self._keep is Keep.ALL:
                    return False
                del self._output[: -self._limit]
        return True

    def _settle(self) -> None:
        """Leave the line to be used again, unless something holds the program's output open."""
        try:
            for each in self._line.frames(_CHUNK, time.monotonic() + _SETTLES):
                if isinstance(each, Frame) and each.kind == b"clean":
                    return
        except (LostError, TooMuchError, TimeoutError):
            self._line.end()


def _code(lines: Lines, line: Line, command: Command) -> tuple[str, list[bytes]]:
    """What begins the program, and the lines of its input."""
    if len(command.input) > _MOST:
        what = f"more than {_MOST} bytes of input are not sent to {lines.target.name}"
        raise MachineError(Failure.TOO_LARGE, what)
    return code_of(command, line.far_end, lines.target), input_lines(command.input)


def feed(
    lines: Lines, command: Command, chunks: Iterable[bytes], *, limit: int, deadline: float
) -> Finished:
    """Run a program that reads ``chunks``, on a line of its own. Raises MachineError."""
    ends = time.monotonic() + deadline
    line = lines.fresh(ends)
    try:
        code = code_of(command, line.far_end, lines.target, session=False)
        line.begin(far_end.become(code), ends)
        _started(line, command, ends)
        status, output, complaint = line.pour(chunks, limit, ends)
    except TooMuchError:
        return Finished(End.TOO_LARGE, -9)
    except TimeoutError:
        return Finished(End.LATE, -9)
    except LostError as error:
        raise broken(error, lines.target, begun=True) from error
    finally:
        lines.discard(line)
    if status is None or status == _SSH_FAILED:
        raise broken(LostError(complaint, status), lines.target, begun=True)
    return Finished(End.EXITED, exit_code(status), output, complaint)


def code_of(command: Command, far: FarEnd | None, target: Target, *, session: bool = True) -> str:
    """What defines how the program is begun, as ``far_end.program`` has it. Raises MachineError."""
    if far is None or not far.setsid:
        what = f"setsid is not on {target.name}, so no program can be ended with its children"
        raise MachineError(Failure.NOT_FOUND, what, remedy="install util-linux there")
    return far_end.program(
        command.argv,
        cwd=command.cwd,
        environment=command.environment,
        inherits=command.inherits,
        together=command.together,
        signals=far.signals,
        sudo=command.privileged and target.sudo and far.user != 0,
        session=session,
    )


def input_lines(data: bytes) -> list[bytes]:
    """``data`` as lines that the far end reads."""
    pieces = (data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK))
    return [far_end.escaped(piece) + b"\n" for piece in pieces]


def _started(line: Line, command: Command, ends: float) -> None:
    """Wait until it has begun; what it has said by then is left to be read."""
    said: list[bytes] = []
    for each in line.frames(_CHUNK, ends):
        if not isinstance(each, Frame):
            said.append(each)
        elif each.kind == b"started":
            line.unread(b"".join(said))
            return
        elif each.kind == b"failed":
            raise not_begun(each.number, command)


def not_begun(number: int, command: Command) -> MachineError:
    """Why a program was not begun, as ``far_end.program`` answers."""
    failure, words = _NOT_BEGUN.get(number, (Failure.OTHER, "{program}: it cannot be begun"))
    program = sanitize(command.argv[0], limit=200)
    cwd = sanitize(command.cwd, limit=200)
    return MachineError(failure, words.format(program=program, cwd=cwd))


def exit_code(status: int) -> int:
    """A shell's exit status as ``Finished.code``."""
    return 128 - status if status in _SIGNALS else status
