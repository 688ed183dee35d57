"""``opsconsole maintenance``: work on services is announced, listed, or over.

``start SERVICE… --for 2h --reason TEXT`` begins one: of all services where none is named; ``end
SERVICE`` or ``end ID`` ends it, and it ends by itself. Exit 0 done, 2 refused, 64 what is missing.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Final

from opsconsole.cli.configuration import Configuration, from_arguments, require_service
from opsconsole.cli.known_state import maintenances_of
from opsconsole.cli.parsing import EX_USAGE
from opsconsole.clock import SystemClock
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import Refusal
from opsconsole.model.written.units import read_duration
from opsconsole.operations.people.maintenance import MaintenanceBook
from opsconsole.operations.state_place import place_from
from opsconsole.render.automation.words import maintenance_line
from opsconsole.render.json.automation import maintenance_document

VERSION: Final = 1
REFUSED: Final = 2


def run(arguments: argparse.Namespace) -> int:
    """Begin, end or list; see above for what it returns."""
    configuration = from_arguments(arguments)
    if arguments.what == "list":
        _print(maintenances_of(configuration), as_json=arguments.json)
        return 0
    book = MaintenanceBook(place_from(configuration.settings))
    try:
        if arguments.what == "start":
            return _start(book, configuration, arguments)
        return _end(book, arguments)
    finally:
        book.close()


def _start(
    book: MaintenanceBook, configuration: Configuration, arguments: argparse.Namespace
) -> int:
    for name in arguments.services:
        require_service(configuration.settings, name)
    if not arguments.duration:
        return _wrong("say how long it lasts: --for 2h")
    try:
        lasts = read_duration(arguments.duration)
    except ValueError as error:
        return _wrong(f"--for: {error}")
    now = SystemClock().now()
    return _done(book.start(arguments.services, lasts, arguments.reason, now), arguments.json)


def _end(book: MaintenanceBook, arguments: argparse.Namespace) -> int:
    if len(arguments.services) != 1:
        return _wrong("say which one: a service, or the id that opsconsole maintenance list prints")
    return _done(book.end(arguments.services[0], SystemClock().now()), arguments.json)


def _done(answer: Maintenance | Sequence[Maintenance] | Refusal, as_json: bool) -> int:
    if isinstance(answer, Refusal):
        print(f"opsconsole: refused: {answer}", file=sys.stderr)
        return REFUSED
    _print((answer,) if isinstance(answer, Maintenance) else answer, as_json=as_json)
    return 0


def _wrong(said: str) -> int:
    print(f"opsconsole maintenance: {said}", file=sys.stderr)
    return EX_USAGE


def _print(found: Sequence[Maintenance], *, as_json: bool) -> None:
    now = SystemClock().now()
    if as_json:
        works = [maintenance_document(each, now) for each in found]
        json.dump({"version": VERSION, "maintenances": works}, sys.stdout, ensure_ascii=False)
        print()
        return
    for each in found:
        print(maintenance_line(each, now))
    if not found:
        print("no maintenance goes on, and none ended within a day")
