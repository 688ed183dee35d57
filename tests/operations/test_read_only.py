"""Read-only: whatever asks, nothing but GET leaves and nothing is written outside the state folder.

What is tried comes from the program itself: its kinds of actions, its command line and its
runner. ``tests/ui/test_read_only.py`` has its keys and its palette.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from opsconsole.cli.commands import build_parser
from opsconsole.cli.main import main
from opsconsole.cli.parsing import Parser
from opsconsole.config.loader import load
from opsconsole.model.operation import (
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    OperationState,
    Plan,
    Step,
)
from opsconsole.operations.journal.records import Intent
from opsconsole.operations.planning.declared import digest, find
from opsconsole.operations.who import whoami
from tests.operations.everything import outside, requests_of, uncovered, write
from tests.operations.place import Place, refused
from tests.operations.recording_server import RecordingServer

Serve = Callable[[], RecordingServer]

_ANSWERS = {
    "service": "web", "services": "web", "backup": "latest", "to": "2", "name": "purge",
    "alert": "ServiceDown",
    "matchers": 'alertname="ServiceDown"', "id": "1111", "duration": "1h", "what": "verify",
    "text": "handover", "files": "compose.yaml",
}  # fmt: skip
_APART = {
    "demo": "serves a fleet of its own, and ends only when it is told to",
    "record": "looks until it is told to end: tests/engine/recording",
    "watch": "looks until it is told to end: tests/cli/test_watch.py",
    "notify": "sends a message, and changes nothing: tests/cli/test_notify.py",
    "runbook": "its steps that change something: tests/engine and tests/cli",
}


def _commands() -> dict[str, Parser]:
    """Every command that the program's own parser knows."""
    (found,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(found.choices)


def _argv(verb: str, parser: Parser) -> Iterator[list[str]]:
    """The verb with all that it needs, once with ``--yes`` where it has that."""
    words = [verb]
    for action in parser._actions:
        given = _ANSWERS.get(action.dest)
        if not action.option_strings and action.nargs != "?" and given:
            words.append(str(next(iter(action.choices))) if action.choices else given)
        elif action.option_strings and (action.required or action.dest == "duration"):
            assert given is not None, f"say in _ANSWERS what {verb} gets for {action.dest}"
            words += [action.option_strings[0], given]
    options = {option for action in parser._actions for option in action.option_strings}
    words += [each for each in ("--yes", "--json") if each in options]
    yield [*words, *(["--reason", "a test"] if "--reason" in options else [])]
    if verb == "operations":
        yield ["operations", "stop-rollback", "1111"]
    if verb == "backups":
        yield ["backups", "web", "--verify"]


def _lines() -> Iterator[list[str]]:
    for verb, parser in _commands().items():
        if verb not in _APART:
            yield from _argv(verb, parser)


class World:
    """The place, the servers that would see a change, and how all was before."""

    def __init__(self, place: Place, serve: Serve) -> None:
        self.place = place
        self.servers = (serve(), serve())
        write(place, *self.servers)
        self.before = outside(place)

    def check(self) -> None:
        """Nothing was asked for but by GET, and no file is another one."""
        changes = [request for server in self.servers for request in server.changes]
        assert changes == []
        assert outside(self.place) == self.before


@pytest.fixture
def world(place: Place, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> World:
    """All that can be changed, in a folder of its own."""
    monkeypatch.chdir(place.config.parent)
    return World(place, serve)


async def test_every_kind_by_every_door(world: World) -> None:
    settings = load(world.place.config)
    assert uncovered(settings) == set(), "declare it in tests/operations/everything.py"
    closed = world.place.operator(read_only=True)
    for request, only_reads in requests_of(settings):
        answer = await closed.plan(request, None)
        if only_reads:
            assert isinstance(answer, Plan), answer
            continue
        assert refused(answer) == "read-only", request
        forged = _forged(request)
        answered = await closed.perform(forged, Confirmation(request.service, "a test"))
        assert refused(answered) == "read-only", request
    assert closed.operations() == ()
    assert await closed.reconcile() == 0
    for name in ("web", "pager"):
        for view in closed.actions(name):
            assert (view.refusal is None) == (view.name == "look"), view
    world.check()


@pytest.mark.parametrize("how", ["by the flag", "by the file"])
@pytest.mark.parametrize("argv", list(_lines()), ids=" ".join)
def test_every_command(
    argv: list[str], how: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    config = world.place.config
    if how == "by the file":
        text = config.read_text()
        world.place.write("read_only: true\n" + text)
        world.before = outside(world.place)
    flags = {option for a in _commands()[argv[0]]._actions for option in a.option_strings}
    extra = ["--config", str(config)] if "--config" in flags else []
    extra += ["--read-only"] if "--read-only" in flags and how == "by the flag" else []
    code = main([*argv, *extra])
    said = capsys.readouterr()
    if "--yes" in argv and argv[0] != "ack":
        assert code == 2, said
        assert "read-only" in said.out + said.err
    world.check()


async def test_the_runner_refuses_every_kind_itself(world: World) -> None:
    place, settings = world.place, load(world.place.config)
    place.operator()
    journal = place.there.journal()
    place.write("read_only: true\n" + place.config.read_text())
    world.before = outside(place)
    base = str(place.config.parent)
    tried = {}
    for number, (request, only_reads) in enumerate(requests_of(settings)):
        found = find(settings, request.service, request.kind, request.name)
        assert found is not None
        if only_reads:
            continue
        plan, name = _forged(request, str(number)), f"{number:016x}"
        declaration = digest(settings, found)
        intent = Intent(name, plan, whoami(), "", declaration, str(place.config), base)
        place.there.mandates.give(intent)
        journal.submit(intent, plan.created_at)
        tried[name] = request
    code = (
        "import sys\n"
        "from opsconsole.operations.running.runner import run\n"
        "from opsconsole.operations.own_configuration import OwnConfiguration\n"
        "from opsconsole.operations.state_place import place_of\n"
        "state, own = place_of(sys.argv[1]), OwnConfiguration(*sys.argv[2:4])\n"
        "print(sum(run(state, own, each, fresh=True) == 2 for each in sys.argv[4:]))"
    )
    argv = [sys.executable, "-c", code, place.there.name, str(place.config), base, *tried]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert done.stdout.strip() == str(len(tried)), done.stderr
    for name in tried:
        operation = journal.operation(name)
        assert operation is not None
        assert operation.state is OperationState.REFUSED, operation
        assert "read-only" in operation.summary
    journal.close()
    world.check()


def _forged(request: ActionRequest, identity: str = "1") -> Plan:
    """A plan as no planner made it, confirmed by a choice."""
    return Plan(
        identity, request.service, request.kind, request.name, 4e9, "production", "high",
        (Step("touch", "command", "touch", {"argv": ["touch", "touched"]}),), {},
        ConfirmLevel.CHOICE, (), "", parameters=request.parameters,
    )  # fmt: skip
