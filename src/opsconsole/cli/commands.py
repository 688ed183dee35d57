"""Every command with its options.

Invariant: made without importing what carries a command out; ``module`` names it.
"""

from pathlib import Path
from typing import Final

from opsconsole import VERSION_LINE
from opsconsole.cli.parsing import (
    Commands,
    Parser,
    add_config_option,
    add_look_options,
    common_options,
    natural,
)
from opsconsole.cli.people_commands import add_people_commands


def build_parser(asked: str = "") -> Parser:
    """The command line as one parser: whole, or of the one command that is ``asked`` for."""
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
    commands = Commands(parsers, asked)
    for add in (
        _add_reading_commands, _add_unattended_commands, _add_first_configurations, _add_logs,
        _add_changing_commands, _add_alert_commands, add_people_commands, _add_remedies, _add_demo,
    ):  # fmt: skip
        add(commands)
    # What is no command is refused by the parser that knows them all.
    return parser if parsers.choices else build_parser()


def _add_reading_commands(commands: Commands) -> None:
    status = commands.add(
        "status", "look once and print; exit 0 ok, 1 degraded or missed, 2 down, 3 unknown"
    )
    status.add_argument("services", nargs="*", metavar="SERVICE", help="only these")
    status.add_argument("--json", action="store_true", help="for scripts; versioned")
    status.set_defaults(module="reading.status")

    check = commands.add(
        "check",
        "check a configuration and everything that it names; exit 0 good, 1 warnings, 2 something "
        "named is not there or does not answer, 78 it cannot be used",
    )
    check.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="the same as --config FILE"
    )
    check.add_argument(
        "--offline", action="store_true", help="check the file alone, contact nothing"
    )
    check.add_argument("--json", action="store_true", help="for scripts")
    check.set_defaults(module="reading.check")

    services = commands.add("services", "print the names of the services, for scripts")
    services.set_defaults(module="reading.services")

    schema = commands.add("schema", "print the configuration's JSON schema", reads=False)
    schema.add_argument(
        "what",
        nargs="?",
        choices=["configuration", "runbook"],
        help="whose schema; default: the configuration's",
    )
    schema.set_defaults(module="reading.schema")

    themes = commands.add("themes", "list the themes, with their colours", reads=False)
    themes.add_argument("name", nargs="?", metavar="NAME", help="only this one")
    themes.set_defaults(module="reading.themes")

    operations = commands.add(
        "operations", "list what was done, by whom, and with what outcome", changes=True
    )
    operations.add_argument(
        "what",
        nargs="?",
        metavar="ID|stop-rollback|give-up",
        help="show this one; or what to do with the one that follows",
    )
    operations.add_argument(
        "id",
        nargs="?",
        metavar="ID-TO-STOP",
        help="the operation that stop-rollback or give-up is about",
    )
    operations.add_argument(
        "--limit", type=natural, metavar="N", default=20, help="list the newest N; default: 20"
    )
    operations.add_argument("--json", action="store_true", help="for scripts")
    operations.set_defaults(module="changing.operations")

    backups = commands.add("backups", "list the backups; exit 1 if one is damaged")
    backups.add_argument("service", nargs="?", metavar="SERVICE", help="only of this service")
    backups.add_argument("--verify", action="store_true", help="compare every byte")
    backups.add_argument("--json", action="store_true", help="for scripts; versioned")
    backups.set_defaults(module="reading.backups")

    timeline = commands.add("timeline", "print the timeline, as it was recorded")
    timeline.add_argument(
        "--since", default="2h", metavar="2h", help="how far back, or a time such as 09:14"
    )
    timeline.add_argument("--service", default="", metavar="SERVICE", help="only of this service")
    timeline.add_argument("--json", action="store_true", help="for scripts; versioned")
    timeline.set_defaults(module="reading.timeline")

    runbook = commands.add("runbook", "list, show or run a runbook", changes=True)
    runbook.add_argument("what", choices=["list", "show", "run"], help="what to do")
    runbook.add_argument("name", nargs="?", metavar="NAME", help="the runbook, as list names it")
    runbook.add_argument(
        "--service", metavar="SERVICE", help="the service to run it for, if it is for several"
    )
    runbook.add_argument(
        "--yes", action="store_true", help="do not ask before steps that only read"
    )
    runbook.add_argument("--json", action="store_true", help="for scripts; versioned")
    runbook.set_defaults(module="changing.runbook")

    audit = commands.add("audit", "verify the chain of the audit")
    audit.add_argument("what", choices=["verify"], help="look for edited, deleted and swapped rows")
    audit.set_defaults(module="reading.audit")

    state = commands.add("state", "make, share or fill the state in a PostgreSQL")
    state.add_argument(
        "what",
        choices=["prepare", "grant", "migrate"],
        help="make its tables; let a role use them; bring in what the state folder has",
    )
    state.add_argument("role", nargs="?", metavar="ROLE", help="grant: who, as PostgreSQL names it")
    state.add_argument("--act", action="store_true", help="grant: to act too, not to look alone")
    state.set_defaults(module="changing.state")


def _add_unattended_commands(commands: Commands) -> None:
    record = commands.add("record", "record without a screen until SIGTERM; read-only")
    record.set_defaults(module="record")

    watch = commands.add(
        "watch", "watch, record and notify people without a screen until SIGTERM", changes=True
    )
    watch.set_defaults(module="watch")

    notify = commands.add("notify", "send a test to those whom watch notifies; exit 1 if one fails")
    notify.add_argument("what", choices=["test"], help="send everybody a message that is a test")
    notify.add_argument("receivers", nargs="*", metavar="RECEIVER", help="only these")
    notify.set_defaults(module="notify")


def _level(word: str) -> str:
    """A level in any case, and by its usual short name."""
    return {"warn": "warning", "err": "error"}.get(word.lower(), word.lower())


def _add_first_configurations(commands: Commands) -> None:
    init = commands.add(
        "init",
        "write a first configuration of what runs here; exit 1 if parts are left open",
        reads=False,
    )
    add_config_option(
        init,
        "file to write, or to compare if it is there; default: the first found, else "
        "opsconsole.yaml here",
    )
    init.set_defaults(module="init")

    imported = commands.add(
        "import",
        "write a first configuration of what files of other programs say; exit 1 if parts are "
        "left open",
        reads=False,
    )
    imported.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a Compose file, prometheus.yml, alertmanager.yml, rules, or a Grafana dashboard",
    )
    add_config_option(
        imported,
        "file to write, or to compare if it is there; default: the first found, else "
        "opsconsole.yaml here",
    )
    imported.add_argument("--service", metavar="NAME", help="whose panels the dashboards have")
    imported.add_argument(
        "--strict", action="store_true", help="write nothing if a part is not understood"
    )
    imported.set_defaults(module="import_files")


def _add_logs(commands: Commands) -> None:
    logs = commands.add(
        "logs", "print a service's logs, oldest first; exit 3 if some could not be read"
    )
    logs.add_argument("service", metavar="SERVICE", help="the service whose logs to read")
    logs.add_argument(
        "--since",
        metavar="2h",
        help="how far back, or a time such as 09:14; without a limit of lines",
    )
    logs.add_argument(
        "--level",
        type=_level,
        choices=["debug", "info", "warning", "error", "critical"],
        help="this level and above; a line without a level is info",
    )
    logs.add_argument(
        "--grep", metavar="PATTERN", help="lines that match; with ! in front, lines that do not"
    )
    logs.add_argument(
        "--context", type=natural, default=0, metavar="N", help="show N lines around each match"
    )
    logs.add_argument(
        "--instance", metavar="NAME", help="only this instance, or the log of this name"
    )
    logs.add_argument(
        "--lines",
        "-n",
        type=natural,
        metavar="N",
        help="the last N lines; default: 1000, or all with --since",
    )
    logs.add_argument("--follow", "-f", action="store_true", help="keep printing new lines")
    logs.add_argument(
        "--json", action="store_true", help="for scripts: one object per line; versioned"
    )
    logs.set_defaults(module="reading.logs")


_OF_SEVERAL: Final = frozenset({"restart", "degrade", "recover", "backup", "rollback", "scale"})


def _add_changing_commands(commands: Commands) -> None:
    verbs = {
        "restart": "restart a service and verify that it is healthy again",
        "degrade": "switch a service to its reduced mode, with a reason and an end",
        "recover": "end a degradation",
        "backup": "back up a service, and verify the backup",
        "restore": "restore a verified backup",
        "rollback": "roll back to what ran before",
        "scale": "change the number of copies of a service",
        "test": "test a component of a service",
        "call": "call a declared endpoint of a service",
    }
    for verb, text in verbs.items():
        command = commands.add(verb, text, changes=True)
        several = verb in _OF_SEVERAL
        command.add_argument(
            "services",
            nargs="+" if several else 1,
            metavar="SERVICE",
            help="whose, as the configuration names it"
            + ("; of several one after the other" if several else ""),
        )
        _add_operation_options(command)
        _add_verb_options(command, verb)
        command.set_defaults(module="changing.change", verb=verb)


def _add_alert_commands(commands: Commands) -> None:
    texts = {
        "alerts": "list what fires; exit 0 nothing loud, 1 warnings, 2 critical, 3 unknown",
        "silences": "list silences: by whom, until when, and how much each hides",
        "ack": "acknowledge an alert until it resolves, for at most 4 h",
        "silence": "silence the alerts that match, for a time",
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
    parsers["silences"].add_argument("--all", action="store_true", help="include expired ones")
    parsers["ack"].add_argument("alert", metavar="ALERT", help="the alert's name or fingerprint")
    parsers["ack"].add_argument(
        "--for", dest="duration", metavar="2h", help="how long, if shorter than 4 h"
    )
    silence = parsers["silence"]
    silence.add_argument("matchers", nargs="+", metavar="MATCHER", help='such as job=~"api|web"')
    silence.add_argument(
        "--for", dest="duration", metavar="2h", help="how long it lasts; needed by start"
    )
    silence.add_argument("--replace", metavar="ID", help="replace this silence with the new one")
    parsers["unsilence"].add_argument("id", metavar="ID", help="the silence, as silences lists it")
    for verb in ("silence", "unsilence"):
        parsers[verb].add_argument(
            "--alertmanager", metavar="NAME", help="which Alertmanager, if there are several"
        )
    for verb in ("ack", "silence", "unsilence"):
        _add_operation_options(parsers[verb])


def _add_remedies(commands: Commands) -> None:
    remedies = commands.add(
        "remedies", "show what is done by itself, check and judge it, or switch it off"
    )
    remedies.add_argument(
        "what",
        nargs="?",
        choices=["list", "check", "report", "off", "on", "close"],
        default="list",
        help="check looks once and says what would be done; close closes a breaker; default: list",
    )
    remedies.add_argument("name", nargs="?", metavar="NAME", help="for close: the remedy")
    remedies.add_argument(
        "--since", default="7d", metavar="7d", help="how far back a report looks; default: 7d"
    )
    remedies.add_argument(
        "--reason", default="", metavar="TEXT", help="why; everybody sees it; needed by close"
    )
    remedies.add_argument("--json", action="store_true", help="for scripts; versioned")
    remedies.set_defaults(module="changing.remedies")


def _add_operation_options(command: Parser) -> None:
    command.add_argument(
        "--reason",
        "--comment",
        dest="reason",
        default="",
        metavar="TEXT",
        help="why; recorded in the audit",
    )
    command.add_argument(
        "--yes", action="store_true", help="do not ask for confirmation; the plan is still checked"
    )
    command.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    command.add_argument("--no-wait", action="store_true", help="return as soon as it has begun")
    command.add_argument("--json", action="store_true", help="for scripts")


def _add_verb_options(command: Parser, verb: str) -> None:
    command.add_argument(
        "--override", action="store_true", help="override a limit or a waiting time; needs --reason"
    )
    if verb == "degrade":
        command.add_argument(
            "--for",
            dest="duration",
            metavar="30m",
            help="how long it lasts before it ends by itself",
        )
    elif verb == "restore":
        command.add_argument("--backup", metavar="ID", required=True, help="the backup to restore")
    elif verb == "scale":
        command.add_argument("--to", type=int, metavar="N", required=True, help="how many copies")
    elif verb in {"test", "call"}:
        command.add_argument("name", metavar="NAME", help="as the configuration names it")
    if verb in {"restart", "test", "call"}:
        which = command.add_mutually_exclusive_group()
        which.add_argument("--instance", metavar="NAME", help="only this instance")
        if verb == "restart":
            which.add_argument(
                "--unhealthy",
                dest="copies",
                action="store_const",
                const="unhealthy",
                default="usual",
                help="only the copies that are not healthy; the default if some are healthy",
            )
            which.add_argument(
                "--all", dest="copies", action="store_const", const="all", help="every copy"
            )


def _add_demo(commands: Commands) -> None:
    demo = commands.add("demo", "try the console on a live fleet of its own", reads=False)
    add_look_options(demo)
    demo.add_argument(
        "--scenario",
        default="incident",
        metavar="NAME",
        help="which faults to simulate; calm has none",
    )
    demo.add_argument(
        "--headless",
        action="store_true",
        help="run the fleet without the console, and print its configuration",
    )
    demo.add_argument("--state-dir", type=Path, metavar="FOLDER", help="where to keep its files")
    demo.add_argument(
        "--kubernetes",
        nargs="?",
        const="",
        metavar="CONTEXT",
        help="show what runs in a cluster of the kubeconfig as well, and change nothing of it",
    )
    demo.set_defaults(module="demo")
