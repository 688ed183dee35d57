"""No argument of a command reaches the terminal as it is, whatever script it came from."""

import argparse
import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.cli.commands import build_parser
from opsconsole.cli.main import main

HOSTILE = "(\x1b]52;c;QQ==\x07\u202e\x9b31m"
ENDLESS = frozenset({"demo", "record", "watch", "init"})
"""What writes files, or does not end by itself."""

PLAIN = {
    "service": "web",
    "services": "web",
    "to": "1",
    "alert": "ApiDown",
    "duration": "5m",
    "text": "x",
    "matcher": "a=b",
}


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Every command with something hostile in one place at a time."""
    (commands,) = [
        each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction)
    ]
    for name, parser in commands.choices.items():
        if name in ENDLESS:
            continue
        free = [each for each in parser._actions if each.nargs != 0 and each.dest != "help"]
        needed = [each for each in free if each.required or not each.option_strings]
        for action in free:
            words = [name]
            for each in dict.fromkeys((*needed, action)):
                value = HOSTILE if each is action else _plain(each)
                words += [*each.option_strings[-1:], value] if each.option_strings else [value]
            yield f"{name} {action.dest}", words


def _plain(action: argparse.Action) -> str:
    return next(iter(action.choices)) if action.choices else PLAIN.get(action.dest, "x")


CASES = dict(_commands())


def test_there_are_many() -> None:
    assert len(CASES) > 40


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "opsconsole.yaml"
    path.write_text("services: {web: {instances: ['http://127.0.0.1:9']}}\ndocker: []\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("case", CASES)
def test_nothing_a_terminal_acts_on_is_printed(
    case: str, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with contextlib.suppress(SystemExit):
        main(["-c", str(config), *CASES[case]])
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert not {char for char in "\x1b\x07\x9b\u202e" if char in text}, text
