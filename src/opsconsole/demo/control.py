"""The fleet's control from a command line: `python -m opsconsole.demo.control --socket S …`.

Invariant: exit code 0 means that it happened; after `start` and `restart`, that the process
answers. Everything else is 1, with the reason on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from opsconsole.demo.channel import ChannelError, Message, ask
from opsconsole.demo.faults import KINDS

TIMEOUT_S: Final = 60.0


def main(argv: Sequence[str] | None = None) -> int:
    """Send one command to the supervisor and return the exit code."""
    options = vars(_parser().parse_args(argv))
    socket: Path = options.pop("socket")
    message = _message({name: value for name, value in options.items() if value is not None})
    try:
        reply = ask(socket, message, TIMEOUT_S)
    except ChannelError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(_said(options, reply) + "\n")
    return 0


def _said(options: Message, reply: Message) -> str:
    """The whole status as JSON; of another command, one line for each process it was about."""
    if options["do"] == "status":
        return json.dumps({name: value for name, value in reply.items() if name != "ok"})
    members = reply.get("members")
    about = [
        f"{name} runs as pid {member['pid']}" if member.get("pid") else f"{name} does not run"
        for name, member in (members.items() if isinstance(members, dict) else ())
        if options.get("name") in (name, member.get("service"))
    ]
    return ", ".join(about) or "done"


def _message(options: Message) -> Message:
    """The command as the supervisor understands it; a fault's fields go into one object."""
    if options["do"] != "fault":
        return options
    head = {name: options.pop(name) for name in ("do", "name")}
    return {**head, "fault": options}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="opsconsole.demo.control")
    parser.add_argument("--socket", type=Path, required=True, help="the supervisor's socket")
    verbs = parser.add_subparsers(dest="do", required=True)
    verbs.add_parser("status", help="what runs")
    for verb in ("restart", "start", "stop", "crash"):
        verbs.add_parser(verb).add_argument("name", help="a service or an instance")
    fault = verbs.add_parser("fault", help="make something go wrong inside a process")
    fault.add_argument("name", help="a service or an instance")
    fault.add_argument("kind", choices=KINDS)
    fault.add_argument("--component")
    fault.add_argument("--state", choices=("down", "degraded"))
    fault.add_argument("--message")
    fault.add_argument("--factor", type=float, help="latency: how many times slower")
    fault.add_argument("--over", type=float, dest="over_s", help="latency: within so many seconds")
    fault.add_argument("--rate", type=float, help="errors: which share of requests fails")
    return parser


if __name__ == "__main__":
    sys.exit(main())
