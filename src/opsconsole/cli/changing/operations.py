"""``opsconsole operations``: what was done, by whom, with what outcome.

``operations stop-rollback ID`` keeps the automatic rollback after operation ID from being begun:
exit 0 stopped, 2 refused, as when there is none that waits.
"""

import argparse
import asyncio
import json
import sys
import time
from datetime import datetime

from opsconsole.cli.changing.operate import refused
from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.engine import build_operator
from opsconsole.cli.parsing import EX_USAGE
from opsconsole.model.operation import Operation, Refusal
from opsconsole.operations.operator import Operator
from opsconsole.render.json.status import operation_document


def run(arguments: argparse.Namespace) -> int:
    """Print the newest operations first, or stop a rollback."""
    if arguments.what is not None and not arguments.id:
        print("opsconsole: say which operation: opsconsole operations", file=sys.stderr)
        return EX_USAGE
    operator = build_operator(from_arguments(arguments))
    try:
        return _stop(operator, arguments) if arguments.what else _list(operator, arguments)
    finally:
        operator.close()


def _list(operator: Operator, arguments: argparse.Namespace) -> int:
    operations = operator.operations(limit=arguments.limit)
    if operator.unread:
        print(f"opsconsole: left out: {operator.unread}", file=sys.stderr)
    if arguments.json:
        documents = [operation_document(operation) for operation in operations]
        json.dump(documents, sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    for operation in operations:
        print(_line(operation))
    if not operations:
        print(operator.fault or "no operations yet")
    return 0


def _stop(operator: Operator, arguments: argparse.Namespace) -> int:
    answer = asyncio.run(operator.stop_rollback(arguments.id))
    if isinstance(answer, Refusal):
        return refused(answer, as_json=arguments.json)
    if arguments.json:
        json.dump(operation_document(answer), sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print(f"{answer.service}: the rollback after {answer.kind} {answer.id} is stopped")
    return 0


def _line(operation: Operation) -> str:
    started = datetime.fromtimestamp(operation.started_at).astimezone()
    name = f" {operation.name}" if operation.name else ""
    return (
        f"{started:%Y-%m-%d %H:%M:%S%z}  {operation.state:<12} {operation.kind}{name} "
        f"{operation.service}  by {operation.who}@{operation.host}  {operation.summary}"
        f"{_rollback(operation)}"
    ).rstrip()


def _rollback(operation: Operation) -> str:
    if operation.rollback_at is not None:
        left = max(0.0, operation.rollback_at - time.time())
        stop = f"opsconsole operations stop-rollback {operation.id}"
        return f"  [rolls back by itself in {left:.0f} s; {stop}]"
    return f"  [automatic rollback: {operation.rollback}]" if operation.rollback else ""
