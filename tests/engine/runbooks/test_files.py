"""The files of runs: whole lines, one writer at a time, and nothing lost but what was torn."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.runbooks import files as runbook_files
from opsconsole.engine.runbooks.files import RunFiles
from opsconsole.engine.runbooks.records import Record, begun
from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.model.runbook_runs import RunbookRun, StepState
from opsconsole.model.runbooks import Runbook, Step

BOOK = Runbook("book", "book", (Step("a", "a"), Step("b", "b")), digest="d")


def settings(folder: Path) -> Settings:
    return Settings.model_validate({"docker": [], "state_dir": str(folder / "state")})


def record(does: str, step: str = "a", **more: object) -> Record:
    return {"do": does, "step": step, "at": 2.0, "who": "kim", "host": "here", **more}


def begin(files: RunFiles, name: str = "1-a", at: float = 1.0) -> RunbookRun:
    return files.create(name, begun(name, BOOK, "shop", "kim", "here", at))


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    return RunFiles(settings(tmp_path))


def test_of_many_who_want_to_begin_a_step_one_does(files: RunFiles, tmp_path: Path) -> None:
    begin(files)
    won: list[int] = []
    ready = threading.Barrier(8)

    def want(number: int) -> None:
        mine = RunFiles(settings(tmp_path))
        ready.wait(10)

        def decide(run: RunbookRun) -> Sequence[Record] | Refusal:
            at = run.next
            if at is None or at.state is StepState.RUNNING:
                return Refusal("running", "somebody is at it")
            return [record("start")]

        if not isinstance(mine.append("1-a", decide), Refusal):
            won.append(number)

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(won) == 1
    (run,) = files.runs()
    assert run.steps[0].attempts == 1


def test_every_cut_of_a_file_is_the_run_as_it_stood(files: RunFiles, tmp_path: Path) -> None:
    begin(files)
    stood = [files.runs()[0]]
    passed, failed = record("result", state="passed"), record("result", "b", state="failed")
    for line in (record("start"), passed, failed):
        after = files.append("1-a", lambda _, line=line: [line])  # type: ignore[misc]
        assert isinstance(after, RunbookRun)
        stood.append(after)
    path = tmp_path / "state/runbooks/1-a.jsonl"
    raw = path.read_bytes()
    for cut in range(len(raw)):
        path.write_bytes(raw[:cut])
        found = RunFiles(settings(tmp_path)).runs()
        whole = raw[:cut].count(b"\n")
        torn_off = raw[cut : cut + 1] == b"\n"
        expected = stood[whole - 1 + torn_off] if whole + torn_off else None
        assert (found[0] if found else None) == expected


def test_a_holder_that_is_killed_holds_no_more(files: RunFiles, tmp_path: Path) -> None:
    begin(files)
    program = (
        "import sys, time; from pathlib import Path\n"
        "from tests.engine.runbooks.test_files import settings\n"
        "from opsconsole.engine.runbooks.files import RunFiles\n"
        "held = RunFiles(settings(Path(sys.argv[1]))).hold('1-a')\n"
        "print(held is not None, flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)],
                              stdout=subprocess.PIPE)  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    assert files.hold("1-a") is None
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=10)
    mine = files.hold("1-a")
    assert mine is not None
    assert files.hold("1-a") is None
    mine.release()
    mine.release()
    again = files.hold("1-a")
    assert again is not None
    again.release()


def test_a_disk_that_is_full_is_told_and_what_was_there_stays(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(files)

    def full(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        with pytest.raises(StateError, match="No space left"):
            files.append("1-a", lambda _: [record("start")])
    assert len(files.runs()) == 1
    after = files.append("1-a", lambda _: [record("result", state="passed")])
    assert isinstance(after, RunbookRun)
    assert after.steps[0].state is StepState.PASSED


def test_a_record_that_is_full_takes_no_more(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(files)
    monkeypatch.setattr(runbook_files, "LIMIT", 300)
    answer = files.append("1-a", lambda _: [record("result", state="passed", said="x" * 300)])

    assert isinstance(answer, Refusal)
    assert answer.code == "run-too-long"


def test_runs_that_go_on_are_kept_whatever_their_age(
    files: RunFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runbook_files, "KEPT", 3)
    for number in range(6):
        name = f"{number}-x"
        begin(files, name)
        if number != 1:
            files.append(name, lambda _: [record("end", outcome="abandoned")])
        os.utime(tmp_path / f"state/runbooks/{name}.jsonl", (1000 + number, 1000 + number))

    names = {path.stem for path in (tmp_path / "state/runbooks").glob("*.jsonl")}
    assert {"1-x", "5-x"} <= names
    assert len(names) <= 4


def test_what_is_no_run_is_passed_over(files: RunFiles, tmp_path: Path) -> None:
    begin(files)
    folder = tmp_path / "state/runbooks"
    (folder / "2-b.jsonl").write_bytes(b"\x00\xff not json\n[1, 2]\n{}\n")
    (folder / "3-c.jsonl").symlink_to("/etc/passwd")
    (folder / "4-d.jsonl").mkdir()

    assert [run.id for run in files.runs()] == ["1-a"]
    with pytest.raises(StateError, match="is not the file of a run"):
        files.append("2-b", lambda _: [])
