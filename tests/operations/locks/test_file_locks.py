"""One at a time between processes, and free at once when the holder dies."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from opsconsole import durable
from opsconsole.errors import StateError
from opsconsole.operations.locks.file_locks import FileLocks
from opsconsole.operations.locks.flock import HeldFlock
from opsconsole.operations.locks.locks import Holder, LockKind, LockName
from opsconsole.operations.state_folder import prepare
from tests.clean import is_clean
from tests.patience import until

_ROUNDS = 100
WEB = LockName(LockKind.SERVICE, "web")
NOBODY = asdict(Holder("a" * 16, "restart", "web", "kim", None, "here", "", 1.0))

# Both wait for the same moment, then take the lock, and hold it until both have tried.
_RIVAL = """
import sys, time
from pathlib import Path
from opsconsole.operations.locks.file_locks import FileLocks
from opsconsole.operations.locks.locks import Holder
folder, me, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(rounds):
    (folder / f"ready-{number}-{me}").touch()
    while len(list(folder.glob(f"ready-{number}-*"))) < 2:
        time.sleep(0.0005)
    holder = Holder(f"op-{me}", "restart", "web", me, None, "here", "", time.time())
    locks = FileLocks(folder)
    held = locks.take_service(holder)
    seen = locks.holder("web")
    while not held and seen and seen.who == "somebody":  # between taking it and saying who
        seen = locks.holder("web")
    result = "won" if held else f"lost to {seen.who if seen else 'nobody'}"
    (folder / f"result-{number}-{me}").write_text(result)
    while len(list(folder.glob(f"result-{number}-*"))) < 2:
        time.sleep(0.0005)
    if held:
        held.release()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder."""
    return prepare(tmp_path / "state", shared=False)


def test_a_lock_that_was_forgotten_while_it_was_waited_for_is_not_taken(folder: Path) -> None:
    locks = FileLocks(folder)
    first = locks.take(WEB)
    assert first is not None
    got: list[HeldFlock | None] = []
    waiting = threading.Thread(target=lambda: got.append(locks.take(WEB, patience=20.0)))
    waiting.start()
    opened = re.escape(str(locks.path(WEB)))
    until(lambda: _opened(opened) == 2)
    locks.forget(WEB)
    first.release()
    waiting.join(20)
    (second,) = got
    assert second is not None
    assert locks.take(WEB) is None, "who asks now sees the one that waited"
    second.release()


def _opened(path: str) -> int:
    """How many of this process's descriptors are of a file."""
    there = Path("/proc/self/fd").iterdir()
    return sum(1 for each in there if re.match(path, _target(each)))


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


def _holder(who: str) -> Holder:
    return Holder("op", "restart", "web", who, None, "here", "", time.time())


def test_of_two_processes_one_wins_and_the_other_is_told_who(folder: Path) -> None:
    argv = [sys.executable, "-c", _RIVAL, str(folder)]
    rivals = [subprocess.Popen([*argv, name, str(_ROUNDS)]) for name in ("ann", "bob")]
    assert [rival.wait() for rival in rivals] == [0, 0]
    for number in range(_ROUNDS):
        results = {
            name: (folder / f"result-{number}-{name}").read_text() for name in ("ann", "bob")
        }
        winner = next(name for name, result in results.items() if result == "won")
        loser = "bob" if winner == "ann" else "ann"
        assert results[loser] == f"lost to {winner}"


def test_a_killed_holder_frees_the_lock_at_once(folder: Path) -> None:
    holding = (
        "import sys, time; from pathlib import Path\n"
        "from opsconsole.operations.locks.file_locks import FileLocks\n"
        "from opsconsole.operations.locks.locks import Holder\n"
        "held = FileLocks(Path(sys.argv[1])).take_service("
        "Holder('op', 'restart', 'web', 'ann', None, 'here', '', time.time()))\n"
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", holding, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    seen = FileLocks(folder).holder("web")
    assert seen is not None
    assert seen.who == "ann"
    assert FileLocks(folder).take_service(_holder("bob")) is None
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert FileLocks(folder).holder("web") is None
    held = FileLocks(folder).take(WEB)
    assert held is not None
    held.release()


def test_a_lock_lives_on_in_the_child_it_was_handed_to(folder: Path) -> None:
    held = FileLocks(folder).take_service(_holder("ann"))
    assert held is not None
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=(*held.descriptors,)
    )
    held.release()
    assert FileLocks(folder).holder("web") is not None
    child.kill()
    child.wait()
    assert FileLocks(folder).holder("web") is None


def test_looking_never_makes_a_taker_fail(folder: Path) -> None:
    looker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom pathlib import Path\n"
            "from opsconsole.operations.locks.file_locks import FileLocks\n"
            "while True: FileLocks(Path(sys.argv[1])).holder('web')",
            str(folder),
        ]
    )
    try:
        for _ in range(200):
            held = FileLocks(folder).take_service(_holder("ann"))
            assert held is not None
            held.release()
    finally:
        looker.kill()
        looker.wait()


def test_a_torn_file_beside_the_lock_is_no_holder_of_its_own(folder: Path) -> None:
    (folder / "locks" / "web.json").write_text('{"who": "ann", ')
    assert FileLocks(folder).holder("web") is None
    held = FileLocks(folder).take(WEB)
    assert held is not None
    seen = FileLocks(folder).holder("web")
    assert seen is not None
    assert seen.who == "somebody"
    held.release()


@pytest.mark.parametrize("is_held_on", [False, True])
def test_nobody_holds_a_lock_that_was_let_go_while_it_was_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_held_on: bool
) -> None:
    locks = FileLocks(folder)
    held = locks.take_service(_holder("ann"))
    assert held is not None

    def read_too_late(path: Path, limit: int) -> bytes:
        path.unlink()
        if not is_held_on:
            held.release()
        raise FileNotFoundError(path)

    monkeypatch.setattr(durable, "read", read_too_late)
    seen = FileLocks(folder).holder("web")
    assert (seen is not None) is is_held_on
    held.release()


SAID = {
    "deep lists": "[" * 60_000,
    "a time without end": json.dumps(NOBODY | {"since": 1e999}),
    "no time": '{"since": NaN}',
    "a time to come": json.dumps(NOBODY | {"since": 1e300}),
    "before all": json.dumps(NOBODY | {"since": -1e300}),
    "a list as a name": json.dumps(NOBODY | {"who": ["a"] * 1000}),
    "a sequence for the terminal": json.dumps(NOBODY | {"who": "\x1b]52;c;AA\x07\u202e"}),
    "half a pair": json.dumps(NOBODY | {"who": "\ud800"}),
    "a user of another kind": json.dumps(NOBODY | {"login_uid": [1] * 1000}),
    "no object": "[]",
}


@pytest.mark.parametrize("name", SAID)
def test_whatever_stands_beside_the_lock_a_sentence_is_made_of_it(folder: Path, name: str) -> None:
    locks = FileLocks(folder)
    held = locks.take(WEB)
    assert held is not None
    (folder / "locks" / "web.json").write_text(SAID[name])
    found = locks.holder("web")
    assert found is not None
    assert is_clean(found.sentence(time.time()))
    assert 0.0 <= found.since <= time.time()
    assert found.login_uid is None
    held.release()


def test_whatever_goes_wrong_the_lock_is_not_left_with_this_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as context:
        context.setattr(os, "pwrite", full)
        with pytest.raises(StateError, match="No space left"):
            FileLocks(folder).take_service(_holder("ann"))
        assert not FileLocks(folder).is_held(WEB)
    held = FileLocks(folder).take_service(_holder("bob"))
    assert held is not None
    held.release()


@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/passwd", path)]
)
def test_what_is_no_file_in_the_place_of_a_lock_is_refused_at_once(
    folder: Path, make: Callable[[Path], None]
) -> None:
    make(FileLocks(folder).path(WEB))
    for touch in (FileLocks(folder).take, FileLocks(folder).is_held):
        with pytest.raises(StateError, match="cannot use the lock"):
            touch(WEB)
