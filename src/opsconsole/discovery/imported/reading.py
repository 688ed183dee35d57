"""Files of other programs that are imported together: what each is, and all of it as one draft.

Invariant: pure but for reading the files, each a regular one of bounded size. Compose files come
first, then what is scraped, then what is looked at, whatever the order in which they are given,
because the later ones say more of services that the earlier ones name.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, assert_never

from opsconsole.config.files.opening import FileError, read_text
from opsconsole.config.files.other_formats import Foreign, foreign
from opsconsole.config.files.problems import Position
from opsconsole.config.files.yaml_tree import Tree, TreeError, read_tree
from opsconsole.discovery.finding import fit
from opsconsole.discovery.imported import alerting, compose, dashboards, scraping
from opsconsole.discovery.imported.drafting import Drafting, File
from opsconsole.errors import OpsconsoleError
from opsconsole.model.written.draft import Draft
from opsconsole.text import sanitize

_WHAT: Final = (
    "a Compose file, a prometheus.yml, a file of rules, an alertmanager.yml, or the JSON of a "
    "Grafana dashboard"
)


def read_files(paths: Sequence[Path], service: str = "") -> Draft:
    """What ``paths`` say; dashboards say it of ``service`` if one is named.

    Raises OpsconsoleError with the first file that is none of those that are understood.
    """
    files = [(_kind_of(file, path), file) for path in paths for file in (_read(path),)]
    if service and fit(service, "") != service:
        raise OpsconsoleError(
            f"{sanitize(service, limit=80)} is no name of a service",
            remedy="take letters, digits, dots and dashes",
        )
    drafting = Drafting()
    composed = [file for kind, file in files if kind is Foreign.COMPOSE]
    if composed:
        compose.read(drafting, composed)
    for wanted in (Foreign.PROMETHEUS, Foreign.ALERTMANAGER, Foreign.RULES, Foreign.DASHBOARD):
        for kind, file in files:
            if kind is wanted:
                _take(drafting, kind, file, service)
    return drafting.draft()


def _take(drafting: Drafting, kind: Foreign, file: File, service: str) -> None:
    match kind:
        case Foreign.COMPOSE:
            pass  # all of them together
        case Foreign.PROMETHEUS:
            scraping.read(drafting, file)
        case Foreign.ALERTMANAGER:
            alerting.read(drafting, file)
        case Foreign.RULES:
            alerting.read_rules(drafting, file)
        case Foreign.DASHBOARD:
            dashboards.read(drafting, file, service)
        case _:
            assert_never(kind)


def _read(path: Path) -> File:
    where, name = sanitize(str(path)), sanitize(path.name)
    try:
        text = read_text(path).text
    except FileError as error:
        raise OpsconsoleError(f"{where} {error.message}", remedy=error.remedy) from error
    if text.lstrip().startswith("{"):
        try:
            value = json.loads(text)
            # What cannot be written as text could not be written into a configuration.
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise OpsconsoleError(f"{where} is no JSON: {sanitize(str(error))}") from error
        return File(name, Tree(value, {(): Position(where)}))
    try:
        return File(name, read_tree(text, where))
    except TreeError as error:
        raise OpsconsoleError(str(error.problems[0])) from error


def _kind_of(file: File, path: Path) -> Foreign:
    kind = foreign(file.tree.value)
    if kind is None:
        raise OpsconsoleError(
            f"{file.name} is nothing that can be imported", remedy=f"import {_WHAT}"
        )
    return kind
