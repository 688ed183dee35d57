"""The commands of what people share: incidents, the hand-over, notes, announced work.

Invariant: made without importing what carries a command out; ``module`` names it.
"""

from pathlib import Path
from typing import Final

from opsconsole.cli.parsing import Commands

DONE_IN_ONE: Final = (
    "open", "join", "command", "role", "status", "severity", "add", "note", "close",
)  # fmt: skip
"""What is done in an incident, as the console's own line has it."""


def add_people_commands(commands: Commands) -> None:
    """Add them."""
    _add_incident(commands)
    _add_maintenance(commands)
    handover = commands.add(
        "handover", "look once, and write everything that is open now as Markdown"
    )
    handover.add_argument("--out", type=Path, metavar="FILE", help="write a new file")
    handover.set_defaults(module="reading.handover")

    note = commands.add("note", "write a note on the timeline of every console", changes=True)
    note.add_argument("text", nargs="+", metavar="WORD", help="the text of the note")
    note.add_argument(
        "--service", default="", metavar="SERVICE", help="the service that it is about"
    )
    note.set_defaults(module="changing.note")


def _add_incident(commands: Commands) -> None:
    incident = commands.add(
        "incident",
        "open an incident, say what is done in it, list or show them, or write a report",
    )
    incident.add_argument(
        "what",
        choices=["list", "show", "export", *DONE_IN_ONE],
        metavar="WHAT",
        help="list and show read them; open begins one; join, command, role, status, severity, "
        "add, note and close are said in the one of that number; export writes a report for the "
        "post-mortem as Markdown",
    )
    incident.add_argument(
        "words",
        nargs="*",
        metavar="NUMBER | WORD",
        help="for open: the title; else the incident, as list names it, and what is said; an "
        "export without one is of a span of time",
    )
    incident.add_argument(
        "--from",
        dest="since",
        metavar="TIME",
        help="such as 09:14 or -2h; default: just before the last trouble",
    )
    incident.add_argument("--to", dest="until", metavar="TIME", help="default: now")
    incident.add_argument(
        "--service",
        dest="services",
        action="append",
        default=[],
        metavar="SERVICE",
        help="for open and add: what it is about, as often as wanted; for export: only this "
        "service and what it depends on",
    )
    incident.add_argument(
        "--severity",
        choices=["critical", "major", "minor"],
        help="for open; default: major",
    )
    incident.add_argument(
        "--out", type=Path, metavar="FILE", help="write a new file; default: print the report"
    )
    incident.add_argument("--format", choices=["md"], default="md", help="the format of the report")
    incident.add_argument("--json", action="store_true", help="for scripts; versioned")
    incident.set_defaults(module="changing.incident")


def _add_maintenance(commands: Commands) -> None:
    work = commands.add(
        "maintenance", "announce work on services: their alerts are quiet, nothing acts by itself"
    )
    work.add_argument("what", choices=["start", "end", "list"], help="what to do")
    work.add_argument(
        "services",
        nargs="*",
        metavar="SERVICE",
        help="for start: which, or all; for end: the service, or the id that list prints",
    )
    work.add_argument("--for", dest="duration", metavar="2h", help="how long it lasts; required")
    work.add_argument(
        "--reason",
        default="",
        metavar="TEXT",
        help="what is done; everybody sees it; needed by start",
    )
    work.add_argument("--json", action="store_true", help="for scripts; versioned")
    work.set_defaults(module="changing.maintenance")
