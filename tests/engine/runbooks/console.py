"""A console that begins the operation of a runbook and then only lives: ``CONFIG RUNBOOK STEP``.

It says ``started`` once the operation is under way, to be killed at any moment after that.
"""

import sys
import time
from pathlib import Path

from opsconsole.cli.configuration import Configuration
from opsconsole.cli.engine import build_engine
from opsconsole.config.loader import load
from opsconsole.model.asked.questions import Perform, PlanFor, RunRunbook
from opsconsole.model.operation import Confirmation, Operation, Plan
from opsconsole.model.runbooks.runs import RunbookAnswer, RunbookRequest, RunbookVerb


def main() -> None:
    """Begin, say so, and wait for the end."""
    path = Path(sys.argv[1])
    engine = build_engine(Configuration(load(path), path, path.parent, read_only=False))
    engine.start()
    time.sleep(0.5)
    request = RunbookRequest(sys.argv[2], "shop", RunbookVerb.RUN, sys.argv[3])
    answer = engine.ask(RunRunbook(request)).result(20)
    assert isinstance(answer, RunbookAnswer), answer
    assert answer.plan is not None
    plan = engine.ask(PlanFor(answer.plan)).result(20)
    assert isinstance(plan, Plan), plan
    operation = engine.ask(Perform(plan, Confirmation("shop", "a test"))).result(20)
    assert isinstance(operation, Operation), operation
    print("started", operation.id, flush=True)
    time.sleep(60)


if __name__ == "__main__":
    main()
