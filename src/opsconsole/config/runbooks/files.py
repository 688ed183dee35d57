"""Runbooks beside the configuration: reading a folder of YAML files into what can be run.

Invariant: a runbook that is given out refers only to services, actions and figures that the
configuration has; one that does not is left out, and every reason is reported with its position.
One bad file affects no other.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from opsconsole.config.files.problems import Position, Problem, did_you_mean, in_order
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass

if TYPE_CHECKING:
    from opsconsole.model.runbooks.runbook import Runbook

FOLDER: Final = "runbooks"
"""Beside the configuration, unless ``runbooks:`` names another."""

FILES: Final = 500


@dataclass(frozen=True, slots=True)
class Runbooks:
    """Those that can be run, by name, and what is wrong with the others."""

    runbooks: "tuple[Runbook, ...]" = ()
    problems: tuple[Problem, ...] = ()


def folder_of(settings: Settings, base: Path) -> Path:
    """Where the runbooks of ``settings`` are; ``base`` is the configuration's folder."""
    return base / Path(settings.runbooks or FOLDER).expanduser()


def load_runbooks(settings: Settings, base: Path) -> Runbooks:
    """Read the folder of ``settings``; none where there is no folder."""
    folder = folder_of(settings, base)
    found: list[Runbook] = []
    problems: list[Problem] = []
    if not folder.is_dir():
        if settings.runbooks is not None:
            position = Position(str(folder))
            problems.append(Problem.at(position, (), "there is no such folder of runbooks"))
        return Runbooks((), (*problems, *_unknown_names(settings, (), folder)))
    paths = sorted(item for item in folder.glob("*.yaml") if not item.name.startswith("."))
    if len(paths) > FILES:
        message = f"{len(paths)} files; at most {FILES} are read"
        problems.append(Problem.at(Position(str(folder)), (), message))
    if paths:
        # Of no use to the many configurations without a runbook, and slow to import.
        from opsconsole.config.runbooks.reading import read_runbook
    for path in paths[:FILES]:
        runbook, wrong = read_runbook(path, settings)
        problems.extend(wrong)
        if runbook is not None and not wrong:
            found.append(runbook)
    problems.extend(_unknown_names(settings, [path.stem for path in paths], folder))
    return Runbooks(tuple(found), in_order(problems))


def _unknown_names(settings: Settings, known: Iterable[str], folder: Path) -> list[Problem]:
    """Names of runbooks that services give and that do not exist."""
    names = list(known)
    return [
        Problem.at(
            Position(str(folder)),
            ("services", service, "runbooks"),
            f"no runbook is called {name!r}",
            did_you_mean(name, names),
        )
        for service, each in settings.services.items()
        for name in each.runbooks
        if name not in names
    ]
