"""``opsconsole incident``: those that people declared, and a report for the post-mortem.

Invariant: it reads and changes nothing but the file it writes, which is new or not written. Exit
0 written, 64 wrong usage, 69 no such service or incident, or the file cannot be written.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from opsconsole import durable
from opsconsole.cli.configuration import Configuration, from_arguments, require_service
from opsconsole.cli.engine import archive_of
from opsconsole.cli.known_state import notes_of, operations_of
from opsconsole.cli.parsing import EX_USAGE, as_text
from opsconsole.cli.reading import incident_listing as listing
from opsconsole.cli.reading.incident_listing import incident_number
from opsconsole.clock import SystemClock
from opsconsole.dataclass import dataclass
from opsconsole.engine.past.incident import Asked, Material, gather
from opsconsole.engine.past.incident_logs import excerpts
from opsconsole.errors import OpsconsoleError
from opsconsole.model.causes import WINDOW
from opsconsole.model.incidents import Incident
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.written.typed_time import TypedTimeError, end_of, moment_of
from opsconsole.render.incident.report import markdown
from opsconsole.render.ink import figures
from opsconsole.ui.options import ExportRequest


@dataclass(frozen=True, slots=True)
class Report:
    """A report and the default name of its file."""

    text: str
    name: str


def run(arguments: argparse.Namespace) -> int:
    """List incidents, show one, or write a report."""
    number = incident_number(next(iter(arguments.words), None))
    if len(arguments.words) > 1:
        return refused(f"{arguments.what} is of one incident")
    if arguments.what == "export":
        return _export(arguments, number)
    if arguments.what == "show" and number is None:
        return refused("which one? opsconsole incident list names them")
    return listing.run(from_arguments(arguments), number, as_json=arguments.json)


def _export(arguments: argparse.Namespace, number: int | None) -> int:
    """Write the report to a new file, or print it."""
    configuration = from_arguments(arguments)
    now = SystemClock().now()
    if number is not None:
        if arguments.since or arguments.until or arguments.services:
            return refused("an incident has its own time and services: leave out the options")
        report = report_of(configuration, listing.one(configuration, number), now)
        return _write(report, arguments.out)
    try:
        since = None if arguments.since is None else moment_of(arguments.since, now)
        until = end_of(arguments.until or "now", now)
    except TypedTimeError as error:
        return refused(str(error))
    if since is not None and since >= until:
        return refused("--from is not before --to")
    if len(arguments.services) > 1:
        return refused("a report is of one service and what it depends on, or of all")
    for name in arguments.services:
        require_service(configuration.settings, name)
    report = make_report(configuration, since=since, until=until, services=arguments.services)
    return _write(report, arguments.out)


def _write(report: Report, out: Path | None) -> int:
    if out is None:
        sys.stdout.write(report.text)
    else:
        print(f"written: {as_text(write_new(report.text, out))}")
    return 0


def report_of(configuration: Configuration, declared: Incident, now: float) -> Report:
    """The report of an incident, from a while before it was opened until it was closed."""
    until = now if declared.closed_at is None else declared.closed_at
    since = declared.opened_at - WINDOW
    made = make_report(
        configuration, since=since, until=until, services=declared.services, declared=declared
    )
    return Report(made.text, f"{declared.name.lower()}-{figures.date(declared.opened_at)}.md")


def make_report(
    configuration: Configuration,
    *,
    since: float | None,
    until: float,
    services: Sequence[str] = (),
    shown: Snapshot | None = None,
    declared: Incident | None = None,
) -> Report:
    """The report; ``shown`` is what a console has on its screen. Blocks for some seconds."""
    settings = configuration.settings
    clock = SystemClock()
    archive = archive_of(configuration)
    service, others = next(iter(services), ""), tuple(services[1:])
    environment = settings.environment.name
    asked = Asked(until, since, service, environment, clock.now(), others, declared)
    material = Material(
        recorded=archive,
        operations=lambda: operations_of(configuration),
        notes=lambda: notes_of(configuration),
        logs=lambda names, start: excerpts(settings, configuration.base, clock, names, start),
        shown=shown,
    )
    try:
        incident = gather(asked, material)
    finally:
        if archive is not None:
            archive.close()
    main = incident.main
    began = incident.since if main is None else main.began_at
    about = (service or "all") if main is None else main.service
    at = f"{figures.date(began)}-{figures.clock(began).replace(':', '')}"
    return Report(markdown(incident), f"incident-{about}-{at}.md")


def export_to(folder: Path, configuration: Configuration, request: ExportRequest) -> Path:
    """Write the report that a console asks for to a new file. Raises OpsconsoleError."""
    report = make_report(
        configuration,
        since=request.since,
        until=request.until,
        services=(request.service,),
        shown=request.shown,
    )
    stem, taken = report.name.removesuffix(".md"), 1
    while (path := folder / (f"{stem}.md" if taken == 1 else f"{stem}-{taken}.md")).exists():
        taken += 1
    return write_new(report.text, path)


def write_new(text: str, path: Path) -> Path:
    """Write the new file ``path`` whole. Raises OpsconsoleError, as where it is there already."""
    try:
        durable.create(path, text.encode(), 0o600)
    except FileExistsError as error:
        raise OpsconsoleError(f"{path} is there already", remedy="name another file") from error
    except OSError as error:
        raise OpsconsoleError(f"cannot write {path}: {error.strerror}") from error
    return path


def refused(said: str) -> int:
    """Say what is missing; the exit code of it."""
    print(f"opsconsole incident: {said}", file=sys.stderr)
    return EX_USAGE
