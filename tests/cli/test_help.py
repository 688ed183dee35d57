"""The help of commands: what each does, what each word of it is, no option without effect."""

import argparse
from collections.abc import Iterator

import pytest

from opsconsole.cli.commands import build_parser

SCREEN = {"--wall", "--low-bandwidth", "--ascii", "--theme"}
CHANGES = {
    "restart", "degrade", "recover", "backup", "restore", "rollback", "scale", "test", "call",
    "ack", "silence", "unsilence", "operations", "runbook", "note", "watch",
}  # fmt: skip
WITHOUT_CONFIGURATION = {"schema", "themes", "demo"}


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


COMMANDS = dict(commands())


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {text for action in parser._actions for text in action.option_strings}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_word_of_it_is_explained(name: str) -> None:
    parser = COMMANDS[name]
    assert parser.description
    assert parser.description[0].isupper()
    for action in parser._actions:
        assert action.help, action.dest
        assert action.option_strings or action.metavar or action.choices, action.dest
        assert action.nargs == 0 or action.metavar or action.choices, action.dest
    assert parser.description in parser.format_help().replace("\n", " ")


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_is_where_it_does_something(name: str) -> None:
    has = options(COMMANDS[name])
    assert bool(has & SCREEN) is (name == "demo")
    assert ("--read-only" in has) is (name in CHANGES or name == "demo")
    assert ("--config" in has) is (name not in WITHOUT_CONFIGURATION)
    assert ("--override" in has) is (
        name in CHANGES - {"ack", "silence", "unsilence", "operations", "runbook", "note", "watch"}
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_asked_for_is_understood_as_by_the_whole(name: str) -> None:
    (alone,) = (
        each.choices
        for each in build_parser(name)._actions
        if isinstance(each, argparse._SubParsersAction)
    )
    assert list(alone) == [name]
    assert alone[name].format_help() == COMMANDS[name].format_help()
    assert alone[name]._defaults["module"] == COMMANDS[name]._defaults["module"]


def test_what_is_no_command_is_refused_by_all_of_them() -> None:
    assert build_parser("--theme").format_help() == build_parser().format_help()


def test_init_says_which_file_it_writes() -> None:
    said = " ".join(COMMANDS["init"].format_help().split())
    assert "file to write" in said
    assert "opsconsole.yaml here" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_no_two_words_of_a_command_are_written_alike(name: str) -> None:
    actions = [each for each in COMMANDS[name]._actions if not each.option_strings]
    words = [each.metavar or each.dest for each in actions]
    assert len(words) == len(set(words))


REQUIRED = {
    "check": [], "status": [], "services": [], "operations": [], "backups": [], "record": [],
    "timeline": [], "alerts": [], "silences": [], "logs": ["shop"], "runbook": ["list"],
    "audit": ["verify"], "state": ["prepare"], "incident": ["export"], "note": ["a"],
    "restart": ["shop"],
    "degrade": ["shop"], "recover": ["shop"], "backup": ["shop"], "rollback": ["shop"],
    "restore": ["shop", "--backup", "x"], "scale": ["shop", "--to", "2"], "test": ["shop", "x"],
    "call": ["shop", "x"], "import": ["x"], "ack": ["x"], "silence": ["a=b"], "unsilence": ["x"],
    "notify": ["test"],
    "maintenance": ["list"],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - WITHOUT_CONFIGURATION))
@pytest.mark.parametrize("option", ["-c", "--config"])
def test_the_configuration_is_named_before_or_after_any_command(name: str, option: str) -> None:
    words = REQUIRED.get(name, [])
    before = build_parser().parse_args([option, "a.yaml", name, *words])
    after = build_parser().parse_args([name, *words, option, "a.yaml"])
    assert str(before.config) == str(after.config) == "a.yaml"
    assert before.module == after.module
