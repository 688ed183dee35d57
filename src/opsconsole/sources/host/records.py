"""What a host keeps of the past: moves of a checkout, changes of packages, its boot. Pure.

Invariant: what is read is another's word: a line that is not understood costs itself, texts are
made safe, and a time outside of what was asked for is left out. Times are Unix seconds.

Formats: gitglossary(7) *reflog* (``OLD NEW NAME <EMAIL> SECONDS ZONE\\tMESSAGE``); dpkg(1)
*--log* (``YYYY-MM-DD HH:MM:SS ACTION PACKAGE:ARCHITECTURE BEFORE AFTER``, in the host's own
zone); proc_stat(5) *btime*.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.text import sanitize, sanitize_bytes

_MOVE: Final = re.compile(
    rb"(?P<before>[0-9a-f]{40,64}) (?P<after>[0-9a-f]{40,64}) (?P<who>[^<\t]{0,300}?) ?"
    rb"<[^>\t]{0,300}> (?P<at>[0-9]{1,12}) [+-][0-9]{4}(?:\t(?P<said>.*))?"
)
_CHECKOUT: Final = re.compile(r"checkout: moving from (\S+) to (\S+)")
_CHANGED: Final = frozenset({"upgrade", "install", "remove", "purge"})
_BTIME: Final = re.compile(rb"^btime ([0-9]{1,12})$", re.MULTILINE)
_WRITTEN: Final = "%Y-%m-%d %H:%M:%S"
_ZONE: Final = re.compile(rb"([+-])([01][0-9]|2[0-3])([0-5][0-9])")
_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]{0,100}")
_SHORT: Final = 12
_SHOWN: Final = 80
_TOGETHER: Final = 300.0
"""Seconds between two changes of packages that are of one run of the package manager."""


@dataclass(frozen=True, slots=True)
class Move:
    """A checkout came to another commit: by whom, and what git or they said of it.

    ``before`` is '' where there was none.
    """

    at: float
    before: str
    after: str
    who: str
    said: str


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package was installed, upgraded or removed; '' for no version or architecture."""

    at: float
    package: str
    architecture: str
    before: str
    after: str


def moves(reflog: bytes, since: float, until: float) -> Iterator[Move]:
    """The moves of HEAD between two moments, oldest first; the first line may be cut off."""
    for line in reflog.split(b"\n"):
        match = _MOVE.fullmatch(line)
        if match is None or not since < int(match["at"]) <= until:
            continue
        if match["before"] == match["after"]:
            continue
        said = sanitize_bytes(match["said"] or b"", limit=_SHOWN)
        before, after = (match[name].decode("ascii")[:_SHORT] for name in ("before", "after"))
        before = "" if not before.strip("0") else before
        named = _CHECKOUT.fullmatch(said)
        if named is not None:
            before, after, said = named[1][:_SHOWN], named[2][:_SHOWN], ""
        who = sanitize_bytes(match["who"], limit=_SHOWN)
        yield Move(float(int(match["at"])), before, after, who, said)


def package_changes(
    log: bytes, since: float, until: float, *, zone: tzinfo | None = None, ahead: float = 0.0
) -> Iterator[PackageChange]:
    """The changes of packages between two moments, oldest first.

    The host writes in ``zone``, the console's if None, by a clock that is ``ahead`` of the
    console's.
    """
    for line in log.split(b"\n"):
        words = line.split(b" ")
        if len(words) != 6 or words[2].decode("ascii", "replace") not in _CHANGED:
            continue
        at = _moment(b" ".join(words[:2]), zone)
        if at is None or not since < at - ahead <= until:
            continue
        at -= ahead
        package, before, after = (sanitize_bytes(word, limit=_SHOWN) for word in words[3:])
        name, _, architecture = package.partition(":")
        yield PackageChange(at, name, architecture, _version(before), _version(after))


def runs(changes: Iterable[PackageChange]) -> Iterator[tuple[PackageChange, ...]]:
    """Changes that were made together."""
    together: list[PackageChange] = []
    for each in changes:
        if together and not 0 <= each.at - together[-1].at <= _TOGETHER:
            yield tuple(together)
            together = []
        together.append(each)
    if together:
        yield tuple(together)


def booted_at(stat: bytes) -> float | None:
    """When the host booted, of ``/proc/stat``; None where it does not say."""
    match = _BTIME.search(stat)
    return float(int(match[1])) if match is not None else None


def lists_of(change: PackageChange) -> tuple[str, ...]:
    """Names of the files that may say what a package owns; () for what is no name of a package.

    deb-control(5); it is kept with the architecture where several can be installed together.
    """
    name, architecture = change.package, change.architecture
    if not _PACKAGE.fullmatch(name) or not _PACKAGE.fullmatch(architecture or "all"):
        return ()
    return f"{name}.list", f"{name}:{architecture}.list"


def _version(text: str) -> str:
    return "" if text == sanitize("<none>") else text


def zone_of(said: bytes) -> tzinfo | None:
    """Of what ``date +%z`` says; None where that is no zone."""
    match = _ZONE.fullmatch(said.strip())
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=-minutes if match[1] == b"-" else minutes))


def _moment(text: bytes, zone: tzinfo | None) -> float | None:
    try:
        words = text.decode("ascii")
        if zone is None:
            return datetime.strptime(words, _WRITTEN).astimezone().timestamp()
        return datetime.strptime(words, _WRITTEN).replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
