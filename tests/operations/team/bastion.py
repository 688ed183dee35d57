"""One bastion: a console that restarts one service without a pause, and looks at it meanwhile.

``python -m tests.operations.team.bastion NAME CONFIG FOLDER KEY CONNINFO TERMS URL`` says what it
does, a line each: ``runner PID OPERATION``, ``begun OPERATION``, ``refused CODE``. Its runners are
processes of their own, as real ones are; they are forked, which is quicker than an interpreter.
"""

import asyncio
import contextlib
import os
import random
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    Operation,
    Plan,
    Refusal,
)
from opsconsole.operations import spawn
from opsconsole.operations.locks.lease import TERMS, Terms
from opsconsole.operations.locks.locks import Held
from opsconsole.operations.operator import Operator
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.postgresql_place import PostgresqlPlace
from opsconsole.operations.running.runner import run
from opsconsole.operations.state_place import StatePlace

QUICK: Final = Terms(renew_every=0.5, lasts=4.0, begins_within=2.0)
"""Terms by which much goes wrong in little time."""

_Given = tuple[str, Path, str]


def say(*words: object) -> None:
    """One line, written whole."""
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


def place_of(given: _Given, terms: Terms) -> PostgresqlPlace:
    """The state, with connections of this process alone."""
    conninfo, folder, key = given
    return PostgresqlPlace(conninfo, folder, key, terms=terms)


def start_by_forking(given: _Given, terms: Terms) -> None:
    """Have runners be forked; promises are kept by nobody here."""

    def start(
        task: spawn.Task,
        state: StatePlace,
        own: OwnConfiguration,
        operation: str = "",
        *,
        hand_over: Sequence[Held] = (),
    ) -> None:
        if task == "keep":
            return
        grants = [held.grant for held in hand_over]
        pid = os.fork()
        if pid == 0:
            code = 1
            with contextlib.suppress(BaseException):
                place = place_of(given, terms)
                mine = place.locks.inherit(grants)
                code = run(place, own, operation, fresh=task == "run", held=mine)
                for each in mine:
                    each.release()
            os._exit(code)
        for given_over in hand_over:
            given_over.handed_over()
        say("runner", pid, operation)

    spawn.start = start


async def work(operator: Operator, name: str, is_enough: Callable[[], bool]) -> None:
    """Resume what others left, and restart the service again and again, until it is enough."""
    number = 0
    while True:
        _reap()
        await operator.reconcile()
        if is_enough():
            await asyncio.sleep(0.2)
            continue
        number += 1
        reason = f"{name}-{os.getpid()}-{number}"
        request = ActionRequest("web", ActionKind.RESTART, reason=reason)
        plan = await operator.plan(request, None)
        answer: Operation | Refusal | None = None
        if isinstance(plan, Plan):
            answer = await operator.perform(plan, Confirmation("web", reason))
        said = plan if isinstance(plan, Refusal) else answer
        if isinstance(said, Refusal):
            say("refused", said.code, said)
        elif said is not None:
            say("begun", said.id)
        await asyncio.sleep(random.uniform(0.05, 0.4))


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def look(name: str, url: str) -> None:
    """Look at the service, whatever becomes of the state."""
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/health?by={name}", timeout=2).close()
        time.sleep(0.2)


def main(arguments: Sequence[str]) -> None:
    """Be a bastion until it is killed."""
    name, config, folder, key, conninfo, quick, url = arguments
    terms = QUICK if quick == "quick" else TERMS
    given = (conninfo, Path(folder), key)
    settings = load(Path(config))
    threading.Thread(target=look, args=(name, url), daemon=True).start()
    start_by_forking(given, terms)
    operator = Operator(
        settings,
        base=Path(config).parent,
        clock=SystemClock(),
        read_only=False,
        state=place_of(given, terms),
        config_path=Path(config),
    )
    asyncio.run(work(operator, name, (Path(config).parent / "enough").exists))


if __name__ == "__main__":
    main(sys.argv[1:])
