"""Files of another host, by its own stat(1), readlink(1), head(1) and mv(1), asked for as a whole.

Invariant: what another user's link leads to is not followed, as here; but between that look and the
step somebody who may rename on the way could exchange it, so that a file is only replaced where
nobody else can (``ownership``). What is replaced is old or new at every instant, and synchronised
before it has its name. Everything here blocks and raises MachineError.
"""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from opsconsole import ownership
from opsconsole.dataclass import dataclass
from opsconsole.machines.ssh.far_end import quoted
from opsconsole.machines.ssh.line import FarEnd
from opsconsole.machines.ssh.lines import Lines
from opsconsole.machines.ssh.programs import input_lines
from opsconsole.model.running.machine import Failure, FileKind, FileStatus, MachineError
from opsconsole.ownership import Loose
from opsconsole.text import sanitize

LOOK: Final = 15.0
"""Seconds for a file, a login included."""

MOST: Final = 2 * 1024 * 1024
"""Bytes of a file that is replaced over a line."""

_ANSWER: Final = 256 * 1024
_LISTING: Final = 8 * 1024 * 1024
_NOT_REGULAR: Final = 103
_NOT_A_LINK: Final = 104

_SAID: Final = (
    ("No such file or directory", errno.ENOENT),
    ("Not a directory", errno.ENOTDIR),
    ("Permission denied", errno.EACCES),
    ("Operation not permitted", errno.EPERM),
    ("Read-only file system", errno.EROFS),
    ("Too many levels of symbolic links", errno.ELOOP),
    ("No space left on device", errno.ENOSPC),
    ("Disk quota exceeded", errno.EDQUOT),
)
"""What programs say of an error in the C locale."""

_FAILURES: Final[Mapping[int, Failure]] = {
    errno.ENOENT: Failure.NOT_FOUND,
    errno.ENOTDIR: Failure.NOT_FOUND,
    errno.EACCES: Failure.DENIED,
    errno.EPERM: Failure.DENIED,
    errno.EROFS: Failure.DENIED,
    errno.ELOOP: Failure.DENIED,
}
_STAT: Final = re.compile(
    rb"([0-9a-f]+) ([0-9]+) ([0-9]+) ([0-9]+) ([0-9]+) ([0-9]+) (-?[0-9]+) \S+ [0-9:]+(\.[0-9]+)?"
    rb"[^\n]*\n"
)
_FORMAT: Final = "LC_ALL=C stat -c '%f %s %u %g %d %i %Y %y'"


@dataclass(frozen=True, slots=True)
class _Status:
    st_mode: int
    st_uid: int
    st_gid: int


class Ground(ownership.Ground):
    """The files of a host, each looked at once."""

    def __init__(self, lines: Lines, far: FarEnd, ends: float) -> None:
        self._lines, self._far, self._ends = lines, far, ends
        self._known: dict[Path, _Status | OSError] = {}

    @property
    def user(self) -> int:
        """The id of the user that one is there."""
        return self._far.user

    def is_own_group(self, group: int) -> bool:
        """Whether it is the user's own with nobody else in it."""
        return self._far.own_group and group == self._far.group

    def lstat(self, path: Path) -> _Status:
        """Of a file, or of the link itself."""
        if path not in self._known:
            self.look(path)
        found = self._known[path]
        if isinstance(found, OSError):
            raise found
        return found

    def readlink(self, path: Path) -> Path:
        """What a link says."""
        answer = self._lines.ask(f"readlink {_arg(path)}", limit=_ANSWER, ends=self._ends)
        leads_to = Path(os.fsdecode(answer.output.removesuffix(b"\n")))
        self.look(path.parent / leads_to)
        return leads_to

    def look(self, path: Path) -> None:
        """Look at a file and each folder above it, at once."""
        wanted = [each for each in (*reversed(path.parents), path) if each not in self._known]
        words = " ".join(_arg(each) for each in wanted)
        code = f"LC_ALL=C stat -c '%f %u %g' {words}"
        answer = self._lines.ask(code, limit=_ANSWER, ends=self._ends)
        found = [line.split() for line in answer.output.splitlines()]
        for each, line in zip(wanted, found, strict=False):
            if len(line) != 3 or not line[1].isdigit() or not line[2].isdigit():
                raise MachineError(Failure.OTHER, f"{_shown(each)}: an answer not understood")
            self._known[each] = _Status(_hexadecimal(line[0]), int(line[1]), int(line[2]))
        for each in wanted[len(found) :]:
            self._known[each] = _said(answer.complaint, each)


class Files:
    """The files of a host."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def read(self, path: PurePath, limit: int) -> bytes:
        """All of a regular file of at most ``limit`` bytes."""
        ends = _soon()
        there = self.located(path, ends)
        code = (
            f"if [ -f {there} ]; then head -c {limit + 1} {there}; else (exit {_NOT_REGULAR}); fi"
        )
        answer = self._ask(path, code, limit + 1 + _ANSWER, ends)
        if len(answer) > limit:
            raise MachineError(Failure.TOO_LARGE, f"{_shown(path)}: larger than {limit} bytes")
        return answer

    def replace(self, path: PurePath, data: bytes) -> None:
        """Write beside, synchronise, rename, synchronise."""
        if len(data) > MOST:
            raise MachineError(Failure.TOO_LARGE, f"{_shown(path)}: more than {MOST} bytes")
        ends = _soon()
        place = self._place(path, ends)
        self._only_ours(place, path, ends)
        there, folder = _arg(place), _arg(place.parent)
        beside = _arg(place.parent / f".{place.name}.{secrets.token_hex(4)}")
        lines = input_lines(data)
        # It is cat that says why it could not write: a shell's own printf does not.
        code = (
            f"ocIn {len(lines)}\n"
            f"( export LC_ALL=C; [ -f {there} ] || exit {_NOT_REGULAR}\n"
            f"set -- $(stat -c '%a %u %g' {there}) || exit 1\n"
            f'( umask 077; set -C; printf "$ocD" | cat > {beside} ) && chown "$2:$3" {beside} &&\n'
            f'chmod "$1" {beside} && {{ sync {beside} 2>/dev/null || sync; }} &&\n'
            f"mv -fT {beside} {there} || {{ rm -f {beside}; exit 1; }}\n"
            f"sync {folder} 2>/dev/null || sync )\n"
            "ocR=$?; ocD=; (exit $ocR)"
        )
        self._change(path, code, ends, b"".join(lines))

    def replace_link(self, path: PurePath, leads_to: str) -> None:
        """Link beside, rename, synchronise."""
        ends = _soon()
        place = self._place(path.parent, ends) / path.name
        self._only_ours(place, path, ends)
        there, folder = _arg(place), _arg(place.parent)
        beside = _arg(place.parent / f".{place.name}.{secrets.token_hex(4)}")
        code = (
            f"( export LC_ALL=C; [ -L {there} ] || exit {_NOT_A_LINK}\n"
            f"ln -s -- {quoted(leads_to)} {beside} && mv -fT {beside} {there} ||"
            f" {{ rm -f {beside}; exit 1; }}\n"
            f"sync {folder} 2>/dev/null || sync )"
        )
        self._change(path, code, ends)

    def status(self, path: PurePath, *, follow: bool) -> FileStatus:
        """What is known of a file."""
        ends = _soon()
        there = self.located(path, ends) if follow else self._unfollowed(path, ends)
        code = f"{_FORMAT} {there} && {{ [ ! -L {there} ] || readlink {there}; }}"
        said = self._ask(path, code, _ANSWER, ends)
        match = _STAT.match(said)
        if match is None:
            raise MachineError(Failure.OTHER, f"{_shown(path)}: an answer not understood")
        mode = _hexadecimal(match[1])
        fraction = int((match[8] or b".0")[1:10].ljust(9, b"0"))
        return FileStatus(
            kind=_kind(mode),
            size=int(match[2]),
            mode=stat.S_IMODE(mode),
            owner=int(match[3]),
            group=int(match[4]),
            changed=int(match[7]) * 10**9 + fraction,
            identity=(int(match[5]), int(match[6])),
            leads_to=os.fsdecode(said[match.end() :].removesuffix(b"\n")),
        )

    def kinds(self, path: PurePath) -> Mapping[str, FileKind]:
        """The names in a folder, and what each is or leads to."""
        ends = _soon()
        there = self.located(path, ends)
        code = (
            f"( cd {there} 2>/dev/null || {{ LC_ALL=C ls {there}/ >/dev/null; exit 1; }}\n"
            "for f in * .[!.]* ..?*; do\n"
            'if [ -f "$f" ]; then k=F; elif [ -d "$f" ]; then k=D; elif [ -e "$f" ]; then k=S\n'
            'elif [ -L "$f" ]; then k=L; else continue; fi\n'
            'printf \'%s%s\\000\' "$k" "$f"; done )'
        )
        said = self._ask(path, code, _LISTING, ends)
        kinds = {
            b"F": FileKind.FILE,
            b"D": FileKind.FOLDER,
            b"S": FileKind.SPECIAL,
            b"L": FileKind.LINK,
        }
        return {os.fsdecode(each[1:]): kinds[each[:1]] for each in said.split(b"\0")[:-1]}

    def looseness(self, path: PurePath) -> Loose | None:
        """How others could change what is at ``path``."""
        ends = _soon()
        try:
            return ownership.looseness(Path(path), self._ground(path, ends))
        except OSError as error:
            raise _failed(error, path) from error

    def located(self, path: PurePath, ends: float, *, foreign: bool = False) -> str:
        """Where a path leads, as a word for the shell, past no link of another user's.

        ``foreign``: such a link is followed to what belongs to its owner.
        """
        return _arg(self._place(path, ends, foreign=foreign))

    def _place(self, path: PurePath, ends: float, *, foreign: bool = False) -> Path:
        ground = self._ground(path, ends)
        try:
            place, *links = ownership.passed(Path(path), ground)
            owner = ground.lstat(place).st_uid
            for link in links:
                led_by = ground.lstat(link).st_uid
                if led_by in {0, ground.user} or (foreign and led_by == owner):
                    continue
                what = f"its link {_shown(link)} belongs to user {led_by} and is not followed"
                raise OSError(errno.ELOOP, what, str(path))
        except OSError as error:
            raise _failed(error, path) from error
        return place

    def _unfollowed(self, path: PurePath, ends: float) -> str:
        if path == path.parent:
            return _arg(path)
        return _arg(self._place(path.parent, ends) / path.name)

    def _ground(self, path: PurePath, ends: float) -> Ground:
        ground = Ground(self._lines, self._lines.far_end(ends), ends)
        ground.look(Path(path))
        return ground

    def _only_ours(self, place: Path, path: PurePath, ends: float) -> None:
        """Refuse to change what others could exchange meanwhile."""
        ground = self._ground(place, ends)
        try:
            loose = ownership.looseness(place.parent, ground)
        except OSError as error:
            raise _failed(error, path) from error
        if loose is not None:
            name = self._lines.target.name
            what = f"{_shown(path)}: {loose.how}, so that it is not changed over a line to {name}"
            raise MachineError(Failure.DENIED, what, remedy=f"on {name}: {loose.remedy}")

    def _ask(self, path: PurePath, code: str, limit: int, ends: float) -> bytes:
        answer = self._lines.ask(code, limit=limit, ends=ends)
        if answer.status:
            raise _refused(answer.status, answer.complaint, path)
        return answer.output

    def _change(self, path: PurePath, code: str, ends: float, data: bytes = b"") -> None:
        answer = self._lines.ask(code, limit=_ANSWER, ends=ends, changes=True, data=data)
        if answer.status:
            raise _refused(answer.status, answer.complaint, path)


def _soon() -> float:
    return time.monotonic() + LOOK


def _arg(path: PurePath) -> str:
    return quoted(str(path))


def _refused(status: int, complaint: bytes, path: PurePath) -> MachineError:
    if status == _NOT_REGULAR:
        return MachineError(Failure.OTHER, f"{_shown(path)}: not a regular file")
    if status == _NOT_A_LINK:
        return MachineError(Failure.OTHER, f"{_shown(path)}: not a symbolic link")
    return _failed(_said(complaint, path), path)


def _said(complaint: bytes, path: PurePath) -> OSError:
    words = complaint.decode("utf-8", "replace")
    number = next((number for sign, number in _SAID if sign in words), errno.EIO)
    what = os.strerror(number)
    if number == errno.EIO and words.strip():
        what = words.strip().splitlines()[-1]
    return OSError(number, what, str(path))


def _failed(error: OSError, path: PurePath) -> MachineError:
    what = error.filename if isinstance(error.filename, str) else str(path)
    failure = _FAILURES.get(error.errno or 0, Failure.OTHER)
    said = sanitize(error.strerror or type(error).__name__, limit=200)
    return MachineError(failure, f"{sanitize(what, limit=200)}: {said}")


def _hexadecimal(word: bytes) -> int:
    try:
        return int(word[:16], 16)
    except ValueError:
        raise MachineError(Failure.OTHER, "an answer not understood") from None


def _kind(mode: int) -> FileKind:
    if stat.S_ISREG(mode):
        return FileKind.FILE
    if stat.S_ISDIR(mode):
        return FileKind.FOLDER
    return FileKind.LINK if stat.S_ISLNK(mode) else FileKind.SPECIAL


def _shown(path: PurePath | str) -> str:
    return sanitize(str(path), limit=200)
