"""``opsconsole operations``: what was done, by whom, with what outcome."""

import argparse
import json
import sys
from datetime import datetime

from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.engine import build_operator
from opsconsole.model.operation import Operation
from opsconsole.render.status_json import operation_document


def run(arguments: argparse.Namespace) -> int:
    """Print the newest operations first."""
    operator = build_operator(from_arguments(arguments))
    operations = operator.operations(limit=arguments.limit)
    if arguments.json:
        documents = [operation_document(operation) for operation in operations]
        json.dump(documents, sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    for operation in operations:
        print(_line(operation))
    if not operations:
        print("no operations yet")
    return 0


def _line(operation: Operation) -> str:
    started = datetime.fromtimestamp(operation.started_at).astimezone()
    name = f" {operation.name}" if operation.name else ""
    return (
        f"{started:%Y-%m-%d %H:%M:%S%z}  {operation.state:<12} {operation.kind}{name} "
        f"{operation.service}  by {operation.who}@{operation.host}  {operation.summary}"
    ).rstrip()
