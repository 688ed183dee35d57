"""``opsconsole backups [SERVICE] [--verify] [--json]``: which backups there are, and how they are.

Invariant: looks only. A damaged backup is shown with the reason and never counted as one. Exit 0
when every backup is whole, 1 when one is damaged.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from opsconsole.cli.configuration import Configuration, from_arguments, require_service
from opsconsole.errors import OpsconsoleError
from opsconsole.operations.backups.catalogue import Listed, age_of, backups, verified
from opsconsole.operations.backups.places import store_of
from opsconsole.operations.backups.space import files_text, size_text
from opsconsole.operations.drivers import registry
from opsconsole.zones import written

VERSION: Final = 1
"""The version of the JSON document."""

EXIT_DAMAGED: Final = 1


def run(arguments: argparse.Namespace) -> int:
    """List the backups of one service, or of every service that has some declared."""
    configuration = from_arguments(arguments)
    found = {
        service: _look(configuration, service, every_byte=arguments.verify)
        for service in _services(configuration, arguments.service)
    }
    if arguments.json:
        json.dump(_document(found, every_byte=arguments.verify), sys.stdout, indent=2)
        print()
    else:
        _print(found, every_byte=arguments.verify)
    whole = all(each.whole for _, listed in found.values() for each in listed)
    return 0 if whole else EXIT_DAMAGED


def _services(configuration: Configuration, wanted: str | None) -> list[str]:
    """Services whose backup is kept here: of files or of a volume. Raises OpsconsoleError."""
    services = configuration.settings.services
    if wanted is not None:
        require_service(configuration.settings, wanted)
    having = [
        name
        for name, service in services.items()
        if (made := service.actions.backup) is not None and registry.traits(made).keeps_backups
    ]
    if wanted is not None and wanted not in having:
        raise OpsconsoleError(
            f"{wanted} declares no backup that is kept by the console",
            remedy=f"declare it under services.{wanted}.actions.backup with files or volume",
        )
    return [wanted] if wanted is not None else having


def _look(
    configuration: Configuration, service: str, *, every_byte: bool
) -> tuple[Path, Sequence[Listed]]:
    store = store_of(configuration.settings, service, configuration.base)
    return store.path, (verified if every_byte else backups)(store, service)


def _document(
    found: dict[str, tuple[Path, Sequence[Listed]]], *, every_byte: bool
) -> dict[str, Any]:
    return {
        "version": VERSION,
        "every_byte_compared": every_byte,
        "services": [
            {
                "service": service,
                "folder": str(folder),
                "backups": [{**asdict(each), "whole": each.whole} for each in listed],
            }
            for service, (folder, listed) in found.items()
        ],
    }


def _print(found: dict[str, tuple[Path, Sequence[Listed]]], *, every_byte: bool) -> None:
    for service, (folder, listed) in found.items():
        print(f"{service}  in {folder}")
        for each in listed:
            print(f"  {_line(each, every_byte=every_byte)}")
        if not listed:
            print("  no backups yet")
    if not found:
        print("no service declares a backup")


def _line(listed: Listed, *, every_byte: bool) -> str:
    if not listed.whole:
        return f"{listed.id}  DAMAGED  {listed.fault}"
    state = "verified" if every_byte else "whole"
    parts = [
        f"{listed.id}  {state:<8} {written(listed.created_ns / 1e9)}",
        f"{age_of(listed):>7} old",
        f"{size_text(listed.size):>9}",
        files_text(listed.files),
    ]
    if listed.left_out:
        parts.append(f"{listed.left_out} left out")
    if listed.fuzzy or listed.running:
        parts.append("changed or running while it was copied")
    return "  ".join(parts)
