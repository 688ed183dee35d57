"""Rolling a Swarm service back by the engine's own rollback, to its previous specification.

Invariant: the engine keeps one specification before the present one, and goes back to that one
only; what it would be is pinned by a digest, so that neither side is ever shown. Where the last
update was itself a rollback, the engine's own or ours, nothing is rolled back.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from opsconsole.model.operation import Step
from opsconsole.operations.drivers.docker.swarm import SwarmDriver, Update, image_of, update_word
from opsconsole.operations.drivers.previous_version import goal_fact
from opsconsole.operations.driving.driver import ObserveError, Outcome, StepOutcome

_FACT = "specification"


class SwarmRollback(SwarmDriver):
    """One update with ``rollback=previous``."""

    _stuck = frozenset({"paused", "rollback_paused"})

    async def observe(self) -> Mapping[str, str]:
        """As of every service, and the specification and image before the present ones."""
        facts = await super().observe()
        previous = self._seen.get("PreviousSpec")
        if update_word(self._seen).startswith("rollback"):
            raise ObserveError(
                f"the last update of Swarm service {self._name} was a rollback",
                remedy="a rollback is never rolled back: deploy the version that is wanted",
                code="rollback-of-rollback",
            )
        if not isinstance(previous, dict):
            raise ObserveError(
                f"Swarm service {self._name} has never been updated, so nothing is before it",
                remedy="deploy the version that is wanted",
            )
        return {
            **facts,
            "image before": image_of(previous),
            _FACT: _digest(self._seen["Spec"]),
            goal_fact(_FACT): _digest(previous),
        }

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """The one update."""
        now, before = facts["image"], facts["image before"]
        images = f"from image {now} to {before}" if now != before else f"image {now} stays"
        summary = f"roll Swarm service {self._name} back to its previous specification ({images})"
        call = Update(int(facts["version"]), specification=facts[goal_fact(_FACT)])
        return (Step(summary, "swarm", str(self._seen["ID"]), call.document()),)

    def goals(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """The specification before the present one."""
        return {_FACT: facts[goal_fact(_FACT)]}

    async def execute(self, step: Step) -> StepOutcome:
        """Ask for the rollback once; the engine itself refuses another version."""
        try:
            seen = await self._service(step.target)
        except ObserveError as error:
            return StepOutcome(Outcome.FAILED, f"nothing was sent: {error}")
        specification = cast(Mapping[str, object], seen["Spec"])
        return await self._update(step, Update.of(step), specification, {"rollback": "previous"})

    def undo(self) -> str:
        """The engine goes back only once."""
        return "deploying the later version again: a rollback is never rolled back"

    def _is_as_wanted(self, seen: Mapping[str, Any], step: Step) -> bool:
        return _digest(seen["Spec"]) == Update.of(step).specification


def _digest(specification: Mapping[str, Any]) -> str:
    text = json.dumps(specification, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
