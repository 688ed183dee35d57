"""What all of the command line's parsing shares: exit codes, options, how wrong usage is reported.

Invariant: imports nothing but the standard library.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

EX_USAGE: Final = 64
EX_CONFIG: Final = 78
EX_UNAVAILABLE: Final = 69
EX_INCOMPLETE: Final = 3
"""Exit code of a command that reads: not everything that was asked for could be read."""

EX_SOFTWARE: Final = 70
"""A fault of the program itself, so that it is not taken for an outcome."""

EX_IOERR: Final = 74
"""What was to be printed could not be written."""

EX_BROKEN_PIPE: Final = 141
"""What a shell reports of a program that SIGPIPE ended."""


class Parser(argparse.ArgumentParser):
    """Exits with EX_USAGE instead of 2, which would read as DOWN or refused."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how it is used, then exit."""
        self.print_usage(sys.stderr)
        self.exit(EX_USAGE, f"{self.prog}: {as_text(message)}\n")


class Unasked(Parser):
    """Stands for every command that is not asked for: none of their words is worked out."""

    def __init__(self) -> None:
        super().__init__(prog="", add_help=False, conflict_handler="resolve")
        self._nothing = argparse.Action([], "")

    def add_argument(self, *_names: Any, **_how: Any) -> argparse.Action:
        """Take nothing."""
        return self._nothing

    def set_defaults(self, **_values: Any) -> None:
        """Take nothing."""


def natural(text: str) -> int:
    """A number of lines or rows. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def as_text(said: object) -> str:
    """What is said, without anything that a terminal acts on: names in it may be a source's."""
    from opsconsole.text import sanitize

    return sanitize(str(said), multiline=True)


def common_options() -> Parser:
    """What the screen takes, and what stands before a command."""
    common = Parser(add_help=False)
    add_config_option(common)
    add_look_options(common)
    return common


def add_config_option(parser: Parser, text: str = "") -> None:
    """What every command that has to do with a configuration takes, before it or after it;
    ``text`` explains it where it is not to be read."""
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=text or "configuration to read: a file or a folder; default: the first found",
    )


def add_read_only_option(parser: Parser) -> None:
    """What a command takes that may change something."""
    parser.add_argument(
        "--read-only",
        action="store_true",
        default=argparse.SUPPRESS,
        help="refuse every change, whatever the configuration says",
    )


def add_look_options(look: Parser) -> None:
    """What the screen of any configuration takes."""
    suppress = argparse.SUPPRESS
    add_read_only_option(look)
    look.add_argument(
        "--wall", action="store_true", default=suppress, help="read-only screen for a wall display"
    )
    look.add_argument(
        "--view", metavar="NAME", default=suppress, help="show only this saved view on the wall"
    )
    look.add_argument(
        "--low-bandwidth", action="store_true", default=suppress, help="fewer colours and repaints"
    )
    look.add_argument("--ascii", action="store_true", default=suppress, help="no box drawing")
    look.add_argument("--theme", metavar="NAME", default=suppress, help="colours to use")


class Commands:
    """Adds commands, each with its description and the options that all of its kind have."""

    def __init__(self, parsers: "argparse._SubParsersAction[Parser]", asked: str) -> None:
        self._parsers, self._asked, self._unasked = parsers, asked, Unasked()

    def add(self, name: str, text: str, *, reads: bool = True, changes: bool = False) -> Parser:
        """A command; ``reads`` a configuration, ``changes`` something unless it is forbidden."""
        if self._asked not in {"", name}:
            return self._unasked
        parser = self._parsers.add_parser(
            name, help=text, description=f"{text[:1].upper()}{text[1:]}."
        )
        # What none of its options explains is said with its own usage.
        parser.set_defaults(parser=parser)
        if reads:
            add_config_option(parser)
        if changes:
            add_read_only_option(parser)
        return parser
