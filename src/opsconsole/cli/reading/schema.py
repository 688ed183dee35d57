"""``opsconsole schema``: the JSON schema of the configuration or of a runbook, for editors."""

import argparse
import json
import sys

from opsconsole.config.json_schema import runbook_schema, schema


def run(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    made = runbook_schema() if arguments.what == "runbook" else schema()
    json.dump(made, sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 0
