"""Following real files through everything that happens to them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsconsole.machines.local import LocalMachine
from opsconsole.sources.logs.base import LogContext
from opsconsole.sources.logs.file import TAIL, FileFollower
from opsconsole.sources.logs.raw_lines import LINE_BYTES
from tests.patience import until
from tests.sources.logs.listening import Heard


@contextmanager
def following(path: Path) -> Iterator[Heard]:
    heard = Heard()
    follower = FileFollower(str(path), LogContext(path.parent, LocalMachine()), heard)
    follower.start()
    try:
        yield heard
    finally:
        follower.close()
        until(lambda: not follower.alive)


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)


def test_what_is_there_comes_first_and_what_follows_is_live(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, "one\ntwo\n")
    with following(log) as heard:
        until(lambda: heard.texts == ["one", "two"])
        append(log, "three\nfo")
        until(lambda: len(heard.raw) == 3)
        append(log, "ur\n")
        until(lambda: heard.texts == ["one", "two", "three", "four"])
        assert heard.live == [False, False, True, True]


def test_a_large_file_begins_with_a_whole_line_near_its_end(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, "".join(f"line {n:07d} {'x' * 50}\n" for n in range(20_000)))
    with following(log) as heard:
        until(lambda: bool(heard.raw) and heard.texts[-1].startswith("line 0019999"))
        assert all(text.startswith("line 00") for text in heard.texts)
        assert sum(len(text) + 1 for text in heard.texts) <= TAIL


def test_a_renamed_file_is_read_to_its_end_before_the_next(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, "a\n")
    with following(log) as heard:
        until(lambda: heard.texts == ["a"])
        writer = log.open("ab", buffering=0)
        log.rename(tmp_path / "app.log.1")
        writer.write(b"last of the old\nno line feed")
        append(log, "first of the next\n")
        until(lambda: len(heard.raw) >= 4)
        writer.close()
        assert heard.texts == ["a", "last of the old", "no line feed", "first of the next"]


def test_a_hundred_rotations_lose_and_double_nothing(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    wanted = []
    with following(log) as heard:
        for turn in range(100):
            line = f"line {turn}"
            append(log, f"{line}\n")
            wanted.append(line)
            until(lambda: len(heard.raw) == len(wanted))
            log.rename(tmp_path / "app.log.1")
        assert heard.texts == wanted


def test_a_truncated_file_is_begun_again(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, "a long line before\n")
    with following(log) as heard:
        until(lambda: len(heard.raw) == 1)
        os.truncate(log, 0)
        until(lambda: heard.gaps == ["the file was truncated"])
        append(log, "b\n")
        until(lambda: heard.texts == ["a long line before", "b"])


def test_a_file_that_is_removed_and_made_anew_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, "old\n")
    with following(log) as heard:
        until(lambda: heard.texts == ["old"])
        log.unlink()
        append(log, "new\n")
        until(lambda: heard.texts == ["old", "new"])


def test_a_missing_file_is_told_and_read_from_its_beginning_when_it_comes(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    with following(log) as heard:
        until(lambda: bool(heard.troubles))
        assert "No such file" in heard.troubles[0]
        append(log, "first\n")
        until(lambda: heard.texts == ["first"])
        assert heard.troubles[-1] == ""
        assert heard.live == [True]


@pytest.mark.parametrize("place", ["pipe", "."])
def test_a_folder_or_a_pipe_is_refused(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with following(tmp_path / place) as heard:
        until(lambda: bool(heard.troubles))
        assert "not a regular file" in heard.troubles[0]


def test_a_line_of_ten_megabytes_is_cut_and_counted(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, "first\n")
    with following(log) as heard:
        until(lambda: heard.texts == ["first"])
        append(log, b"x" * 10_000_000 + b"\nnext\n")
        until(lambda: len(heard.raw) == 3)
        assert len(heard.raw[1].data) == LINE_BYTES
        assert heard.raw[1].over == 10_000_000 - LINE_BYTES
        assert heard.texts[2] == "next"
