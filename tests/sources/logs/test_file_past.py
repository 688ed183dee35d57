"""A file's past, read from its end through what it was rotated into."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.machines.local import LocalMachine
from opsconsole.sources.logs import file_past
from opsconsole.sources.logs.base import Sought
from opsconsole.sources.logs.file_past import is_rotated, stretches

NOW = 1_795_255_200


@pytest.mark.parametrize(
    ("name", "rotated"),
    [
        ("app.log.1", True),
        ("app.log.12.gz", True),
        ("app.log-20261130", True),
        ("app.log-20261130.xz", True),
        ("app.log.2026-11-30", True),
        ("app.log.2026-11-30_10-00", True),
        ("app-2026-11-30.log", True),
        ("app-2026-11-30.log.bz2", True),
        ("app.1.log", True),
        ("app.log.old", True),
        ("app.log.1.zst", True),
        ("app.log.1.zstd", True),
        ("app.log-20261130.br", True),
        ("app.log.20261130T100000Z", True),
        ("app.log.20261130T100000Z.gz", True),
        ("app__2026-11-30_00-00-00.log", True),
        ("app.log", False),
        ("app.log.swp", False),
        ("app.log.lock", False),
        ("app2.log.1", False),
        ("app-error.log", False),
        ("application.log", False),
        ("apply.log", False),
    ],
)
def test_rotated_files_are_known_by_name(name: str, rotated: bool) -> None:
    assert is_rotated(name, "app.log") is rotated


def past(path: Path, **sought: object) -> tuple[list[str], list[str]]:
    """All lines, oldest first, and what could not be read."""
    lines: list[str] = []
    troubles = []
    for stretch in stretches(LocalMachine(), path, Sought(**sought)):  # type: ignore[arg-type]
        part = []
        try:
            part = [raw.data.decode() for batch in stretch.batches for raw in batch]
        except OSError as error:
            troubles.append(str(error))
        troubles += [stretch.trouble] if stretch.trouble else []
        lines = part + lines
    return lines, troubles


def put(path: Path, data: bytes, age: int) -> None:
    path.write_bytes(data)
    os.utime(path, (NOW - age, NOW - age))


PACK: dict[str, Callable[[bytes], bytes]] = {
    "app.log.2.gz": gzip.compress,
    "app.log.3.bz2": bz2.compress,
    "app.log.4.xz": lzma.compress,
    "app.log.5.lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE),
}


def test_every_line_is_there_once_in_order(tmp_path: Path) -> None:
    numbers = iter(range(10**9))

    def lines(count: int) -> bytes:
        return "".join(f"line {next(numbers):09d} {'x' * 90}\n" for _ in range(count)).encode()

    for age, (name, pack) in enumerate(reversed(PACK.items())):
        put(tmp_path / name, pack(lines(30_000)), 900 - age)
    put(tmp_path / "app.log.1", lines(30_000), 100)
    put(tmp_path / "app.log", lines(30_000) + b"no line feed", 0)
    put(tmp_path / "app.log.swp", b"not a log\n", 50)
    found, troubles = past(tmp_path / "app.log")
    assert troubles == []
    assert found.pop() == "no line feed"
    assert [int(line.split()[1]) for line in found] == list(range(30_000 * (len(PACK) + 2)))


def test_a_packed_file_beside_its_plain_one_is_not_read_twice(tmp_path: Path) -> None:
    put(tmp_path / "app.log", b"now\n", 0)
    put(tmp_path / "app.log.1", b"before\n", 10)
    put(tmp_path / "app.log.1.gz", gzip.compress(b"before\n"), 10)
    assert past(tmp_path / "app.log")[0] == ["before", "now"]


def test_what_was_written_before_the_moment_is_not_opened(tmp_path: Path) -> None:
    put(tmp_path / "app.log", b"now\n", 0)
    put(tmp_path / "app.log.1.gz", b"broken, and too old", 500)
    assert past(tmp_path / "app.log", since=NOW - 100.0) == (["now"], [])


@pytest.mark.parametrize("name", [*PACK, "app.log.5.zst"])
def test_a_file_that_cannot_be_unpacked_is_told_and_the_others_read(
    tmp_path: Path, name: str
) -> None:
    put(tmp_path / "app.log", b"now\n", 0)
    put(tmp_path / name, PACK.get(name, bytes)(b"much " * 10_000)[:-20], 10)
    put(tmp_path / "app.log.9", b"the first\n", 500)
    lines, [trouble] = past(tmp_path / "app.log")
    assert (lines[0], lines[-1]) == ("the first", "now")
    assert name in trouble


def test_pieces_without_the_needle_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_past, "PIECE", 64)
    lines = [f"line {n:03d}" for n in range(100)]
    lines[40] = "PANIC here"
    put(tmp_path / "app.log", "\n".join(lines).encode(), 0)
    found, _ = past(tmp_path / "app.log", needle=b"panic")
    assert "PANIC here" in found
    assert len(found) < 30


def test_a_trace_stays_whole_where_pieces_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_past, "PIECE", 64)
    put(tmp_path / "app.log", b"one\n" + b"ERROR it broke\n" + b"  at frame\n" * 5 + b"two\n", 0)
    for stretch in stretches(LocalMachine(), tmp_path / "app.log", Sought()):
        [batch] = stretch.batches
        assert not batch[0].data.startswith(b" ")


@given(st.binary(max_size=400), st.integers(1, 40))
def test_any_bytes_in_any_pieces_are_the_same_lines(data: bytes, piece: int) -> None:
    import io

    before, file_past.PIECE = file_past.PIECE, piece  # type: ignore[misc]
    try:
        parts = [part for _, part in file_past._from_the_end(io.BytesIO(data))]
    finally:
        file_past.PIECE = before  # type: ignore[misc]
    assert b"".join(reversed(parts)) == data
