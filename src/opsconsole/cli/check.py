"""``opsconsole check``: every problem of a configuration, at once.

Invariant: imports neither Textual nor the Docker SDK; prints no secret; exit 0 when the
configuration can be used, 78 when not.
"""

import argparse
import json
import os
from pathlib import Path

from opsconsole.cli.main import EX_CONFIG
from opsconsole.config.loader import find, load
from opsconsole.config.settings import Settings
from opsconsole.errors import ConfigError


def run(arguments: argparse.Namespace) -> int:
    """Check the file named, else the one that would be used."""
    path = find(arguments.file, os.environ)
    if path is None:
        print("no configuration found: the console would show this host; nothing to check")
        return 0
    try:
        settings = load(path)
    except ConfigError as error:
        _report(path, error.problems, None, as_json=arguments.json)
        return EX_CONFIG
    _report(path, (), settings, as_json=arguments.json)
    return 0


def _report(
    path: Path, problems: tuple[str, ...], settings: Settings | None, *, as_json: bool
) -> None:
    if as_json:
        document = {"file": str(path), "valid": not problems, "problems": list(problems)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for problem in problems:
        print(problem)
    if settings is None:
        print(f"{path}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")
        return
    instances = sum(len(service.instances) for service in settings.services.values())
    print(f"{path}: good; {len(settings.services)} services, {instances} instances")
