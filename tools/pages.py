"""The pages and files that are made from the program: ``python -m tools.pages``.

Invariant: what is written depends on the program alone, so that a second run changes nothing.
"""

import argparse
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import shtab
from argparse_manpage.manpage import Manpage

from opsconsole import __version__
from opsconsole.cli.commands import build_parser
from opsconsole.config.json_schema import runbook_schema, schema
from tools.configuration_page import reference
from tools.keys_page import key_reference

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
_SERVICES: Final = {
    "bash": """
_opsconsole_services() {
  compgen -W "$(opsconsole services 2>/dev/null)" -- "$1"
}
""",
    "zsh": """
_opsconsole_services() {
  local -a names
  names=(${(f)"$(opsconsole services 2>/dev/null)"})
  compadd -a names
}
""",
}


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def documented() -> argparse.ArgumentParser:
    """The command line as people use it, each argument with how it is completed."""
    parser = build_parser()
    for each in parsers(parser):
        for action in each._actions:
            complete = _completion(action)
            if complete is not None:
                action.complete = complete  # type: ignore[attr-defined]
    return parser


def _completion(action: argparse.Action) -> object:
    """What shtab reads off an argument; None for what is not completed."""
    if action.metavar == "SERVICE":
        return dict.fromkeys(("bash", "zsh"), "_opsconsole_services")
    return shtab.FILE if action.type is Path else None


def completion(shell: str) -> str:
    """The completion of a shell; the names of services are asked for as one types."""
    made: str = shtab.complete(documented(), shell, preamble=_SERVICES)  # type: ignore[arg-type]
    return made.rstrip() + "\n"


def manual() -> str:
    """The manual page, without the day on which it was made."""
    os.environ["COLUMNS"] = "80"
    page = str(Manpage(documented()))
    title = f'.TH OPSCONSOLE 1 "" "opsconsole {__version__}" "User Commands"'
    page = re.sub(r"\A\.TH.*", title.replace("\\", "\\\\"), page)
    page = page.replace(".SH NAME\nopsconsole", ".SH NAME\nopsconsole \\- operations console", 1)
    return page.rstrip() + "\n" + _MORE


_MORE: Final = """.SH FILES
The configuration is looked for in \\fB$OPSCONSOLE_CONFIG\\fR, \\fI./opsconsole.yaml\\fR, the XDG
configuration folder and \\fI/etc/opsconsole/\\fR.
.SH EXIT STATUS
64 for wrong usage, 78 for a configuration that cannot be used, 69 for what cannot be reached.
\\fBstatus\\fR: 0 ok, 1 degraded or missed, 2 down, 3 unknown.
\\fBlogs\\fR: 0 all was read, 3 not all.
.br
Changes: 0 verified, 1 failed, 2 refused, 3 inconclusive.
"""


PAGES: Final[dict[Path, Callable[[], str]]] = {
    DOCS / "keys.md": key_reference,
    DOCS / "configuration.md": lambda: reference(schema()),
    DOCS / "opsconsole.schema.json": lambda: _json(schema()),
    DOCS / "runbook.schema.json": lambda: _json(runbook_schema()),
    DOCS / "man/opsconsole.1": manual,
    DOCS / "completion/opsconsole.bash": lambda: completion("bash"),
    DOCS / "completion/_opsconsole": lambda: completion("zsh"),
}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write what has changed."""
    for path, make in PAGES.items():
        text = make()
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
