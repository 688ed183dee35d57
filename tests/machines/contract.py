"""What every machine must keep, tried against one: subclass ``MachineContract`` and give it yours.

A subclass provides the fixtures ``machine`` (the machine), ``folder`` (an empty folder there, as
that machine names it) and ``here`` (the same folder as this process sees it).
"""

import asyncio
import os
import secrets
import signal
import stat
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

import pytest

from opsconsole.machines.base import FileFollowing, Machine
from opsconsole.model.running.machine import (
    Chunk,
    Command,
    End,
    Failure,
    FileKind,
    Finished,
    Followed,
    Keep,
    MachineError,
    Turn,
    Unreadable,
)

LONG = 60.0
"""Seconds that nothing here ever takes; only a broken machine meets it."""

LIMIT = 100_000


def sh(script: str, *, together: bool = False, grace: float = 0.0, data: bytes = b"") -> Command:
    """A program that does what ``script`` says."""
    return Command(("sh", "-c", script), together=together, grace=grace, input=data)


async def ran(machine: Machine, command: Command, *, deadline: float = LONG) -> Finished:
    return await machine.run(command, limit=LIMIT, deadline=deadline)


async def late(machine: Machine, command: Command, says: bytes) -> Finished:
    """``command`` ended at a deadline by which it had said ``says``, however slow all is."""
    deadline = 0.5
    while True:
        finished = await ran(machine, command, deadline=deadline)
        assert finished.end is End.LATE
        if finished.output.startswith(says):
            return finished
        deadline *= 2


async def refused(call: Awaitable[object]) -> MachineError:
    with pytest.raises(MachineError) as raised:
        await call
    return raised.value


async def until(holds: Callable[[], bool]) -> None:
    """Wait for progress; the test's own time limit ends it."""
    while not holds():  # noqa: ASYNC110 - what is waited for is a file's contents
        await asyncio.sleep(0.01)


def is_alive(pid: int | None) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


class MachineContract:
    """Programs, files and processes, the well-behaved ones and the hostile."""

    def pid_here(self, pid: int) -> int | None:
        """What this process calls the one that the machine calls ``pid``; None if it is gone."""
        return pid

    # ---- programs ----

    async def test_a_program_is_fed_whatever_it_does_with_it(self, machine: Machine) -> None:
        def fed(script: str, chunks: Iterable[bytes], limit: int = 10**6) -> Finished:
            return machine.feed(sh(script), chunks, limit=limit, deadline=LONG)

        data = [os.urandom(50_000), b"", b"the end\n"]
        whole = await asyncio.to_thread(fed, "cat; echo sorry >&2; exit 7", data)
        assert whole == Finished(End.EXITED, 7, b"".join(data), b"sorry\n")
        nothing = await asyncio.to_thread(fed, "cat; echo none", [])
        assert nothing == Finished(End.EXITED, 0, b"none\n")
        deaf = await asyncio.to_thread(fed, "echo no; exit 3", (b"x" * 99_999 for _ in range(50)))
        assert (deaf.end, deaf.code, deaf.output) == (End.EXITED, 3, b"no\n")
        flood = await asyncio.to_thread(fed, "cat", [b"x" * 10_000], 100)
        assert flood.end is End.TOO_LARGE

        def breaks() -> Iterator[bytes]:
            yield b"some"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(fed, "cat", breaks())
        with pytest.raises(MachineError) as raised:
            await asyncio.to_thread(
                lambda: machine.feed(Command(("/no/program",)), [b"x"], limit=9, deadline=LONG)
            )
        assert raised.value.failure is Failure.NOT_FOUND

    async def test_one_with_a_name_says_how_it_ended_and_so_does_looking_it_up(
        self, machine: Machine
    ) -> None:
        name, command = secrets.token_hex(8), sh("echo words; echo sorry >&2; exit 7")
        said = Finished(End.EXITED, 7, b"words\nsorry\n")
        assert await machine.run_named(name, command, limit=LIMIT, deadline=LONG) == said
        try:
            found = await machine.ended(name, command, limit=LIMIT, deadline=LONG)
        except MachineError:
            return  # nobody knows
        assert found == said

    async def test_a_program_says_its_words_its_complaint_and_its_code(
        self, machine: Machine
    ) -> None:
        finished = await ran(machine, sh("echo words; echo sorry >&2; exit 7"))
        assert finished == Finished(End.EXITED, 7, b"words\n", b"sorry\n")
        together = await ran(machine, sh("echo words; echo sorry >&2", together=True))
        assert together == Finished(End.EXITED, 0, b"words\nsorry\n")
        assert together.good

    async def test_words_are_no_shell_s_line(self, machine: Machine) -> None:
        words = ("$HOME `id` ; touch x", "*", "--", "a\nb")
        finished = await ran(machine, Command(("printf", "%s|", *words)))
        assert finished.output == b"$HOME `id` ; touch x|*|--|a\nb|"

    async def test_it_has_no_terminal_and_what_it_reads_is_what_it_is_given(
        self, machine: Machine
    ) -> None:
        assert (await ran(machine, sh("cat; tty; ps -o tty= -p $$ || true"))).output.startswith(
            b"not a tty"
        )
        data = b"\x00\xff\x1b[2J" * 50_000
        assert (await ran(machine, sh("wc -c", data=data))).output.split() == [b"300000"]
        unread = await ran(machine, sh("exit 3", data=data))
        assert (unread.end, unread.code) == (End.EXITED, 3)

    async def test_its_environment_is_small_unless_it_inherits(self, machine: Machine) -> None:
        small = await ran(machine, Command(("env",), environment={"MODE": "x y"}))
        names = {line.partition(b"=")[0] for line in small.output.splitlines()}
        assert names == {b"PATH", b"HOME", b"LANG", b"MODE"}
        assert b"MODE=x y" in small.output.splitlines()

    async def test_it_runs_in_its_folder(self, machine: Machine, folder: Path, here: Path) -> None:
        await ran(machine, Command(("touch", "made"), cwd=str(folder)))
        assert os.listdir(here) == ["made"]

    async def test_one_that_is_not_there_or_may_not_be_run_was_not_begun(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        (here / "plain").write_text("text")
        for name, failure in (("no-such-program", Failure.NOT_FOUND), ("plain", Failure.DENIED)):
            error = await refused(ran(machine, Command((str(folder / name),))))
            assert (error.failure, error.begun) == (failure, False)
        lost = Command(("true",), cwd=str(folder / "no-such-folder"))
        error = await refused(ran(machine, lost))
        assert (error.failure, error.begun) == (Failure.NOT_FOUND, False)
        assert "no-such-folder" in str(error)

    async def test_huge_output_is_cut_or_its_program_ended(self, machine: Machine) -> None:
        flood = sh("while :; do echo 0123456789012345678901234567890123456789; done")
        finished = await ran(machine, flood)
        assert finished.end is End.TOO_LARGE
        assert len(finished.output) <= LIMIT
        tail = await machine.run(
            sh("head -c 3000000 /dev/zero; echo end"), limit=1000, deadline=LONG, keep=Keep.LAST
        )
        assert (tail.end, tail.code, len(tail.output)) == (End.EXITED, 0, 1000)
        assert tail.output.endswith(b"\0end\n")

    async def test_one_that_never_ends_is_ended_at_its_deadline_with_its_children(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        script = f"sleep 1000 & echo $! > {folder}/child; echo before; wait"
        assert (await late(machine, sh(script), b"before\n")).output == b"before\n"
        child = int((here / "child").read_text())
        await until(lambda: not is_alive(self.pid_here(child)))

    async def test_term_comes_before_kill_and_one_that_ignores_it_is_killed(
        self, machine: Machine
    ) -> None:
        tidy = "trap 'echo tidied; exit 5' TERM; echo on; while :; do sleep 0.05; done"
        finished = await late(machine, sh(tidy, grace=LONG), b"on\n")
        assert (finished.code, finished.output) == (5, b"on\ntidied\n")
        stubborn = "trap '' TERM; echo on; while :; do sleep 0.05; done"
        finished = await late(machine, sh(stubborn, grace=0.2), b"on\n")
        assert finished.code == -signal.SIGKILL

    async def test_what_it_prints_arrives_as_it_is(self, machine: Machine) -> None:
        finished = await ran(machine, sh(r"printf '\033]52;c;x\007\000\377\r\n'"))
        assert finished.output == b"\x1b]52;c;x\x07\x00\xff\r\n"

    async def test_one_that_closes_its_output_early_is_waited_for(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        script = f"exec >&- 2>&-; until test -e {folder}/go; do sleep 0.02; done; exit 4"
        running = asyncio.create_task(ran(machine, sh(script)))
        (here / "go").touch()
        assert await running == Finished(End.EXITED, 4)

    async def test_a_child_that_keeps_the_output_open_is_not_waited_for(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        script = f"echo words; sleep 1000 & echo $! > {folder}/child"
        finished = await ran(machine, sh(script))
        assert finished == Finished(End.EXITED, 0, b"words\n")
        child = self.pid_here(int((here / "child").read_text()))
        assert child is not None
        assert is_alive(child)
        os.kill(child, signal.SIGKILL)

    async def test_one_that_is_cancelled_is_ended(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        script = f"echo $$ > {folder}/pid.part; mv {folder}/pid.part {folder}/pid; sleep 1000"
        running = asyncio.create_task(ran(machine, sh(script)))
        await until((here / "pid").exists)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        pid = int((here / "pid").read_text())
        await until(lambda: not is_alive(self.pid_here(pid)))

    async def test_many_at_once_each_get_their_own_answer(self, machine: Machine) -> None:
        commands = [Command(("echo", str(number))) for number in range(40)]
        found = await asyncio.gather(*(ran(machine, each) for each in commands))
        assert [each.output for each in found] == [b"%d\n" % number for number in range(40)]

    async def test_a_stream_is_read_as_it_comes_and_says_how_it_ended(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        script = f"echo one; until test -e {folder}/go; do sleep 0.02; done; echo two; exit 6"
        stream = machine.stream(sh(script + "; true"))
        pieces = iter(stream)
        assert next(pieces) == b"one\n"
        assert stream.finished is None
        (here / "go").touch()
        assert b"".join(pieces) == b"two\n"
        assert stream.finished == Finished(End.EXITED, 6)

    async def test_a_stream_that_is_closed_ends_from_any_thread(self, machine: Machine) -> None:
        stream = machine.stream(sh("trap '' TERM; echo on; while :; do sleep 0.05; done"))
        heard: list[bytes] = []
        thread = threading.Thread(target=lambda: heard.extend(stream), daemon=True)
        thread.start()
        await until(lambda: bool(heard))
        stream.close()
        stream.close()
        await until(lambda: not thread.is_alive())
        assert stream.finished is not None
        assert stream.finished.end is End.STOPPED

    async def test_what_is_launched_stays_and_its_end_is_seen(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        script = f"echo $$ > {folder}/part; mv {folder}/part {folder}/pid; read x; sleep 1000"
        launched = await machine.launch(Command(("sh", "-c", script)))
        await until((here / "pid").exists)
        pid = self.pid_here(int((here / "pid").read_text()))
        assert pid is not None
        assert launched.code is None
        assert os.getsid(pid) == pid, "it would end with our session"
        os.kill(pid, signal.SIGKILL)
        await until(lambda: launched.code is not None)
        assert launched.code == -signal.SIGKILL

    # ---- files ----

    async def test_a_file_is_read_whole_or_not(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        (here / "file").write_bytes(b"12345")
        (here / "link").symlink_to("file")
        os.mkfifo(here / "fifo")
        assert await machine.read(folder / "link", 5) == b"12345"
        for name, limit, failure in (
            ("file", 4, Failure.TOO_LARGE),
            ("none", 4, Failure.NOT_FOUND),
            ("file/below", 4, Failure.NOT_FOUND),
            ("fifo", 4, Failure.OTHER),
            (".", 4, Failure.OTHER),
        ):
            error = await refused(machine.read(folder / name, limit))
            assert error.failure is failure, name
            assert str(folder) in str(error)

    async def test_a_file_is_replaced_with_its_mode_and_through_its_link(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        (here / "file").write_bytes(b"old")
        (here / "file").chmod(0o640)
        (here / "link").symlink_to("file")
        inode = (here / "file").stat().st_ino
        await machine.replace(folder / "link", b"new\0\xff")
        assert (here / "link").is_symlink()
        status = (here / "file").stat()
        assert (here / "file").read_bytes() == b"new\0\xff"
        assert stat.S_IMODE(status.st_mode) == 0o640
        assert status.st_ino != inode, "it was written over, so that a reader could see half"
        assert sorted(os.listdir(here)) == ["file", "link"]
        error = await refused(machine.replace(folder / "none", b""))
        assert error.failure is Failure.NOT_FOUND

    async def test_a_link_is_led_elsewhere(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        (here / "current").symlink_to("v1")
        await machine.replace_link(folder / "current", "releases/v 2")
        assert os.readlink(here / "current") == "releases/v 2"
        assert os.listdir(here) == ["current"]

    async def test_what_is_known_of_a_file(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        (here / "file").write_bytes(b"12345")
        (here / "file").chmod(0o4751)
        (here / "link").symlink_to("file")
        status = await machine.stat(folder / "file")
        real = (here / "file").stat()
        assert (status.kind, status.size, status.mode) == (FileKind.FILE, 5, 0o4751)
        assert (status.owner, status.group) == (real.st_uid, real.st_gid)
        assert status.changed == real.st_mtime_ns
        assert (await machine.stat(folder / "link")).identity == status.identity
        link = await machine.stat(folder / "link", follow=False)
        assert (link.kind, link.leads_to) == (FileKind.LINK, "file")
        assert (await machine.stat(folder)).kind is FileKind.FOLDER
        assert (await refused(machine.stat(folder / "none"))).failure is Failure.NOT_FOUND

    async def test_what_is_in_a_folder(self, machine: Machine, folder: Path, here: Path) -> None:
        (here / "a folder").mkdir()
        (here / "file\nof two lines").touch()
        (here / "to-folder").symlink_to("a folder")
        (here / "nowhere").symlink_to("none")
        os.mkfifo(here / "fifo")
        assert await machine.list(folder) == {
            "a folder": FileKind.FOLDER,
            "file\nof two lines": FileKind.FILE,
            "to-folder": FileKind.FOLDER,
            "nowhere": FileKind.LINK,
            "fifo": FileKind.SPECIAL,
        }
        assert (await refused(machine.list(folder / "none"))).failure is Failure.NOT_FOUND

    async def test_what_others_could_change_is_told(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        program = here / "bin" / "program"
        program.parent.mkdir()
        program.touch()
        program.parent.chmod(0o755)
        program.chmod(0o755)
        there = folder / "bin" / "program"
        assert await machine.looseness(there) is None
        program.chmod(0o775)
        loose = await machine.looseness(there)
        assert loose is not None
        assert "0775" in loose.how
        program.chmod(0o755)
        program.parent.chmod(0o777)
        loose = await machine.looseness(there)
        assert loose is not None
        assert loose.remedy == f"chmod go-w {folder / 'bin'}"

    async def test_a_file_is_followed_through_all_that_happens_to_it(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        log = here / "app.log"
        heard = _Heard(machine.follow(folder / "app.log", 8))
        try:
            await until(lambda: any(isinstance(each, Unreadable) for each in heard.all))
            log.write_bytes(b"one\n")
            await until(lambda: heard.data == b"one\n")
            log.rename(here / "app.log.1")
            with (here / "app.log.1").open("ab") as old:
                old.write(b"late\n")
            log.write_bytes(b"two\n")
            await until(lambda: heard.data == b"one\nlate\ntwo\n")
            assert Turn.REPLACED in heard.all
            log.write_bytes(b"3\n")
            await until(lambda: heard.data.endswith(b"two\n3\n"))
            assert Turn.TRUNCATED in heard.all
            assert all(each.live for each in heard.all if isinstance(each, Chunk))
        finally:
            heard.following.close()
        await until(lambda: not heard.thread.is_alive())

    async def test_a_file_that_rests_is_told_once_for_each_rest(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        log = here / "app.log"
        log.write_bytes(b"whole\nhalf")
        heard = _Heard(machine.follow(folder / "app.log", 100))
        try:
            await until(lambda: heard.all[-1:] == [Turn.RESTING])
            with log.open("ab") as file:
                file.write(b" more")
            await until(lambda: heard.all[-1:] == [Turn.RESTING] and heard.data.endswith(b"more"))
            assert heard.all.count(Turn.RESTING) == 2
        finally:
            heard.following.close()

    async def test_a_file_is_opened_to_be_read_from_anywhere(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        (here / "app.log").write_bytes(b"one two three")
        with machine.open(folder / "app.log") as file:
            assert file.seek(0, 2) == 13
            file.seek(4)
            assert file.read(3) == b"two"
        for name, failure in (("none", Failure.NOT_FOUND), (".", Failure.OTHER)):
            with pytest.raises(MachineError) as raised:
                machine.open(folder / name)
            assert raised.value.failure is failure

    async def test_following_begins_with_a_whole_line_of_the_end(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        (here / "app.log").write_bytes(b"a long first line\nsecond\nthird\n")
        heard = _Heard(machine.follow(folder / "app.log", 14))
        await until(lambda: heard.data == b"second\nthird\n")
        heard.following.close()
        assert not any(each.live for each in heard.all if isinstance(each, Chunk))

    # ---- processes ----

    async def test_a_process_is_named_by_its_start_and_signalled_as_itself(
        self, machine: Machine, folder: Path, here: Path
    ) -> None:
        script = f"echo $$ > {folder}/part; mv {folder}/part {folder}/pid; exec sleep 1000"
        child = await machine.launch(Command(("sh", "-c", script)))
        await until((here / "pid").exists)
        pid = int((here / "pid").read_text())
        found = await machine.process(pid)
        assert found is not None
        assert found.pid == pid
        other = type(found)(found.pid, str(int(found.started) + 1), found.name)
        assert not await machine.signal(other, "KILL")
        again = await machine.process(pid)
        assert again is not None
        assert again.run == found.run
        assert await machine.signal(found, "TERM")
        await until(lambda: child.code is not None)
        assert child.code == -signal.SIGTERM
        assert await machine.process(pid) is None
        assert not await machine.signal(found, "TERM")


class _Heard:
    """What comes of a file, read on a thread."""

    def __init__(self, following: FileFollowing) -> None:
        self.following = following
        self.all: list[Followed] = []
        self.thread = threading.Thread(target=lambda: self.all.extend(following), daemon=True)
        self.thread.start()

    @property
    def data(self) -> bytes:
        return b"".join(each.data for each in list(self.all) if isinstance(each, Chunk))
