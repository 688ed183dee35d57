"""``opsconsole runbook list``, ``show NAME`` and ``run NAME``: a runbook without the screen.

Invariant: steps go the same way as on the screen, through the engine. ``--yes`` answers for what
only reads; an operation is always shown as a plan and confirmed by a person. Exit codes of ``run``:
0 finished and all is well, 1 a step failed, 2 refused or left, 3 inconclusive.
"""

import argparse
import json
import sys

from opsconsole.cli.configuration import Configuration, from_arguments, require_service
from opsconsole.clock import SystemClock
from opsconsole.config.runbooks.files import Runbooks, load_runbooks
from opsconsole.errors import ConfigError, OpsconsoleError
from opsconsole.model.runbooks.runbook import Runbook, RunbookView, viewed, worded
from opsconsole.model.runbooks.runs import RunbookRun
from opsconsole.render.runbooks import step_lines


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked."""
    configuration = from_arguments(arguments)
    loaded = load_runbooks(configuration.settings, configuration.base)
    for problem in loaded.problems:
        print(problem, file=sys.stderr)
    if arguments.what == "list":
        return _list(configuration, loaded, as_json=arguments.json)
    found = _found(loaded, arguments.name)
    service = _service(found, arguments.service, configuration)
    environment = configuration.settings.environment_of(service).name
    view = worded(viewed(found), service, environment)
    if arguments.what == "show":
        return _show(view, service, as_json=arguments.json)
    from opsconsole.cli.changing.runbook_running import carry_out

    return carry_out(configuration, view, service, yes=arguments.yes)


def _found(loaded: Runbooks, name: str | None) -> Runbook:
    """The runbook called ``name``. Raises ConfigError or OpsconsoleError."""
    if name is None:
        raise OpsconsoleError("name a runbook", remedy="opsconsole runbook list names them")
    found = next((each for each in loaded.runbooks if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in loaded.runbooks)
        there = f"there are: {known}" if known else "there is none"
        if loaded.problems:
            raise ConfigError((f"no sound runbook is called {name}; {there}",))
        raise OpsconsoleError(f"no runbook is called {name}", remedy=there)
    return found


def _service(runbook: Runbook, named: str | None, configuration: Configuration) -> str:
    """The service to run it for: the one named, else its only one. Raises OpsconsoleError."""
    if named is not None:
        require_service(configuration.settings, named)
        if runbook.services and named not in runbook.services:
            known = ", ".join(runbook.services)
            raise OpsconsoleError(f"{runbook.name} is not for {named}", remedy=f"it is for {known}")
        return named
    if len(runbook.services) > 1:
        known = ", ".join(runbook.services)
        raise OpsconsoleError(
            f"{runbook.name} is for several services", remedy=f"add --service, one of {known}"
        )
    return runbook.services[0] if runbook.services else ""


def _list(configuration: Configuration, loaded: Runbooks, *, as_json: bool) -> int:
    from opsconsole.engine.runbooks.run_store import RunStore
    from opsconsole.operations.state_place import place_from, scope_of

    scope = scope_of(configuration.settings, configuration.path)
    book = RunStore(place_from(configuration.settings), SystemClock(), scope)
    runs = book.runs()
    book.close()
    if as_json:
        document = {
            "version": 1,
            "runbooks": [
                {
                    "name": each.name,
                    "title": each.title,
                    "services": list(each.services),
                    "when": list(each.when),
                    "steps": len(each.steps),
                    "runs": [_run_document(run) for run in runs if run.runbook == each.name],
                }
                for each in loaded.runbooks
            ],
            "problems": [str(problem) for problem in loaded.problems],
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print_list(loaded, runs)
    return 78 if loaded.problems else 0


def _print_list(loaded: Runbooks, runs: tuple[RunbookRun, ...]) -> None:
    if not loaded.runbooks:
        print("no runbooks: write one as a YAML file in runbooks/ beside the configuration")
    width = max((len(each.name) for each in loaded.runbooks), default=0)
    for each in loaded.runbooks:
        whom = ", ".join(each.services)
        print(f"{each.name:<{width}}  {each.title}" + (f" ({whom})" if whom else ""))
        for going in runs:
            if going.runbook == each.name and going.open:
                at = going.next.id if going.next else "its end"
                whose = f"{going.who}@{going.host}"
                print(f"{'':<{width}}  ▶ under way for {going.service}: at {at}, by {whose}")


def _run_document(run: RunbookRun) -> dict[str, object]:
    return {
        "id": run.id, "service": run.service, "who": run.who, "host": run.host,
        "began_at": run.began_at, "ended_at": run.ended_at,
        "outcome": str(run.outcome) if run.outcome else None,
        "steps": [{"id": step.id, "state": str(step.state), "said": step.said}
                  for step in run.steps],
    }  # fmt: skip


def _show(view: RunbookView, service: str, *, as_json: bool) -> int:
    if as_json:
        steps = [
            {"id": step.id, "kind": str(step.kind), "title": step.title, "does": step.does,
             "text": step.text, "optional": step.optional, "on_failure": str(step.on_failure),
             "changes": step.changes}
            for step in view.steps
        ]  # fmt: skip
        document = {
            "version": 1, "name": view.name, "title": view.title, "purpose": view.purpose,
            "service": service, "when": list(view.when), "steps": steps,
        }  # fmt: skip
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    print(f"{view.title}" + (f" · {service}" if service else ""))
    if view.purpose:
        print(view.purpose)
    if view.when:
        print(f"when: {', '.join(view.when)}")
    for number, step in enumerate(view.steps, 1):
        for line in step_lines(number, step):
            print(line)
    return 0
