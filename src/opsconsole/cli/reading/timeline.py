"""``opsconsole timeline``: what happened, as it was recorded, oldest first.

Invariant: it reads only the recording, even while another process writes it. Where the recording
begins later than what was asked for, that is said, so that silence is not taken for calm.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.cli.configuration import from_arguments, require_service
from opsconsole.cli.engine import archive_of
from opsconsole.cli.parsing import EX_USAGE
from opsconsole.errors import OpsconsoleError
from opsconsole.model.events import Event
from opsconsole.model.past.replay import Span
from opsconsole.model.written.typed_time import TypedTimeError, moment_of
from opsconsole.model.written.units import read_duration
from opsconsole.render.frame.replay import before_sentence
from opsconsole.render.ink.cells import plain
from opsconsole.render.json.status import event_document
from opsconsole.render.timeline import rows as render
from opsconsole.zones import written

VERSION: Final = 1
_WIDE: Final = 10_000
"""Cells of a line, which is cut when shown."""


def run(arguments: argparse.Namespace) -> int:
    """Print what happened since the moment asked for; 0, or 64 if that is no moment."""
    now = time.time()
    try:
        since = _since(arguments.since, now)
    except TypedTimeError as error:
        print(f"opsconsole: --since: {error}", file=sys.stderr)
        return EX_USAGE
    configuration = from_arguments(arguments)
    service = arguments.service
    if service:
        require_service(configuration.settings, service)
    archive = archive_of(configuration)
    if archive is None:
        raise OpsconsoleError(
            "recording is switched off", remedy="set recording.enabled in the configuration"
        )
    try:
        recorded = archive.span()
        events = archive.events(since, now, service)
    finally:
        archive.close()
    if arguments.json:
        _print_json(events, since, now, recorded)
        return 0
    if recorded is None or recorded.begin > since:
        print(f"opsconsole: {before_sentence(recorded, now)}", file=sys.stderr)
    for line in _lines(events, now):
        print(line)
    return 0


def _since(text: str, now: float) -> float:
    """A length of time before now, or a moment. Raises TypedTimeError."""
    try:
        return now - read_duration(text)
    except ValueError:
        return moment_of(text, now)


def _lines(events: Iterable[Event], now: float) -> Iterator[str]:
    for event in events:
        said = plain([render.row(event, _WIDE, now).line[1:]])
        yield f"{written(event.at)}  {said}"


def _print_json(events: Iterable[Event], since: float, until: float, recorded: Span | None) -> None:
    reach = None if recorded is None else {"begin": recorded.begin, "end": recorded.end}
    document = {
        "version": VERSION,
        "since": since,
        "until": until,
        "recorded": reach,
        "events": [event_document(event) for event in events],
    }
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    print()
