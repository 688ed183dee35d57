"""``opsconsole watch``: the console without a screen, for a host where nobody sits.

Invariant: it ends by SIGTERM, SIGINT or SIGHUP with 0, and what it saw last is then recorded. Of
several one leads; the others stand by, and one of them takes over. With ``--read-only`` it notifies
people and begins nothing.
"""

import argparse
import asyncio
import ctypes
import signal
import sys
from contextlib import suppress
from typing import Final

from opsconsole.cli.configuration import Configuration, from_arguments
from opsconsole.cli.engine import build_engine, build_operator
from opsconsole.clock import SystemClock
from opsconsole.model.people import PresentKind
from opsconsole.operations.state_place import place_from, scope_of
from opsconsole.text import sanitize
from opsconsole.watcher.remedies.acting import make_remedies
from opsconsole.watcher.systemd import Systemd
from opsconsole.watcher.watch import Watch

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LINE: Final = 2000

_MALLOC: Final = {-8: 1, -3: 128 * 1024, -1: 128 * 1024}
"""mallopt(3): one arena for all threads; what is large lies apart, and goes back when free."""

PACE: Final = 2.0
"""Seconds between two snapshots: nobody sees them, and people are notified after many more."""


def run(arguments: argparse.Namespace) -> int:
    """Watch until a signal comes; 0 then."""
    _hold_little()
    asyncio.run(_watch(from_arguments(arguments)))
    return 0


def _hold_little() -> None:
    """Let the C library keep little of what is not used any more, where it can."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in _MALLOC.items():
            mallopt(option, value)


async def _watch(configuration: Configuration) -> None:
    ended = asyncio.Event()
    for each in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, ended.set)
    settings = configuration.settings
    engine = build_engine(configuration, PACE, unseen=True, kind=PresentKind.WATCHER)
    operator, clock = build_operator(configuration), SystemClock()
    state = place_from(settings)
    watch = Watch(
        engine,
        settings,
        state,
        scope_of(settings, configuration.path),
        base=configuration.base,
        clock=clock,
        acting=lambda leads: make_remedies(settings, operator, state, clock, leads),
        say=_say,
        systemd=Systemd(),
    )
    engine.start()
    try:
        await watch.run(ended)
    finally:
        engine.stop()
        operator.close()


def _say(line: str) -> None:
    print(f"opsconsole: {sanitize(line, limit=_LINE)}", file=sys.stdout, flush=True)
