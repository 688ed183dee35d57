"""``opsconsole schema``: the configuration's JSON schema, for editors."""

import argparse
import json
import sys

from opsconsole.config.json_schema import schema


def run(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    del arguments
    json.dump(schema(), sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 0
