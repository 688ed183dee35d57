"""Runs of runbooks: one decides at a time, and every reader sees them as they stand."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from opsconsole.engine.runbooks.run_records import Record, begun
from opsconsole.engine.runbooks.run_store import RunStore
from opsconsole.errors import StateError
from opsconsole.model.operation import Refusal
from opsconsole.model.runbooks.runbook import Runbook, Step
from opsconsole.model.runbooks.runs import RunbookRun, StepState
from opsconsole.operations.journal.records import LedgerKind
from opsconsole.operations.state_place import FolderPlace
from tests.fakes import FakeClock

BOOK = Runbook("book", "book", (Step("a", "a"), Step("b", "b")), digest="d")
RUN = "1-0000000a"


def record(does: str, step: str = "a", **more: object) -> Record:
    return {"do": does, "step": step, "at": 2.0, "who": "kim", "host": "here", **more}


def begin(book: RunStore, name: str = RUN, at: float = 1.0) -> RunbookRun:
    return book.create(name, begun(name, BOOK, "shop", "kim", "here", at), BOOK.written)


@pytest.fixture
def there(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path / "state")


@pytest.fixture
def book(there: FolderPlace) -> Iterator[RunStore]:
    made = RunStore(there, FakeClock())
    yield made
    made.close()


def test_who_only_looks_makes_nothing(book: RunStore, there: FolderPlace) -> None:
    assert book.runs() == ()
    assert not there.folder.exists()


def test_of_many_who_want_to_begin_a_step_one_does(book: RunStore, there: FolderPlace) -> None:
    begin(book)
    won: list[int] = []
    ready = threading.Barrier(8)

    def want(number: int) -> None:
        mine = RunStore(there, FakeClock())
        ready.wait()

        def decide(run: RunbookRun) -> Sequence[Record] | Refusal:
            at = run.next
            if at is None or at.state is StepState.RUNNING:
                return Refusal("running", "somebody is at it")
            return [record("start")]

        if not isinstance(mine.append(RUN, decide), Refusal):
            won.append(number)
        mine.close()

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    (run,) = book.runs()
    assert run.steps[0].attempts == 1


def test_every_console_sees_a_run_as_it_stands(book: RunStore, there: FolderPlace) -> None:
    stood = begin(book)
    other = RunStore(there, FakeClock())
    passed, failed = record("result", state="passed"), record("result", "b", state="failed")
    for line in (record("start"), passed, failed):
        assert other.runs() == (stood,)
        (same,) = other.runs()
        assert other.runs()[0] is same, "what did not move is the same object"
        after = book.append(RUN, lambda _, line=line: [line])  # type: ignore[misc]
        assert isinstance(after, RunbookRun)
        stood = after
    assert other.runs() == (stood,)
    other.close()


def test_a_holder_that_is_killed_holds_no_more(book: RunStore, there: FolderPlace) -> None:
    begin(book)
    program = (
        "import sys, time; from pathlib import Path\n"
        "from opsconsole.clock import SystemClock\n"
        "from opsconsole.engine.runbooks.run_store import RunStore\n"
        "from opsconsole.operations.state_place import FolderPlace\n"
        f"held = RunStore(FolderPlace(Path(sys.argv[1])), SystemClock()).hold({RUN!r})\n"
        "print(held is not None, flush=True); time.sleep(600)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(there.folder)],
                              stdout=subprocess.PIPE)  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    assert book.hold(RUN) is None
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    mine = book.hold(RUN)
    assert mine is not None
    assert book.hold(RUN) is None
    mine.release()
    mine.release()
    again = book.hold(RUN)
    assert again is not None
    again.release()


def test_what_has_no_beginning_is_passed_over(book: RunStore, there: FolderPlace) -> None:
    begin(book)
    journal = there.journal()
    journal.begin_ledger(LedgerKind.RUNBOOK, "2-0000000b", {"do": "start"}, 2.0)
    journal.close()
    assert [run.id for run in book.runs()] == [RUN]
    with pytest.raises(StateError, match="has no beginning"):
        book.append("2-0000000b", lambda _: [])
    with pytest.raises(StateError, match="there is no run"):
        book.append("3-0000000c", lambda _: [])
