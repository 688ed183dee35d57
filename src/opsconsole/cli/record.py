"""``opsconsole record``: the flight recorder without a screen, for a host where nobody sits.

Invariant: it changes nothing but its recording; it ends by SIGTERM, SIGINT or SIGHUP with 0, and
what it saw last is then committed. It prints one line at its start, and one when what it does
changes. While another process records it waits, and takes over when that one ends.
"""

import argparse
import signal
import sys
import threading
from dataclasses import replace
from types import FrameType
from typing import Final

from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.engine import build_engine
from opsconsole.engine.engine import Engine
from opsconsole.errors import OpsconsoleError
from opsconsole.model.past.recording import RecordingState, RecordingView
from opsconsole.model.people import PresentKind

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOOK_EVERY: Final = 0.5
"""Seconds between two looks at what the recorder does."""


def run(arguments: argparse.Namespace) -> int:
    """Record until a signal comes; 0 then."""
    configuration = from_arguments(arguments)
    if not configuration.settings.recording.enabled:
        raise OpsconsoleError(
            "recording is switched off", remedy="set recording.enabled in the configuration"
        )
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for each in _SIGNALS:
        signal.signal(each, end)
    made = replace(configuration, read_only=True)
    engine = build_engine(made, unseen=True, kind=PresentKind.WATCHER)
    engine.start()
    try:
        _tell_changes(engine, ended)
    finally:
        engine.stop()
    return 0


def _tell_changes(engine: Engine, ended: threading.Event) -> None:
    shown = ""
    while not ended.wait(_LOOK_EVERY):
        said = _sentence(engine.recording)
        if said and said != shown:
            stream = sys.stderr if engine.recording.fault else sys.stdout
            print(f"opsconsole: {said}", file=stream, flush=True)
            shown = said


def _sentence(view: RecordingView) -> str:
    """What the recorder is doing, in words that change only when that does."""
    if view.state is RecordingState.STOPPED:
        return view.notice
    if view.state is RecordingState.READING:
        return f"{view.by} records into {view.path}; waiting to take over"
    if view.state is RecordingState.RECORDING:
        return f"recording into {view.path}" + (f"; {view.notice}" if view.notice else "")
    return ""
