"""``opsconsole timeline``: what happened, as it was recorded, oldest first.

Invariant: it reads only the recording, even while another process writes it, and the notes and
operations of the state, which are there without one. Where the recording begins later than what was
asked for, or the state cannot be read, that is said, so that silence is not taken for calm.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from opsconsole.cli.configuration import Configuration, from_arguments, require_service
from opsconsole.cli.engine import archive_of
from opsconsole.cli.known_state import notes_of, operations_of
from opsconsole.cli.parsing import EX_INCOMPLETE, EX_USAGE
from opsconsole.engine.judge.alike import Known
from opsconsole.engine.judge.events import operation_moved
from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.model.events import Event
from opsconsole.model.past.replay import SeenBy, Span
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
    kept: tuple[Event, ...] = ()
    recorded: Span | None = None
    theirs: tuple[SeenBy, ...] = ()
    unseen = ""
    if archive is not None:
        try:
            recorded = archive.span()
            kept = archive.events(since, now, service)
            theirs = archive.seen_by(since, now)
            unseen = archive.lacks
        finally:
            archive.close()
    shared, lacks = of_state(configuration)
    lacks += [f"what other hosts recorded: {unseen}"] if unseen else []
    asked = (each for each in shared if since <= each.at <= now and service in {"", each.service})
    events = merged(kept, asked)
    if arguments.json:
        _print_json(events, since, now, recorded, theirs)
    else:
        if archive is not None and (recorded is None or recorded.begin > since):
            said = f"{before_sentence(recorded, now)}: only notes and operations are known"
            print(f"opsconsole: {said}", file=sys.stderr)
        for each in theirs:
            said = f"from {written(each.begin)} to {written(each.end)} as {each.by} saw it"
            print(f"opsconsole: {said}", file=sys.stderr)
        for line in _lines(events, now):
            print(line)
    for lack in lacks:
        print(f"opsconsole: left out: {lack}", file=sys.stderr)
    if archive is None:
        raise OpsconsoleError(
            "recording is switched off: only notes and operations are known",
            remedy="set recording.enabled in the configuration",
        )
    return EX_INCOMPLETE if lacks else 0


def of_state(configuration: Configuration) -> tuple[list[Event], list[str]]:
    """Notes, and how far operations came; and why some of it cannot be read."""
    shared: list[Event] = []
    lacks: list[str] = []
    try:
        shared += notes_of(configuration)
        moved = (operation_moved(each, None) for each in operations_of(configuration))
        shared += [each for each in moved if each is not None]
    except StateError as error:
        lacks.append(str(error))
    return sorted(shared, key=_moment), lacks


def merged(kept: Sequence[Event], shared: Iterable[Event]) -> list[Event]:
    """``kept``, with what of ``shared`` is not recorded as well, oldest first."""
    there, known = {_said(each) for each in kept}, Known(kept)
    fresh = [each for each in shared if _said(each) not in there and known.same(each) is None]
    return sorted([*kept, *fresh], key=_moment)


def _said(event: Event) -> tuple[float, Event]:
    """What is the same of a note, however its moment was written down."""
    return round(event.at, 3), replace(event, at=0.0)


def _moment(event: Event) -> float:
    return event.at


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


def _print_json(
    events: Iterable[Event],
    since: float,
    until: float,
    recorded: Span | None,
    theirs: Iterable[SeenBy],
) -> None:
    reach = None if recorded is None else {"begin": recorded.begin, "end": recorded.end}
    document = {
        "version": VERSION,
        "since": since,
        "until": until,
        "recorded": reach,
        "seen_by": [{"begin": each.begin, "end": each.end, "by": each.by} for each in theirs],
        "events": [event_document(event) for event in events],
    }
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    print()
