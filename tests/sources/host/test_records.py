"""What hosts record, read line by line: as programs write it, and as somebody hostile would."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.host.records import (
    Move,
    PackageChange,
    booted_at,
    lists_of,
    moves,
    package_changes,
    runs,
)
from tests.clean import is_clean

A, B = b"a" * 40, b"b" * 40
NOW = 1_790_000_000.0


def line(
    said: bytes, who: bytes = b"Kim", at: bytes = b"1789999999", *, before: bytes = A
) -> bytes:
    return before + b" " + B + b" " + who + b" <kim@example.invalid> " + at + b" +0200\t" + said


@pytest.mark.parametrize(
    ("reflog", "move"),
    [
        (
            line(b"pull: Fast-forward"),
            Move(NOW - 1, "a" * 12, "b" * 12, "Kim", "pull: Fast-forward"),
        ),
        (
            line(b"checkout: moving from v1.10.0 to v1.9.0"),
            Move(NOW - 1, "v1.10.0", "v1.9.0", "Kim", ""),
        ),
        (
            line(b"commit: \x1b]52;c;AAAA\x07 \xe2\x80\xaefdp"),
            Move(NOW - 1, "a" * 12, "b" * 12, "Kim", "commit: ␛]52;c;AAAA␇ <202E>fdp"),
        ),
        (
            line(b"commit: x", who=b"\xff\x1b[31m"),
            Move(NOW - 1, "a" * 12, "b" * 12, "\\xff␛[31m", "commit: x"),
        ),
        (line(b"x", at=b"1790000001"), None),
        (line(b"x", at=b"0"), None),
        (line(b"x", at=b"9" * 13), None),
        (line(b"commit: same", before=B), None),
        (b"HEAD is what I say", None),
        (b"", None),
        (b"\0" * 100_000, None),
    ],
)
def test_a_move_of_a_checkout(reflog: bytes, move: Move | None) -> None:
    found = list(moves(b"cut off\n" + reflog + b"\n", NOW - 100, NOW))
    assert found == ([] if move is None else [move])


def log(*lines: str) -> bytes:
    return "\n".join(lines).encode()


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


DAY = (1_767_225_600.0 - 1, 1_767_225_600.0 + 86_400)
"""2026-01-01."""


def test_changes_of_packages() -> None:
    written = log(
        "2026-01-01 00:00:00 startup archives unpack",
        "2026-01-01 00:00:10 upgrade nginx:amd64 1.22.1-9 1.22.1-9+deb12u1",
        "2026-01-01 00:00:10 status half-configured nginx:amd64 1.22.1-9",
        "2026-01-01 00:00:12 install new:all <none> 1",
        "2026-01-01 01:00:00 remove old:amd64 2 <none>",
        "2025-12-31 01:00:00 upgrade before:amd64 1 2",
        "2026-01-03 01:00:00 upgrade after:amd64 1 2",
        "2026-13-41 01:00:00 upgrade never:amd64 1 2",
        "9999-12-31 23:59:59 upgrade never:amd64 1 2",
        "0001-01-01 00:00:00 upgrade never:amd64 1 2",
        "2026-01-01 00:00:00 upgrade \x1b[2J:amd64 1 \x07",
        "2026-01-01 00:00:00 upgrade short",
    )
    found = list(package_changes(written, *DAY))
    start = DAY[0] + 1
    assert found == [
        PackageChange(start + 10, "nginx", "amd64", "1.22.1-9", "1.22.1-9+deb12u1"),
        PackageChange(start + 12, "new", "all", "", "1"),
        PackageChange(start + 3600, "old", "amd64", "2", ""),
        PackageChange(start, "␛[2J", "amd64", "1", "␇"),
    ]
    assert [len(run) for run in runs(found[:3])] == [2, 1]


@pytest.mark.parametrize(
    ("name", "architecture", "lists"),
    [
        ("nginx", "amd64", ("nginx.list", "nginx:amd64.list")),
        ("../../etc/shadow", "amd64", ()),
        ("nginx", "../x", ()),
        ("a" * 5000, "amd64", ()),
        ("", "", ()),
    ],
)
def test_a_package_names_no_other_file(
    name: str, architecture: str, lists: tuple[str, ...]
) -> None:
    assert lists_of(PackageChange(1.0, name, architecture, "", "")) == lists


def test_the_boot() -> None:
    assert booted_at(b"cpu 1 2 3\nbtime 1790000000\nprocesses 1\n") == NOW
    assert booted_at(b"") is None
    assert booted_at(b"btime -1\nbtime 1e9\n") is None


@given(st.binary(max_size=300))
def test_nothing_that_is_written_there_raises_or_gets_through(raw: bytes) -> None:
    for reflog in (raw, line(raw), line(b"x", who=raw)):
        for move in moves(reflog, 0.0, NOW):
            assert is_clean(move.said + move.who + move.before + move.after)
    for change in package_changes(raw + b"\n2026-01-01 00:00:00 upgrade " + raw, *DAY):
        assert is_clean(change.package + change.before + change.after)
    booted_at(raw)
