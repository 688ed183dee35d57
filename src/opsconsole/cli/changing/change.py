"""``opsconsole restart SERVICE …`` and its kin: what is asked for, of one service or of several.

Raises OpsconsoleError for a service that is not there.
"""

import argparse
import asyncio
import sys

from opsconsole.cli.changing import operate, several
from opsconsole.cli.changing.operate import duration_of
from opsconsole.cli.configuration import from_arguments, require_service
from opsconsole.cli.parsing import EX_USAGE
from opsconsole.model.operation import COPIES, OVERRIDING, ActionKind, ActionRequest


def run(arguments: argparse.Namespace) -> int:
    """Carry out one action of each named service."""
    settings, names = from_arguments(arguments).settings, tuple(dict.fromkeys(arguments.services))
    for name in names:
        require_service(settings, name)
    requests = tuple(_request(arguments, name) for name in names)
    if len(requests) == 1:
        return asyncio.run(operate.carry_out(arguments, requests[0]))
    if any(request.instance for request in requests):
        print("opsconsole: --instance is for one service", file=sys.stderr)
        return EX_USAGE
    return asyncio.run(several.carry_out(arguments, requests))


def _request(arguments: argparse.Namespace, service: str) -> ActionRequest:
    parameters = dict(OVERRIDING) if arguments.override else {}
    if arguments.verb in {"restart", "test", "call"} and arguments.instance:
        parameters["instance"] = arguments.instance
    elif arguments.verb == "restart":
        parameters[COPIES] = arguments.copies
    if arguments.verb == "scale":
        parameters["to"] = str(arguments.to)
    if arguments.verb == "restore":
        parameters["backup"] = arguments.backup
    return ActionRequest(
        service=service,
        kind=ActionKind(arguments.verb),
        name=getattr(arguments, "name", ""),
        reason=arguments.reason,
        duration=duration_of(getattr(arguments, "duration", None)),
        parameters=parameters,
    )
