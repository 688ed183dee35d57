"""Several programs on terminals at once, each led by a script, in one thread.

Invariant: a script yields what it waits for; it goes on when that holds and fails when that does
not hold in time. Nothing waits longer than it must.
"""

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

from tools.terminal import Terminal

Script = Generator[Callable[[], object], None, None]
AT_ONCE = 5
PATIENCE = 120.0
_PAUSE = 0.005


@dataclass
class _Run:
    name: str
    script: Script
    holds: Callable[[], object] = lambda: True
    asked: float = field(default_factory=time.monotonic)


def play(
    scripts: Iterable[tuple[str, Script]], at_once: int = AT_ONCE, patience: float = PATIENCE
) -> dict[str, str]:
    """Play all, ``at_once`` of them at a time; what went wrong by the script's name."""
    waiting = iter(scripts)
    running: list[_Run] = []
    wrong: dict[str, str] = {}
    while True:
        while len(running) < at_once and (following := next(waiting, None)):
            running.append(_Run(*following))
        if not running:
            return wrong
        running = [run for run in running if _goes_on(run, patience, wrong)]
        time.sleep(_PAUSE)


def _goes_on(run: _Run, patience: float, wrong: dict[str, str]) -> bool:
    try:
        if run.holds():
            run.holds = next(run.script)
            run.asked = time.monotonic()
        elif time.monotonic() - run.asked > patience:
            run.script.throw(AssertionError(f"waited {patience:g} s for nothing"))
    except StopIteration:
        return False
    except AssertionError as error:
        wrong[run.name] = str(error).partition("\n")[0] or "an assertion failed"
        return False
    return True


def shown(terminal: Terminal, *words: str, without: str = "") -> Callable[[], bool]:
    """Whether the screen holds all ``words``, and not ``without``; looked at when it changes."""
    looked = False

    def holds() -> bool:
        nonlocal looked
        if not terminal.take() and looked:
            return False
        looked = True
        text = terminal.text
        return all(word in text for word in words) and not (without and without in text)

    return holds


def sent(terminal: Terminal, words: str) -> Callable[[], bool]:
    """Whether ``words`` come in one piece from now on; the emulator sees nothing of it."""
    wanted = words.encode()

    def holds() -> bool:
        before = len(terminal.sent)
        while terminal.take(unseen=True):
            pass
        return terminal.sent.find(wanted, max(0, before - len(wanted))) >= 0

    return holds


def over(terminal: Terminal) -> Callable[[], bool]:
    """Whether the program has ended; its output is read meanwhile, unseen by the emulator."""

    def holds() -> bool:
        while terminal.take(unseen=True):
            pass
        return terminal.process.poll() is not None

    return holds


def passed(seconds: float, terminal: Terminal | None = None) -> Callable[[], bool]:
    """Whether so much time has gone by; output is read meanwhile, where a terminal is named."""
    end = time.monotonic() + seconds

    def holds() -> bool:
        if terminal is not None:
            terminal.take()
        return time.monotonic() > end

    return holds


def quiet(terminal: Terminal, seconds: float = 0.1, most: float = 3.0) -> Callable[[], bool]:
    """Whether nothing has come for so long; ``most`` is waited where something always comes."""
    began = last = time.monotonic()

    def holds() -> bool:
        nonlocal last
        now = time.monotonic()
        if terminal.take():
            last = now
        return now - last > seconds or now - began > most

    return holds
