"""The command line: what each word means and which module carries it out.

Invariant: parsing imports nothing but the standard library; a command imports what it needs when
it runs. Wrong usage exits 64 (EX_USAGE), bad configuration 78 (EX_CONFIG), output that cannot be
written 74 (EX_IOERR), a fault of the program 70 (EX_SOFTWARE), so that none of them can be taken
for a state of the fleet.
"""

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from opsconsole.cli.parsing import (
    EX_BROKEN_PIPE,
    EX_CONFIG,
    EX_IOERR,
    EX_SOFTWARE,
    EX_UNAVAILABLE,
    Parser,
    as_text,
    common_options,
)
from opsconsole.errors import ConfigError, OpsconsoleError


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    arguments = _for_the_screen(argv) or _for_a_command(argv)
    module = importlib.import_module(f"opsconsole.cli.{arguments.module}")
    try:
        code: int = module.run(arguments)
        sys.stdout.flush()
    except ConfigError as error:
        print(as_text(error), file=sys.stderr)
        return EX_CONFIG
    except OpsconsoleError as error:
        print(f"opsconsole: {as_text(error)}", file=sys.stderr)
        return EX_UNAVAILABLE
    except BrokenPipeError:
        # Python flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EX_BROKEN_PIPE
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the boundary of the program: a defect has its code
        return _ended_by(error)
    return code


def _ended_by(error: Exception) -> int:
    """Say what ended a command: a full disk below its output, or a fault of the program."""
    if isinstance(error, OSError) and _is_of_the_output(error):
        print(f"opsconsole: the output cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EX_IOERR
    from opsconsole.ui.terminal import crash

    crash.remember(error)
    print(as_text(crash.report()), file=sys.stderr)
    return EX_SOFTWARE


def _is_of_the_output(error: OSError) -> bool:
    """Whether a command failed to print: files have names, and are written elsewhere."""
    trace, ours = error.__traceback__, ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        ours = module if module.startswith("opsconsole.") else ours
        trace = trace.tb_next
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
    return full and error.filename is None and ours.startswith("opsconsole.cli.")


class _Unread(Exception):  # noqa: N818 - not an error: another parser reads it
    """The screen's options alone do not explain the command line."""


class _ScreenParser(Parser):
    def error(self, message: str) -> NoReturn:
        raise _Unread(message)


def _for_the_screen(argv: Sequence[str]) -> argparse.Namespace | None:
    """The arguments where no command is given; the first paint waits for no parser of commands."""
    if argv and not argv[0].startswith("-"):
        return None
    parser = _ScreenParser(parents=[common_options()], add_help=False)
    parser.set_defaults(module="screen", urls=[])
    try:
        return parser.parse_args(argv)
    except _Unread:
        return None


def _joined(argv: Sequence[str]) -> list[str]:
    """A time such as ``-2h`` would be read as an option, unless it is joined to its own."""
    found: list[str] = []
    for word in argv:
        if (
            found
            and found[-1] in {"--from", "--to", "--since"}
            and word[:1] == "-"
            and word[1:2].isdigit()
        ):
            found[-1] = f"{found[-1]}={word}"
        else:
            found.append(word)
    return found


def _for_a_command(argv: Sequence[str]) -> argparse.Namespace:
    from opsconsole.cli.commands import build_parser

    parser = build_parser(argv[0] if argv else "")
    arguments, rest = parser.parse_known_args(_joined(argv))
    if rest:
        vars(arguments).get("parser", parser).error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments
