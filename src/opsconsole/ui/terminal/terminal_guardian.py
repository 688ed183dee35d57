"""A small parent process that restores the terminal even after ``kill -9`` of the console.

Invariant: the guardian is the process that the shell started and waits for; the console is its only
child, in the same session and process group. Signals to the guardian reach the console, the
guardian exits with the console's exit code, when the console stops so does the guardian, and when
either dies the other restores the terminal. The guardian forks before anything heavy is imported
and then only waits.
"""

import mmap
import os
import signal
from collections.abc import Callable
from typing import Final

from opsconsole.ui.terminal.size import Terminal, last_words

_PAGE: Final = 1024
_PASSED_ON: Final = (
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGINT,
    signal.SIGTSTP,
    signal.SIGCONT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_KEYS: Final = frozenset({signal.SIGQUIT, signal.SIGINT, signal.SIGTSTP})
"""Signals that a key sends to the whole process group: passed on, they would arrive twice."""
_SI_KERNEL: Final = 0x80


class Guard:
    """What guardian and console share: the terminal's first modes, and the last message.

    The shared page holds one byte, which is 0 while the console has the terminal, then the note.
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._page = mmap.mmap(-1, _PAGE)
        self.given_back = True
        self._alive, self._held = os.pipe()

    @property
    def alive(self) -> int:
        """A descriptor that becomes readable once the guardian is gone."""
        return self._alive

    @property
    def note(self) -> str:
        """The message to print if the console cannot."""
        return self._page[1:].rstrip(b"\0").decode("utf-8", "ignore")

    @note.setter
    def note(self, text: str) -> None:
        self._page[1:] = text.encode()[: _PAGE - 1].ljust(_PAGE - 1, b"\0")

    @property
    def given_back(self) -> bool:
        """Whether the terminal is restored: not taken yet, or restored with the last message
        printed."""
        return self._page[0] != 0

    @given_back.setter
    def given_back(self, done: bool) -> None:
        self._page[0] = int(done)

    def in_console(self) -> None:
        """Make the guardian the only holder of the end whose closing signals its death."""
        os.close(self._held)

    def in_guardian(self) -> None:
        """Keep only the end that is held."""
        os.close(self._alive)


def guarded(run: Callable[[Guard], int]) -> int:
    """Call ``run`` in a child process, guard the terminal meanwhile, and return its exit code.

    Call it before any thread is started. In the child ``guarded`` returns, or raises, whatever
    ``run`` does.
    """
    guard = Guard(Terminal())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    handled = {
        signal.SIGCHLD,
        *(each for each in _PASSED_ON if signal.getsignal(each) is not signal.SIG_IGN),
    }
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    child = os.fork()
    if child == 0:
        guard.in_console()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return run(guard)
    guard.in_guardian()
    status = _wait(child, handled)
    code = _given_back(guard, status)
    while signal.sigtimedwait(handled, 0) is not None:
        pass  # a signal for the console after its end must not change the guardian's exit code
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return code


def _wait(child: int, handled: set[signal.Signals]) -> int:
    """Pass signals on and stop with the child until it ends. Returns its wait status."""
    while True:
        heard = signal.sigwaitinfo(handled)
        if heard.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
            if ended and os.WIFSTOPPED(status):
                os.kill(os.getpid(), signal.SIGSTOP)
            elif ended:
                return status
        elif heard.si_signo not in _KEYS or heard.si_code != _SI_KERNEL:
            os.kill(child, heard.si_signo)


def _given_back(guard: Guard, status: int) -> int:
    """Restore what the console could not. Returns its exit code, 128 + n after signal n."""
    if not guard.given_back or guard.terminal.changed:
        guard.terminal.restore()
    if not guard.given_back or os.WIFSIGNALED(status):
        last_words("\n".join(filter(None, (_why(status), guard.note))))
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _why(status: int) -> str:
    """The message about what killed the console; '' if it ended normally."""
    if not os.WIFSIGNALED(status):
        return ""
    number = os.WTERMSIG(status)
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return f"opsconsole was ended by {name}"
