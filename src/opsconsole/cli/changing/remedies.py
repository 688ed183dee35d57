"""``opsconsole remedies``: what is configured, what would be done, what was done, and the switch.

``list`` shows the remedies and where each stands; ``check`` looks once, and says of each whether it
would act if what it waits for held now, or what would hold it back; ``report`` says what remedies
did or would have done, and what then happened. ``off`` and ``on`` switch all automation of this
state; ``close NAME --reason`` closes a breaker. Exit 0 done, 2 refused, 64 what is missing.
"""

import argparse
import json
import sys
from typing import Final

from opsconsole.cli.configuration import Configuration, from_arguments
from opsconsole.cli.known_state import acknowledged, known_maintenances
from opsconsole.cli.parsing import EX_USAGE
from opsconsole.clock import SystemClock
from opsconsole.engine.desks.automation_desk import automation_of, rules_of
from opsconsole.engine.engine import Engine
from opsconsole.model.operation import Refusal
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.written.units import read_duration
from opsconsole.operations.remedies.book import RemedyBook
from opsconsole.operations.state_place import place_from, scope_of
from opsconsole.render.automation.report import report
from opsconsole.render.automation.rows import automation_lines, foreseen
from opsconsole.render.automation.words import switched_off
from opsconsole.render.json.automation import automation_document
from opsconsole.watcher.remedies.foresight import foresee

VERSION: Final = 1
REFUSED: Final = 2


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked."""
    configuration = from_arguments(arguments)
    settings = configuration.settings
    book = RemedyBook(place_from(settings), scope_of(settings, configuration.path))
    try:
        match arguments.what:
            case "off" | "on":
                return _switch(book, arguments)
            case "close":
                return _close(book, configuration, arguments)
            case "check":
                return _check(book, configuration)
            case _:
                return _show(book, configuration, arguments)
    finally:
        book.close()


def _known(book: RemedyBook, configuration: Configuration, now: float) -> Automation:
    rules = rules_of(configuration.settings)
    return automation_of(rules, book.switch(), book.episodes(), now) or Automation()


def _show(book: RemedyBook, configuration: Configuration, arguments: argparse.Namespace) -> int:
    now = SystemClock().now()
    known = _known(book, configuration, now)
    if arguments.json:
        document = {"version": VERSION, **automation_document(known)}
        json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    if arguments.what == "list":
        lines = automation_lines(known, now)
    else:
        try:
            since = now - read_duration(arguments.since)
        except ValueError as error:
            return _wrong(f"--since: {error}")
        lines = report(known.rules, known.episodes, since, now)
    for line in lines:
        print(line)
    return 0


def _check(book: RemedyBook, configuration: Configuration) -> int:
    """Look once; 0 however it would go, since nothing is wrong with being held back."""
    clock = SystemClock()
    engine = Engine(
        configuration.settings, base=configuration.base, clock=clock, read_only=True, single=True
    )
    works = known_maintenances(configuration)
    snapshot = engine.look_once(acknowledged=acknowledged(configuration), maintenances=works)
    settings, now = configuration.settings, clock.now()
    shared, switch, episodes = settings.automation.limits, book.switch(), book.episodes()
    for rule in rules_of(settings):
        decision = foresee(rule, snapshot, switch, episodes, shared, now)
        print(foreseen(rule, decision, now))
    if not settings.remedies:
        print("no remedy is configured")
    return 0


def _switch(book: RemedyBook, arguments: argparse.Namespace) -> int:
    now = SystemClock().now()
    after = book.switch_to(arguments.what == "on", arguments.reason, now)
    print(switched_off(after, now) or "automation is on: each remedy goes as far as its mode says")
    return 0


def _close(book: RemedyBook, configuration: Configuration, arguments: argparse.Namespace) -> int:
    known = [each.called for each in configuration.settings.remedies]
    if arguments.name not in known:
        there_are = f"there are: {', '.join(known)}" if known else "there is none"
        return _wrong(f"name the remedy whose breaker is closed; {there_are}")
    answer = book.close_breaker(arguments.name, arguments.reason, SystemClock().now())
    if isinstance(answer, Refusal):
        print(f"opsconsole: refused: {answer}", file=sys.stderr)
        return REFUSED
    print(f"the breaker of {arguments.name} is closed")
    return 0


def _wrong(said: str) -> int:
    print(f"opsconsole remedies: {said}", file=sys.stderr)
    return EX_USAGE
