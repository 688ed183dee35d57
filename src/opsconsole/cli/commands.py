"""Every command with its options.

Invariant: made without importing what carries a command out; ``module`` names it.
"""

import argparse
from pathlib import Path

from opsconsole import VERSION_LINE
from opsconsole.cli.parsing import (
    Parser,
    add_config_option,
    add_look_options,
    add_read_only_option,
    common_options,
)


def build_parser() -> Parser:
    """The whole command line as one parser."""
    common = common_options()
    parser = Parser(
        prog="opsconsole",
        description="One screen for the health, latency, resources and alerts of what you run.",
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=VERSION_LINE)
    parser.set_defaults(module="screen", urls=[])
    # Not named, the program would be worked out by formatting a whole usage.
    parsers = parser.add_subparsers(title="commands", metavar="COMMAND", prog=parser.prog)
    commands = _Commands(parsers)
    _add_reading_commands(commands)
    _add_logs(commands)
    _add_changing_commands(commands)
    _add_alert_commands(commands)
    _add_incident_commands(commands)
    _add_demo(commands)
    return parser


class _Commands:
    """Adds commands, each with its description and the options that all of its kind have."""

    def __init__(self, parsers: "argparse._SubParsersAction[Parser]") -> None:
        self._parsers = parsers

    def add(self, name: str, text: str, *, reads: bool = True, changes: bool = False) -> Parser:
        """A command; ``reads`` a configuration, ``changes`` something unless it is forbidden."""
        parser = self._parsers.add_parser(
            name, help=text, description=f"{text[:1].upper()}{text[1:]}."
        )
        if reads:
            add_config_option(parser)
        if changes:
            add_read_only_option(parser)
        return parser


def _add_reading_commands(commands: "_Commands") -> None:
    status = commands.add(
        "status", "look once, print, exit 0 ok, 1 degraded or missed, 2 down, 3 unknown"
    )
    status.add_argument("services", nargs="*", metavar="SERVICE", help="only these")
    status.add_argument("--json", action="store_true", help="for scripts; versioned")
    status.set_defaults(module="reading.status")

    check = commands.add(
        "check", "check a configuration and the world it names; exit 78 when it is bad"
    )
    check.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="which; as after --config"
    )
    check.add_argument("--offline", action="store_true", help="the file alone, not the world")
    check.add_argument("--json", action="store_true", help="for scripts")
    check.set_defaults(module="reading.check")

    services = commands.add("services", "names of the services, for scripts")
    services.set_defaults(module="reading.services")

    init = commands.add(
        "init", "write a first configuration of what runs here; exit 1 with parts left open"
    )
    init.set_defaults(module="init")

    schema = commands.add("schema", "print the configuration's JSON schema", reads=False)
    schema.add_argument(
        "what", nargs="?", choices=["configuration", "runbook"], help="which; the configuration's"
    )
    schema.set_defaults(module="reading.schema")

    themes = commands.add("themes", "list the themes, with their colours", reads=False)
    themes.add_argument("name", nargs="?", metavar="NAME", help="only this one")
    themes.set_defaults(module="reading.themes")

    operations = commands.add(
        "operations", "what was done, by whom, with what outcome", changes=True
    )
    operations.add_argument(
        "what",
        nargs="?",
        metavar="ID",
        help="this one; or stop-rollback or give-up",
    )
    operations.add_argument(
        "id",
        nargs="?",
        metavar="ID",
        help="after stop-rollback or give-up: of which operation",
    )
    operations.add_argument(
        "--limit", type=int, metavar="N", default=20, help="how many, newest first; 20"
    )
    operations.add_argument("--json", action="store_true", help="for scripts")
    operations.set_defaults(module="changing.operations")

    backups = commands.add("backups", "which backups there are; exit 1 when one is damaged")
    backups.add_argument("service", nargs="?", metavar="SERVICE", help="only of this one")
    backups.add_argument("--verify", action="store_true", help="compare every byte")
    backups.add_argument("--json", action="store_true", help="for scripts; versioned")
    backups.set_defaults(module="reading.backups")

    record = commands.add("record", "record without a screen, until SIGTERM; read-only")
    record.set_defaults(module="record")

    timeline = commands.add("timeline", "what happened, as it was recorded")
    timeline.add_argument(
        "--since", default="2h", metavar="2h", help="how far back, or since when, such as 09:14"
    )
    timeline.add_argument("--service", default="", metavar="SERVICE", help="only of this one")
    timeline.add_argument("--json", action="store_true", help="for scripts; versioned")
    timeline.set_defaults(module="reading.timeline")

    runbook = commands.add(
        "runbook", "list, show or run what is written down to be done", changes=True
    )
    runbook.add_argument("what", choices=["list", "show", "run"], help="what to do")
    runbook.add_argument("name", nargs="?", metavar="NAME", help="which; as list names it")
    runbook.add_argument("--service", metavar="SERVICE", help="for which, of several")
    runbook.add_argument("--yes", action="store_true", help="go on over steps that only read")
    runbook.add_argument("--json", action="store_true", help="for scripts; versioned")
    runbook.set_defaults(module="changing.runbook")

    audit = commands.add("audit", "verify the audit's chain")
    audit.add_argument("what", choices=["verify"], help="look for edits, deletions and swaps")
    audit.set_defaults(module="reading.audit")


def _add_logs(commands: "_Commands") -> None:
    logs = commands.add("logs", "what a service logged, oldest first; exit 3 if not all")
    logs.add_argument("service", metavar="SERVICE", help="whose logs")
    logs.add_argument(
        "--since", metavar="2h", help="how far back, or since when, such as 09:14; all its lines"
    )
    logs.add_argument(
        "--level",
        choices=["debug", "info", "warning", "error", "critical"],
        help="the least; a line without one counts as info",
    )
    logs.add_argument("--grep", metavar="PATTERN", help="what matches; ! in front: what does not")
    logs.add_argument("--context", type=int, default=0, metavar="N", help="lines around a match")
    logs.add_argument("--instance", metavar="NAME", help="this one's, or the log of this name")
    logs.add_argument(
        "--lines", type=int, metavar="N", help="the last N; 1000, or without end after --since"
    )
    logs.add_argument("--follow", "-f", action="store_true", help="go on with what is written")
    logs.add_argument(
        "--json", action="store_true", help="for scripts: an object a line; versioned"
    )
    logs.set_defaults(module="reading.logs")


def _add_changing_commands(commands: "_Commands") -> None:
    verbs = {
        "restart": "restart a service and verify that it is healthy again",
        "degrade": "switch a service to its reduced mode, with a reason and an end",
        "recover": "end a degradation",
        "backup": "back up what the configuration names, and verify it",
        "restore": "restore a verified backup",
        "rollback": "go back to what ran before",
        "scale": "change the number of copies",
        "test": "test a component",
        "call": "call a declared endpoint",
    }
    for verb, text in verbs.items():
        command = commands.add(verb, text, changes=True)
        command.add_argument(
            "service", metavar="SERVICE", help="whose, as the configuration names it"
        )
        _add_operation_options(command)
        _add_verb_options(command, verb)
        command.set_defaults(module="changing.operate", verb=verb)


def _add_alert_commands(commands: "_Commands") -> None:
    texts = {
        "alerts": "what fires now; exit 0 nothing loud, 1 warnings, 2 critical, 3 unknown",
        "silences": "what is silenced, by whom, until when, and how much it hides",
        "ack": "acknowledge one alert until it resolves, for 4 h at most",
        "silence": "silence the alerts that match, until an end",
        "unsilence": "end a silence or an acknowledgement",
    }
    parsers = {
        verb: commands.add(verb, text, changes=verb not in {"alerts", "silences"})
        for verb, text in texts.items()
    }
    for verb, parser in parsers.items():
        parser.set_defaults(module="changing.alerts", verb=verb)
    for verb in ("alerts", "silences"):
        parsers[verb].add_argument("--json", action="store_true", help="for scripts; versioned")
    parsers["silences"].add_argument("--all", action="store_true", help="expired ones too")
    parsers["ack"].add_argument("alert", metavar="ALERT", help="its name or its fingerprint")
    parsers["ack"].add_argument("--for", dest="duration", metavar="2h", help="end it sooner")
    silence = parsers["silence"]
    silence.add_argument("matchers", nargs="+", metavar="MATCHER", help='such as job=~"api|web"')
    silence.add_argument("--for", dest="duration", metavar="2h", help="when it ends; required")
    silence.add_argument("--replace", metavar="ID", help="edit: take the place of this one")
    parsers["unsilence"].add_argument("id", metavar="ID", help="as silences lists it")
    for verb in ("silence", "unsilence"):
        parsers[verb].add_argument("--alertmanager", metavar="NAME", help="which, of several")
    for verb in ("ack", "silence", "unsilence"):
        _add_operation_options(parsers[verb])


def _add_incident_commands(commands: "_Commands") -> None:
    incident = commands.add("incident", "a report for the post-mortem, from what was recorded")
    incident.add_argument("what", choices=["export"], help="write the report as Markdown")
    incident.add_argument(
        "--from", dest="since", metavar="TIME", help="09:14, -2h; default: before the last trouble"
    )
    incident.add_argument("--to", dest="until", metavar="TIME", default="now", help="default: now")
    incident.add_argument(
        "--service", default="", metavar="SERVICE", help="only this one and what it needs"
    )
    incident.add_argument("--out", type=Path, metavar="FILE", help="a new file; default: print it")
    incident.add_argument("--format", choices=["md"], default="md", help="how it is written")
    incident.set_defaults(module="reading.incident")

    note = commands.add("note", "write a note on the timeline of every console", changes=True)
    note.add_argument("text", nargs="+", metavar="WORD", help="what is to be remembered")
    note.add_argument("--service", default="", metavar="SERVICE", help="which it is about")
    note.set_defaults(module="changing.note")


def _add_operation_options(command: Parser) -> None:
    command.add_argument(
        "--reason",
        "--comment",
        dest="reason",
        default="",
        metavar="TEXT",
        help="why; kept in the audit",
    )
    command.add_argument("--yes", action="store_true", help="do not ask; the plan is still checked")
    command.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    command.add_argument("--no-wait", action="store_true", help="return once it is under way")
    command.add_argument("--json", action="store_true", help="for scripts")


def _add_verb_options(command: Parser, verb: str) -> None:
    command.add_argument(
        "--override", action="store_true", help="in spite of a limit or a wait; needs --reason"
    )
    if verb == "degrade":
        command.add_argument("--for", dest="duration", metavar="30m", help="when it ends by itself")
    elif verb == "restore":
        command.add_argument("--backup", metavar="ID", required=True, help="which one")
    elif verb == "scale":
        command.add_argument("--to", type=int, metavar="N", required=True, help="how many copies")
    elif verb in {"test", "call"}:
        command.add_argument("name", metavar="NAME", help="as the configuration names it")
    if verb in {"restart", "test", "call"}:
        which = command.add_mutually_exclusive_group()
        which.add_argument("--instance", metavar="NAME", help="this one alone, not all of them")
        if verb == "restart":
            which.add_argument(
                "--unhealthy",
                dest="copies",
                action="store_const",
                const="unhealthy",
                default="usual",
                help="the copies that are not healthy; so it is where some are and some are not",
            )
            which.add_argument(
                "--all", dest="copies", action="store_const", const="all", help="every copy"
            )


def _add_demo(commands: "_Commands") -> None:
    demo = commands.add("demo", "try the console on a live fleet of its own", reads=False)
    add_look_options(demo)
    demo.add_argument(
        "--scenario",
        default="incident",
        metavar="NAME",
        help="which faults to play; 'calm' is none",
    )
    demo.add_argument(
        "--headless", action="store_true", help="serve the fleet only; print its configuration file"
    )
    demo.add_argument("--state-dir", type=Path, metavar="FOLDER", help="where it keeps its files")
    demo.set_defaults(module="demo")
